"""Command lines of a step in the forms that engines without task parameters take."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from itertools import pairwise

from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.decoded import Decoded, Step

CLIENT_S = 300  # for an answer of an engine's submission program
WHOLE_SHOT = 1  # the one frame that engines count for a step without frames


def first_frames(step: Step) -> list[int]:
    """What names the tasks of a step on engines that count frames: the first frame of each."""
    return [min(task.frames, default=WHOLE_SHOT) for task in step.tasks]


def shell_command(step: Step) -> str:
    """One line of POSIX shell that does the task whose first frame is ``$1``; of a step with one task, its plain command line.

    Engines cut ranges into chunks of their own; listing what the job's chunks are keeps them the job's.
    Raises: FarmError where tasks differ in more than one word.
    """
    if len(step.tasks) == 1:
        return shlex.join(step.tasks[0].argv)
    place = varying_word(step)
    words = [task.argv[place] for task in step.tasks]
    cases = [f"{frame}) set -- {shlex.quote(word)};;" for frame, word in zip(first_frames(step), words, strict=True)]
    argv = step.tasks[0].argv
    command = f'{shlex.join(argv[:place])} "$1" {shlex.join(argv[place + 1 :])}'.rstrip()
    return f'case "$1" in {" ".join(cases)} *) exit 2;; esac; exec {command}'


def varying_word(step: Step) -> int:
    """The place in the command line where the tasks of a step differ: their frames."""
    columns = list(zip(*(task.argv for task in step.tasks), strict=True))
    places = [place for place, words in enumerate(columns) if len(set(words)) > 1]
    if len(places) != 1:
        raise FarmError(f"{step.name}: its tasks differ in {len(places)} words; one is expected, the frames")
    return places[0]


def overrides(job: Decoded) -> list[str]:
    """The ``--set`` texts that every task gets."""
    argv = job.steps[0].tasks[0].argv
    return [after for word, after in pairwise(argv) if word == "--set"]


def run_client(command: Sequence[str], instead: str) -> str:
    """What an engine's own submission program says; ``instead``: what to do without it.

    Raises: FarmError where it is missing, fails, or does not answer.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=CLIENT_S, check=False,
                              stdin=subprocess.DEVNULL)  # fmt: skip
    except FileNotFoundError as error:
        raise FarmError(f"{command[0]}: is not on the PATH of this host; submit where it is, or {instead}") from error
    except subprocess.TimeoutExpired as error:
        raise FarmError(
            f"{command[0]}: no answer after {CLIENT_S} s; is the farm's server up? else {instead}"
        ) from error
    if done.returncode:
        raise FarmError(
            f"{command[0]}: {last_line(done.stderr or done.stdout)} (exit code {done.returncode}); {instead}"
        )
    return done.stdout


def last_line(said: str) -> str:
    """The last line that a program said, which is where they put the reason."""
    return (said.strip().splitlines() or ["it said nothing"])[-1].strip()


def require_plain(step: Step, marks: tuple[str, ...], engine: str) -> None:
    """Raises: FarmError for a command line with characters that the engine would take as its own."""
    for task in step.tasks:
        for word in task.argv:
            found = [mark for mark in marks if mark in word]
            if found:
                shown = " and ".join(repr(mark) for mark in found)
                raise FarmError(
                    f"{step.name}: '{word}' holds {shown}, which {engine} would replace or cut; rename it, or use another farm"
                )
