"""The comp script of a version: read by Tcl, checked as a graph, and worked out to the files that were delivered."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.nuke.evaluate import Evaluator, canvas_of, read_picture
from tests.nuke.graph import problems
from tests.nuke.tcl import Node, parse, tcl_text
from tests.nuke.versions import half_bound, publish
from vfx_deepfake.cli.main import main
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.errors import ShotError
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import flat_model
from vfx_deepfake.media.delivery import delivery_codes
from vfx_deepfake.media.dpx import DpxHeader, read_codes, write_dpx
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.naming import frame_path
from vfx_deepfake.settings import DEFAULT_CONFIG
from vfx_deepfake.steps.nuke_script import LIGHTS, fitted_curve, nuke_script
from vfx_deepfake.steps.opened import open_shot

LOG = "ARRI LogC3 (EI800)"
COLOR = Color(DEFAULT_CONFIG)


@pytest.fixture(scope="module")
def from_dpx(small_shot: DemoShot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same shot from a 10-bit camera log: two frames, published."""
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    folder = tmp_path_factory.mktemp("nuke_dpx")
    plate = str(folder / "plate" / "log.####.dpx")
    for frame in (1001, 1002):
        codes, _ = delivery_codes(read_exr(small_shot.plate_frame(frame)), COLOR, "ACEScg", LOG, 10)
        write_dpx(frame_path(plate, frame), codes, 10, DpxHeader(rate=Fraction(24000, 1001)))
    return publish(small_shot, folder / "sh0020", "1001-1002", plate, LOG, "delivery.profile=dpx10")


def script_of(shot: Path) -> tuple[Path, Node]:
    """The script that ``nuke-script`` writes, and its graph."""
    path = Path(nuke_script(open_shot(shot))["script"])
    return path, parse(path.read_text(encoding="utf-8"))


def node(script: Node, kind: str, name: str = "") -> Node:
    (found,) = (each for each in script.of_kind(kind) if not name or each.name == name)
    return found


def worked_out(path: Path, script: Node, frame: int, write: str) -> np.ndarray:
    """What a Write gets, inside the format."""
    plate = node(script, "Read")
    pattern = tcl_text(plate.knobs["file"], {"value": lambda name: str(path)})
    canvas = canvas_of(frame_path(pattern, frame))
    evaluator = Evaluator(script, frame, canvas, COLOR, root={"name": str(path)})
    width, height = (int(each) for each in node(script, "Root").knobs["format"].split()[:2])
    return evaluator.picture(node(script, "Write", write)).within(Window(0, 0, width, height))


def test_the_script_has_no_fault_and_says_what_the_shot_is(published):
    path, script = script_of(published)
    assert problems(script) == []
    root = node(script, "Root").knobs
    assert (root["first_frame"], root["last_frame"], root["fps"]) == ("1001", "1003", "24.0")
    assert root["format"] == "160 120 0 0 160 120 1 sh0010"
    assert (root["colorManagement"], root["OCIO_config"]) == ("OCIO", "custom")
    config = Path(tcl_text(root["customOCIOConfigPath"], {"value": lambda name: str(path)}))
    assert Color(str(config)).names() == COLOR.names()  # the built-in config lies beside the script, as a file
    gizmo = node(script, "Group").knobs
    assert (gizmo["shot"], gizmo["version"], gizmo["status"]) == ("sh0010", "v001", "pending review")
    assert gizmo["has_face_b"] == "false"
    assert float(gizmo["synth_level"].split()[1]) > 0.001  # as the plate's grain was measured


def test_the_published_version_is_not_touched(published):
    files = {each: each.stat().st_mtime_ns for each in (published.parent / "versions").rglob("*")}
    path, _ = script_of(published)
    assert path.parent == published.parent / "work" / "nuke"
    assert {each: each.stat().st_mtime_ns for each in (published.parent / "versions").rglob("*")} == files


