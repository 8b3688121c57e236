"""Traces of a trip through few bits, and of values held at the end of a range."""

from __future__ import annotations

import numpy as np

from vfx_deepfake.qc.places import LEAST_PIXELS

HELD_PIXELS = 8  # so many equal values at the very end of a range are no chance in half floats


def lost_tones(result: np.ndarray, plate: np.ndarray, where: np.ndarray) -> float | None:
    """Share of the plate's tones that a picture has not: about 0 for processing in float, near 1 after a trip through 8 bits.

    Shapes: (h, w, 3) as stored, where (h, w) bool. Counts the different values per channel in the same pixels; the worst
    channel counts. None where there are too few pixels, or the plate itself has few tones.
    """
    if np.count_nonzero(where) < LEAST_PIXELS:
        return None
    lost = [1 - len(np.unique(result[..., c][where])) / len(np.unique(plate[..., c][where])) for c in range(3)]
    return max(*lost, 0.0)


def held_pixels(result: np.ndarray, plate: np.ndarray, where: np.ndarray) -> int:
    """Pixels that share the largest or smallest value of a region although the plate's differ there: clipped.

    Shapes: (h, w, 3) as stored, where (h, w) bool.
    """
    total = 0
    for channel in range(3):
        mine, theirs = result[..., channel][where], plate[..., channel][where]
        for end in (mine.max(), mine.min()) if mine.size else ():
            held = mine == end
            if np.count_nonzero(held) > HELD_PIXELS and len(np.unique(theirs[held])) > 1:
                total += int(np.count_nonzero(held))
    return total
