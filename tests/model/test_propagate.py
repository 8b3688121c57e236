"""Painted frames carried to others, where the answer is known."""

import numpy as np
import pytest

from tests.model.scene import FIRST, FULL, disc_mask, disc_scene
from vfx_deepfake.image.crop import paste
from vfx_deepfake.model import predict as predict_module
from vfx_deepfake.model.paint import Crop, take_apart
from vfx_deepfake.model.predict import FaceModel, Prediction, stack_for
from vfx_deepfake.model.propagate import nearest_keys, propagate


def applied(scene, frame, prediction: Prediction) -> np.ndarray:
    """The whole log frame after the prediction."""
    out = scene.plates[frame].copy()
    delta = np.zeros_like(out)
    paste(delta, FULL, prediction.matte[..., None] * prediction.delta_log, prediction.window)
    return out + delta


@pytest.mark.parametrize("warped", [False, True])
def test_a_painted_frame_comes_back_as_painted(warped):
    scene = disc_scene(warped=warped)
    key = FIRST + 4
    again = applied(scene, key, FaceModel(scene.source([FIRST, key])).predict(key))
    # (painting - plate) + plate in float32
    np.testing.assert_allclose(again, scene.paintings[key], atol=1e-6)


@pytest.mark.parametrize("frame", range(FIRST + 1, FIRST + 8))
def test_a_whole_pixel_move_carries_the_painting_exactly(frame):
    scene = disc_scene(step_px=2)
    result = applied(scene, frame, FaceModel(scene.source([FIRST, FIRST + 8])).predict(frame))
    inside = disc_mask(scene, frame, 0.85)
    change = np.abs(scene.paintings[frame] - scene.plates[frame])[inside].max()
    error = np.abs(result - scene.paintings[frame])[inside]
    assert change > 0.1
    # DIS is off by a few hundredths of a pixel; times the texture's gradient (about 0.05 a pixel) that is 0.002 log
    assert error.mean() < 0.001
    assert error.max() < 0.02


def test_a_moved_edge_follows_the_painting():
    scene = disc_scene(warped=True)
    frame = FIRST + 2
    result = applied(scene, frame, FaceModel(scene.source([FIRST])).predict(frame))
    edge = disc_mask(scene, frame, 1.1) & ~disc_mask(scene, frame, 0.5)
    truth = scene.paintings[frame]
    untouched = np.abs(scene.plates[frame] - truth)[edge].mean()
    # the painting shrinks the disc by 6 %, nearly 2 px at its edge; less than half of that error may stay
    assert np.abs(result - truth)[edge].mean() < 0.5 * untouched


def test_the_shift_of_a_painting_is_found():
    scene = disc_scene(warped=True)
    key = scene.source([FIRST]).key(FIRST)
    x, y = (scene.track.points_at(FIRST)[0] - (key.crop.window.x, key.crop.window.y)).astype(int)
    # 24 px right of the middle a disc shrunk to 94 % shows what its plate shows 24 / 0.94 - 24 = 1.5 px further out
    assert key.shift[y, x + 24, 0] == pytest.approx(1.5, abs=0.5)
    assert abs(key.shift[y, x, 0]) < 0.5


def test_nothing_changes_far_from_the_paint():
    scene = disc_scene()
    prediction = FaceModel(scene.source([FIRST, FIRST + 8])).predict(FIRST + 4)
    far = np.ones(prediction.window.shape, bool)
    x, y = scene.track.points_at(FIRST + 4)[0] - (prediction.window.x, prediction.window.y)
    far[int(y) - 30 : int(y) + 30, int(x) - 24 : int(x) + 40] = False
    assert prediction.matte[far].max() == 0
    assert prediction.confidence.min() >= 0 and prediction.confidence.max() <= 1


def test_an_occluder_takes_the_matte_away():
    scene = disc_scene()
    source = scene.source([FIRST, FIRST + 8])
    crop = source.crop(FIRST + 4)
    hidden = crop.image_log.copy()
    x, y = (scene.track.points_at(FIRST + 4)[0] - (crop.window.x, crop.window.y)).astype(int)
    hidden[y - 22 : y + 22, x - 22 : x + 22] = 0.05  # a black card, more than four stops darker than skin
    keys = [(source.key(FIRST), 0.5), (source.key(FIRST + 8), 0.5)]
    open_, shut = (
        propagate(Crop(crop.frame, crop.window, image, crop.points, crop.scale), keys, source.mesh)
        for image in (crop.image_log, hidden)
    )
    at_patch = slice(y - 8, y - 4), slice(x + 6, x + 10)
    assert open_.matte[at_patch].min() > 0.9
    assert shut.matte[at_patch].max() < 0.1


