"""Stages of a shot in the background of Nuke: progress with cancel, a log, a message at the end; or sent to a farm."""

from __future__ import annotations

import atexit
import threading
import time
from typing import Any, Callable, Sequence

import nuke

from vfx_deepfake_nuke.config import load_config
from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.nodes import shot_file
from vfx_deepfake_nuke.process import Job, describe
from vfx_deepfake_nuke.talk import reported, tell

STAGES = ("track", "train", "mattes", "render", "review", "qc", "version", "run")
WATCH_S = 0.2  # between two looks at the cancel button
RUNNING: list[Job] = []


def run(node: Any, stage: str = "run") -> Job:
    """Do one stage of the node's shot, or with ``run`` all of them, here and in the background. Returns the job.

    Raises: PluginError for an unknown stage, or where the shot is busy in this Nuke already.
    """
    if stage not in STAGES:
        raise PluginError("'{}' is no stage; choose one of {}.".format(stage, ", ".join(STAGES)))
    return start([stage, shot_file(node)], stage)


def submit(node: Any, farm: str = "") -> Job | None:
    """Send the node's shot to a farm; asks which one where the config names none. Returns the job, None when cancelled."""
    farm = (
        farm
        or load_config().farm
        or (nuke.getInput("Farm: slurm, deadline-cloud, deadline10, opencue, tractor, openjd", "") or "")
    )
    if not farm:
        return None
    return start(["submit", shot_file(node), "--farm", farm], "submit to " + farm)


def start(arguments: Sequence[str], title: str, show: Callable[[dict], None] | None = None) -> Job:
    """Run a command in the background, with Nuke's own progress bar; ``show`` gets its answer in the main thread.

    Raises: PluginError where the same shot has a job already, or the command can't be started.
    """
    busy = [job for job in RUNNING if job.arguments[1] == arguments[1]]
    if busy:
        raise PluginError(f"'{busy[0].name}' is still running for this shot; wait for it or cancel it.")
    bar = _Bar(title)
    job = Job(arguments, bar.show, lambda job: _ended(job, bar, show), title)
    RUNNING.append(job)
    try:
        job.start()
    except PluginError:
        RUNNING.remove(job)
        raise
    bar.watch(job)
    return job


def _ended(job: Job, bar: _Bar, show: Callable[[dict], None] | None) -> None:
    RUNNING.remove(job)
    bar.close()
    nuke.executeInMainThread(_say_end, args=(job, show))


@reported
def _say_end(job: Job, show: Callable[[dict], None] | None) -> None:
    """The message at the end."""
    if job.cancelled:
        tell(f"{job.name}: cancelled. What was finished stays; start it again to go on.")
    elif job.code:
        tell(f"{job.name}: {job.error}\nLog: {job.log}")
    elif show:
        show(job.result)
    else:
        told = [f"{key}: {value}" for key, value in job.result.items() if isinstance(value, (str, int, float))]
        tell("\n".join([f"{job.name}: finished.", *told[-6:]]))


class _Bar:
    """Nuke's progress bar with its cancel button; without a GUI a line now and then."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._task = nuke.ProgressTask("vfx-deepfake " + title) if nuke.GUI else None

    def show(self, event: dict[str, Any]) -> None:
        """Follow an event."""
        share, text = describe(event)
        if self._task is None:
            nuke.tprint(f"vfx_deepfake {self._title}: {text}")
            return
        self._task.setMessage(text)
        if share is not None:
            self._task.setProgress(share)

    def watch(self, job: Job) -> None:
        """Cancel the job when the artist does."""
        if self._task is not None:
            threading.Thread(target=self._wait, args=(job, self._task), daemon=True).start()

    @staticmethod
    def _wait(job: Job, task: Any) -> None:
        while job.running:
            if task.isCancelled():
                job.cancel()
                return
            time.sleep(WATCH_S)

    def close(self) -> None:
        """Take the bar away."""
        self._task = None


def cancel_all() -> None:
    """Stop every job; when Nuke quits, nobody would read what they say."""
    for job in list(RUNNING):
        job.cancel()


atexit.register(cancel_all)
