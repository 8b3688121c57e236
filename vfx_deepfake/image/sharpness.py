"""How sharp a picture is: one figure for a region, and the blur by which one picture is softer than another.

Pictures are log encoded, (H, W, 3) float32.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA

FINE_PX, COARSE_PX = 1.0, 4.0  # deviations of the blurs that bound the two bands; assumed


def local_sharpness(image_log: np.ndarray, where: np.ndarray) -> float:
    """Detail finer than FINE_PX over detail between FINE_PX and COARSE_PX, as root mean squares of the luma in a region.

    Shapes: image_log (H, W, 3) log, where (H, W) bool or weights 0..1. Contrast cancels, so that two places of
    different light compare; every blur lowers the figure. Grain raises it: compare degrained with degrained, or
    grained with grained. Returns 0 where the region is empty or flat.
    """
    luma = image_log[..., :3] @ np.asarray(LUMA, np.float32)
    softer, softest = (cv2.GaussianBlur(luma, (0, 0), px) for px in (FINE_PX, COARSE_PX))
    weight = np.asarray(where, np.float64)
    fine, coarse = (float((weight * band.astype(np.float64) ** 2).sum()) for band in (luma - softer, softer - softest))
    return float(np.sqrt(fine / coarse)) if coarse > 0 else 0.0
