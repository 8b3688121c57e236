"""Skin texture between grain and wrinkle scale: the plate's pores on a generated face, spared where wrinkles were.

Works on degrained pictures: the grain is the compositing rule's affair and comes back by itself. Band limits grow with
the face. Pictures are log encoded, (H, W, 3) float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA

# All pixels on a face of reference width (320 px, 0.45 mm a pixel).
PORE_PX = 1.2  # deviation of the blur that parts pores from wrinkles; assumed from pores of 0.3 mm
LINE_PX, LINE_LENGTH_PX = 1.4, 6.0  # deviations of a wrinkle's profile and of its straight length; assumed
NUM_WAYS = 8  # directions in which lines are looked for
# Contrast of a line, log code: plain skin of the digital actor shows 0.003 in the median and 0.006 where it is streaky,
# nasolabial folds 0.009 to 0.018, crow's feet 0.02 to 0.03. Measured.
LINE_LOW, LINE_HIGH = 0.007, 0.015
LINE_GROW_PX = 3.0  # a wrinkle's neighbourhood is spared too; assumed
MOST_EXPRESSION = 0.7  # natural logarithm: skin is made at most twice as rough or half as rough


def pore_band(image_log: np.ndarray, scale: float) -> np.ndarray:
    """What is finer than wrinkles: the picture less its blur by PORE_PX; (H, W, 3) log."""
    return image_log - cv2.GaussianBlur(image_log, (0, 0), PORE_PX * scale, borderType=cv2.BORDER_REPLICATE)


def wrinkle_matte(image_log: np.ndarray, scale: float) -> np.ndarray:
    """Where lines and edges of wrinkle size are: 0 on plain skin, 1 on folds, lids, lips and nostrils; (H, W) float32.

    The strongest answer of line detectors in NUM_WAYS directions: across a line they see its profile, along it they
    average, so that pores, which have no direction, cancel. A property of the frame alone that changes smoothly with it.
    """
    luma = image_log @ np.asarray(LUMA, np.float32)
    line = np.zeros(luma.shape, np.float32)
    for kernel in _line_detectors(scale):
        answer = cv2.filter2D(luma, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
        np.maximum(line, np.abs(answer), out=line)
    ramp = np.clip((line - LINE_LOW) / (LINE_HIGH - LINE_LOW), 0, 1)
    grown = cv2.dilate(ramp, np.ones((2 * round(LINE_GROW_PX * scale) + 1,) * 2, np.uint8))
    return np.asarray(cv2.GaussianBlur(grown * grown * (3 - 2 * grown), (0, 0), LINE_GROW_PX * scale))


@lru_cache(maxsize=8)
def _line_detectors(scale: float) -> tuple[np.ndarray, ...]:
    """Kernels in NUM_WAYS directions: a line's profile across, a Gaussian along; of sum 0 and absolute sum 2."""
    across, along = LINE_PX * scale, LINE_LENGTH_PX * scale
    reach = np.arange(-round(3 * along), round(3 * along) + 1, dtype=np.float64)
    y, x = np.meshgrid(reach, reach, indexing="ij")
    kernels = []
    for angle in np.pi * np.arange(NUM_WAYS) / NUM_WAYS:
        u, v = (x * np.cos(angle) + y * np.sin(angle)) / along, (y * np.cos(angle) - x * np.sin(angle)) / across
        kernel = (v * v - 1) * np.exp(-(u * u + v * v) / 2)
        kernel -= kernel.mean()
        kernels.append((kernel / (np.abs(kernel).sum() / 2)).astype(np.float32))
    return tuple(kernels)


def return_texture(
    face_log: np.ndarray, clean_log: np.ndarray, amount: np.ndarray, scale: float, expression: np.ndarray | None = None
) -> np.ndarray:
    """The face with the plate's pores in place of its own.

    Shapes: face_log, clean_log (H, W, 3) log; amount (H, W) at least 0: 0 keeps the face's own band, 1 takes the
    plate's instead, more makes the plate's stronger. expression (H, W): natural logarithm by which the band is made
    rougher (above 0) or smoother, see :func:`expression_gain`. Where amount and expression are 0 the face's own bits
    come back; nothing coarser than PORE_PX changes.
    """
    active = amount > 0 if expression is None else (amount > 0) | (expression != 0)
    if not active.any():
        return face_log
    own, plate = pore_band(face_log, scale), pore_band(clean_log, scale)
    taken, gain = np.minimum(amount, 1)[..., None], np.maximum(amount, 1)[..., None]
    band = own + taken * (gain * plate - own)
    if expression is not None:
        band = band * np.exp(expression)[..., None]
    return np.where(active[..., None], face_log + (band - own), face_log)


def expression_gain(stretch: np.ndarray, strength: float) -> np.ndarray:
    """Logarithm of the roughness that a local stretch of the skin makes: stretched smoother, compressed rougher.

    Shapes: stretch, natural logarithm of the area over its neutral area. Held at MOST_EXPRESSION.
    """
    return np.clip(np.float32(-strength) * stretch, -MOST_EXPRESSION, MOST_EXPRESSION).astype(np.float32)


def texture_amount(
    regions: Mapping[str, np.ndarray], amounts: Mapping[str, float], strength: float, spared: np.ndarray
) -> np.ndarray:
    """How much of the plate's texture each pixel gets: its regions' amounts, less where wrinkles are spared.

    Shapes: regions (H, W) 0..1 each, named as in ``amounts``; spared (H, W) 0..1. Where regions overlap the smaller
    ones (later in ``amounts``) lie over the larger.
    """
    total = np.zeros(spared.shape, np.float32)
    for name, amount in amounts.items():
        total += regions[name] * (np.float32(amount) - total)
    return np.asarray(total * np.float32(strength) * (1 - spared))
