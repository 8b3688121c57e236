"""Where to look: inside the change, and on the skin beside it, where the picture is smooth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA

FULL = 0.5  # matte from which a pixel counts as replaced
BESIDE_PX = 3  # skin beside the change begins this far from it: filters reach no farther
SMOOTH_PX = 2.0  # blur before slopes are taken
SMOOTH_SHARE = 0.6  # of a region's pixels, its flattest, are used; assumed
CALM_SHARE = 0.3  # of a region's pixels, the best explained by their neighbours; assumed
SKIN_CHROMA = 0.03  # log code by which the colour of skin may differ from the face's own, half a stop; assumed
SKIN_PX = 3.0  # blur under which grain has no colour
LEAST_PIXELS = 400  # fewer say nothing about grain


@dataclass(frozen=True, eq=False)
class Places:
    """Masks (h, w) bool: ``inside`` the change, its smooth part ``flat``, and such skin ``beside`` it."""

    inside: np.ndarray
    flat: np.ndarray
    beside: np.ndarray


def places(plate_log: np.ndarray, result_log: np.ndarray, matte: np.ndarray, known: np.ndarray) -> Places:
    """Find them.

    Shapes: pictures (h, w, 3) log; matte (h, w); known (h, w) bool, where to look at all.
    """
    inside = (matte >= FULL) & known
    steep = np.maximum(slope(plate_log), slope(result_log))
    around = cv2.dilate((matte > 0).astype(np.uint8), np.ones((2 * BESIDE_PX + 1,) * 2, np.uint8)) == 0
    skin = around & known & _skin_like(plate_log, inside)
    return Places(inside, _flattest(steep, inside), _flattest(steep, skin))


def calm(rests: list[np.ndarray], where: np.ndarray) -> np.ndarray:
    """The part of a region where clean pictures are best explained by their neighbours: there, what is new is grain.

    Shapes: rests (h, w, 3) each, what is new in a *clean* picture; where (h, w) bool. Returns (h, w) bool.
    """
    if not where.any():
        return where
    energy = np.max([cv2.GaussianBlur((rest * rest).mean(axis=-1), (0, 0), SKIN_PX) for rest in rests], axis=0)
    return np.asarray(where & (energy <= np.quantile(energy[where], CALM_SHARE)))


def slope(image_log: np.ndarray) -> np.ndarray:
    """How steep a picture (h, w, 3) is, grain blurred away; (h, w), any unit."""
    soft = cv2.GaussianBlur(image_log @ np.asarray(LUMA, np.float32), (0, 0), SMOOTH_PX)
    return np.hypot(cv2.Scharr(soft, cv2.CV_32F, 1, 0), cv2.Scharr(soft, cv2.CV_32F, 0, 1))


def _flattest(steep: np.ndarray, where: np.ndarray) -> np.ndarray:
    if not where.any():
        return where
    return where & (steep <= np.quantile(steep[where], SMOOTH_SHARE))


def _skin_like(plate_log: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Where the plate has the colour of the face, whatever its brightness."""
    if not inside.any():
        return inside
    soft = cv2.GaussianBlur(plate_log, (0, 0), SKIN_PX)
    chroma = soft[..., [0, 2]] - soft[..., 1:2]
    own = np.median(chroma[inside], axis=0)
    return np.asarray((np.abs(chroma - own) <= SKIN_CHROMA).all(axis=-1))
