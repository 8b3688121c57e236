"""A shot of sliders from the template to the delivery, on real files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.steps.shots import raw
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.demo.shot import IDENTITY, SHOW
from vfx_deepfake.errors import ConsentError
from vfx_deepfake.media.delivery import delivery_codes
from vfx_deepfake.media.dpx import read_codes
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.progress import Silent
from vfx_deepfake.settings import DEFAULT_CONFIG
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.init import InitRequest, init_shot
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.pipeline import plan_shot
from vfx_deepfake.steps.render_stage import render_stage
from vfx_deepfake.steps.track import track_stage

FRAMES = (1001, 1002, 1003)
DIALLED = (
    "beauty.wrinkles.face=[[1001, 0.0], [1003, 0.8]]",
    "beauty.folds.eye_bags={ left = 0.6 }",
    "beauty.lift.jaw=0.5",
    "beauty.expression.smile=0.5",
    "beauty.light.key=0.3",
)


@pytest.fixture(scope="module")
def shot(small_shot, tmp_path_factory) -> Path:
    """Three frames of the performer with grain, tracked, every slider at 0."""
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    folder = tmp_path_factory.mktemp("beauty") / "sh0010"
    file = init_shot(
        InitRequest(
            folder=folder,
            template="beauty",
            plate=small_shot.plate,
            colorspace="ACEScg",
            frames="1001-1003",
            overrides=(f"shot.show={SHOW}", f"consent.identity={IDENTITY}"),
        )
    )
    shutil.copytree(small_shot.folder / "releases", folder / "releases", dirs_exist_ok=True)
    track_stage(open_shot(file), Silent())
    return file


def rendered(shot: Path, *overrides: str, frames: str = "") -> Path:
    """The folder of the version under way."""
    return Path(render_stage(open_shot(shot, overrides), Silent(), frames=frames)["folder"])


def exr(folder: Path, frame: int) -> Path:
    (found,) = folder.glob(f"exr/*.{frame}.exr")
    return found


def test_the_template_needs_neither_key_frames_nor_training(shot):
    report = check_shot(shot)
    assert report.problems == []
    assert "every slider of [beauty] is 0: the plate goes out as it is" in report.warnings
    assert not (shot.parent / "keyframes").exists()
    assert "train" not in plan_shot(str(shot))


def test_check_says_what_would_surprise(shot):
    doubled = check_shot(shot, ("beauty.lift.jaw=1", "render.strength=0.5")).warnings
    assert any("mixes plate and bent face, which doubles what moved" in text for text in doubled)
    idle = check_shot(shot, ("beauty.lift.jaw=1", "model.method=passthrough")).warnings
    assert any("they do nothing; set model.method = 'sliders'" in text for text in idle)


def test_rendering_asks_for_a_release(shot):
    with pytest.raises(ConsentError, match="render of 'somebody'"):
        rendered(shot, "consent.identity=somebody")


def test_every_slider_at_zero_delivers_the_plate_bit_for_bit(shot, small_shot):
    folder = rendered(shot)
    color = Color(DEFAULT_CONFIG)
    for frame in FRAMES:
        out, _ = raw(exr(folder, frame))
        plate, _ = raw(small_shot.plate_frame(frame))
        assert np.array_equal(out, plate)
        codes, _ = read_codes(next(folder.glob(f"dpx/*.{frame}.dpx")))
        straight, _ = delivery_codes(read_exr(small_shot.plate_frame(frame)), color, "ACEScg", "ARRI LogC3 (EI800)", 10)
        assert np.array_equal(codes, straight)


def test_dialled_sliders_change_the_face_under_the_matte_alone_and_a_lone_frame_is_the_same(shot, small_shot, tmp_path):
    folder = rendered(shot, *DIALLED)
    for frame in FRAMES:
        plate, out = read_exr(small_shot.plate_frame(frame)), read_exr(exr(folder, frame), part="rgba")
        matte = read_exr(exr(folder, frame), part="elements", channels=("matte.applied",))
        under = np.zeros(plate.pixels.shape[:2], bool)
        under[matte.data_window.slices(plate.data_window)] = matte.pixels[..., 0] > 0
        changed = (out.pixels != plate.pixels).any(axis=-1)
        assert changed.mean() > 0.01
        assert not (changed & ~under).any()
    alone = tmp_path / "sh0010"
    shutil.copytree(shot.parent, alone, ignore=shutil.ignore_patterns("versions"))
    lone = rendered(alone / "shot.toml", *DIALLED, frames="1002")
    for part in range(3):
        assert np.array_equal(raw(exr(lone, 1002), part)[0], raw(exr(folder, 1002), part)[0])
