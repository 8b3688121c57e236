"""Jobs for the panel: what another thread hears from ``vfx-deepfake`` arrives in the window's own thread as a Qt signal."""

from __future__ import annotations

from typing import Any, Sequence

from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.process import Job
from vfx_deepfake_nuke.qt import QtCore


class Work(QtCore.QObject):
    """One job. ``heard`` tells its events, ``ended`` the job itself. Qt carries both over from the job's thread."""

    heard = QtCore.Signal(dict)
    ended = QtCore.Signal(object)

    def __init__(self, arguments: Sequence[str], name: str, parent: Any = None) -> None:
        super().__init__(parent)
        self.job = Job(arguments, lambda event: self._emit("heard", event), lambda job: self._emit("ended", job), name)

    def _emit(self, signal: str, data: Any) -> None:
        try:
            getattr(self, signal).emit(data)
        except RuntimeError:  # the panel was closed meanwhile
            pass

    def start(self) -> None:
        """Begin; what keeps it from that is told as an end."""
        try:
            self.job.start()
        except PluginError as error:
            self.job.code, self.job.error = 1, str(error)
            self.ended.emit(self.job)


class Question(QtCore.QObject):
    """One question; ``answered`` tells the JSON answer, ``failed`` the reason in words."""

    answered = QtCore.Signal(dict)
    failed = QtCore.Signal(str)

    def __init__(self, arguments: Sequence[str], parent: Any = None) -> None:
        super().__init__(parent)
        self._work = Work(arguments, "ask " + arguments[0], self)
        self._work.ended.connect(self._ended)

    @property
    def running(self) -> bool:
        """Not answered yet."""
        return self._work.job.running

    def start(self) -> None:
        """Ask."""
        self._work.start()

    def _ended(self, job: Job) -> None:
        if job.code:
            self.failed.emit(job.error)
        else:
            self.answered.emit(job.result)
