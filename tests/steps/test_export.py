"""Export of a whole shot: the file, the scripts that Nuke takes, and the release it needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.nuke.tcl import parse, tcl_text
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.errors import TrainError
from vfx_deepfake.files import hash_file, read_json
from vfx_deepfake.model.export_network import LEGAL_CHANNELS
from vfx_deepfake.steps.export import MOST_FRAMES, chosen_frames

CARRIED = ("--set", "model.method=propagate", "--progress", "none")  # a change to learn without a training of its own


@pytest.fixture(scope="module")
def exported(small_shot: DemoShot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an exported model; its shot lies beside."""
    folder = tmp_path_factory.mktemp("export")
    shot = Path(shutil.copytree(small_shot.folder, folder / "small"))
    assert main(["track", str(shot), *CARRIED]) == 0
    assert main(["export", str(shot), "--to", str(folder / "out" / "young face.pt"), "--steps", "6", *CARRIED]) == 0
    return folder / "out"


def test_it_runs_with_torch_alone_on_a_plate_of_another_size(exported: Path) -> None:
    model = torch.jit.load(str(exported / "young face.pt")).eval()
    made = model(torch.full((1, 3, 37, 61), 0.18))
    assert made.shape == (1, 4, 37, 61) and model.strength == 1.0


def test_the_script_sets_catfilecreator_up_beside_the_file(exported: Path) -> None:
    text = (exported / "young face_cat.nk").read_text()
    (creator,) = parse(text).of_kind("CatFileCreator")
    found = tcl_text(creator.knobs["torchScriptFile"], {"value": lambda name: "/show/lib/young face_cat.nk"})
    assert found == "/show/lib/young face.pt"
    assert creator.knobs["catFile"].endswith("/young face.cat") and creator.knobs["modelId"] == "young face"
    for side, count in (("channelsIn", 3), ("channelsOut", 4)):
        channels = creator.knobs[side].split(", ")
        assert len(channels) == count and set(channels) <= set(LEGAL_CHANNELS)
    assert creator.user_knob("strength").kind == 7 and float(creator.knobs["strength"]) == 1.0
    (note,) = parse(text).of_kind("StickyNote")
    assert "ACEScg" in note.knobs["label"] and "render finals with vfx-deepfake" in note.knobs["label"]
    assert str(exported) not in text  # nothing of this host


def test_the_cattery_folder_has_a_gizmo_and_a_record(exported: Path) -> None:
    folder = exported / "Cattery" / "young face"
    record = json.loads((folder / "cat.json").read_text())
    assert record["cats"][0]["filepath"] == "young face.cat" and record["minimum_nuke_version_required"] == 13.0
    (group,) = parse((folder / "young face.gizmo").read_text()).of_kind("Group")
    assert group.name == "young_face"
    assert [node.kind for node in group.children] == ["Input", "Inference", "Output"]
    assert "parent.strength" in group.child("Inference1").knobs["strength"]


def test_its_record_says_what_it_is_made_from_and_how_near_it_comes(exported: Path) -> None:
    record = read_json(exported / "young face.json")
    assert record["sha256"] == hash_file(exported / "young face.pt")
    assert record["releases"] and record["method"] == "propagate" and record["working_space"] == "ACEScg"
    assert set(record["psnr_log_db"]) == {"learnt", "held"} and record["psnr_log_db"]["held"] > 10
    assert not set(record["learnt_frames"]) & set(record["held_frames"])


def test_without_a_release_for_it_nothing_is_exported(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shot, somebody = exported.parent / "small", ("--set", "consent.identity=somebody")
    assert main(["export", str(shot), "--to", str(tmp_path / "m.pt"), *somebody, *CARRIED]) == 2
    assert "export of 'somebody'" in capsys.readouterr().err and not list(tmp_path.glob("m*"))
    assert main(["export", str(shot), "--to", str(tmp_path / "m.onnx"), *CARRIED]) == 2
    assert "give a file that ends in .pt" in capsys.readouterr().err


def test_frames_are_chosen_evenly_and_some_judge() -> None:
    learnt, held = chosen_frames(list(range(1001, 1401)), 1080, 1920)
    assert len(learnt) + len(held) == MOST_FRAMES and min(learnt) == 1001 and max(learnt) == 1400
    assert len(held) == MOST_FRAMES // 4 and all(1001 < frame < 1400 for frame in held)
    few, one = chosen_frames([1001, 1002], 100, 100)
    assert (few, one) == ([1001], [1002])
    large, judges = chosen_frames(list(range(100)), 3160, 5760)  # a frame of 5.7K takes a quarter of a GiB
    assert len(large) + len(judges) == 4
    with pytest.raises(TrainError, match="1 frame with a face; a network to export learns from at least two"):
        chosen_frames([1001], 100, 100)
