"""The panel in a real window without a screen: clicks, a real run with progress and cancel, and 300 versions."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6", reason="PySide6 is not installed (extra: dev)")

from PySide6 import QtCore, QtTest, QtWidgets

from tests.nuke.fake_nuke import Nuke, installed
from tests.nuke.panel_host import application, wait
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.shot import DemoShot

LEFT = QtCore.Qt.LeftButton
MANY = 300
# an answer of ``info`` without a shot behind it
ANSWER = "import json, pathlib, sys; print(pathlib.Path(sys.argv[2], 'answer.json').read_text())"


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> DemoShot:
    show = tmp_path_factory.mktemp("panel") / "show"
    # long enough that a cancel finds it under way, also where a library swallows the first signal and it is sent again
    quick = ("model.method=propagate", "qc.enabled=false")
    return make_performer_shot(
        show / "sh0010", width=128, height=96, count=40, key_frames=(1001, 1040), overrides=quick
    )


@pytest.fixture
def nuke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Nuke]:
    monkeypatch.setenv("VFX_DEEPFAKE_CLI", f"{sys.executable} -m vfx_deepfake")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path))
    application()
    with installed() as fake:
        yield fake


def opened(folder: Path) -> Any:
    """The panel as Nuke makes it, with the answer of its first question."""
    from vfx_deepfake_nuke import menus

    panel = eval(menus.WIDGET)()
    panel.resize(1080, 760)
    panel.show()
    panel.folder.setText(str(folder))
    QtTest.QTest.mouseClick(panel.refresh_button, LEFT)
    wait(lambda: panel.refresh_button.isEnabled())
    return panel


def click(table: Any, row: int, double: bool = False) -> None:
    """Click into a row, as the mouse does."""
    place = table.visualRect(table.model().index(row, 0)).center()
    QtTest.QTest.mouseClick(table.viewport(), LEFT, QtCore.Qt.NoModifier, place)
    if double:
        QtTest.QTest.mouseDClick(table.viewport(), LEFT, QtCore.Qt.NoModifier, place)


def keep(panel: Any, name: str) -> None:
    """A picture of the panel, where the environment asks for one."""
    folder = os.environ.get("VFX_DEEPFAKE_SCREENSHOTS")
    if folder:
        QtWidgets.QApplication.processEvents()
        panel.grab().save(str(Path(folder) / f"{name}.png"))


def test_run_progress_cancel_go_on_and_load(nuke: Nuke, shot: DemoShot) -> None:
    panel = opened(shot.folder.parent)
    assert panel.shots.model().rowCount() == 1
    click(panel.shots, 0)
    bottom = panel.bottom
    shares: list[int] = []
    bottom.bar.valueChanged.connect(shares.append)

    QtTest.QTest.mouseClick(bottom.run_button, LEFT)
    assert bottom.cancel_button.isEnabled() and not bottom.run_button.isEnabled()
    wait(lambda: bottom.status.text().startswith("track"))
    QtTest.QTest.mouseClick(bottom.cancel_button, LEFT)
    wait(lambda: not bottom.running)
    assert bottom.status.text() == "run: cancelled; start it again to go on"
    assert not list(shot.folder.glob("versions/v*"))  # what is under way has another name
    wait(lambda: panel.refresh_button.isEnabled())

    del shares[:]
    QtTest.QTest.mouseClick(bottom.run_button, LEFT)
    wait(lambda: bool(shares))  # of the track or, where that was whole before it was cancelled, of what comes next
    keep(panel, "running")
    wait(lambda: not bottom.running, 120)
    assert bottom.status.text() == "run: finished"
    assert len(set(shares)) > 3, "the bar moved"
    wait(lambda: panel.versions.model().rowCount() == 1)
    wait(lambda: panel.sheet.shown.endswith("sh0010_v001_sheet.png"))
    panel.details.setCurrentIndex(2)
    assert [panel.farm.rows.row(panel.farm.rows.index(row, 0))["state"] for row in range(4)] == ["done"] * 4
    keep(panel, "farm")
    panel.details.setCurrentIndex(3)
    assert panel.releases.current()["for_this_shot"] == "yes"
    keep(panel, "releases")

    panel.details.setCurrentIndex(0)
    QtWidgets.QApplication.processEvents()
    click(panel.versions, 0, double=True)
    wait(lambda: bottom.status.text() == "v001 loaded into VFXDeepfake")
    (node,) = nuke.allNodes()
    assert (node["version"].value(), node["shot_file"].value()) == ("v001", str(shot.file))
    QtTest.QTest.mouseClick(panel.load_button, LEFT)
    assert bottom.status.text() == "loading v001"
    wait(lambda: bottom.status.text() == "v001 loaded into VFXDeepfake")
    assert len(nuke.allNodes()) == 1, "the node of the shot is used again"
    assert nuke.told == []


def _version(number: int) -> dict[str, Any]:
    states, folder = ("pending_review", "approved", "changes_requested", "superseded"), f"/s/v{number:03d}"
    return {"version": f"v{number:03d}", "folder": folder, "exr": f"{folder}/exr/sh0010_v{number:03d}.####.exr", "sheet": "",
            "frames": "1001-1100", "status": states[number % 4], "qc": ("pass", "look", "fail")[number % 3], "reason": "",
            "made_at": "2026-03-01T10:00:00", "made_by": ("ana", "ben")[number % 2], "run": f"run_{number:04d}",
            "open_notes": number % 3}  # fmt: skip


def many(folder: Path) -> None:
    """A show with one long shot and some others, as ``info`` tells it."""
    versions = [_version(number) for number in range(MANY, 0, -1)]
    told = (("track", "done", "", 10), ("train", "failed", "host went away", 4), ("render", "to do", "", 0))
    stages = [{"name": name, "state": state, "why": why, "done": done, "tasks": 10} for name, state, why, done in told]
    shots = [
        {"shot": f"sh{10 * number:04d}", "file": f"/s/{number}/shot.toml", "folder": f"/s/{number}", "method": "keyframe",
         "working_space": "ACEScg", "plate": {"colorspace": "ACEScg"}, "versions": versions if number == 1 else versions[-number:],
         "runs": [], "releases": [], "notes": [], "problems": ["plate: 1004 is missing"] if number == 3 else [],
         "farm": {"state": "failed", "farm": "slurm", "stages": stages}}
        for number in range(1, 41)
    ]  # fmt: skip
    (folder / "answer.json").write_text(json.dumps({"shots": shots}), encoding="utf-8")


def test_three_hundred_versions_cost_no_more_than_what_is_seen(
    nuke: Nuke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(tmp_path)
    monkeypatch.setenv("VFX_DEEPFAKE_CLI", f'{sys.executable} -c "{ANSWER}"')
    panel = opened(tmp_path)
    assert panel.versions.model().rowCount() == MANY
    num_widgets = len(panel.findChildren(QtWidgets.QWidget))
    keep(panel, "many")

    from vfx_deepfake_nuke import tables

    asked: list[str] = []
    plain = tables._text
    monkeypatch.setattr(tables, "_text", lambda key, value: asked.append(key) or plain(key, value))
    panel.versions.scrollToBottom()
    panel.versions.viewport().repaint()
    seen = panel.versions.viewport().height() // tables.ROW_PX + 2
    assert 0 < asked.count("frames") <= 2 * seen, (
        "painted at most twice; a view that asks every row would not stay quick"
    )
    click(panel.shots, 1)
    assert panel.versions.model().rowCount() == 2
    click(panel.shots, 0)
    assert len(panel.findChildren(QtWidgets.QWidget)) == num_widgets, "no widget a row"

    QtTest.QTest.keyClicks(panel.filter, "v07")
    assert panel.versions.model().rowCount() == 10
    panel.filter.clear()
    panel.versions.selectRow(7)
    chosen = panel.versions.current()["version"]
    QtTest.QTest.mouseClick(panel.refresh_button, LEFT)
    wait(lambda: panel.refresh_button.isEnabled())
    assert panel.versions.current()["version"] == chosen, "a refresh keeps the place"
    click(panel.shots, 2)
    assert panel.said.text() == "plate: 1004 is missing"


def test_a_run_shows_its_loss_plot_and_contact_sheet(
    nuke: Nuke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6 import QtGui

    for name, colour in (("loss", QtCore.Qt.red), ("sheet", QtCore.Qt.green)):
        picture = QtGui.QImage(3000, 200, QtGui.QImage.Format_RGB32)  # longer than any screen
        picture.fill(colour)
        picture.save(str(tmp_path / f"{name}.png"))
    many(tmp_path)
    told = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    run = {"run": "run_0007", "state": "finished", "seconds": 7260.0, "checkpoint": "c", "began_at": "2026-03-01T10:00:00",
           "loss_plot": str(tmp_path / "loss.png"), "sheet": str(tmp_path / "sheet.png")}  # fmt: skip
    told["shots"][0]["runs"] = [run, {**run, "run": "run_0006", "loss_plot": "", "sheet": str(tmp_path / "gone.png")}]
    (tmp_path / "answer.json").write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setenv("VFX_DEEPFAKE_CLI", f'{sys.executable} -c "{ANSWER}"')
    panel = opened(tmp_path)
    panel.details.setCurrentIndex(1)
    wait(lambda: bool(panel.loss.shown and panel.run_sheet.shown))
    seen = panel.loss.grab().toImage()
    assert seen.pixelColor(seen.rect().center()) == QtCore.Qt.red
    assert panel.runs.model().index(0, 3).data() == "121 min"
    click(panel.runs, 1)
    assert (panel.loss.shown, panel.run_sheet.shown) == ("", "")


def test_a_command_line_that_is_not_there_is_a_line_and_not_the_end(
    nuke: Nuke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VFX_DEEPFAKE_CLI", "/nowhere/vfx-deepfake")
    panel = opened(tmp_path)
    assert "/nowhere/vfx-deepfake" in panel.said.text()
    assert panel.shots.model().rowCount() == 0
    QtTest.QTest.mouseClick(panel.bottom.run_button, LEFT)
    assert panel.bottom.status.text() == "choose a shot first"
    QtTest.QTest.mouseClick(panel.load_button, LEFT)
    assert nuke.told == ["No version is chosen."]


def test_the_gizmos_button_opens_the_panel(nuke: Nuke) -> None:
    nuke.createNode("VFXDeepfake")["panel"].execute()
    assert nuke.told == []
    assert "vfx_deepfake_nuke.panel" in sys.modules


def test_the_window_waits_for_no_answer(nuke: Nuke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question hangs until the test lets go; meanwhile the panel takes clicks and text."""
    gate = tmp_path / "answer.json"
    hang = "import os, sys, time\nwhile not os.path.exists(sys.argv[2] + '/answer.json'): time.sleep(0.02)\n"
    hang += "print(open(sys.argv[2] + '/answer.json').read())"
    (tmp_path / "hang.py").write_text(hang, encoding="utf-8")
    monkeypatch.setenv("VFX_DEEPFAKE_CLI", f"{sys.executable} {tmp_path / 'hang.py'}")
    from vfx_deepfake_nuke.panel import Panel

    panel = Panel()
    panel.show()
    panel.folder.setText(str(tmp_path))
    QtTest.QTest.mouseClick(panel.refresh_button, LEFT)
    assert not panel.refresh_button.isEnabled()
    QtTest.QTest.keyClicks(panel.filter, "still alive")
    assert panel.filter.text() == "still alive"
    assert panel.shots.model().rowCount() == 0
    gate.with_suffix(".part").write_text('{"shots": []}', encoding="utf-8")
    gate.with_suffix(".part").rename(gate)
    wait(lambda: panel.refresh_button.isEnabled())
    assert panel.said.text() == "No shots."
