"""Mattes 0..1 (1 = replace): growing, softening, and combining face, change and holdout.

A matte that is exactly 0 means "this pixel is the plate's"; every function here keeps exact zeros exact.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window

FULL_AT = np.float32(0.95)  # of a straight blurred edge, two deviations inside it (2 Phi(2) - 1 = 0.954)
EDGE_PX = 1  # an anti-aliased edge is no wider than this; softer ones hardly need a feather
EDGE_STEP = np.float32(0.85)  # a pixel this much as covered as its neighbours is not on a hard edge; measured on ramps


def grow(matte: np.ndarray, px: float) -> np.ndarray:
    """Dilate by ``px`` pixels, or erode where negative; a fraction mixes the two whole radii around it.

    Shapes: matte (H, W) float32 0..1. Returns the same. Pixels outside the image count as their nearest edge pixel.
    """
    if px == 0 or not matte.size:
        return matte.copy()
    radius, rest = divmod(abs(px), 1.0)
    inner, outer = (_spread(matte, int(radius) + step, dilate=px > 0) for step in (0, 1))
    return inner if rest == 0 else (inner * np.float32(1 - rest) + outer * np.float32(rest))


def _spread(matte: np.ndarray, radius: int, dilate: bool) -> np.ndarray:
    if radius == 0:
        return matte.copy()
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = (rows**2 + columns**2 <= (radius + 0.5) ** 2).astype(np.uint8)
    return (cv2.dilate if dilate else cv2.erode)(matte, disc, borderType=cv2.BORDER_REPLICATE)


def feather(matte: np.ndarray, px: float) -> np.ndarray:
    """A soft edge that lies wholly inside: 0 where the matte was 0, back at its own values about ``px`` further in.

    Shapes: matte (H, W) float32 0..1, hard or soft; values in its middle stay. Returns the same. The edge is a blurred
    one, so that it moves smoothly with a face that moves by fractions of a pixel. Parts narrower than ``px`` get
    weaker. An edge of the image is no edge of the matte.
    """
    if px <= 0 or not matte.size:
        return matte.copy()
    around = _spread(matte, EDGE_PX, dilate=True)
    share = np.divide(matte, around, out=np.zeros_like(matte), where=around > 0)
    support = np.minimum(share / EDGE_STEP, 1)  # 1 but for a hard edge
    soft = cv2.GaussianBlur(support, (0, 0), px / 2, borderType=cv2.BORDER_REPLICATE)
    return np.clip((2 * soft - 1) / FULL_AT, 0, 1) * matte


def soften(matte: np.ndarray, px: float) -> np.ndarray:
    """Blur an edge to both sides, over about ``px`` pixels; for mattes that select, not replace."""
    if px <= 0 or not matte.size:
        return matte.copy()
    return np.clip(cv2.GaussianBlur(matte, (0, 0), px / 2, borderType=cv2.BORDER_REPLICATE), 0, 1)


def combine(*mattes: np.ndarray, holdout: np.ndarray | None = None) -> np.ndarray:
    """The product of the mattes, minus what a holdout (1 = stays in front) covers.

    Shapes: all (H, W). Returns (H, W) float32 in 0..1; values outside are held, NaN counts as 0.
    """
    total = np.ones(mattes[0].shape, np.float32)
    for matte in mattes:
        total *= unit(matte)
    return total if holdout is None else total * (1 - unit(holdout))


def unit(matte: np.ndarray) -> np.ndarray:
    """Held to 0..1 as float32, NaN as 0."""
    return np.clip(np.nan_to_num(matte, nan=0.0, posinf=1.0, neginf=0.0), 0, 1).astype(np.float32)


def fade_at_crop_edge(matte: np.ndarray, window: Window, plate: Window, px: int) -> np.ndarray:
    """Let the matte run out over ``px`` pixels where the crop ends inside the picture; at the picture's own border it
    stays.

    Shapes: matte (h, w) covering ``window``. Returns the same. Without it a face that is larger than its crop shows
    the crop's edge.
    """
    ramp_x = _edge_ramp(window.width, px, window.x > plate.x, window.right < plate.right)
    ramp_y = _edge_ramp(window.height, px, window.y > plate.y, window.bottom < plate.bottom)
    return matte * (ramp_y[:, None] * ramp_x[None, :])


def _edge_ramp(length: int, px: int, at_start: bool, at_end: bool) -> np.ndarray:
    """1 in the middle, falling to 0 on the outermost pixel of the given ends."""
    rising = np.clip(np.arange(length, dtype=np.float32) / np.float32(max(px, 1)), 0, 1)
    ramp = np.ones(length, np.float32)
    return (rising if at_start else ramp) * (rising[::-1] if at_end else ramp)
