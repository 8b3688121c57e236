"""The node's buttons against a fake Nuke and the real command line on a real shot."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import pytest

from tests.nuke.fake_nuke import Node, Nuke, installed
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.shot import load_shot

OFF = ("model.method=propagate", "qc.enabled=false")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> DemoShot:
    """Three frames with a published version that is on the review record with two notes."""
    shot = make_performer_shot(
        tmp_path_factory.mktemp("plugin") / "show" / "sh0010",
        width=128,
        height=96,
        count=3,
        key_frames=(1001, 1003),
        overrides=OFF,
    )
    for words in (
        ("run", str(shot.folder), "--progress", "none"),
        ("review", "register", str(shot.folder)),
        ("review", "note", str(shot.folder), "v001", "--frames", "1002-1003", "--text", "lip [slips] $here"),
        ("review", "note", str(shot.folder), "v001", "--frames", "1003", "--text", "eye"),
    ):
        assert main(words) == 0
    return shot


@pytest.fixture
def nuke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Nuke]:
    monkeypatch.setenv("VFX_DEEPFAKE_CLI", f"{sys.executable} -m vfx_deepfake")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path))
    with installed() as fake:
        yield fake


def gizmo_of(nuke: Nuke, shot: DemoShot | None = None) -> Node:
    """The gizmo with a plate, and of the shot if given."""
    read = nuke.nodes.Read(file=shot.plate.replace("####", "%04d") if shot else "", first=1001, last=1003)
    node = nuke.createNode("VFXDeepfake")
    node.setInput(0, read)
    if shot:
        node["shot_file"].setValue(str(shot.file))
    return node


def test_a_version_is_put_on_the_node_with_its_status_and_colour(nuke: Nuke, shown: DemoShot) -> None:
    node = gizmo_of(nuke, shown)
    node["newest"].execute()  # as the button does
    assert nuke.told == []
    told = {
        name: node[name].value()
        for name in ("shot", "version", "status", "first_frame", "last_frame", "exr", "plate_colorspace")
    }
    assert told == {"shot": "sh0010", "version": "v001", "status": "pending review", "first_frame": 1001, "last_frame": 1003,
                    "exr": "exr/sh0010_v001.%04d.exr", "plate_colorspace": "scene_linear (ACEScg)"}  # fmt: skip
    assert Path(str(node["version_dir"].value()), "exr", "sh0010_v001.1001.exr").is_file()
    assert node["tile_color"].value() == 0x8F7A2EFF
    assert node["has_face_b"].value() is False
    assert not node["identity_mix"].enabled()
    assert len(node["synth_level"].value()) == 3 and node["synth_level"].value()[0] > 0
    node["mix"].setValue(0.5)
    node["refresh"].execute()
    assert node["mix"].value() == 0.5, "what the artist dialled stays"


def test_any_version_asks_and_approved_says_that_there_is_none(nuke: Nuke, shown: DemoShot, tmp_path: Path) -> None:
    """In a show without a review database, which is quicker to ask."""
    node = gizmo_of(nuke, shown)
    node["shot_file"].setValue(str(shutil.copytree(shown.folder, tmp_path / "sh0010") / "shot.toml"))
    nuke.answers = ["v001"]
    node["any"].execute()
    assert node["version"].value() == "v001"
    from vfx_deepfake_nuke.errors import PluginError
    from vfx_deepfake_nuke.versions import pick

    with pytest.raises(PluginError, match="No version is approved; v001 pending review"):
        pick([{"version": "v001", "status": "pending_review"}], "approved")
    assert nuke.told == []


def test_a_new_shot_is_filled_from_the_read(nuke: Nuke, shown: DemoShot, tmp_path: Path) -> None:
    node = gizmo_of(nuke, shown)
    node["shot_file"].setValue("")
    nuke.answers = [None, {"shot folder": str(tmp_path / "sh0099")}]
    node["new_shot"].execute()
    assert node["shot_file"].value() == ""
    node["new_shot"].execute()
    settings = load_shot(str(node["shot_file"].value())).settings
    assert (settings.plate.colorspace, settings.plate.frames) == ("ACEScg", "1001-1003")
    assert settings.plate.pattern == str(shown.folder / "plate" / "sh0010.%04d.exr")
    assert nuke.told == []


def test_a_painted_frame_is_written_where_the_shot_wants_it(nuke: Nuke, shown: DemoShot, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shown.folder, tmp_path / "sh0010", ignore=shutil.ignore_patterns("versions", "work")))
    node = gizmo_of(nuke, shown)
    node["shot_file"].setValue(str(folder / "shot.toml"))
    node.setInput(2, nuke.nodes.Read(file=shown.truth("young_grained"), first=1001, last=1003))
    nuke.now = 1002
    num_before = len(nuke.allNodes())
    node["add_keyframe"].execute()
    written = folder / "keyframes" / "sh0010.1002.exr"
    assert nuke.told == ["Key frame 1002 written in ACEScg: 3 painted now."]
    assert oiio.ImageBuf(str(written)).spec().format == oiio.HALF
    assert node["painted_keyframes"].getKeyList() == [1001, 1002, 1003]
    assert len(nuke.allNodes()) == num_before, "the Write is gone again"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda nuke, node: node.setInput(2, None), "nothing is connected to its paint input"),
        (lambda nuke, node: setattr(nuke, "now", 1200), "Frame 1200 is outside the shot's 1001-1003"),
        (
            lambda nuke, node: node.setInput(2, nuke.nodes.Text2()),
            "The painted frame is 640 x 480, the plate is 128 x 96",
        ),
        (
            lambda nuke, node: node.input(0)["raw"].setValue(True),
            "The plate is read raw, in ARRI LogC4, and the key frames are to be ACEScg",
        ),
        (lambda nuke, node: nuke.root()["proxy"].setValue(True), "Proxies are on"),
        (lambda nuke, node: node["shot_file"].setValue(""), "no shot file yet"),
        (lambda nuke, node: node["shot_file"].setValue("gone.toml"), "gone.toml is not there"),
    ],
)
def test_a_painted_frame_that_would_not_fit_is_not_written(
    nuke: Nuke, shown: DemoShot, monkeypatch: pytest.MonkeyPatch, spoil: Any, message: str
) -> None:
    node = gizmo_of(nuke, shown)
    node.setInput(2, nuke.nodes.Read(file=shown.truth("young_grained"), first=1001, last=1003))
    from vfx_deepfake_nuke import keyframes

    told = {"shot": "sh0010", "frames": "1001-1003", "method": "propagate", "plate": {"colorspace": "ARRI LogC4"},
            "keyframes": {"pattern": "/nowhere/k.####.exr", "colorspace": "ACEScg", "painted": []}}  # fmt: skip
    monkeypatch.setattr(
        keyframes, "shot_of", lambda node: told if keyframes.shot_file(node) else {}
    )  # saves six processes
    spoil(nuke, node)
    node["add_keyframe"].execute()
    assert len(nuke.told) == 1
    assert message in nuke.told[0]


def test_notes_stand_on_their_frames_and_can_be_written(nuke: Nuke, shown: DemoShot) -> None:
    node = gizmo_of(nuke, shown)
    node["version"].setValue("v001")
    node["notes"].execute()
    assert nuke.told == []
    group = nuke.toNode("VFXDeepfake_notes") or nuke.toNode(node.name() + "_notes")
    texts = [(text["message"].value(), text["disable"].toScript()) for text in group.nodes() if text.Class() == "Text2"]
    who = texts[0][0].split(":")[0]
    assert texts == [
        (f"{who}: lip \\[slips] \\$here", "{{frame < 1002 || frame > 1002}}"),
        (f"{who}: lip \\[slips] \\$here\n{who}: eye", "{{frame < 1003 || frame > 1003}}"),
    ]
    assert node["note_frames"].getKeyList() == [1002, 1003]
    nuke.now, nuke.answers = 1001, ["chin too soft"]
    node["write_note"].execute()
    assert node["note_frames"].getKeyList() == [1001, 1002, 1003]
    assert len([each for each in nuke.allNodes() if each.Class() == "Group"]) == 2, "the old notes made room"


def test_a_stage_runs_in_the_background_with_progress_and_a_last_word(
    nuke: Nuke, shown: DemoShot, tmp_path: Path
) -> None:
    folder = Path(
        shutil.copytree(shown.folder, tmp_path / "sh0010", ignore=shutil.ignore_patterns("versions", "work", "track"))
    )
    node = gizmo_of(nuke, shown)
    node["shot_file"].setValue(str(folder / "shot.toml"))
    node["suggest_keyframes"].execute()
    node["track"].execute()
    assert "'suggest key frames' is still running for this shot" in nuke.told.pop()
    nuke.pump(lambda: nuke.told)
    assert nuke.told[0].startswith("Paint these frames (least sure after the run):\n1002  ")
    assert node["suggested_keyframes"].getKeyList() == [1002]
    (bar,) = nuke.bars
    assert any(text.startswith("track ") for text in bar.messages)
    assert max(bar.shares) == 100


def test_cancel_stops_the_process_and_all_that_it_started(nuke: Nuke, shown: DemoShot, tmp_path: Path) -> None:
    folder = Path(
        shutil.copytree(shown.folder, tmp_path / "sh0010", ignore=shutil.ignore_patterns("versions", "work", "track"))
    )
    node = gizmo_of(nuke, shown)
    file = folder / "shot.toml"  # a training that would take days
    slow = file.read_text(encoding="utf-8").replace("[train]\n", "[train]\nsteps = 1_000_000\n")
    file.write_text(slow.replace('"propagate"', '"keyframe"'), encoding="utf-8")
    node["shot_file"].setValue(str(file))
    from vfx_deepfake_nuke import jobs

    nuke.cancel = True
    node["render"].execute()
    (job,) = jobs.RUNNING
    process = job._process
    nuke.pump(lambda: nuke.told)
    assert nuke.told == ["run: cancelled. What was finished stays; start it again to go on."]
    assert jobs.RUNNING == []
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.killpg(process.pid, 0)
    assert "stopped; run the same command again" in Path(job.log).read_text(encoding="utf-8")


def test_the_shot_goes_to_the_farm_that_the_artist_names(nuke: Nuke, shown: DemoShot, tmp_path: Path) -> None:
    node = gizmo_of(nuke, shown)
    node["shot_file"].setValue(str(shutil.copytree(shown.folder, tmp_path / "sh0010") / "shot.toml"))
    nuke.answers = ["", "openjd"]
    node["submit"].execute()
    assert nuke.bars == [], "cancelled"
    node["submit"].execute()
    nuke.pump(lambda: nuke.told)
    assert nuke.told[0].startswith("submit to openjd: finished.")
    assert (tmp_path / "sh0010" / "work" / "farm" / "job_0001").is_dir()


def test_what_the_command_line_refuses_is_one_message(nuke: Nuke, shown: DemoShot, tmp_path: Path) -> None:
    broken = tmp_path / "shot.toml"
    broken.write_text("[plate]\npatern = 'x'\n", encoding="utf-8")
    node = gizmo_of(nuke)
    node["shot_file"].setValue(str(broken))
    node["newest"].execute()
    assert len(nuke.told) == 1
    assert "did you mean 'pattern'" in nuke.told[0]


def test_without_a_gui_messages_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with installed(gui=False) as nuke:
        gizmo_of(nuke)["track"].execute()
        assert nuke.told == []
        assert nuke.printed == ["vfx_deepfake: VFXDeepfake: no shot file yet; press 'new shot', or choose one."]
