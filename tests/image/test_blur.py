"""Sharpness is matched: planted blurs are found and given, equal sharpness changes no bit."""

import cv2
import numpy as np
import pytest

from tests.image.test_sharpness import texture
from vfx_deepfake.image.blur import defocus, match_sharpness, restore, smear, split_blur
from vfx_deepfake.image.sharpness import extra_blur

SHAPE = (256, 320)
EVERYWHERE = np.ones(SHAPE, np.float32)
STILL = np.zeros((2, 3))


def moving(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (*SHAPE, 2))


def travel(x: float, y: float) -> np.ndarray:
    return np.array([[0, 0, x], [0, 0, y]])


def off_by(result: np.ndarray, wanted: np.ndarray, before: np.ndarray) -> float:
    """Error that is left, of the one that was there; away from the border, which blurs see differently."""
    inner = (slice(24, -24),) * 2
    return float(np.sqrt(np.mean((result - wanted)[inner] ** 2) / np.mean((before - wanted)[inner] ** 2)))


@pytest.mark.parametrize("deviation", [0.8, 1.5, 2.5])
@pytest.mark.parametrize("other", [False, True], ids=["same skin", "other skin"])
def test_a_planted_defocus_is_found_and_given(deviation: float, other: bool) -> None:
    sharp = texture(0, SHAPE)
    soft = cv2.GaussianBlur(texture(1, SHAPE) if other else sharp, (0, 0), deviation)
    found = extra_blur(soft, sharp, EVERYWHERE).variance.mean(axis=(0, 1))
    # unlike textures differ by chance; a twentieth of the deviation is a tenth of the variance
    np.testing.assert_allclose(found, [deviation**2, 0, deviation**2], atol=0.12 * deviation**2 + 0.1)
    given = match_sharpness(sharp, soft, EVERYWHERE, STILL, 1.0, 0.0)
    assert off_by(given, cv2.GaussianBlur(sharp, (0, 0), deviation), sharp) < (0.25 if other else 0.06)


@pytest.mark.parametrize("way", [(6.0, 0.0), (0.0, 5.0), (4.0, -4.0)])
def test_a_planted_motion_is_found_with_its_direction_and_given(way: tuple[float, float]) -> None:
    sharp = texture(0, SHAPE)
    soft = smear(sharp, moving(*way))
    motion, focus = split_blur(extra_blur(soft, sharp, EVERYWHERE), travel(*way))
    # sampling between pixels adds up to a quarter of a square pixel along and across
    assert np.isclose(motion.mean(), np.dot(way, way) / 12, rtol=0.15) and focus.max() <= 0.3
    given = match_sharpness(sharp, soft, EVERYWHERE, travel(*way), 1.0, 0.0)
    assert off_by(given, soft, sharp) < 0.12


def test_what_the_motion_cannot_make_is_defocus() -> None:
    sharp = texture(0, SHAPE)
    soft = smear(sharp, moving(8.0, 0.0))
    field = extra_blur(soft, sharp, EVERYWHERE)
    assert not split_blur(field, STILL)[0].any()
    motion, _ = split_blur(field, travel(4.0, 0.0))
    assert motion.max() <= 16 / 12 + 1e-6
    assert not split_blur(field, travel(0.0, 8.0))[0].any()  # it is not along that motion


def test_equal_sharpness_changes_no_bit() -> None:
    plate, face = texture(0, SHAPE), 0.05 + 0.8 * texture(0, SHAPE)
    assert np.array_equal(match_sharpness(face, plate, EVERYWHERE, travel(6, 2), 1.0, 1.0), face)
    other = texture(3, SHAPE)
    assert np.array_equal(match_sharpness(other, plate, EVERYWHERE, travel(6, 2), 1.0, 1.0), other)


def test_blur_is_local() -> None:
    sharp = texture(0, (256, 640))
    soft = sharp.copy()
    soft[:, 320:] = cv2.GaussianBlur(sharp, (0, 0), 2.0)[:, 320:]
    given = match_sharpness(sharp, soft, np.ones((256, 640), np.float32), STILL, 1.0, 0.0)
    left, right = (slice(24, -24), slice(24, 160)), (slice(24, -24), slice(480, 616))
    moved = [np.abs(given - sharp)[side].mean() / np.abs(soft - sharp)[:, 400:].mean() for side in (left, right)]
    # a share of the whole face's blur is in every place's (WHOLE_SHARE)
    assert moved[0] < 0.3 and 0.7 < moved[1] < 1.1


def test_a_soft_face_is_restored_within_bounds() -> None:
    sharp = texture(0, SHAPE)
    face = cv2.GaussianBlur(sharp, (0, 0), 1.0)
    better = match_sharpness(face, sharp, EVERYWHERE, STILL, 0.0, 1.0)
    assert off_by(better, sharp, face) < 0.6
    edge = np.full((64, 64, 3), 0.3, np.float32)
    edge[:, 32:] = 0.5
    hard = restore(cv2.GaussianBlur(edge, (0, 0), 1.0), np.full((64, 64), 1.0, np.float32))
    # OVERSHOOT times the steepest step between pixels next but one: 0.2 erf(1 / sqrt 2) / 2
    assert hard.max() < 0.5 + 0.5 * 0.07 and hard.min() > 0.3 - 0.5 * 0.07
    assert (
        np.abs(np.diff(hard[32, :, 0])).max()
        > 1.3 * np.abs(np.diff(cv2.GaussianBlur(edge, (0, 0), 1.0)[32, :, 0])).max()
    )


def test_nothing_asked_changes_no_bit() -> None:
    image, none = texture(0, SHAPE), np.zeros(SHAPE, np.float32)
    assert defocus(image, none) is image and restore(image, none) is image and smear(image, moving(0, 0)) is image
    half = none.copy()
    half[:, 160:] = 1.0
    for done in (defocus(image, half), restore(image, half), smear(image, moving(3, 0) * half[..., None])):
        assert np.array_equal(done[:, :160], image[:, :160]) and not np.array_equal(done[:, 160:], image[:, 160:])
    soft = cv2.GaussianBlur(image, (0, 0), 2.0)
    assert np.array_equal(match_sharpness(image, soft, EVERYWHERE, STILL, 0.0, 0.0), image)


def test_a_variance_between_the_prepared_ones_is_met() -> None:
    point = np.zeros((65, 65, 3), np.float32)
    point[32, 32] = 1
    spread = (np.arange(65) - 32) ** 2
    for wanted in (0.3, 0.75, 1.7, 5.0, 20.0):
        blurred = defocus(point, np.full((65, 65), wanted, np.float32))[..., 0]
        # below 1 px a sampled Gaussian is a little narrower or wider than its name
        assert np.isclose((blurred.sum(axis=0) * spread).sum() / blurred.sum(), wanted, rtol=0.03, atol=0.05)


@pytest.mark.parametrize("matte", [np.zeros(SHAPE, np.float32), np.ones((40, 50), np.float32)], ids=["empty", "small"])
def test_nothing_to_compare_gives_no_blur(matte: np.ndarray) -> None:
    image = texture(0, matte.shape)
    assert not extra_blur(cv2.GaussianBlur(image, (0, 0), 3), image, matte).variance.any()
