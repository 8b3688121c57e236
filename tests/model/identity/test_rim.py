"""The rim of a replaced face on a drawn cheek: a disc of skin before a background."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vfx_deepfake.model.identity.rim import with_rim

SIDE, PX_PER_CM, CHEEK, OUTLINE = (
    192,
    8.0,
    60.0,
    56.0,
)  # the mesh's outline lies half a centimetre inside the cheek's own
BACKGROUND, SKIN, DARKER = 0.30, 0.48, np.float32(-0.02)
AWAY = np.hypot(*(np.indices((SIDE, SIDE)) + 0.5 - SIDE / 2)).astype(np.float32)


def disc(radius: float) -> np.ndarray:
    return np.clip(radius - AWAY + 0.5, 0, 1)


def picture(neck: bool = False) -> np.ndarray:
    skin = disc(CHEEK)
    if neck:
        skin[SIDE // 2 :, 76:116] = 1
    pores = np.random.default_rng(3).normal(0, 0.002, (SIDE, SIDE)).astype(np.float32)
    return np.repeat((BACKGROUND + (SKIN - BACKGROUND) * skin + pores * skin)[..., None], 3, axis=2)


@pytest.fixture
def matte() -> np.ndarray:
    """Soft over 0.9 cm inside the outline, as the renderer's."""
    return np.clip(2 * cv2.GaussianBlur(disc(OUTLINE), (0, 0), 3.6) - 1, 0, 1) * disc(OUTLINE)


def test_the_skin_is_one_level_to_its_own_edge_and_the_background_keeps_its_own(matte: np.ndarray) -> None:
    delta = np.full((SIDE, SIDE, 3), DARKER)
    change, wide = with_rim(delta, matte, picture(), disc(OUTLINE), PX_PER_CM)
    shown = (change * wide[..., None])[..., 1]
    rim = (AWAY > OUTLINE - 4) & (AWAY < CHEEK - 1)
    assert float((matte[rim]).mean()) < 0.3  # the light line: measured 0.21 of the level
    assert float(shown[rim].mean()) / DARKER > 0.55  # measured 0.62
    assert np.abs(shown[AWAY > CHEEK + 2]).max() < 0.1 * abs(DARKER)
    np.testing.assert_array_equal(wide[matte == 1], 1)
    assert (wide >= matte).all()
    assert not wide[AWAY > OUTLINE + 3 * 0.9 * PX_PER_CM].any()


def test_pores_of_the_rim_stay_the_plates(matte: np.ndarray) -> None:
    """The made face has none; where the matte is gone nothing but a smooth level is added."""
    clean = picture()
    made = cv2.GaussianBlur(clean, (0, 0), 4) + DARKER
    change, wide = with_rim(made - clean, matte, clean, disc(OUTLINE), PX_PER_CM)
    added = (change * wide[..., None])[..., 1]
    where = (matte == 0) & (AWAY < CHEEK - 1)
    rough = [float((each - cv2.GaussianBlur(each, (0, 0), 2))[where].std()) for each in (added, clean[..., 1])]
    assert rough[0] < 0.25 * rough[1]


def test_over_the_neck_it_runs_out(matte: np.ndarray) -> None:
    change, wide = with_rim(np.full((SIDE, SIDE, 3), DARKER), matte, picture(neck=True), disc(OUTLINE), PX_PER_CM)
    down = (change * wide[..., None])[SIDE // 2 + 40 :, SIDE // 2, 1]
    assert np.abs(np.diff(down)).max() < 0.15 * abs(DARKER)  # no step: over 0.9 cm, 7 px
    assert abs(down[-1]) < 0.01 * abs(DARKER)


def test_no_change_and_an_empty_matte_stay_so(matte: np.ndarray) -> None:
    nothing = np.zeros((SIDE, SIDE, 3), np.float32)
    change, _ = with_rim(nothing, matte, picture(), disc(OUTLINE), PX_PER_CM)
    np.testing.assert_array_equal(change, 0)
    change, wide = with_rim(nothing + DARKER, np.zeros_like(matte), picture(), disc(OUTLINE), PX_PER_CM)
    np.testing.assert_array_equal(wide, 0)
    np.testing.assert_array_equal(change, DARKER)
