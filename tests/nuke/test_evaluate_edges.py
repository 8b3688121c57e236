"""The gizmo where pictures are awkward: overscan, no face, a plate in another space, highlights and negatives, proxies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.nuke.evaluate import read_picture
from tests.nuke.versions import Shown, half_bound
from tests.steps.shots import DATA, DISPLAY, FACELESS, FRAMES, Painter, make_job, open_plate, plate_pixels, write_plate
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.settings import RenderSpec
from vfx_deepfake.steps.render import render_frames

LOG = "ARRI LogC3 (EI800)"
RANGE = (FRAMES[0], FRAMES[-1])


@pytest.fixture(scope="module")
def overscan(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Half float, overscan left and right, light of every kind, a frame without a face."""
    folder = tmp_path_factory.mktemp("overscan")
    pattern = write_plate(folder)
    job = make_job(open_plate(pattern), folder / "v001", Painter(matte=0.7), render=RenderSpec(matte_feather_px=4))
    render_frames(job, FRAMES)
    return Shown(str(folder / "v001/exr/sh.####.exr"), pattern, frames=RANGE)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Float, in a camera's log: rgba is in the plate's space, the elements in the working space."""
    folder = tmp_path_factory.mktemp("logged")
    for frame in FRAMES:
        codes = np.random.default_rng(frame).uniform(0.1, 0.8, plate_pixels(frame, 3).shape).astype(np.float32)
        write_exr(folder / f"plate.{frame}.exr", [Part("rgba", codes, ("R", "G", "B"), DATA, half=False)], DISPLAY)
    pattern = str(folder / "plate.####.exr")
    job = make_job(open_plate(pattern, LOG), folder / "v001", Painter(matte=0.7))
    render_frames(job, FRAMES)
    return Shown(str(folder / "v001/exr/sh.####.exr"), pattern, LOG, frames=RANGE)


@pytest.mark.parametrize("frame", FRAMES)
def test_overscan_negatives_and_highlights_come_through(overscan, frame):
    out, version = overscan.look(frame), overscan.version(frame)
    assert out.box == DATA  # what lies outside the format is still there
    assert (np.abs(out.rgb() - version.rgb()) <= half_bound(version)).all()
    assert np.array_equal(out.get("rgba.alpha"), overscan.plate_of(frame).get("rgba.alpha"))
    plate = overscan.plate_of(frame).rgb()
    assert np.array_equal(overscan.look(frame, mix=0).rgb(), plate)
    assert np.abs(plate).max() == 65504 and plate.min() < 0


def test_a_frame_without_a_face_is_its_plate_whatever_is_dialled(overscan):
    plate = overscan.plate_of(FACELESS).rgb()
    dialled = {"erode": -5, "feather_out": 8, "exposure": 1, "match": 1, "detail": 1, "grain_source": "synth", "mix": 2}
    assert np.array_equal(overscan.look(FACELESS, **dialled).rgb(), plate)
    assert np.array_equal(overscan.look(FACELESS, inputs={0: None}).rgb(), overscan.version(FACELESS).rgb())
    for view in ("mattes", "difference gained", "confidence", "face element"):
        assert not overscan.look(FACELESS, view=view).rgb().any()


def test_blurs_do_not_widen_the_picture(overscan):
    dialled = {"feather_out": 10, "match": 1, "detail": 1, "erode": -6, "paint_in": True}
    assert overscan.look(FRAMES[0], **dialled).box == DATA


@pytest.mark.parametrize("frame", FRAMES)
def test_a_plate_in_another_space_leaves_in_its_own(logged, frame):
    out, version, plate = logged.look(frame), logged.version(frame), logged.plate_of(frame)
    # elements are float32 here; one conversion there and one back, each good to some 1e-6 of full scale
    np.testing.assert_allclose(out.rgb(), version.rgb(), atol=2e-5)
    untouched = version.get("matte.applied") == 0
    assert np.array_equal(out.rgb()[untouched], plate.rgb()[untouched])
    assert np.array_equal(logged.look(frame, mix=0).rgb(), plate.rgb())
    assert (version.rgb() != plate.rgb()).any() == (frame != FACELESS)


def test_in_another_space_the_face_is_shown_in_the_plates_and_stands_in_without_one(logged):
    version = logged.version(FRAMES[0])
    face = logged.color.convert(
        np.stack([version.get(f"face.{c}") for c in ("red", "green", "blue")], -1), "ACEScg", LOG
    )
    shown = logged.look(FRAMES[0], view="face element").rgb()
    where = version.get("matte.applied") > 0
    np.testing.assert_allclose(shown[where], face[where], atol=1e-6)
    np.testing.assert_allclose(logged.look(FRAMES[0], inputs={0: None}).rgb(), version.rgb(), atol=2e-5)


def test_proxies_show_the_same_picture_smaller(published: Path, small_shot: DemoShot):
    exr = str(published.parent / "versions/v001/exr/sh0010_v001.####.exr")
    small, full = Shown(exr, small_shot.plate, scale=0.5), Shown(exr, small_shot.plate)
    frame = 1002
    out, version = small.look(frame).rgb(), small.version(frame).rgb()
    # a matte of means times a face of means is not the mean of their products; they differ where both vary in 2 x 2 pixels
    plate = small.plate_of(frame).rgb()
    assert np.abs(out - version).max() < 0.15 * np.abs(version - plate).max()
    assert np.array_equal(small.look(frame, mix=0).rgb(), plate)
    starts = []
    for each in (small, full):
        looks = [each.look(frame, view="mattes", **dialled) for dialled in ({}, {"erode_left": 8})]
        starts.append([np.flatnonzero((look.get("rgba.red") > 0.5).any(axis=0))[0] for look in looks])
    moved = [after - before for before, after in starts]
    assert moved == [4, 8]  # pixels of a knob are those of the full size


def test_reading_follows_the_layers_as_nuke_names_them(overscan):
    picture = read_picture(Path(overscan.exr.replace("####", str(FRAMES[0]))), overscan.version(FRAMES[0]).canvas)
    named = {"rgba.red", "rgba.alpha", "face.red", "clean.green", "grain.blue", "matte.applied", "confidence.Y", "st.u"}
    assert named <= set(picture.channels)
