"""Pixar Tractor: a job file in its Tcl form (.alf), spooled with ``tractor-spool`` where that is there.

Maps: steps to tasks, chunks to tasks under their step; dependencies to nesting (what a task waits for lies inside it; what several
wait for is written once and referred to by ``Instance``); time limit to ``-maxrunsecs``; "try again later" to ``-retryrc``; GPU to
the service key ``gpu``; licences to ``-tags``; queue to ``-projects``; hold to ``-paused``.
Lossy: a step that waits for a step of another job waits, with its whole job, for that whole job (``-afterjids``); cores become slots
(``-atleast``); a retry after a crash is the worker's own, because Tractor retries by exit code only;
variables become a word ``env NAME=VALUE`` before the command.
Not mapped: memory. Tractor substitutes ``%`` in commands, so a path with ``%`` is refused. Path mapping is not Tractor's ``%D``:
the paths are mapped by [farm].path_map before they are written.

Source: Tractor documentation, Job Scripting and Job Scripting Operators; the attributes of ``tractor.api.author`` commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vfx_deepfake.errors import EXIT_RETRY, FarmError
from vfx_deepfake.farm.backends.commands import last_line, require_plain, run_client
from vfx_deepfake.farm.backends.submitted import Submitted
from vfx_deepfake.farm.decoded import Decoded, Step, Task
from vfx_deepfake.files import write_text
from vfx_deepfake.frames import format_frames
from vfx_deepfake.progress import Progress

SPOOL = "tractor-spool"
SUBSTITUTED = ("%",)
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@^~")
_INDENT = "  "
_JOB_ID = re.compile(
    r"\bjid\W+(\d+)|\bjob\W+(\d+)", re.IGNORECASE
)  # assumed: the spooler's words differ between releases


def submit(decoded: Decoded, *, hold: bool, dry_run: bool, folder: Path, progress: Progress) -> Submitted:
    """Write ``job.alf`` and spool it.

    Raises: FarmError without ``tractor-spool``, or with its own words.
    """
    file = folder / "job.alf"
    text = alf(decoded, hold=hold)
    if dry_run:
        return Submitted({}, (file,))
    write_text(file, text)
    said = run_client([SPOOL, str(file)], f"spool {file} by hand")
    found = _JOB_ID.search(said)
    if not found:
        raise FarmError(f"{SPOOL}: named no job ({last_line(said)}); look for it in Tractor before submitting again")
    held = ("let it go in Tractor: unpause the job",) if hold else ()
    return Submitted({step.name: found.group(1) or found.group(2) for step in decoded.steps}, (file,), held)


def alf(job: Decoded, *, hold: bool = False) -> str:
    """The job file. Lines are for people; Tcl sees lists in braces.

    Raises: FarmError for a path that Tractor would change.
    """
    for step in job.steps:
        require_plain(step, SUBSTITUTED, "Tractor")
    waited_for = {name for step in job.steps for name in step.after}
    ends = [step for step in job.steps if step.name not in waited_for]
    writer = _Writer({step.name: step for step in job.steps}, job.environment)
    others = sorted({number for numbers in job.outside.values() for number in numbers})
    options = {
        "-title": word(job.name),
        **({"-projects": braced([job.queue])} if job.queue else {}),
        **({"-afterjids": braced(others)} if others else {}),
        **({"-paused": "1"} if hold else {}),
    }
    tasks = [line for step in ends for line in writer.step(step)]
    return "\n".join(["##AlfredToDo 3.0", *_operator("Job", [], options, tasks), ""])


def word(text: str) -> str:
    """One Tcl word that reads back as ``text``, whatever is in it; safe inside braces too.

    Each special character gets a backslash; braces behind one do not count, and a line end is written out because Tcl joins
    lines even inside braces.
    """
    if not text:
        return "{}"
    return "".join(char if char in _PLAIN or ord(char) > 127 else _ESCAPES.get(char, "\\" + char) for char in text)


_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def braced(words: Sequence[str]) -> str:
    """A Tcl list of words, in braces."""
    return "{" + " ".join(word(each) for each in words) + "}"


class _Writer:
    """Writes each step once; the second one who waits for it gets an ``Instance``."""

    def __init__(self, steps: Mapping[str, Step], environment: Mapping[str, str]) -> None:
        self._steps, self._written = steps, set[str]()
        self._before = ["env", *(f"{name}={value}" for name, value in environment.items())] if environment else []

    def step(self, step: Step) -> list[str]:
        """The lines of a step with all that it waits for inside."""
        if step.name in self._written:
            return [f"Instance {word(step.name)}"]
        self._written.add(step.name)
        before = [line for name in step.after for line in self.step(self._steps[name])]
        if len(step.tasks) == 1:
            return self._task(step, step.tasks[0], step.name, before)
        chunks = [line for task in step.tasks for line in self._task(step, task, _title(step, task), [])]
        if not before:
            return _operator("Task", [step.name], {}, chunks)
        # the chunks are let go together, when everything before them is done
        inside = [
            *_operator("Task", [f"before {step.name}"], {}, before),
            *_operator("Task", [f"{step.name} frames"], {}, chunks),
        ]
        return _operator("Task", [step.name], {"-serialsubtasks": "1"}, inside)

    def _task(self, step: Step, task: Task, title: str, before: list[str]) -> list[str]:
        needs = step.needs
        options = {
            "-service": braced(["gpu"] if needs.gpus else []),
            "-tags": braced(needs.licences),
            "-atleast": str(needs.cores),
            "-maxrunsecs": str(step.timeout_s),
            "-retryrc": braced([str(EXIT_RETRY)]),
        }
        command = " ".join(
            ["RemoteCmd", braced([*self._before, *task.argv]), *(f"{k} {v}" for k, v in options.items())]
        )
        return _operator("Task", [title], {}, before, [command])


def _title(step: Step, task: Task) -> str:
    return f"{step.name} {format_frames(task.frames)}"


def _operator(
    name: str, words: Sequence[str], options: Mapping[str, str], subtasks: Sequence[str], commands: Sequence[str] = ()
) -> list[str]:
    """One operator over several lines; line ends are blanks inside braces."""
    parts = [name, *map(word, words), *(f"{key} {value}" for key, value in options.items())]
    lines = [" ".join(parts)]
    for key, inside in (("-subtasks", subtasks), ("-cmds", commands)):
        if inside:
            lines[-1] += f" {key} {{"
            lines += [_INDENT + line for line in inside] + ["}"]
    return lines
