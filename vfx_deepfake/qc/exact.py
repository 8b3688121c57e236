"""What must be equal to the last bit: pixels outside the matte, delivered codes, and the frame's own place in the shot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.image.crop import Window

MUCH_BETTER = 1000.0  # what a perfect fit of another frame is reported as, because JSON has no infinity


@dataclass(frozen=True, slots=True)
class Difference:
    """Pixels that differ: how many, and the smallest window round them (empty for none)."""

    count: int
    window: Window


def changed_outside(
    plate: np.ndarray, result: np.ndarray, data_window: Window, matte: np.ndarray, matte_window: Window
) -> Difference:
    """Pixels whose bits differ although the matte is 0 there; a changed alpha counts anywhere.

    Shapes: plate, result (H, W, C) float32 over ``data_window``; matte (h, w) over ``matte_window``, 0 elsewhere.
    """
    differs = plate.view(np.uint32) != result.view(np.uint32)
    changed = differs[..., :3].any(axis=-1)
    shared = matte_window.intersect(data_window)
    if not shared.empty:
        changed[shared.slices(data_window)] &= matte[shared.slices(matte_window)] == 0
    if plate.shape[2] > 3:
        changed |= differs[..., 3:].any(axis=-1)
    return _bounded(changed, data_window)


def wrong_codes(delivered: np.ndarray, expected: np.ndarray, window: Window) -> Difference:
    """Pixels of a delivery whose codes are not the expected ones.

    Shapes: both (H, W, 3) uint16 over ``window``. Another size counts as wrong everywhere.
    """
    if delivered.shape != expected.shape:
        return Difference(expected.shape[0] * expected.shape[1], window)
    return _bounded((delivered != expected).any(axis=-1), window)


def _bounded(where: np.ndarray, window: Window) -> Difference:
    count = int(np.count_nonzero(where))
    if not count:
        return Difference(0, Window(window.x, window.y, 0, 0))
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    left, top = window.x + int(columns[0]), window.y + int(rows[0])
    return Difference(count, Window(left, top, int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1))


def distance(one_log: np.ndarray, other_log: np.ndarray, outside: np.ndarray) -> float:
    """Mean difference of two pictures where ``outside`` is true, log code; 0 where nothing is.

    Shapes: pictures (h, w, 3), outside (h, w) bool.
    """
    if not outside.any():
        return 0.0
    return float(np.abs(one_log[outside] - other_log[outside]).mean(dtype=np.float64))


def order_ratio(own: float, others: list[float]) -> float | None:
    """How many times better another frame's plate fits a delivered frame than its own: above 1 the frame is in the wrong place.

    ``own``, ``others``: :func:`distance` outside the matte. None where there is no other frame to compare with.
    """
    if not others:
        return None
    if own == 0:
        return 0.0
    return min(own / best, MUCH_BETTER) if (best := min(others)) > 0 else MUCH_BETTER
