"""Film-like grain with known parameters, so that an estimate of it can be judged.

    sigma_c(x) = gain * level_c * (max(x, 0) + offset) ** power    scene-linear, x the clean value of the same channel

Zero-mean Gaussian, independent from frame to frame, blurred in space by a small Gaussian per channel, partly shared
between channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.demo.performer.curves import Array
from vfx_deepfake.demo.performer.noise import generator

_EDGE_PX = 8  # drawn larger and cut, so that the blur has no border
_SALT = 9001


@dataclass(frozen=True, kw_only=True, slots=True)
class Grain:
    """The known truth of a shot's grain."""

    level: tuple[float, float, float] = (0.030, 0.026, 0.042)
    blur_px: tuple[float, float, float] = (0.75, 0.65, 0.85)
    shared_blur_px: float = 0.7
    shared: float = 0.25  # share of the variance common to the three channels
    offset: float = 0.02
    power: float = 0.7
    gain: float = 0.6

    def sigma(self, clean: Array) -> Array:
        """Standard deviation of the grain at clean values (..., 3)."""
        return self.gain * np.asarray(self.level) * (np.maximum(clean, 0.0) + self.offset) ** self.power

    def field(self, shape: tuple[int, int], seed: int, frame: int) -> Array:
        """Grain of deviation 1 (H, W, 3) float32 for one frame: the same on every host."""
        rng = generator(seed, frame, _SALT)
        common = _unit(rng, shape, self.shared_blur_px)
        own = [_unit(rng, shape, blur) for blur in self.blur_px]
        return np.stack([np.sqrt(self.shared) * common + np.sqrt(1.0 - self.shared) * one for one in own], -1).astype(
            np.float32
        )

    def over(self, clean: Array, field: Array) -> Array:
        """The grain (H, W, 3) float32 that a clean picture gets from a field; add it to the picture."""
        return (self.sigma(clean) * field).astype(np.float32)


def _unit(rng: np.random.Generator, shape: tuple[int, int], blur_px: float) -> Array:
    edge = 2 * _EDGE_PX
    white = rng.standard_normal((shape[0] + edge, shape[1] + edge), dtype=np.float32)
    field = cv2.GaussianBlur(white, (0, 0), blur_px)[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX]
    return field / blur_gain(blur_px)


def blur_gain(blur_px: float) -> float:
    """What the blur makes of the deviation of white noise: the root of the sum of its squared weights."""
    spike = np.zeros((33, 33), np.float32)
    spike[16, 16] = 1.0
    return float(np.sqrt((cv2.GaussianBlur(spike, (0, 0), blur_px) ** 2).sum()))
