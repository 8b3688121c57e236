"""The lower edge of the panel: start a stage or send the shot to the farm, progress with cancel, and the log."""

from __future__ import annotations

from typing import Any, Callable

from vfx_deepfake_nuke.config import load_config
from vfx_deepfake_nuke.jobs import STAGES
from vfx_deepfake_nuke.process import Job, describe
from vfx_deepfake_nuke.qt import QtCore, QtWidgets
from vfx_deepfake_nuke.work import Work

FARMS = ("local", "openjd", "slurm", "deadline-cloud", "opencue", "deadline10", "tractor")
KEPT_LINES = 2000
LOG_PX = 84


class Bottom(QtWidgets.QWidget):
    """One job at a time; ``finished`` tells that the shot has changed."""

    finished = QtCore.Signal()

    def __init__(self, chosen_file: Callable[[], str], parent: Any = None) -> None:
        super().__init__(parent)
        self._chosen_file, self._work = chosen_file, None  # type: ignore[var-annotated]
        self.stage, self.farm = QtWidgets.QComboBox(), QtWidgets.QComboBox()
        self.stage.addItems(["run", *(stage for stage in STAGES if stage != "run")])
        self.farm.addItems(FARMS)
        self.farm.setCurrentText(load_config().farm or FARMS[0])
        self.run_button, self.submit_button = QtWidgets.QPushButton("Run here"), QtWidgets.QPushButton("Submit")
        self.cancel_button = QtWidgets.QPushButton("Cancel")
        self.cancel_button.setEnabled(False)
        self.run_button.clicked.connect(lambda: self.start(self.stage.currentText()))
        self.submit_button.clicked.connect(lambda: self.start("submit", "--farm", self.farm.currentText()))
        self.cancel_button.clicked.connect(self.cancel)
        self.bar = QtWidgets.QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(10)
        self.status = QtWidgets.QLabel("nothing is running")
        self.log = QtWidgets.QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(KEPT_LINES)
        self.log.setFixedHeight(LOG_PX)
        buttons = QtWidgets.QHBoxLayout()
        for widget in (self.stage, self.run_button, self.farm, self.submit_button):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(buttons)
        for widget in (self.bar, self.status, self.log):
            layout.addWidget(widget)

    @property
    def running(self) -> bool:
        """Is a job under way?"""
        return self._work is not None

    def say(self, text: str) -> None:
        """What happens now."""
        self.status.setText(text)

    def start(self, stage: str, *options: str) -> None:
        """Do a stage of the chosen shot in the background."""
        file = self._chosen_file()
        if not file or self.running:
            self.say("choose a shot first" if not file else "something is running; wait or cancel it")
            return
        self._work = Work([stage, file, *options], stage, self)
        self._work.heard.connect(self._hear)
        self._work.ended.connect(self._end)
        self._busy(True)
        self.log.appendPlainText("vfx-deepfake " + " ".join([stage, file, *options]))
        self.say("starting " + stage)
        self._work.start()

    def cancel(self) -> None:
        """Stop it; what was finished stays."""
        if self._work is not None:
            self.say("stopping")
            self.cancel_button.setEnabled(False)
            self._work.job.cancel()

    def _hear(self, event: dict[str, Any]) -> None:
        share, text = describe(event)
        if share is None:
            self.log.appendPlainText(text)
        else:
            self.bar.setRange(0, 100)
            self.bar.setValue(share)
            self.say(text)

    def _end(self, job: Job) -> None:
        self._work = None
        self._busy(False)
        self.bar.setValue(0 if job.code else 100)
        ending = "cancelled; start it again to go on" if job.cancelled else job.error if job.code else "finished"
        self.say(f"{job.name}: {ending}")
        self.log.appendPlainText(f"{job.name}: {ending}\nlog: {job.log}")
        self.finished.emit()

    def _busy(self, busy: bool) -> None:
        for button in (self.run_button, self.submit_button):
            button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)
        self.bar.setRange(0, 0 if busy else 100)  # no range: under way, how far is not known yet
