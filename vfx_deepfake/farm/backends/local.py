"""``local``: the job on this host, run by openjd-sessions, one task after the other.

Maps: steps in the order of their dependencies, chunks, time limits and cancelation, variables, progress, status and failure lines.

Lossy: host needs are not looked at; it is this host. PATH parameters are this host's own, so there is nothing to map.

Not mapped: hold, queue.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import EXIT_RETRY, FarmError, RetryError
from vfx_deepfake.farm.backends.submitted import Submitted
from vfx_deepfake.farm.decoded import Decoded, Step
from vfx_deepfake.farm.plan import EXTENSIONS
from vfx_deepfake.frames import format_frames
from vfx_deepfake.progress import Progress

WHOLE = 100  # per cent


def submit(decoded: Decoded, *, hold: bool, dry_run: bool, folder: Path, progress: Progress) -> Submitted:
    """Run the job to its end.

    Raises: FarmError naming step, frames and why, where a task fails; RetryError where it may succeed later; FarmError with ``hold``.
    """
    if hold:
        raise FarmError("--hold: a local job runs here and now; leave it out, or submit to an engine with a queue")
    log = folder / "session.log"
    if dry_run:
        return Submitted({}, (log,), ("it would run on this host",))
    with _logged(log):
        _Runner(decoded, log, progress).run()
    return Submitted({}, (log,))


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """Everything that the session says, in a file instead of on the terminal."""
    from openjd.sessions import LOG

    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    before = LOG.propagate, LOG.level
    LOG.addHandler(handler)
    LOG.propagate = False
    LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.propagate, LOG.level = before
        handler.close()


class _Runner:
    """One session, and what its callback last said."""

    def __init__(self, decoded: Decoded, log: Path, progress: Progress) -> None:
        self._decoded, self._log, self._progress = decoded, log, progress
        self._ended = threading.Event()
        self._status: Any = None
        self._tasks_done, self._num_tasks = 0, 1

    def run(self) -> None:
        """Every task of every step, in order; the first that fails ends it."""
        from openjd.model import RevisionExtensions, SpecificationRevision
        from openjd.sessions import Session

        beside = str(Path(sys.executable).parent)  # where pip and rez put vfx-deepfake
        variables = {**self._decoded.environment, "PATH": os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])}
        extensions = RevisionExtensions(spec_rev=SpecificationRevision.v2023_09, supported_extensions=EXTENSIONS)
        with Session(session_id=uuid.uuid4().hex, job_parameter_values=self._decoded.values, callback=self._heard,
                     os_env_vars=variables, revision_extensions=extensions) as session:  # fmt: skip
            for step in self._decoded.steps:
                self._run_step(session, step)

    def _run_step(self, session: Any, step: Step) -> None:
        self._progress.start(step.name, WHOLE, "%")
        self._num_tasks = len(step.tasks)
        for index, (task, values) in enumerate(zip(step.tasks, step.parameter_sets, strict=True)):
            self._tasks_done = index
            self._ended.clear()
            session.run_task(step_script=step.model.script, task_parameter_values=values)
            self._wait(session)
            self._require_success(step, format_frames(task.frames))
        self._progress.finish()

    def _heard(self, session_id: str, status: Any) -> None:
        """Called by the session, in a thread of its own, at every line for the engine and at the end of a task."""
        from openjd.sessions import ActionState

        self._status = status
        if status.state == ActionState.RUNNING:
            share = (self._tasks_done + (status.progress or 0.0) / WHOLE) / self._num_tasks
            self._progress.advance(int(WHOLE * share), status.status_message or "")
        else:
            self._ended.set()

    def _wait(self, session: Any) -> None:
        """Until the task has ended; a request to stop is passed on first."""
        try:
            self._ended.wait()
        except KeyboardInterrupt:
            try:
                session.cancel_action()
            except RuntimeError:
                pass  # it ended by itself at that moment
            self._ended.wait()
            raise

    def _require_success(self, step: Step, frames: str) -> None:
        from openjd.sessions import ActionState

        if self._status.state == ActionState.SUCCESS:
            return
        why = self._status.fail_message or f"ended with {self._status.state.value}, exit code {self._status.exit_code}"
        where = f"{self._decoded.name}, {step.name} {frames}".rstrip()
        text = f"{where}: {why}; the log is {self._log}; submit again to go on where it was"
        raise RetryError(text) if self._status.exit_code == EXIT_RETRY else FarmError(text)
