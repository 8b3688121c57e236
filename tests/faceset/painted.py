"""A face of spots that move with its points: nobody, but always the same nobody."""

from __future__ import annotations

import numpy as np


def painted(person: int, points: np.ndarray, size: int, gain: float = 0.0) -> np.ndarray:
    """A crop (size, size, 3) of a face whose marks move with its points; ``gain`` is a light that grows across the picture."""
    rng = np.random.default_rng(person)
    rows, columns = np.mgrid[0:size, 0:size] + 0.5
    image = np.full((size, size, 3), 0.4, np.float32)
    width = 2.5 * size / 128
    for index in rng.choice(468, 60, replace=False):
        spot = np.exp(-(((columns - points[index, 0]) ** 2 + (rows - points[index, 1]) ** 2) / (2 * width**2)))
        image += (0.1 * rng.normal(size=3) * spot[..., None]).astype(np.float32)
    return image + np.float32(gain) * (columns / size)[..., None].astype(np.float32)
