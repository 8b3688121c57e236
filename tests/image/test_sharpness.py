"""Sharpness: falls with every blur, whatever the contrast."""

import itertools

import cv2
import numpy as np

from vfx_deepfake.image.sharpness import local_sharpness


def texture(seed: int = 0, shape: tuple[int, int] = (192, 256)) -> np.ndarray:
    """Detail at every scale, log encoded: skin with pores and folds."""
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.standard_normal((*shape, 1)), (0, 0), px) * px for px in (0.7, 1.4, 2.8, 5.6, 11.2)]
    return (0.4 + 0.02 * np.repeat(sum(layers)[..., None], 3, axis=2)).astype(np.float32)


def test_every_blur_lowers_sharpness_and_contrast_does_not() -> None:
    image, everywhere = texture(), np.ones((192, 256), bool)
    figures = [local_sharpness(image, everywhere)]
    figures += [local_sharpness(cv2.GaussianBlur(image, (0, 0), px), everywhere) for px in (0.4, 0.6, 1, 1.5, 2, 3)]
    assert all(later < 0.97 * earlier for earlier, later in itertools.pairwise(figures))
    # float32 rounding of the darker picture's bands
    assert np.isclose(local_sharpness(0.1 + 0.25 * image, everywhere), figures[0], rtol=1e-3)


def test_only_the_region_counts_and_an_empty_one_gives_zero() -> None:
    image, left = texture(), np.zeros((192, 256), np.float32)
    left[:, :100] = 1
    mixed = image.copy()
    mixed[:, 128:] = cv2.GaussianBlur(image, (0, 0), 3)[:, 128:]
    assert local_sharpness(mixed, left) == local_sharpness(image, left)
    assert local_sharpness(image, np.zeros_like(left)) == 0.0
    assert local_sharpness(np.full_like(image, 0.4), left) == 0.0
