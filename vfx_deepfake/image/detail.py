"""Skin texture between grain and wrinkle scale: the plate's pores on a generated face, spared where wrinkles were.

Works on degrained pictures: the grain is the compositing rule's affair and comes back by itself. Band limits grow with
the face. Pictures are log encoded, (H, W, 3) float32.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA

# Deviations on a face of reference width (320 px, 0.45 mm a pixel). Pores and fine lines lie below the first, crow's
# feet and folds between the two; assumed from sizes of 0.3 mm and 1 to 3 mm.
PORE_PX, WRINKLE_PX = 1.2, 3.0
RIDGE_LOW, RIDGE_HIGH = 0.012, 0.035  # curvature of the wrinkle band, log code; skin and folds of the digital actor
RIDGE_GROW_PX = 3.0  # a wrinkle's neighbourhood is spared too; assumed
MOST_EXPRESSION = 0.7  # natural logarithm: skin is made at most twice as rough or half as rough


def pore_band(image_log: np.ndarray, scale: float) -> np.ndarray:
    """What is finer than wrinkles: the picture less its blur by PORE_PX; (H, W, 3) log."""
    return image_log - cv2.GaussianBlur(image_log, (0, 0), PORE_PX * scale, borderType=cv2.BORDER_REPLICATE)


def wrinkle_matte(image_log: np.ndarray, scale: float) -> np.ndarray:
    """Where lines and edges of wrinkle size are: 0 on plain skin, 1 on folds, lids, lips and nostrils; (H, W) float32.

    Measured by the larger principal curvature of the luma at WRINKLE_PX, which is a property of the frame alone and
    changes smoothly with it.
    """
    luma = image_log @ np.asarray(LUMA, np.float32)
    sigma = WRINKLE_PX * scale
    soft = cv2.GaussianBlur(luma, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    xx, yy, xy = (cv2.Sobel(soft, cv2.CV_32F, dx, dy, ksize=3, scale=1 / 4) for dx, dy in ((2, 0), (0, 2), (1, 1)))
    mean, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    ridge = sigma * sigma * np.maximum(np.abs(mean + spread), np.abs(mean - spread))
    ramp = np.clip((ridge - RIDGE_LOW) / (RIDGE_HIGH - RIDGE_LOW), 0, 1)
    grown = cv2.dilate(ramp, np.ones((2 * round(RIDGE_GROW_PX * scale) + 1,) * 2, np.uint8))
    return np.asarray(cv2.GaussianBlur(grown * grown * (3 - 2 * grown), (0, 0), RIDGE_GROW_PX * scale))


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
