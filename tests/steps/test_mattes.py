"""The stage that learns an occluder's matte: made once, made again when roto changes, continued, held out by render."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import KeyframeError, TrainError
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.media.exr import Part, read_exr, write_exr
from vfx_deepfake.naming import frame_path
from vfx_deepfake.progress import Silent
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.mattes import RECORD, mattes_are_fresh, mattes_stage
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.pipeline import plan_shot
from vfx_deepfake.steps.render_stage import render_stage
from vfx_deepfake.steps.track import track_stage

pytestmark = pytest.mark.slow
FULL = Window(0, 0, 256, 192)
ROTO = (
    "mattes.roto=roto/{shot}.####.exr",
    "mattes.roto_channel=hand.R",
    "model.method=propagate",
    "delivery.profile=exr",
)
PAINTED, BETWEEN = (1006, 1008), 1007  # the microphone is there from 1006 on


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory):
    """A tracked shot with roto of the microphone on two frames."""
    demo = make_performer_shot(
        tmp_path_factory.mktemp("mattes") / "sh0010", width=FULL.width, height=FULL.height, count=10, overrides=()
    )
    for frame in PAINTED:
        exact = read_exr(demo.truth_frame("masks", frame), channels=("occluder.Y",)).pixels
        write_exr(demo.folder / f"roto/sh0010.{frame}.exr", [Part("roto", exact, ("hand.R",), FULL)], FULL)
    track_stage(open_shot(demo.file), Silent())
    return demo


@pytest.fixture(scope="module")
def mattes(shot) -> str:
    """Pattern of the made mattes."""
    return mattes_stage(open_shot(shot.file, ROTO), Silent())["mattes"]


def test_render_asks_for_the_mattes_first(shot) -> None:
    opened = open_shot(shot.file, [*ROTO, "train.seed=9"])
    with pytest.raises(
        TrainError, match="the mattes are not made from the present track and roto; run 'vfx-deepfake mattes'"
    ):
        render_stage(opened, Silent(), frames="1001")


def test_a_painted_frame_is_the_roto_and_the_rest_is_learnt(shot, mattes: str) -> None:
    for frame in (*PAINTED, BETWEEN):
        made = read_exr(frame_path(mattes, frame), channels=("A",))
        exact = read_exr(shot.truth_frame("masks", frame), channels=("occluder.Y", "face.Y"))
        occluder, face = np.moveaxis(cut(exact.pixels, FULL, made.data_window), -1, 0)
        if frame in PAINTED:
            np.testing.assert_array_equal(made.pixels[..., 0], occluder.astype(np.float16))  # stored as half
        else:
            near = (face > 0.5) | ((occluder > 0.9) & (made.pixels[..., 0] > 0.5))
            error = np.abs(made.pixels[..., 0] - occluder)[near].mean()
            assert error < 0.06  # of two painted frames, a face 90 px wide; measured 0.02


def test_it_is_made_once_and_again_when_roto_changes(shot, mattes: str) -> None:
    opened = open_shot(shot.file, ROTO)
    assert mattes_are_fresh(opened) and plan_shot(shot.file, ROTO)["mattes"] == "up to date"
    record = Path(mattes).parent / RECORD
    before = record.stat().st_mtime_ns
    mattes_stage(opened, Silent())
    assert record.stat().st_mtime_ns == before
    assert not mattes_are_fresh(open_shot(shot.file, [*ROTO, "mattes.roto_channel="]))


def test_a_killed_stage_goes_on_with_what_is_missing(shot, mattes: str) -> None:
    opened = open_shot(shot.file, ROTO)
    lost, kept = frame_path(mattes, BETWEEN), frame_path(mattes, 1002)
    bits, stamp = lost.read_bytes(), kept.stat().st_mtime_ns
    lost.unlink()
    (Path(mattes).parent / RECORD).unlink()
    mattes_stage(opened, Silent())
    assert lost.read_bytes() == bits and kept.stat().st_mtime_ns == stamp


def test_render_holds_the_learnt_matte_out(shot, mattes: str) -> None:
    made = render_stage(open_shot(shot.file, ROTO), Silent(), frames=f"{BETWEEN}-{PAINTED[1]}")
    for frame in (BETWEEN, PAINTED[1]):
        (file,) = Path(made["folder"]).glob(f"exr/*.{frame}.exr")
        layers = read_exr(file, part="elements", channels=("matte.applied", "matte.holdout", "matte.skin"))
        applied, holdout, skin = np.moveaxis(layers.pixels, -1, 0)
        assert (np.maximum(applied, skin) <= 1 - holdout + 1e-3).all()  # three values rounded to half
    roto = read_exr(frame_path(mattes, PAINTED[1]), channels=("A",))
    np.testing.assert_array_equal(holdout, cut(roto.pixels[..., 0], roto.data_window, layers.data_window))


def test_check_names_roto_that_is_not_there(shot) -> None:
    report = check_shot(shot.file, ["mattes.garbage=none/a.####.exr", "model.method=propagate"])
    assert any("[mattes].garbage: no roto at" in problem for problem in report.problems)
    with pytest.raises(KeyframeError, match=r"\[mattes\]\.roto: no painted frame with a face at .*paint a few frames"):
        mattes_stage(open_shot(shot.file, ["mattes.roto=none/a.####.exr"]), Silent())
