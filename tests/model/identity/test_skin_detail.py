"""Detail that a mean has lost comes back in its place and as strong as crops show it; grain does not."""

import cv2
import numpy as np
import pytest

from vfx_deepfake.model.identity.skin_detail import MOST_GAIN, OCTAVES_CM, Strength, _brows, _octaves

TEXELS, CROPS = 256, 24


def noise(seed: int, sigma: float, level: float) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((TEXELS, TEXELS, 1)).astype(np.float32)
    made = np.asarray(cv2.GaussianBlur(made, (0, 0), sigma) if sigma else made, np.float32).reshape(TEXELS, TEXELS, 1)
    return np.repeat(level * made / made.std(), 3, axis=2)


def given(crops: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The crops' mean, and what it is given."""
    strength = Strength()
    for crop in crops:
        strength.see(np.dstack([crop, np.ones(crop.shape[:2], np.float32)]))
    mean = np.asarray(np.mean(crops, axis=0, dtype=np.float32))
    return mean, strength.given_to(mean)


def wandering(skin: np.ndarray, px: float) -> list[np.ndarray]:
    """The same skin a little beside its place, pairs of neighbours alike: a landmarker's error moves slowly."""
    rng = np.random.default_rng(1)
    found: list[np.ndarray] = []
    for _ in range(CROPS // 2):
        shift = np.array([[1, 0, rng.normal(0, px)], [0, 1, rng.normal(0, px)]], np.float32)
        found += 2 * [
            cv2.warpAffine(skin, shift, (TEXELS, TEXELS), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        ]
    return found


def test_detail_blurred_by_places_that_disagree_comes_back() -> None:
    skin = noise(0, 1.5, 0.01)
    mean, back = given(wandering(skin, 1.5))
    lost, still = (_octaves(one)[2].std() / _octaves(skin)[2].std() for one in (mean, back))
    # half of all pairs are of two places, so a part stays lost; nothing is made stronger than it is
    assert lost < 0.9 and lost + 0.2 * (1 - lost) < still < 1.02
    inner = np.s_[10:-10, 10:-10]
    assert np.corrcoef(back[inner].ravel(), mean[inner].ravel())[0, 1] > 0.97  # in the mean's own places


def test_grain_gives_nothing_back() -> None:
    skin = noise(0, 3.0, 0.01)
    mean, back = given([skin + noise(2 + index, 0, 0.01) for index in range(CROPS)])
    # the mean holds a little of the grain, and pairs agree by chance in a few percent
    np.testing.assert_allclose(back, mean, atol=0.1 * 0.01)


def test_what_all_crops_show_alike_stays_and_one_crop_says_nothing() -> None:
    skin = noise(0, 1.5, 0.01)
    mean, back = given([skin, skin, skin])
    np.testing.assert_allclose(back, mean, atol=1e-5)  # float32 sums
    alone, same = given([skin])
    assert same is alone or np.array_equal(same, alone)


@pytest.mark.parametrize("level", [1e-8, 1.0])
def test_a_mean_of_next_to_nothing_is_not_blown_up(level: float) -> None:
    skin = noise(0, 1.5, level)
    crops = [skin, skin, -skin, -skin, skin, skin, -skin, -skin]
    mean, back = given(crops)
    assert np.isfinite(back).all() and np.abs(back - mean).max() <= (MOST_GAIN - 1) * len(OCTAVES_CM) * level * 5


def test_brows_get_the_hairs_of_one_crop() -> None:
    hairs = noise(0, 1.0, 0.02)
    crops = wandering(hairs, 3.0)
    mean, back = given(crops)
    left, right = (brow > 0.99 for brow in _brows(TEXELS))
    for brow in (left, right):
        lost, still, whole = (np.sum(_octaves(one), axis=0)[brow].std() for one in (mean, back, crops[0]))
        assert lost < 0.5 * whole
        # octaves are no projection: of what they put in they see 0.77 here, where it ends in the last of them
        assert 0.7 * whole < still < 1.05 * whole
        fine = [np.sum(_octaves(one), axis=0)[brow].ravel() for one in (mean, back)]
        alike = [
            [np.corrcoef(one, np.sum(_octaves(crop), axis=0)[brow].ravel())[0, 1] for crop in crops] for one in fine
        ]
        assert (
            max(alike[0]) < 0.5 and max(alike[1]) > 0.9
        )  # not 1: the form, which reaches into the octaves, stays the mean's


def test_one_crop_s_grain_is_no_hair() -> None:
    skin = noise(0, 3.0, 0.01)
    mean, back = given([skin + noise(2 + index, 0, 0.03) for index in range(CROPS)])
    brow = sum(_brows(TEXELS)) > 0.5
    assert np.abs(back - mean)[brow].max() < 0.1 * 0.03  # as everywhere
