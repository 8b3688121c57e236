"""One task of a farm job on this host: a stage in a process of its own, with a time limit, retries and its outcome on record.

Engines count in minutes and know only exit codes; this counts in seconds and says why. The stage itself may be killed at any moment
(:mod:`vfx_deepfake.steps`); nothing here needs to be put right afterwards. Its process dies with this one, so that an engine that kills
the worker never leaves a stage behind that holds the shot.

Exit codes are those of the command line: 0 done, 2 the artist can fix it (never tried again), 75 try again later or elsewhere, 1 our bug.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vfx_deepfake.errors import EXIT_ARTIST, EXIT_BUG, EXIT_DONE, EXIT_RETRY
from vfx_deepfake.farm.outcome import FarmTask, farm_task, write_outcome
from vfx_deepfake.files import WAIT_VARIABLE
from vfx_deepfake.frames import format_frames, parse_frames
from vfx_deepfake.naming import RULES_VARIABLE

PUT_DOWN_S = 20.0  # a stage that is asked to stop ends within a frame or a step; shorter than any engine's own patience
PAUSE_S = 2.0  # before the second attempt, doubled for each further one
PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Limits:
    """timeout_s: of one attempt. retries: attempts after the first."""

    timeout_s: float
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How one attempt ended: exit code as the command line has them, and one line of why."""

    code: int
    why: str = ""


def tell(line: str) -> None:
    """Print a line at once: engines read progress while the task runs."""
    print(line, flush=True)


def work(words: Sequence[str], limits: Limits, *, path_mapping: str = "", say: Callable[[str], None] = tell) -> Ended:
    """Run one stage until it is done, can't be done, or has used up its attempts.

    words: stage, shot file and the stage's options, as on the command line. path_mapping: file with Open Job Description rules; empty
    for none. say: takes one line of the log. The outcome is written beside the shot's work (:mod:`vfx_deepfake.farm.outcome`).
    Raises: KeyboardInterrupt when this process is asked to stop, after the stage has put its work down.
    """
    words = native_frames(words)
    task = farm_task(words)
    environment = {**os.environ, WAIT_VARIABLE: str(limits.timeout_s)}
    if path_mapping:
        environment[RULES_VARIABLE] = path_mapping
    attempt = 1
    try:
        while True:
            write_outcome(task, state="running", attempt=attempt)
            began = time.monotonic()
            ended = _attempt(words, task, limits.timeout_s, environment, say)
            if ended.code in (EXIT_DONE, EXIT_ARTIST) or attempt > limits.retries:
                break
            say(f"openjd_status: {task}: attempt {attempt} failed: {ended.why}; trying again")
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
            attempt += 1
    except KeyboardInterrupt:
        write_outcome(task, state="stopped", why="stopped by the farm or by hand", attempt=attempt)
        raise
    state = "done" if ended.code == EXIT_DONE else "failed"
    seconds = round(time.monotonic() - began, 2)
    write_outcome(task, state=state, why=ended.why, exit_code=ended.code, attempt=attempt, seconds=seconds)
    if ended.code != EXIT_DONE:
        say(f"openjd_fail: {task}: {ended.why}")
    return ended


def native_frames(words: Sequence[str]) -> list[str]:
    """The words with ``--frames`` in this program's range grammar; Open Job Description writes ``1001-1009:2`` and ``1001-1001``.

    Raises: ShotError for what is no range.
    """
    told = ["", *words[:-1]]
    return [
        format_frames(parse_frames(word.replace(":", "x"), "--frames")) if before == "--frames" else word
        for before, word in zip(told, words, strict=True)
    ]


def _attempt(words: Sequence[str], task: FarmTask, timeout_s: float, environment: dict[str, str],
             say: Callable[[str], None]) -> Ended:  # fmt: skip
    command = [sys.executable, "-m", "vfx_deepfake", *words, "--progress", "openjd"]
    stage = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                             env=environment, start_new_session=True, preexec_fn=_die_with_parent(os.getpid()))  # fmt: skip
    log = Log(task, stage.stdout or (), say)
    log.start()
    try:
        code = stage.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _stop(stage)
        return Ended(
            EXIT_RETRY,
            f"took longer than {timeout_s:g} s on {socket.gethostname()}; raise [farm] limits or take smaller chunks",
        )
    except KeyboardInterrupt:
        _stop(stage)
        raise
    finally:
        log.join(PUT_DOWN_S)
    return _ended(code, log.last_word)


def _ended(code: int, last_word: str) -> Ended:
    if code < 0:
        name = signal.Signals(-code).name
        return Ended(EXIT_RETRY, f"killed by {name} on {socket.gethostname()}; out of memory, or somebody stopped it")
    known = code if code in (EXIT_DONE, EXIT_ARTIST, EXIT_RETRY) else EXIT_BUG
    return Ended(
        known, "" if known == EXIT_DONE else last_word or f"ended with exit code {code} on {socket.gethostname()}"
    )


def _die_with_parent(parent: int) -> Callable[[], None]:
    """For the new process: die when the one that started it dies, however it dies."""

    def arrange() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(EXIT_RETRY)

    return arrange


def _stop(stage: subprocess.Popen[str]) -> None:
    """Ask the stage to put its work down, then end it."""
    for number, patience in ((signal.SIGTERM, PUT_DOWN_S), (signal.SIGKILL, None)):
        try:
            os.killpg(stage.pid, number)
            stage.wait(patience)
            return
        except ProcessLookupError:
            stage.wait()
            return
        except subprocess.TimeoutExpired:
            continue


class Log(threading.Thread):
    """The stage's log as the farm gets it: every line says shot, step and frames; lines for the engine keep their form."""

    def __init__(self, task: FarmTask, stream: Iterable[str], say: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self._task, self._stream, self._say = task, stream, say
        self._own = f"vfx-deepfake {task.stage}: "
        self.last_word = ""  # what the stage said last in its own name: why it failed

    def run(self) -> None:
        """Pass lines on until the stage closes its end."""
        for line in self._stream:
            text = self.passed_on(line.rstrip("\n"))
            if text:
                self._say(text)

    def passed_on(self, line: str) -> str:
        """One line as the farm gets it; empty for what the worker says itself at the end."""
        if line.startswith(self._own):
            self.last_word = line.removeprefix(self._own)
        if line.startswith("openjd_fail:"):
            return ""
        if line.startswith("openjd_status: "):
            return f"openjd_status: {self._task}: {line.removeprefix('openjd_status: ')}"
        return line if line.startswith("openjd_") else f"[{self._task}] {line}"
