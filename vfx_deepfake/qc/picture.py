"""The picture of a delivered face against the plate's: place, sharpness, flicker and colour over time."""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import LUMA, identity_map, sample
from vfx_deepfake.qc.places import LEAST_PIXELS

SOFT_PX = 1.5  # blur that takes grain's edge off before pictures are compared; assumed
BROAD_PX = 8.0  # slower light is taken off: a change of colour is no shift; assumed
STEPS = 5  # of the search for the shift
REWEIGHTED = 4  # times in each step
WORST_CONDITION = 1e4  # of the slopes' matrix: beyond, all structure runs in one direction
LARGEST_SHIFT_PX = 8.0
FINE_PX, COARSE_PX = 1.0, 3.0  # deviations that bound fine detail (below the first) and coarse detail; assumed
FLICKER_PX = 3.0  # blur under which grain vanishes and boiling does not; assumed


def shift_px(result_log: np.ndarray, plate_log: np.ndarray, where: np.ndarray) -> float | None:
    """By how many pixels a face sits beside the plate's: the one translation that fits best in a region.

    Shapes: pictures (h, w, 3) log, where (h, w) bool. None where the region is small or holds no structure. Pixels that no
    translation explains, such as a wrinkle that was painted out, lose their weight.
    Source: Lucas & Kanade 1981, on one window, with Cauchy weights.
    """
    if np.count_nonzero(where) < LEAST_PIXELS:
        return None
    window = Window.of_image(plate_log)
    mine, theirs = _banded(result_log), _banded(plate_log)
    shift = np.zeros(2)
    for _ in range(STEPS):
        moved = sample(theirs, window, identity_map(window) - shift.astype(np.float32), sharp=False)
        slopes = np.stack([cv2.Scharr(moved, cv2.CV_32F, dx, 1 - dx, scale=1 / 32)[where] for dx in (1, 0)], axis=-1)
        rest = (moved - mine)[where]
        step = _step(slopes.astype(np.float64), rest.astype(np.float64))
        if step is None:
            return None
        shift += step
        if np.hypot(*shift) > LARGEST_SHIFT_PX:
            return LARGEST_SHIFT_PX
    return float(np.hypot(*shift))


def _step(slopes: np.ndarray, rest: np.ndarray) -> np.ndarray | None:
    """(2,) the shift that explains ``rest`` (N,) by ``slopes`` (N, 2); None without structure in both directions."""
    left, step = rest, np.zeros(2)
    for _ in range(REWEIGHTED):
        scale = float(np.median(np.abs(left)))
        weight = 1 / (1 + (left / max(scale, 1e-9)) ** 2)
        matrix = (slopes * weight[:, None]).T @ slopes
        if not np.isfinite(matrix).all() or np.linalg.cond(matrix) > WORST_CONDITION:
            return None
        step = np.linalg.solve(matrix, slopes.T @ (weight * rest))
        left = rest - slopes @ step
    return step


def _banded(image_log: np.ndarray) -> np.ndarray:
    """The luma between SOFT_PX and BROAD_PX. Returns (h, w)."""
    luma = image_log @ np.asarray(LUMA, np.float32)
    return cv2.GaussianBlur(luma, (0, 0), SOFT_PX) - cv2.GaussianBlur(luma, (0, 0), BROAD_PX)


def sharpness_ratio(
    result_log: np.ndarray, plate_log: np.ndarray, plates_before: list[np.ndarray], where: np.ndarray
) -> float | None:
    """Fine detail kept over coarse detail kept, against the plate: 1 as sharp, below softer, above sharper.

    Shapes: all (h, w, 3) log, ``plates_before`` other frames of the plate laid on this one; where (h, w) bool. Detail is what
    a picture shares with *another* frame of the plate: grain shares nothing, so neither its presence nor its absence counts.
    None where there is no detail to compare.
    """
    fine, coarse = _kept((result_log, plates_before), (plate_log, plates_before), where)
    return None if fine is None or coarse is None or coarse <= 0 else max(fine, 0.0) / coarse


def sharpness_of_another(
    result_log: np.ndarray,
    results_before: list[np.ndarray],
    plate_log: np.ndarray,
    plates_before: list[np.ndarray],
    where: np.ndarray,
) -> float | None:
    """As :func:`sharpness_ratio` for a face whose pores and lines are not the plate's: detail is what it shares with its own other
    frames, its strength (root of the energy) against that of the plate's with the plate's own. Detail that boils is none."""
    fine, coarse = _kept((result_log, results_before), (plate_log, plates_before), where)
    if fine is None or coarse is None or coarse <= 0:
        return None
    return float(np.sqrt(max(fine, 0.0) / coarse))


def _kept(
    mine: tuple[np.ndarray, list[np.ndarray]], own: tuple[np.ndarray, list[np.ndarray]], where: np.ndarray
) -> tuple[float | None, float | None]:
    """Fine and coarse detail that a picture shares with other ones, over what the plate shares with its; None for none."""
    if np.count_nonzero(where) < LEAST_PIXELS or not own[1]:
        return None, None
    shared, total = (
        [
            float((here * there).sum(dtype=np.float64))
            for here, there in zip(_details(picture, where), _details(np.mean(others, axis=0), where), strict=True)
        ]
        for picture, others in (mine, own)
    )
    fine, coarse = (part / whole if whole > 0 else None for part, whole in zip(shared, total, strict=True))
    return fine, coarse


def _details(image_log: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fine and coarse detail of the luma, (N,) pixels each."""
    luma = image_log @ np.asarray(LUMA, np.float32)
    softer, softest = (cv2.GaussianBlur(luma, (0, 0), px) for px in (FINE_PX, COARSE_PX))
    return (luma - softer)[where], (softer - softest)[where]


def flicker(
    result_log: np.ndarray,
    before_log: np.ndarray,
    plate_log: np.ndarray,
    plate_before_log: np.ndarray,
    where: np.ndarray,
) -> float | None:
    """Change along the motion beyond the plate's own, log code (root mean square); 0 where the plate changes more.

    Shapes: (h, w, 3) log, the pictures before laid on these along the plate's motion; where (h, w) bool.
    Source: the warping error of Lai et al. 2018, less the plate's.
    """
    if np.count_nonzero(where) < LEAST_PIXELS:
        return None
    mine = cv2.GaussianBlur(result_log - before_log, (0, 0), FLICKER_PX)[where]
    theirs = cv2.GaussianBlur(plate_log - plate_before_log, (0, 0), FLICKER_PX)[where]
    extra = float(np.mean(mine**2, dtype=np.float64) - np.mean(theirs**2, dtype=np.float64))
    return float(np.sqrt(max(extra, 0.0)))


def colour_change(result_log: np.ndarray, plate_log: np.ndarray, where: np.ndarray) -> np.ndarray | None:
    """(3,) by how much a region's colour was changed, log code; None where it is too small."""
    if np.count_nonzero(where) < LEAST_PIXELS:
        return None
    return np.asarray((result_log[where] - plate_log[where]).mean(axis=0, dtype=np.float64))


def colour_jump(here: np.ndarray | None, near: list[np.ndarray | None]) -> float | None:
    """How far the change of colour is from the mean of both neighbours': a drift passes, a jump does not; log code.

    ``near`` holds what :func:`colour_change` says of the frame before and the frame after.
    """
    if here is None or len(near) != 2 or near[0] is None or near[1] is None:
        return None
    return float(np.abs(here - (near[0] + near[1]) / 2).max())
