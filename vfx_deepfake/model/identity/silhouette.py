"""What lies behind a face: where a new face is smaller than the plate's, the plate's own surroundings are continued.

Pixels under the plate's face and outside the new one are filled from outside both, nearest known first: the mean of what is
known at ever wider scales, finest wins. A picture of defocused background or of neck and collar is continued without an edge.
"""

from __future__ import annotations

import cv2
import numpy as np

KNOWN = 0.999  # of a pixel's neighbourhood; less is mixed with the next wider scale
LEAST = 1e-4


def fill(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A picture whose unknown pixels are continued from the known ones.

    Shapes: picture (h, w, C) float32; known (h, w) 0..1. Returns (h, w, C) float32; with nothing known, the picture.
    """
    if not np.any(known > 0):
        return picture
    levels = [(picture * known[..., None], known.astype(np.float32))]
    while min(levels[-1][1].shape) > 1:
        height, width = levels[-1][1].shape
        half = (max((width + 1) // 2, 1), max((height + 1) // 2, 1))
        levels.append(tuple(cv2.resize(one, half, interpolation=cv2.INTER_AREA) for one in levels[-1]))  # type: ignore[arg-type]
    colour, share = levels.pop()
    filled = colour.reshape(*share.shape, -1) / np.maximum(share, LEAST)[..., None]
    while levels:
        colour, share = levels.pop()
        height, width = share.shape
        wider = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, -1)
        own = np.clip(share / KNOWN, 0, 1)[..., None]
        here = colour.reshape(height, width, -1) / np.maximum(share, LEAST)[..., None]
        filled = own * here + (1 - own) * wider
    return np.asarray(filled, np.float32)
