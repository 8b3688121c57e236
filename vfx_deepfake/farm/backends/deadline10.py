"""Thinkbox Deadline 10: a job a step, submitted through ``deadlinecommand`` one after the other.

Maps: each step to a job of the CommandLine plugin in one batch; chunks to tasks (a task's frame is the first of its chunk, and the
script that goes along as auxiliary file knows how far each goes, so the chunks stay the job's); dependencies to JobDependencies,
whose ids come from the submission before; time limit; retries to the errors after which a task fails; licences to LimitGroups;
queue to Pool; variables to EnvironmentKeyValue; hold to Suspended for the jobs that wait for no other.
Lossy: a job that fails leaves its dependants pending, not failed.
Not mapped: cores, memory and GPUs, which Deadline 10 chooses by pools, groups and machine lists: give [farm].queue a pool that has
them. Path mapping is not Deadline's: the paths are mapped by [farm].path_map before they are written.

Source: Thinkbox Deadline 10 manual, Manual Job Submission; CommandLine plugin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends.commands import first_frames, last_line, run_client, shell_command
from vfx_deepfake.farm.backends.submitted import Submitted
from vfx_deepfake.farm.decoded import Decoded, Step
from vfx_deepfake.files import write_text
from vfx_deepfake.progress import Progress

COMMAND = "deadlinecommand"
SCRIPT_ARGUMENTS = "<QUOTE><AUXFILE0><QUOTE> <STARTFRAME>"


def submit(decoded: Decoded, *, hold: bool, dry_run: bool, folder: Path, progress: Progress) -> Submitted:
    """Write the files of every step and submit the steps in order.

    Raises: FarmError without ``deadlinecommand``, or with its own words and the jobs that were submitted before.
    """
    plugin = folder / "plugin_info.job"
    files = [plugin, *(path for step in decoded.steps for path in _files(folder, step))]
    if dry_run:
        return Submitted({}, tuple(files))
    write_text(plugin, plugin_info())
    ids: dict[str, str] = {}
    for step in decoded.steps:
        info, task_script = _files(folder, step)
        after = [*(ids[name] for name in step.after), *decoded.outside.get(step.name, ())]
        write_text(info, job_info(decoded, step, hold=hold, after=after))
        write_text(task_script, script(decoded, step))
        try:
            said = run_client(
                [COMMAND, str(info), str(plugin), str(task_script)], f"submit the files in {folder} by hand"
            )
            ids[step.name] = _job_id(said)
        except FarmError as error:
            waiting = f"; submitted before it: {', '.join(ids.values())}, which may be deleted" if ids else ""
            raise FarmError(f"{step.name}: {error}{waiting}") from error
        progress.say(f"{step.name}: {ids[step.name]}")
    held = [ids[step.name] for step in decoded.steps if not step.after] if hold else []
    return Submitted(ids, tuple(files), tuple(f"let it go with: {COMMAND} ResumeJob {number}" for number in held))


def _files(folder: Path, step: Step) -> tuple[Path, Path]:
    return folder / f"{step.name}.job", folder / f"{step.name}.sh"


def _job_id(said: str) -> str:
    found = re.search(r"^JobID=(\S+)", said, re.MULTILINE)
    if not found:
        raise FarmError(
            f"{COMMAND}: named no job ({last_line(said)}); look for it in the Monitor before submitting again"
        )
    return found.group(1)


def job_info(job: Decoded, step: Step, *, hold: bool, after: Sequence[str]) -> str:
    """The job info file of one step; ``after`` are the ids of the jobs that it waits for.

    Raises: FarmError for a text that one line can't hold.
    """
    values = {
        "Plugin": "CommandLine",
        "Name": f"{job.name} {step.name}",
        "BatchName": job.name,
        "Frames": ",".join(map(str, first_frames(step))),
        "ChunkSize": "1",
        "JobDependencies": ",".join(after),
        "ResumeOnCompleteDependencies": "true" if after else "",
        "TaskTimeoutSeconds": str(step.timeout_s),
        "OnTaskTimeout": "Error",
        "OverrideTaskFailureDetection": "true",
        "FailureDetectionTaskErrors": str(job.retries + 1),
        "LimitGroups": ",".join(step.needs.licences),
        "Pool": job.queue,
        "InitialStatus": "Suspended" if hold and not step.after else "",
    }
    for number, (name, value) in enumerate(job.environment.items()):
        values[f"EnvironmentKeyValue{number}"] = f"{name}={value}"
    return _lines(values)


def plugin_info() -> str:
    """The plugin info file: run the auxiliary script with the task's frame."""
    return _lines(
        {
            "Executable": "/bin/sh",
            "Arguments": SCRIPT_ARGUMENTS,
            "Shell": "default",
            "ShellExecute": "False",
            "SingleFramesOnly": "False",
        }
    )


def script(job: Decoded, step: Step) -> str:
    """The auxiliary script: what to do for the frame that it is given."""
    return f"#!/bin/sh\n# {job.name} {step.name}: the task that begins with frame $1\n{shell_command(step)}\n"


def _lines(values: Mapping[str, str]) -> str:
    """``Key=Value`` lines; what is empty is left out."""
    for key, value in values.items():
        if "\n" in value or "\r" in value:
            raise FarmError(f"Deadline 10 {key}: {value!r} has a line end, which a job file can't hold; rename it")
    return "".join(f"{key}={value}\n" for key, value in values.items() if value)
