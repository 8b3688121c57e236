"""Degraining on a moving picture whose clean version is known."""

import cv2
import numpy as np
import pytest

from tests.image.grain_scene import field
from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import degrain, degrained_lin, measure_shot, spread
from vfx_deepfake.image.grain import NO_GRAIN, GrainModel

FULL = Window(-4, 2, 240, 160)  # overscan: the data window does not start at 0
FACE = Window(40, 30, 128, 96)
FRAMES = range(1001, 1008)
AMOUNT = np.array([0.006, 0.004, 0.010], np.float32)  # deviation in log code, as film has it


def clean_frame(frame: int) -> np.ndarray:
    """A textured picture that moves by 1.5 px a frame, with a bright bar and soft shading, smooth at the foot, log code."""
    rng = np.random.default_rng(11)
    wide = cv2.GaussianBlur(rng.standard_normal((FULL.height, FULL.width + 40)).astype(np.float32), (0, 0), 3) * 0.4
    wide[-48:] = 0
    wide += np.linspace(0.3, 0.6, wide.shape[1], dtype=np.float32)
    wide[:, 150:156] += 0.25
    rows, columns = np.indices(FULL.shape, np.float32)
    moved = cv2.remap(wide, columns + 1.5 * (frame - 1001), rows, cv2.INTER_CUBIC)
    return np.repeat(moved[..., None], 3, -1) * np.array([1, 0.95, 0.9], np.float32)


def reader(grained: bool):
    def read(frame: int, window: Window) -> np.ndarray:
        image = clean_frame(frame) + (AMOUNT * field(frame, FULL.shape) if grained else 0)
        return cut(image.astype(np.float32), FULL, window)

    return read


@pytest.fixture(scope="module")
def model() -> GrainModel:
    return measure_shot(reader(True), FRAMES, FRAMES, FULL)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return -10 * float(np.log10(np.mean((a - b) ** 2)))


def test_grain_goes_and_the_picture_stays(model: GrainModel) -> None:
    truth = cut(clean_frame(1004), FULL, FACE)
    grained = reader(True)(1004, FACE)
    result = degrain(reader(True), FRAMES, 1004, FACE, model)
    bilateral = max(
        psnr(cv2.bilateralFilter(grained, -1, s, p), truth) for s in (0.01, 0.02, 0.04) for p in (1, 1.5, 2.5)
    )
    # five frames averaged alone gain 10 log10(5) = 7 dB; interpolation and mismatches cost some of it
    assert psnr(result, truth) > psnr(grained, truth) + 5
    assert psnr(result, truth) > bilateral + 1
    # the mean of a third of the grain over 12288 px of about 9 px each: 6e-5, four of those and a little for the flow
    assert abs(float(np.mean(result - truth))) < 4e-4


def test_a_lone_frame_is_the_frame_of_the_whole_run(model: GrainModel) -> None:
    alone = degrain(reader(True), [1002, 1003, 1004, 1005, 1006], 1004, FACE, model)
    assert np.array_equal(alone, degrain(reader(True), FRAMES, 1004, FACE, model))


def test_ends_and_lone_stills_work(model: GrainModel) -> None:
    for frames in ([1001], FRAMES):
        result = degrain(reader(True), frames, 1001, FACE, model)
        truth = cut(clean_frame(1001), FULL, FACE)
        assert psnr(result, truth) > psnr(reader(True)(1001, FACE), truth) + 1.5


def test_a_neighbour_that_shows_something_else_is_not_mixed_in(model: GrainModel) -> None:
    """A cut: the frames after it are another picture; mixing a tenth of one in would cost 20 dB."""

    def read(frame: int, window: Window) -> np.ndarray:
        image = reader(True)(frame, window)
        return image if frame <= 1004 else 1 - image

    truth = cut(clean_frame(1004), FULL, FACE)
    assert psnr(degrain(read, FRAMES, 1004, FACE, model), truth) > psnr(read(1004, FACE), truth) + 2


def test_a_clean_plate_comes_back_bit_for_bit() -> None:
    model = measure_shot(reader(False), FRAMES, FRAMES, FULL)
    assert model is NO_GRAIN
    plate_log = reader(False)(1004, FACE)
    plate_lin = decode_log(plate_log)
    assert np.array_equal(degrain(reader(False), FRAMES, 1004, FACE, model), plate_log)
    back = degrained_lin(plate_lin, encode_log(plate_lin), encode_log(plate_lin))
    assert np.array_equal(back.view(np.uint32), plate_lin.view(np.uint32))


def test_measured_frames_are_spread_over_the_shot() -> None:
    assert spread(range(1001, 1101), 4) == [1013, 1038, 1063, 1088]
    assert spread([5, 7], 4) == [5, 7]
    assert spread([], 3) == []
