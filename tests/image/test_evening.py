"""Creases, spots, blotches and folds drawn on skin whose answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.evening import (
    LUMA,
    looks_like_skin,
    without_blotches,
    without_creases,
    without_folds,
    without_spots,
)

PX_PER_CM, SIDE = 20.0, 160
ALL = (without_creases, without_spots, without_blotches, without_folds)
TONE = np.array([0.50, 0.46, 0.42], np.float32)


def skin(scale: int = 1) -> np.ndarray:
    """Skin with shading across it, no detail."""
    shade = np.linspace(-0.03, 0.03, SIDE * scale, dtype=np.float32)[None, :, None]
    return np.broadcast_to(TONE + shade, (SIDE * scale, SIDE * scale, 3)).copy()


def pores(seed: int = 1) -> np.ndarray:
    grains = np.random.default_rng(seed).standard_normal((SIDE, SIDE)).astype(np.float32)
    grains = cv2.GaussianBlur(grains, (0, 0), 0.8)
    return (0.008 * grains / grains.std())[..., None].repeat(3, axis=2)


def crease(scale: int = 1, width_cm: float = 0.06) -> np.ndarray:
    """A dark curved line four centimetres long."""
    rows, columns = (np.mgrid[: SIDE * scale, : SIDE * scale].astype(np.float32) + 0.5) / (PX_PER_CM * scale)
    away = rows - 4 - 0.3 * np.sin(columns)
    along = np.clip(3 - np.abs(columns - 4), 0, 1)
    return (-0.05 * along * np.exp(-0.5 * (away / width_cm) ** 2))[..., None].repeat(3, axis=2).astype(np.float32)


def added(without, log: np.ndarray, amount: float = 1.0, scale: int = 1) -> np.ndarray:
    everywhere = np.ones(log.shape[:2], np.float32)
    return without(log, everywhere, amount * everywhere, PX_PER_CM * scale)


@pytest.mark.parametrize("without", ALL)
def test_no_amount_adds_exactly_nothing(without):
    rng = np.random.default_rng(2)
    amount = np.zeros((SIDE, SIDE), np.float32)
    amount[40:80, 50:90] = 0.7
    made = without(skin() + pores() + crease(), rng.random((SIDE, SIDE), np.float32), amount, PX_PER_CM)
    assert not made[amount == 0].any()
    assert made[amount > 0].any()


@pytest.mark.parametrize("without", ALL)
def test_shading_stays(without):
    inside = added(without, skin())[30:-30, 30:-30]
    assert np.abs(inside).max() < 1e-3  # a sixtieth of a stop; blurs bend a ramp near the picture's border


def test_a_crease_goes_and_pores_stay():
    picture = skin() + pores() + crease()
    left = picture + added(without_creases, picture) - skin()
    on = np.abs(crease()).max(axis=2) > 0.04
    before, after = (float((image @ LUMA)[on].mean()) for image in (crease(), left))
    assert abs(after) < 0.25 * abs(before)  # measured 0.2
    away = cv2.dilate((np.abs(crease()).max(axis=2) > 1e-4).astype(np.uint8), np.ones((15, 15))) == 0
    kept = (left @ LUMA)[away].std() / (pores() @ LUMA)[away].std()
    assert 0.75 < kept < 1.05  # grains that happen to line up are taken for lines: 0.81 here


def test_a_negative_amount_deepens_what_a_positive_one_takes():
    picture = skin() + crease()
    assert np.array_equal(added(without_creases, picture, -1.0), -added(without_creases, picture))


def test_a_4k_face_gets_what_an_hd_face_gets():
    small, large = (added(without_creases, skin(scale) + crease(scale, 0.1), scale=scale) for scale in (1, 2))
    shrunk = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert (
        np.abs(shrunk - small)[20:-20, 20:-20].max() < 0.1 * np.abs(small).max()
    )  # line filters are half a pixel thick


def blob(radius_cm: float, centre: tuple[int, int] = (80, 80)) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    away = np.hypot(rows - centre[0], columns - centre[1]) / (radius_cm * PX_PER_CM)
    return np.exp(-0.5 * away**2)[..., None].astype(np.float32)


def test_a_dark_spot_is_lifted_and_a_bright_one_left():
    dark, bright = blob(0.1, (60, 60)), blob(0.1, (100, 100))
    picture = skin() - 0.04 * dark + 0.04 * bright
    made = added(without_spots, picture)
    assert made[60, 60].mean() > 0.4 * 0.04
    assert abs(made[100, 100].mean()) < 0.1 * 0.04


def test_uneven_colour_goes_while_light_and_the_mean_tone_stay():
    red = np.array([0.03, -0.01, -0.01], np.float32)
    red -= red @ LUMA
    picture = skin() + red * blob(0.5)
    made = added(without_blotches, picture)
    assert np.abs(made @ LUMA).max() < 1e-6  # no light is added
    assert np.abs(made[80, 80] + red).max() < 0.5 * np.abs(red).max()
    assert np.abs(made.mean(axis=(0, 1))).max() < 0.1 * np.abs(red * blob(0.5).mean()).max() + 2e-4


def test_the_shadow_of_a_fold_is_lifted_more_than_its_bulge_is_lowered():
    made = added(without_folds, skin() - 0.04 * blob(0.4, (60, 80)) + 0.04 * blob(0.4, (110, 80)))
    assert made[60, 80].mean() > 0.015
    assert -0.5 * made[60, 80].mean() < made[110, 80].mean() < 0


def test_hair_and_background_are_no_skin_and_shading_is():
    picture = skin()
    picture[:40] -= 0.2
    picture[:, :30] += 0.25
    sure = np.zeros((SIDE, SIDE), np.float32)
    sure[60:140, 60:140] = 1
    share = looks_like_skin(picture, sure, PX_PER_CM)
    assert share[:33, 37:].max() == 0  # the edge itself is soft by EDGE_CM
    assert share[47:, :23].max() == 0
    assert share[70:130, 60:130].min() == pytest.approx(1, abs=1e-6)
