"""Refinement finds the picture's edge, stays in its band, and leaves alone what has no edge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.region_matte import BAND_PX, SkinTone, edge_guide, refined, skin_tone, teeth_matte

SIDE = 96


def disc(radius: float, centre: tuple[float, float] = (48.0, 48.0), side: int = SIDE) -> np.ndarray:
    yy, xx = np.mgrid[:side, :side] + 0.5
    return np.clip(radius - np.hypot(xx - centre[0], yy - centre[1]) + 0.5, 0, 1).astype(np.float32)


def picture(matte: np.ndarray, contrast: float = 0.1, noise: float = 0.002) -> np.ndarray:
    """A redder disc on skin, log."""
    rng = np.random.default_rng(1)
    change = np.array([0.2, -1, -0.8], np.float32) * contrast
    return (0.45 + matte[..., None] * change + noise * rng.standard_normal((*matte.shape, 3))).astype(np.float32)


def test_an_edge_that_was_drawn_off_moves_onto_the_picture_s() -> None:
    exact, drawn = disc(24), disc(24, (50, 49))
    made = refined(drawn, edge_guide(picture(exact), 1.0))
    assert made.dtype == np.float32 and made.min() >= 0 and made.max() <= 1
    # the drawn disc is off by two pixels; measured, a quarter of the error is left
    assert np.abs(made - exact).sum() < 0.4 * np.abs(drawn - exact).sum()


def test_outside_the_band_nothing_changes_and_nothing_stays_nothing() -> None:
    drawn = disc(24, (50, 49)) * np.float32(0.7)
    made = refined(drawn, edge_guide(picture(disc(20)), 1.0))
    inside = cv2.distanceTransform((drawn > 0).astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((drawn == 0).astype(np.uint8), cv2.DIST_L2, 5)
    far = (inside > BAND_PX + 3) | (outside > BAND_PX + 2)  # an elliptic kernel's corner, and the disc's own soft edge
    np.testing.assert_array_equal(made[far], drawn[far])
    assert not refined(np.zeros_like(drawn), edge_guide(picture(disc(20)), 1.0)).any()


def test_a_picture_without_an_edge_keeps_the_outline_where_it_was_drawn() -> None:
    drawn = disc(24)
    made = refined(drawn, edge_guide(picture(drawn, contrast=0.0), 1.0))
    area = float(drawn.sum())
    # a mean over 13 px rounds a disc of 24 px radius: measured 6 % of its area, 0.7 px of its radius
    assert abs(float((made > 0.5).sum()) - area) < 0.08 * area


def test_a_large_face_is_refined_as_a_small_one() -> None:
    """Coefficients come from a copy at the reference size; the same picture three times as large gives the same matte."""
    exact, drawn = disc(24), disc(24, (50, 49))
    small = refined(drawn, edge_guide(picture(exact, noise=0), 1.0))
    big = [
        cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR)
        for image in (drawn, picture(exact, noise=0))
    ]
    large = refined(big[0], edge_guide(big[1], 3.0))
    back = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert np.abs(back - small).mean() < 0.004  # of the whole picture; two ways of scaling an edge 150 px long


@pytest.mark.parametrize("band_px", [1.0, 4.0, 8.0])
def test_a_wider_band_lets_the_edge_go_farther(band_px: float) -> None:
    drawn = disc(24)
    made = refined(drawn, edge_guide(picture(disc(14)), 1.0), band_px)
    assert 0 < (drawn - made).max() <= 1
    changed = np.abs(made - drawn) > 1e-6
    depth = cv2.distanceTransform((drawn > 0).astype(np.uint8), cv2.DIST_L2, 5)
    assert depth[changed & (drawn > 0)].max() <= 1.5 * band_px + 1.5  # kernel corners, the disc's own soft edge


SKIN = SkinTone(light=7.5, red=0.8)  # stops


def pixel(light: float, red: float) -> np.ndarray:
    """A log colour of this luma and redness, green and blue alike."""
    green = (light - 0.2126 * red) / 17.52
    return np.array([green + red / 17.52, green, green], np.float32)


@pytest.mark.parametrize(
    ("light", "red", "share"),
    [(7.0, 0.2, 1.0), (7.0, 0.8, 0.0), (6.0, 1.5, 0.0), (2.5, 0.2, 0.0), (4.5, 0.2, 1.0)],
    ids=["tooth", "skin", "tongue", "dark", "shaded tooth"],
)
def test_teeth_are_pale_and_not_dark(light: float, red: float, share: float) -> None:
    image = np.broadcast_to(pixel(light, red), (4, 5, 3)).copy()
    mouth = np.full((4, 5), 0.8, np.float32)
    np.testing.assert_allclose(teeth_matte(mouth, image, SKIN), 0.8 * share, atol=1e-5)  # float32 ramps
    assert not teeth_matte(np.zeros_like(mouth), image, SKIN).any()


def test_the_skin_s_tone_is_its_median_and_none_without_skin() -> None:
    tone = skin_tone([np.stack([pixel(7, 0.7), pixel(8, 0.9)]), pixel(7.5, 0.8)[None]])
    assert tone is not None
    assert (tone.light, tone.red) == (pytest.approx(7.5, abs=1e-3), pytest.approx(0.8, abs=1e-3))  # float32 log
    assert skin_tone([]) is None
