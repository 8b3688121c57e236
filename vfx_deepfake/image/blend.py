"""The compositing rule: P plate, D degrained plate, F generated face, M matte, N(.) grain, all scene-linear float32.

    C = D + M (F - D)
    O = P + M (F - D) + (N(C) - N(D))     with N(D) = P - D

so that F = D gives O = P and M = 0 gives O = P, bit for bit: a pixel that the rule does not change is copied, never
recomputed.
"""

from __future__ import annotations

import numpy as np

HALF_MAX = np.float32(65504.0)  # largest finite half, IEEE 754-2008


def clean_comp(degrained: np.ndarray, face: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """C, the comp without grain: D where the matte is 0 or F equals D (the same bits), F mixed in elsewhere.

    Shapes: degrained, face (H, W, 3) scene-linear; matte (H, W) 0..1. Returns (H, W, 3).
    A channel where F is not finite stays D, so that a network's bad pixel can't reach the picture.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        change = matte[..., None] * (face - degrained)
        mixed = degrained + change
    return np.where(_touched(matte, change, mixed), mixed, degrained)


def composite(
    plate: np.ndarray, degrained: np.ndarray, clean: np.ndarray, grain: np.ndarray, matte: np.ndarray
) -> np.ndarray:
    """O, the delivered pixels, written as O = P + (C - D) + (N(C) - N(D)).

    Shapes: plate, degrained, clean = :func:`clean_comp`, grain = N(C): all (H, W, 3) scene-linear; matte (H, W)
    0..1. Returns (H, W, 3). The plate's bits come back where the matte is 0, where C = D with N(C) = N(D), and
    where the sum is not finite. Negatives and values over 1 pass like any other.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        change = (clean - degrained) + (grain - (plate - degrained))
        result = plate + change
    return np.where(_touched(matte, change, result), result, plate)


def _touched(matte: np.ndarray, change: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Where a pixel channel is really changed: inside the matte, by something, to something finite. Shape (H, W, 3)
    bool.
    """
    return (matte > 0)[..., None] & (change != 0) & np.isfinite(result)


def storable(result: np.ndarray, plate: np.ndarray, half: bool) -> np.ndarray:
    """The composited pixels as the plate's own pixel type will hold them; pixels with the plate's value keep the
    plate's bits.

    Shapes: result, plate (H, W, 3) float32. With ``half`` a changed value is rounded to half and held at the
    largest finite half, so that nothing turns infinite on disk and later conversions see what the file holds.
    Returns (H, W, 3) float32.
    """
    if not half:
        return result
    held = np.clip(result, -HALF_MAX, HALF_MAX).astype(np.float16).astype(np.float32)
    return np.where(result == plate, plate, np.where(np.isfinite(result), held, plate))
