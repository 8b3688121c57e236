"""Growing, feathering and combining mattes."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.matte import combine, fade_at_crop_edge, feather, grow, soften


def disc(radius: float, centre: tuple[float, float] = (40.0, 40.0), size: int = 80) -> np.ndarray:
    rows, columns = np.indices((size, size)) + 0.5
    return np.clip(radius + 0.5 - np.hypot(columns - centre[0], rows - centre[1]), 0, 1).astype(np.float32)


@pytest.mark.parametrize("px", [-7, -2.5, -1, 0, 1, 2.5, 7])
def test_growing_moves_the_edge_by_that_many_pixels(px: float) -> None:
    radius = np.sqrt(grow(disc(20), px).sum() / np.pi)
    assert radius == pytest.approx(20 + px, abs=0.35)  # a digital disc is round to about a third of a pixel


@pytest.mark.parametrize("px", [0, 3, 6.5, 12])
def test_feather_lies_inside_and_reaches_one(px: float) -> None:
    hard = disc(24)
    soft = feather(hard, px)
    assert (soft[hard == 0] == 0).all() and soft[40, 40] == 1
    assert (soft <= 1).all() and soft.dtype == np.float32
    profile = soft[40, 40:]
    assert (np.diff(profile) <= 1e-6).all()
    if px >= 6:  # still well under 1 a third of the way in, so the edge is really that wide
        assert 0.1 < profile[24 - int(px / 3)] < 0.9


def test_a_feathered_edge_moves_smoothly_with_sub_pixel_motion() -> None:
    mattes = [feather(disc(24, (40 + shift, 40)), 6) for shift in np.arange(0, 2, 0.125)]
    steps = [float(np.abs(b - a).max()) for a, b in pairwise(mattes)]
    # a doubled Gaussian edge of deviation 3 px rises 0.28 a pixel; the disc's own edge adds a little
    assert max(steps) < 0.125 * 0.4


def test_a_soft_matte_keeps_its_values_inside() -> None:
    soft = 0.4 * disc(24)
    feathered = feather(soft, 6)
    assert (feathered <= soft).all() and feathered[40, 40] == soft[40, 40]
    assert feathered[40, 40 + 20] < soft[40, 40 + 20]
    ramp = soften(disc(20), 16)  # already softer than the feather: only its faint end gets shorter
    loss = ramp - feather(ramp, 4)
    assert loss[ramp > 0.5].max() < 0.001 and loss.min() >= 0 and loss.max() < 0.03


def test_zero_and_one_stay_exact_everywhere() -> None:
    empty, full = np.zeros((9, 7), np.float32), np.ones((9, 7), np.float32)
    for change in (lambda m: grow(m, 2.5), lambda m: grow(m, -2.5), lambda m: feather(m, 4)):
        assert (change(empty) == 0).all() and (change(full) == 1).all()
    np.testing.assert_allclose(soften(full, 4), 1, atol=2**-22)  # a blur kernel's sum is 1 to float rounding
    assert (soften(empty, 4) == 0).all()


def test_holdout_wins_and_bad_values_do_not_spread() -> None:
    face = np.array([[1, 1, 0.5, np.nan, 2, -1]], np.float32)
    change = np.array([[1, 0.5, 0.5, 1, 1, 1]], np.float32)
    holdout = np.array([[1, 0, 0, 0, 0.25, 0]], np.float32)
    np.testing.assert_array_equal(combine(face, change, holdout=holdout), [[0, 0.5, 0.25, 0, 0.75, 0]])


def test_a_crop_edge_inside_the_picture_fades_and_the_picture_s_edge_does_not() -> None:
    matte = np.ones((40, 60), np.float32)
    faded = fade_at_crop_edge(matte, Window(0, 10, 60, 40), Window(0, 0, 200, 50), 8)
    assert (faded[0] == 0).all() and (faded[:, -1] == 0).all()
    assert faded[-1, 0] == 1 and faded[20, 30] == 1


def test_a_polygon_drawn_by_opencv_survives_a_round_trip() -> None:
    mask = np.zeros((64, 64), np.uint8)
    cv2.circle(mask, (32, 32), 20, 255, -1)
    matte = mask.astype(np.float32) / 255
    opened = grow(grow(matte, -5), 5)
    assert np.abs(opened - matte).mean() < 0.01  # opening a disc returns it but for a few pixels of its rim
