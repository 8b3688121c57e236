"""The seam where a generated face meets the plate: how visible it is, and taking it away without touching the plate.

Pictures are log encoded, (H, W, 3) float32; mattes (H, W) 0..1, 1 = replace.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA

FINE_PX = 1.0  # blur before slopes are taken: grain is no seam; assumed
ALONG_PX = 8.0  # a seam goes on along the edge for this long, texture does not; assumed


def seam_energy(image_log: np.ndarray, matte: np.ndarray, reference_log: np.ndarray) -> float:
    """How much steeper a picture is across the matte's edge than the reference is there, in log code per pixel.

    Shapes: image_log, reference_log (H, W, 3) log, matte (H, W) 0..1. The slope of the luma across the edge is averaged
    along it, so that pores and grain cancel while a seam stays; then what exceeds the reference's slope is weighted by
    the matte's own slope (root mean square). Returns exactly 0 for equal pictures and for a matte without an edge.
    """
    smooth = cv2.GaussianBlur(np.asarray(matte, np.float32), (0, 0), FINE_PX, borderType=cv2.BORDER_REPLICATE)
    normal = _slope(smooth)
    steepness = np.hypot(*normal)
    total = float(steepness.sum(dtype=np.float64))
    if total <= 0:
        return 0.0
    extra = np.abs(_across(image_log, normal)) - np.abs(_across(reference_log, normal))
    return float(np.sqrt((steepness * np.maximum(extra, 0) ** 2).sum(dtype=np.float64) / total))


def _across(image_log: np.ndarray, normal: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Slope of a picture's luma across the matte's edge, averaged along the edge; (H, W), log code per pixel."""
    luma = cv2.GaussianBlur(image_log[..., :3] @ np.asarray(LUMA, np.float32), (0, 0), FINE_PX)
    along_x, along_y = _slope(luma)
    weight = np.hypot(*normal)
    total = cv2.GaussianBlur(along_x * normal[0] + along_y * normal[1], (0, 0), ALONG_PX)
    share = cv2.GaussianBlur(weight, (0, 0), ALONG_PX)
    return np.divide(total, share, out=np.zeros_like(total), where=share > np.finfo(np.float32).tiny)


def _slope(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Change of a grey picture per pixel, to the right and down; 0 past its border."""
    along_x, along_y = (
        cv2.Scharr(grey, cv2.CV_32F, dx, 1 - dx, scale=1 / 32, borderType=cv2.BORDER_REPLICATE) for dx in (1, 0)
    )
    return along_x, along_y
