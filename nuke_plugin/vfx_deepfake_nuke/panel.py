"""The panel: shots on the left; versions, runs, farm and releases of the chosen one on the right; what runs at the bottom.

All work and every question is done by ``vfx-deepfake`` in other processes; the window waits for none of them.
"""

from __future__ import annotations

import os
from typing import Any

from vfx_deepfake_nuke import versions
from vfx_deepfake_nuke.bottom import Bottom
from vfx_deepfake_nuke.config import load_config
from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.nodes import gizmos, shot_file
from vfx_deepfake_nuke.pictures import Picture
from vfx_deepfake_nuke.qt import QtCore, QtWidgets
from vfx_deepfake_nuke.tables import Table
from vfx_deepfake_nuke.talk import reported
from vfx_deepfake_nuke.work import Question

SHOTS = (
    ("shot", "Shot", 80),
    ("version", "Newest", 52),
    ("review", "Review", 140),
    ("state", "Stages", 76),
)
VERSIONS = (("version", "Version", 54), ("status", "Status", 144), ("qc", "QC", 56), ("open_notes", "Notes", 42), ("made_at", "Made", 116),
            ("made_by", "By", 56), ("run", "Run", 66), ("frames", "Frames", 76), ("reason", "Reason", 60))  # fmt: skip
RUNS = (
    ("run", "Run", 80),
    ("state", "State", 80),
    ("began_at", "Began", 116),
    ("seconds", "Took", 60),
    ("checkpoint", "Checkpoint", 120),
)
FARM = (("name", "Stage", 90), ("state", "State", 80), ("tasks_done", "Tasks", 60), ("why", "Why", 200))
RELEASES = (("release", "Release", 90), ("identity", "Likeness", 150), ("state", "Standing", 140), ("operations", "For", 96),
            ("for_this_shot", "This shot's", 74), ("kind", "Kind", 120))  # fmt: skip
STYLE = """
QTableView { border: 1px solid rgba(0, 0, 0, 90); }
QHeaderView::section { padding: 1px 4px; border: 0; border-bottom: 1px solid rgba(0, 0, 0, 120); }
QPushButton { padding: 2px 8px; }
"""


