"""Seeded noise, the same on every host for the same numbers."""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.demo.performer.curves import Array


def generator(*seed: int) -> np.random.Generator:
    """A random generator for whole numbers such as (seed, frame); negatives are allowed."""
    return np.random.default_rng([number % 2**32 for number in seed])


def soft_noise(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float | tuple[float, float]) -> Array:
    """Gaussian noise of mean 0 and deviation 1, blurred by ``sigma_px`` (down, across when two are given)."""
    down, across = sigma_px if isinstance(sigma_px, tuple) else (sigma_px, sigma_px)
    coarse = max(1, int(min(down, across) / 2.5))  # wide blurs are made small and enlarged: same look, far fewer sums
    small = (-(-shape[0] // coarse) + 8, -(-shape[1] // coarse) + 8)
    field: Array = rng.standard_normal(small, dtype=np.float32)
    field = cv2.GaussianBlur(field, (0, 0), max(across / coarse, 0.3), sigmaY=max(down / coarse, 0.3))
    if coarse > 1:
        field = cv2.resize(field, (small[1] * coarse, small[0] * coarse), interpolation=cv2.INTER_CUBIC)
    field = field[4 : 4 + shape[0], 4 : 4 + shape[1]]
    return (field - field.mean()) / max(float(field.std()), 1e-6)
