"""The seam where a generated face meets the plate: how visible it is, and taking it away without touching the plate.

Pictures are log encoded, (H, W, 3) float32; mattes (H, W) 0..1, 1 = replace.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA

FINE_PX = 1.0  # blur before slopes are taken: grain is no seam; assumed
ALONG_PX = 8.0  # a seam goes on along the edge for this long, texture does not; assumed
NEAR_EDGE = 0.05  # of a blurred matte's loss; deeper inside there is no edge
RING_PX = 6.0  # how deep inside the matte's edge the two pictures are compared, on a face of reference width; measured on 4 and 8
CELLS_A_BLUR = 3.0  # cells that a wide blur's deviation spans at least: errs by 0.01 on an edge, measured
GRID = 64  # cells of the membrane on the longer side: an offset is smooth
STIFFNESS = 0.2  # of the membrane against its pins: evens out texture along the edge; measured on 0.02 to 50
STEPS = 400  # of the solver at most; 150 settle a full grid to 1e-4 of the offset, measured
SETTLED = 1e-5  # share of the first residual at which it stops


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


def close_seam(
    face_log: np.ndarray, clean_log: np.ndarray, matte: np.ndarray, strength: float, scale: float
) -> np.ndarray:
    """Take the smooth offset between face and plate along the matte's edge off the whole face.

    A membrane is pinned to ``clean - face`` in a ring inside the edge and hangs free elsewhere; it is added to the
    face, so that detail stays and the offset runs out where it is not measured.

    Shapes: face_log, clean_log (H, W, 3) log, matte (H, W) 0..1. strength 0..1; scale is the face's size over the
    reference. Returns (H, W, 3); the face's own bits where the matte has no edge or nothing differs there.
    Source: Pérez, Gangnet & Blake 2003, Poisson Image Editing, in its membrane form.
    """
    ring = edge_ring(matte, RING_PX * scale)
    if strength == 0 or not ring.any():
        return face_log
    height, width = matte.shape
    cell = max(height, width) / GRID
    size = max(round(width / cell), 1), max(round(height / cell), 1)
    pins = cv2.resize(ring, size, interpolation=cv2.INTER_AREA)
    pull = cv2.resize((clean_log - face_log) * ring[..., None], size, interpolation=cv2.INTER_AREA)
    if not pull.any():
        return face_log
    offset = cv2.resize(membrane(pull, pins), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(face_log + np.float32(strength) * offset)


def edge_ring(matte: np.ndarray, px: float) -> np.ndarray:
    """Where a matte (H, W) is on, but not far from its edge: 0..1, 0 outside it and deeper than about twice ``px``."""
    near = 1 - wide_blur(np.asarray(matte, np.float32), px)
    return np.where(near > NEAR_EDGE, matte * near * near, 0).astype(np.float32)


def wide_blur(grey: np.ndarray, px: float) -> np.ndarray:
    """A Gaussian blur of a grey picture (H, W), made on fewer pixels where it is so wide that none of them is missed."""
    cell = max(int(px / CELLS_A_BLUR), 1)
    if cell == 1 or min(grey.shape) < 2 * cell:
        return np.asarray(cv2.GaussianBlur(grey, (0, 0), px, borderType=cv2.BORDER_REPLICATE))
    height, width = grey.shape
    small = cv2.resize(grey, (width // cell, height // cell), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), px / cell, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR))


def membrane(pull: np.ndarray, pins: np.ndarray) -> np.ndarray:
    """The smoothest grid that keeps to its pins: minimises pins (u - pull / pins)² + STIFFNESS |grad u|².

    Shapes: pins (R, C) at least 0, pull (R, C, K) the wanted values times the pins. Returns (R, C, K) float32.
    Conjugate gradients; the border of the grid is free.
    """
    weight = pins[..., None].astype(np.float64)
    wanted = pull.astype(np.float64)
    value = np.broadcast_to(wanted.sum(axis=(0, 1)) / max(weight.sum(), 1e-12), wanted.shape).copy()
    rest = wanted - _hold(value, weight)
    way, energy = rest, float((rest * rest).sum())
    enough = energy * SETTLED**2
    for _ in range(STEPS):
        if energy <= enough:
            break
        held = _hold(way, weight)
        step = energy / float((way * held).sum())
        value += step * way
        rest = rest - step * held
        energy, before = float((rest * rest).sum()), energy
        way = rest + (energy / before) * way
    return np.asarray(value, np.float32)


def _hold(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """What pins and stiffness answer to a grid: weight * u - STIFFNESS * Laplacian u."""
    out = weight * value
    for axis in (0, 1):
        slope = STIFFNESS * np.diff(value, axis=axis)
        first, last = (slice(None),) * axis + (slice(None, -1),), (slice(None),) * axis + (slice(1, None),)
        out[first] -= slope
        out[last] += slope
    return out
