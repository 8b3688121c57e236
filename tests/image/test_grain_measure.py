"""The figures that judge grain, on noise whose answer is known."""

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.grain_measure import (
    TILE_PX,
    channel_correlation,
    lag1_correlation,
    level_by_band,
    radial_spectrum,
)

SIZE = (192, 224)
SIGMA = np.array([0.004, 0.006, 0.010])


def white(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((*size, 3)) * SIGMA).astype(np.float32)


def oval(size: tuple[int, int] = SIZE) -> np.ndarray:
    """A face-shaped region with a hole."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    return (np.hypot(x, y) < 0.9) & (np.hypot(x - 0.2, y + 0.3) > 0.2)


def test_levels_are_found_band_by_band_whatever_else_is_there() -> None:
    light = np.repeat(np.linspace(0, 1, SIZE[1], dtype=np.float32)[None, :, None], SIZE[0], axis=0) * np.ones(3, "f4")
    edges = np.array([0.0, 0.25, 0.5, 0.75])
    residual = white(1) * (1 + (light >= 0.5))
    where = oval()
    residual[~where] = 7.0
    residual[::9, ::7] += 0.5  # a sixtieth of the pixels show picture
    levels, counts = level_by_band(residual, light, where, edges)
    expected = np.stack([SIGMA, SIGMA, 2 * SIGMA])
    # the robust deviation of 5,000 values scatters by 1.1 / sqrt(5000), 1.6 %; a sixtieth of outliers adds 2.5 %
    np.testing.assert_allclose(levels, expected, rtol=0.07)
    assert counts.sum() == 3 * (where & (light[..., 0] < 0.75)).sum()


def test_a_band_without_pixels_has_no_level() -> None:
    levels, counts = level_by_band(white(1), np.full((*SIZE, 3), 0.3, np.float32), oval(), np.array([0.5, 0.6, 0.7]))
    assert np.isnan(levels).all() and not counts.any()


@pytest.mark.parametrize("where", [None, oval(), oval().astype(np.float32) * 0.8], ids=["all", "oval", "weights"])
def test_white_noise_has_its_variance_at_every_frequency(where) -> None:
    residual = np.concatenate([white(seed, (96, 224)) for seed in range(8)])
    region = None if where is None else np.concatenate([where[:96], where[96:]] * 4)
    freq, power = radial_spectrum(residual, region)
    assert freq[0] == 1 / TILE_PX and freq[-1] == 0.5
    # a ring of 2 pi r samples in about 100 independent tiles: the first scatters by 4 to 7 %, the mean over rings by under 1 %
    np.testing.assert_allclose(power, np.broadcast_to(SIGMA**2, power.shape), rtol=0.25)
    np.testing.assert_allclose((power * freq[:, None]).sum(0) / freq.sum(), SIGMA**2, rtol=0.04)


def test_soft_noise_has_the_spectrum_of_its_filter() -> None:
    blur = 0.8
    residual = cv2.GaussianBlur(white(3, (512, 512)), (0, 0), blur)
    freq, power = radial_spectrum(residual)
    expected = SIGMA**2 * np.exp(-2 * (2 * np.pi * freq[:, None]) ** 2 * blur**2 / 2)
    inner = freq < 0.3  # farther out the sampled kernel is not the Gaussian any more
    # 961 half-overlapping tiles, 400 independent ones: 3 % on the first ring
    np.testing.assert_allclose(power[inner], expected[inner], rtol=0.12)


def test_what_lies_outside_the_region_does_not_count() -> None:
    residual, where = white(5), oval()
    _, power = radial_spectrum(residual, where)
    dirty = np.where(where[..., None], residual, np.float32(np.nan))
    np.testing.assert_array_equal(radial_spectrum(dirty, where)[1], power)
    np.testing.assert_array_equal(channel_correlation(dirty, where), channel_correlation(residual, where))


def test_a_region_too_small_for_a_tile_has_no_spectrum() -> None:
    assert np.isnan(radial_spectrum(white(1)[:20, :20])[1]).all()
    assert np.isnan(radial_spectrum(white(1), np.zeros(SIZE))[1]).all()


def test_shared_noise_correlates_channels_by_its_share() -> None:
    shared = 0.25
    fields = white(6) / SIGMA
    common = white(7)[..., :1] / SIGMA[0]
    residual = (np.sqrt(1 - shared) * fields + np.sqrt(shared) * common) * SIGMA
    found = channel_correlation(residual, oval())
    # 25,000 pixels: one over the root, 0.006, four of those
    np.testing.assert_allclose(found, shared + (1 - shared) * np.eye(3), atol=0.025)
    assert not channel_correlation(np.zeros_like(residual), oval()).any()
    assert not channel_correlation(residual, np.zeros(SIZE, bool)).any()


def test_fresh_grain_does_not_correlate_and_frozen_grain_does() -> None:
    np.testing.assert_allclose(lag1_correlation(white(8), white(9), oval()), 0, atol=0.025)
    np.testing.assert_allclose(lag1_correlation(white(8), 2 * white(8), oval()), 1, rtol=1e-6)
    assert lag1_correlation(white(8), white(8) - 0.5 * white(9), oval())[0] == pytest.approx(
        1 / np.sqrt(1.25), abs=0.02
    )