def test_where_no_painting_reaches_the_plate_stays():
    scene = disc_scene()
    source = scene.source([FIRST])
    key = source.key(FIRST)
    half = key.valid.copy()
    half[:, half.shape[1] // 2 :] = 0
    cropped = take_apart(key.crop, key.painted, half)
    stack = propagate(source.crop(FIRST), [(cropped, 1.0)], source.mesh)
    beyond = stack.weights.sum(axis=0) == 0
    assert beyond.any()
    assert np.array_equal(stack.base[beyond], stack.crop.image_log[beyond])
    assert not stack.matte[beyond].any() and not stack.confidence[beyond].any()


def test_stacks_are_equally_deep_whatever_the_number_of_paintings():
    scene = disc_scene()
    shapes = {
        stack_for(scene.source(keys), FIRST + 3).candidates.shape for keys in ([FIRST], [FIRST, FIRST + 5, FIRST + 8])
    }
    assert len(shapes) == 1


def test_weights_add_up_and_make_the_base():
    stack = stack_for(disc_scene().source([FIRST, FIRST + 8]), FIRST + 3)
    np.testing.assert_allclose(stack.weights.sum(axis=0), 1, atol=1e-5)  # six float32 numbers
    mixed = (stack.weights[..., None] * stack.candidates).sum(axis=0)
    np.testing.assert_allclose(mixed, stack.base, atol=1e-5)


def test_painted_roto_is_carried_as_a_matte():
    scene = disc_scene()
    source = scene.source([FIRST, FIRST + 8])
    roto = {}
    for frame in scene.frames:
        full = disc_mask(scene, frame, 0.6).astype(np.float32)
        roto[frame] = full[source.window(frame).slices(FULL)] if FULL.contains(source.window(frame)) else None
    keys = []
    for frame in (FIRST + 3, FIRST + 7):
        crop = source.crop(frame)
        keys.append((take_apart(crop, roto[frame][..., None], np.ones(crop.window.shape, np.float32)), 0.5))
    stack = propagate(source.crop(FIRST + 5), keys, source.mesh)
    assert stack.base.shape[2] == 1 and stack.candidates.shape[0] == 3
    # the binary edge is sampled bilinearly: half a pixel of blur along its rim, 4 % of the area
    assert np.abs(stack.base[..., 0] - roto[FIRST + 5]).mean() < 0.01


def test_a_single_painted_frame_carries_alone():
    assert nearest_keys(1005, [1001]) == [(1001, 1.0)]


def test_time_weights_fall_with_distance_and_vanish_at_the_first_left_out():
    picked = nearest_keys(1006, [1001, 1005, 1009, 1020])
    assert [key for key, _ in picked] == [1005, 1009, 1001]
    weights = [weight for _, weight in picked]
    assert weights == sorted(weights, reverse=True) and sum(weights) == pytest.approx(1)
    tie = nearest_keys(1005, [1004, 1006, 1000, 1010])
    assert tie[2][1] == 0  # 1000 and 1010 are equally far: which of them is third must not matter


def test_no_painting_is_refused():
    source = disc_scene().source([FIRST])
    with pytest.raises(ValueError, match="no painted frame to carry"):
        propagate(source.crop(FIRST), [], source.mesh)


def test_a_painting_of_another_shape_is_refused():
    crop = disc_scene().source([FIRST]).crop(FIRST)
    with pytest.raises(ValueError, match="does not fit a crop"):
        take_apart(crop, np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.float32))


def test_a_frame_made_in_bands_is_the_same(monkeypatch):
    scene = disc_scene(step_px=2, warped=True)
    whole = FaceModel(scene.source([FIRST, FIRST + 8])).predict(FIRST + 3)
    monkeypatch.setattr(predict_module, "BAND_PX", whole.window.width * 32)
    banded = FaceModel(scene.source([FIRST, FIRST + 8])).predict(FIRST + 3)
    pieces = list(predict_module.bands(whole.window, 1.0))
    assert len(pieces) > 1 and sum(inner.height for inner, _ in pieces) == whole.window.height
    # the margin holds more than 6 sigma of the widest filter; float32 sums in another order
    np.testing.assert_allclose(banded.delta_log, whole.delta_log, atol=1e-5)
    np.testing.assert_allclose(banded.matte, whole.matte, atol=1e-5)
    np.testing.assert_allclose(banded.confidence, whole.confidence, atol=1e-4)