@pytest.mark.parametrize("frame", (1001, 1003))
def test_worked_out_it_gives_the_delivered_exr_and_dpx(published, frame):
    path, script = script_of(published)
    delivered = published.parent / "versions/v001"
    exr = delivered / f"exr/sh0010_v001.{frame}.exr"
    version = read_picture(exr, canvas_of(exr))
    format = Window(0, 0, 160, 120)
    apart = np.abs(worked_out(path, script, frame, "Exr") - version.within(format))
    assert (apart <= half_bound(version)[format.slices(version.canvas)]).all()
    codes = np.rint(worked_out(path, script, frame, "Dpx") * 1023).clip(0, 1023)
    wanted, _ = read_codes(delivered / f"dpx/sh0010_v001.{frame}.dpx")
    off = np.abs(codes - wanted)
    matte = version.get("matte.applied")[format.slices(version.canvas)]
    assert off[matte == 0].max() == 0
    # a value within half precision of the delivered one may round to the code beside it: half's step is 2^-11 of a value,
    # and 10-bit LogC3 has about 74 codes a stop, so that three such steps are 0.15 codes
    assert off.max() <= 1 and (off > 0).mean() < 0.15 * (matte > 0).mean()
    kept = node(script, "Write", "Dpx").knobs
    assert (kept["datatype"], kept["bigEndian"], kept["transfer"], kept["raw"]) == ("10 bit", "true", "log", "true")


@pytest.mark.parametrize("frame", (1001, 1002))
def test_from_a_log_dpx_every_code_comes_back(from_dpx, frame):
    path, script = script_of(from_dpx)
    assert problems(script) == []
    assert node(script, "Root").knobs["fps"] == "23.976"
    assert [each.name for each in script.of_kind("OCIOColorSpace")] == [
        "ToView"
    ]  # the plate is in the delivery's space
    wanted, _ = read_codes(from_dpx.parent / f"versions/v001/dpx/sh0020_v001.{frame}.dpx")
    codes = np.rint(worked_out(path, script, frame, "Dpx") * 1023)
    # float elements: nothing is lost but a tie between two codes, which float32 sums may break the other way
    assert np.abs(codes - wanted).max() <= 1 and (codes != wanted).mean() < 1e-3
    plate, _ = read_codes(from_dpx.parents[1] / f"plate/log.{frame}.dpx")
    assert 0.02 < (wanted != plate).any(axis=-1).mean() < 0.9
    assert node(script, "Write", "Exr").knobs["datatype"] == "32 bit float"


def test_a_script_elsewhere_finds_everything_from_there(published, tmp_path):
    done = nuke_script(open_shot(published), "v001", str(tmp_path / "comp"))
    path = Path(done["script"])
    assert path.parent == tmp_path / "comp" and done["version"] == "v001"
    script = parse(path.read_text(encoding="utf-8"))
    assert problems(script) == []
    gizmo = node(script, "Group").knobs
    folder = tcl_text(gizmo["version_dir"], {"value": lambda name: str(path)})
    assert os.path.samefile(folder, published.parent / "versions/v001")
    assert os.path.samefile(tcl_text(gizmo["shot_file"], {"value": lambda name: str(path)}), published)
    assert worked_out(path, script, 1002, "Exr").max() > 0


def test_a_version_that_is_not_there_is_named(published):
    with pytest.raises(ShotError, match="no version 'v007' is published; there is v001"):
        nuke_script(open_shot(published), "v007")


def test_on_the_command_line(published, capsys):
    assert main(["nuke-script", str(published), "--version", "v001"]) == 0
    assert "sh0010_v001.nk" in capsys.readouterr().out
    assert main(["nuke-script", str(published), "--version", "v9"]) == 2
    assert "no version 'v9' is published" in capsys.readouterr().err


def test_the_curve_of_synthetic_grain_fits_what_was_measured():
    model = flat_model(0.02)  # one deviation in log code at every light: in proportion to light, and level in the toe
    level, offset, power = fitted_curve(model)
    made = level * (LIGHTS[:, None] + offset) ** power
    wanted = model.sigma_lin(np.repeat(LIGHTS[:, None], 3, axis=1))
    assert power == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(made, wanted, rtol=0.2)  # no power has the corner between toe and log
