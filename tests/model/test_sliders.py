"""The slider model on frames of the performer, with a track that is the canonical head laid over it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.demo.performer.performer import POINT_NAMES, Performer
from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.topology import POINTS, canonical_vertices_cm, fit_similarity
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.sliders import SliderModel
from vfx_deepfake.settings import BeautySpec
from vfx_deepfake.tables import build

# the performer's names of points that stand for the mesh's; only a likeness, which is enough here
SAME = {"eye_outer_l": 33, "eye_outer_r": 263, "mouth_corner_l": 61, "mouth_corner_r": 291, "lip_top": 0, "chin": 152}
FRAMES = (1001, 1002)
SLIDERS = [
    {"wrinkles": {"face": 0.8}}, {"wrinkles": {"crows_feet": {"left": 1.0}}}, {"wrinkles": {"forehead": -1.0}},
    {"spots": {"cheeks": 1.0}}, {"blotches": {"face": 1.0}},
    {"folds": {"eye_bags": 1.0}}, {"folds": {"nasolabial": {"right": -1.0}}},
    {"lift": {"jaw": 1.0}}, {"lift": {"cheeks": -1.0}}, {"lift": {"lids": {"left": 1.0}}},
    {"expression": {"smile": 1.0}}, {"expression": {"brows": -1.0}}, {"expression": {"eyes": 1.0}},
    {"expression": {"lips": 1.0}},
    {"light": {"key": 0.5, "azimuth": 60.0}}, {"light": {"fill": -0.3}},
]  # fmt: skip
EVERYTHING = {table: {key: value for one in SLIDERS for key, value in one.get(table, {}).items()}
              for table in BeautySpec.__dataclass_fields__}  # fmt: skip


@pytest.fixture(scope="module")
def performer() -> Performer:
    return Performer(width=320, height=240, count=len(FRAMES))


@pytest.fixture(scope="module")
def scene(performer):
    """Log pictures of two frames, and a track."""
    truths = [performer.truth(frame) for frame in FRAMES]
    head = canonical_vertices_cm() * (1, -1, 1)
    points = []
    for truth in truths:
        seen = np.array([truth.points[POINT_NAMES.index(name)] for name in SAME], np.float64)
        move = fit_similarity(head[list(SAME.values()), :2], seen)
        points.append(head[:, :2] @ move[:, :2].T + move[:, 2])
    pictures = {truth.frame: np.asarray(encode_log(truth.clean), np.float32) for truth in truths}
    track = FaceTrack(
        np.array(FRAMES), np.asarray(points, np.float32), np.ones(2, np.float32), np.zeros((2, 3), np.float32)
    )
    return pictures, track


def model(scene, beauty: dict, scale: int = 1) -> SliderModel:
    """``scale`` enlarges picture and track."""
    pictures, track = scene
    if scale > 1:
        pictures = {
            frame: cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            for frame, p in pictures.items()
        }
        track = replace(track, points=track.points * np.float32(scale))
    full = {frame: Window.of_image(picture) for frame, picture in pictures.items()}
    source = CropSource(track, [], lambda frame, window: cut(pictures[frame], full[frame], window), lambda f, w: None)
    return SliderModel(source, build(BeautySpec, beauty, "test"))


def test_at_rest_the_change_and_the_matte_are_exactly_zero(scene):
    resting = {"wrinkles": {"face": 0.0}, "lift": {"jaw": [[1001, 0.0], [1002, 0.0]]}, "light": {"azimuth": 50.0}}
    for beauty in ({}, resting):
        made = model(scene, beauty).predict(1001)
        assert not made.delta_log.any()
        assert not made.matte.any()


@pytest.mark.parametrize("beauty", SLIDERS, ids=str)
def test_every_slider_changes_something_and_nothing_outside_its_matte(scene, beauty):
    made = model(scene, beauty).predict(1001)
    changed = (made.delta_log != 0).any(axis=2)
    assert 0.002 < changed.mean() < 0.9
    assert np.isfinite(made.delta_log).all()
    assert not made.delta_log[made.matte == 0].any()
    assert made.matte.min() >= 0
    assert made.matte.max() <= 1
    border = np.ones(made.matte.shape, bool)
    border[1:-1, 1:-1] = False
    assert not changed[border].any(), "the change ends before the crop does"


def test_a_key_at_another_frame_changes_this_one_by_its_curve_only(scene):
    fading = model(scene, {"wrinkles": {"face": [[1001, 0.0], [1003, 1.0]]}})
    assert not fading.predict(1001).delta_log.any()
    half = fading.predict(1002).delta_log
    whole = model(scene, {"wrinkles": {"face": 1.0}}).predict(1002).delta_log
    np.testing.assert_allclose(half, whole / 2, atol=1e-6)  # float32; a tone is linear in its amount


def test_a_frame_made_alone_is_the_frame_of_a_whole_run(scene):
    running = model(scene, EVERYTHING)
    for frame in FRAMES:
        together, alone = running.predict(frame), model(scene, EVERYTHING).predict(frame)
        assert np.array_equal(together.delta_log, alone.delta_log)
        assert np.array_equal(together.matte, alone.matte)


def test_pixels_that_do_not_move_are_not_resampled(scene):
    bent = model(scene, {"lift": {"lids": {"left": 1.0}}}).predict(1001)
    eyes = bent.delta_log != 0
    columns = np.flatnonzero(eyes.any(axis=(0, 2)))
    assert columns.min() > eyes.shape[1] / 2, "the person's left lid is on the picture's right"


def test_a_large_face_is_worked_on_small_and_gets_the_same_change(scene):
    beauty = {"wrinkles": {"face": 1.0}, "folds": {"eye_bags": 1.0}, "light": {"key": 0.5, "elevation": 40.0}}
    small, large = model(scene, beauty, scale=4), model(scene, beauty, scale=9)
    assert (small.reduction, large.reduction) == (1, 2)
    one, other = small.predict(1001), large.predict(1001)
    assert not other.delta_log[other.matte == 0].any()
    middle = Window(140, 90, 40, 60)  # of the picture that was enlarged, on the face
    same = []
    for made, scale in ((one, 4), (other, 9)):
        place = Window(middle.x * scale, middle.y * scale, middle.width * scale, middle.height * scale)
        same.append(cv2.resize(made.delta_log[place.slices(made.window)], (40, 60), interpolation=cv2.INTER_AREA))
    # line filters are half a pixel thick, at either size; 0.04 was measured
    assert np.abs(same[0] - same[1]).mean() < 0.1 * np.abs(same[0]).mean()


def test_an_artists_own_points_are_refused(scene):
    pictures, track = scene
    own = FaceTrack(track.frames, track.points[:, :7].copy(), track.confidence, track.pose, POINTS)
    source = CropSource(
        own, [], lambda frame, window: cut(pictures[frame], Window(0, 0, 320, 240), window), lambda f, w: None
    )
    with pytest.raises(TrackError, match="holds 7 points of an artist; sliders need MediaPipe's 478"):
        SliderModel(source, BeautySpec())