class Panel(QtWidgets.QWidget):
    """What Nuke puts into a pane."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(STYLE)
        self._question: Question | None = None
        self._loading: Question | None = None
        self.folder = QtWidgets.QLineEdit(_first_folder())
        self.folder.setPlaceholderText("folder of a show or of a shot")
        self.folder.returnPressed.connect(self.refresh)
        self.refresh_button = QtWidgets.QPushButton("Refresh")
        self.refresh_button.clicked.connect(self.refresh)
        browse = QtWidgets.QPushButton("...")
        browse.setFixedWidth(28)
        browse.clicked.connect(self._browse)
        self.said = QtWidgets.QLabel()
        self.said.setWordWrap(True)
        self.shots = Table(SHOTS)
        self.shots.chosen.connect(self._show_shot)
        self.details = self._make_details()
        self.bottom = Bottom(self._chosen_file)
        self.bottom.finished.connect(self.refresh)

        top = QtWidgets.QHBoxLayout()
        for widget in (QtWidgets.QLabel("Show"), self.folder, browse, self.refresh_button):
            top.addWidget(widget)
        self.split = QtWidgets.QSplitter(QtCore.Qt.Horizontal)
        self.split.addWidget(self.shots)
        self.split.addWidget(self.details)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([375, 700])
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.said)
        layout.addWidget(self.split, 1)
        layout.addWidget(self.bottom)
        self.say(load_config().problem)
        if self.folder.text():
            self.refresh()

    def _make_details(self) -> Any:
        """The tabs of one shot."""
        self.versions, self.runs, self.farm, self.releases = Table(VERSIONS), Table(RUNS), Table(FARM), Table(RELEASES)
        self.sheet = Picture("no contact sheet")
        self.loss, self.run_sheet = Picture("no loss plot yet"), Picture("no contact sheet yet")
        self.filter = QtWidgets.QLineEdit()
        self.filter.setPlaceholderText("filter: v012, approved, a name")
        self.filter.textChanged.connect(self.versions.filtered.setFilterFixedString)
        self.load_button = QtWidgets.QPushButton("Load into the script")
        self.load_button.clicked.connect(lambda: self._load(self.versions.current()))
        self.versions.chosen.connect(lambda row: self.sheet.show_file(row.get("sheet", "")))
        self.versions.opened.connect(self._load)
        self.runs.chosen.connect(self._show_run)

        above = QtWidgets.QHBoxLayout()
        above.addWidget(self.filter, 1)
        above.addWidget(self.load_button)
        pictures = QtWidgets.QSplitter(QtCore.Qt.Horizontal)
        pictures.addWidget(self.loss)
        pictures.addWidget(self.run_sheet)
        tabs = QtWidgets.QTabWidget()
        tabs.setDocumentMode(True)
        tabs.addTab(_page(above, (self.versions, 3), (self.sheet, 2)), "Versions")
        tabs.addTab(_page(None, (self.runs, 1), (pictures, 3)), "Runs")
        tabs.addTab(_page(None, (self.farm, 1)), "Farm")
        tabs.addTab(_page(None, (self.releases, 1)), "Releases")
        return tabs

    def say(self, text: str) -> None:
        """A line above the tables; hidden where there is nothing to say."""
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def refresh(self) -> None:
        """Ask for the show's shots; the answer fills the tables when it comes."""
        folder = self.folder.text().strip()
        if not folder or (self._question and self._question.running):
            return
        self.refresh_button.setEnabled(False)
        self.refresh_button.setText("Reading")
        self._question = Question(["info", folder], self)
        self._question.answered.connect(self._fill)
        self._question.failed.connect(self._failed)
        self._question.start()

    def _fill(self, answer: dict[str, Any]) -> None:
        self._asked()
        rows = [{**shot, **_summary(shot)} for shot in answer.get("shots", ())]
        self.shots.fill(rows, "file")
        if not rows:
            self.say("No shots.")

    def _failed(self, text: str) -> None:
        self._asked()
        self.say(text)

    def _asked(self) -> None:
        self.refresh_button.setEnabled(True)
        self.refresh_button.setText("Refresh")

    def _show_shot(self, shot: dict[str, Any]) -> None:
        """Everything of one shot; empty for none."""
        self.versions.fill(shot.get("versions", ()), "version")
        self.runs.fill(shot.get("runs", ()), "run")
        self.releases.fill(shot.get("releases", ()), "release")
        farm = shot.get("farm", {})
        stages = [
            {**each, "tasks_done": "{}/{}".format(each["done"], each["tasks"]) if each["tasks"] else ""}
            for each in farm.get("stages", ())
        ]
        self.farm.fill(stages, "name")
        self.details.setTabText(2, "Farm ({})".format(farm["farm"]) if farm.get("farm") else "Farm")
        self.say("\n".join(shot.get("problems", ())))

    def _show_run(self, run: dict[str, Any]) -> None:
        self.loss.show_file(run.get("loss_plot", ""))
        self.run_sheet.show_file(run.get("sheet", ""))

    @reported
    def _load(self, version: dict[str, Any]) -> None:
        """Ask what the gizmo wants to know of a version; the answer puts it into the script."""
        if not version:
            raise PluginError("No version is chosen.")
        if self._loading and self._loading.running:
            return
        self.bottom.say("loading " + version["version"])
        self._loading = Question(["info", self._chosen_file(), "--brief", "--gizmo", version["version"]], self)
        self._loading.answered.connect(lambda answer: self._loaded(answer["shots"][0], version["version"]))
        self._loading.failed.connect(self.bottom.say)
        self._loading.start()

    @reported
    def _loaded(self, shot: dict[str, Any], name: str) -> None:
        node = versions.load(shot, versions.pick(shot["versions"], name))
        self.bottom.say(f"{name} loaded into {node.name()}")

    def _chosen_file(self) -> str:
        """The chosen shot's file; empty for none."""
        return str(self.shots.current().get("file", ""))

    def _browse(self) -> None:
        folder = QtWidgets.QFileDialog.getExistingDirectory(self, "Show or shot", self.folder.text())
        if folder:
            self.folder.setText(folder)
            self.refresh()


def _page(above: Any, *parts: Any) -> Any:
    """One tab: a line, and parts with their shares of the height."""
    page = QtWidgets.QWidget()
    layout = QtWidgets.QVBoxLayout(page)
    layout.setContentsMargins(0, 4, 0, 0)
    layout.setSpacing(4)
    if above:
        layout.addLayout(above)
    split = QtWidgets.QSplitter(QtCore.Qt.Vertical)
    for part, share in parts:
        split.addWidget(part)
        split.setStretchFactor(split.count() - 1, share)
    split.setSizes([1000 * share for _, share in parts])
    layout.addWidget(split, 1)
    return page


def _summary(shot: dict[str, Any]) -> dict[str, str]:
    """The columns of the list of shots that its data holds further down."""
    newest = (shot.get("versions") or [{}])[0]
    state = "problem" if shot.get("problems") else shot.get("farm", {}).get("state", "")
    return {"version": newest.get("version", ""), "review": newest.get("status", ""), "state": state}


def _first_folder() -> str:
    """Where to look first: the show of a gizmo in the script, else the config's, else none."""
    for node in gizmos():
        try:
            return os.path.dirname(os.path.dirname(shot_file(node)))
        except PluginError:
            continue
    return load_config().show
