"""The grain has the parameters it claims."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.demo.performer.grain import Grain, blur_gain

SHAPE = (400, 600)


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    return Grain().field(SHAPE, seed=5, frame=1001)


def effective(blur_px: float) -> float:
    """How many independent values a blurred field holds: blurring correlates about 4 pi sigma² pixels (the noise
    bandwidth of a Gaussian).
    """
    return SHAPE[0] * SHAPE[1] / max(1.0, 4 * np.pi * blur_px**2)


def test_deviation_is_one_and_mean_is_zero(field: np.ndarray) -> None:
    """Four deviations of the estimate: sigma / sqrt(2 N) for the deviation, sigma / sqrt(N) for the mean, N
    independent values.
    """
    for channel, blur in enumerate(Grain().blur_px):
        independent = effective(blur)
        values = field[..., channel]
        assert abs(values.std() - 1.0) < 4 / np.sqrt(2 * independent)
        assert abs(values.mean()) < 4 / np.sqrt(independent)


def test_level_follows_the_light() -> None:
    grain = Grain()
    for value in (0.0, 0.18, 1.0, 20.0):
        clean = np.full((*SHAPE, 3), value, np.float32)
        noise = grain.over(clean, grain.field(SHAPE, 5, 1002))
        stated = grain.gain * np.array(grain.level) * (value + grain.offset) ** grain.power
        tolerance = 4 / np.sqrt(2 * effective(max(grain.blur_px)))
        np.testing.assert_allclose(noise.std((0, 1)), stated, rtol=tolerance)


def test_below_zero_the_level_is_that_of_black() -> None:
    grain = Grain()
    assert np.array_equal(grain.sigma(np.full((1, 1, 3), -0.5)), grain.sigma(np.zeros((1, 1, 3))))


def test_neighbours_correlate_as_the_blur_says(field: np.ndarray) -> None:
    """A Gaussian blur of sigma s leaves correlation exp(-1 / (4 s²)) at one pixel, exact for a wide kernel and within
    0.03 for these.
    """
    grain = Grain(shared=0.0)
    own = grain.field(SHAPE, 5, 1001)
    for channel, blur in enumerate(grain.blur_px):
        values = own[..., channel]
        measured = float((values[:, 1:] * values[:, :-1]).mean())
        assert abs(measured - np.exp(-1 / (4 * blur**2))) < 0.03 + 4 / np.sqrt(effective(blur))


def test_channels_share_what_is_stated(field: np.ndarray) -> None:
    """Channels meet only in the common field, which is ``shared`` of the variance of each."""
    tolerance = 4 / np.sqrt(effective(0.85))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(float((field[..., a] * field[..., b]).mean()) - Grain().shared) < tolerance


def test_frames_are_independent_and_each_is_repeatable(field: np.ndarray) -> None:
    grain = Grain()
    assert np.array_equal(grain.field(SHAPE, 5, 1001), field)
    other = grain.field(SHAPE, 5, 1002)
    assert abs(float((field * other).mean())) < 4 / np.sqrt(3 * effective(0.85))


def test_blur_gain_of_no_blur_is_one() -> None:
    assert blur_gain(0.05) == pytest.approx(1.0, abs=1e-6)  # a kernel of one weight


def test_negative_frame_numbers_have_grain_of_their_own() -> None:
    grain = Grain()
    assert not np.array_equal(grain.field((8, 8), 1, -1), grain.field((8, 8), 1, 1))
