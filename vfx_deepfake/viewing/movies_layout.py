"""Two pictures in one, and a picture of any shape in a frame of another.

Pictures are display-encoded (H, W, 3) float32, 0 black to 1 white; what is given is never changed.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.media.slate import label

LAYOUTS = ("side", "wipe", "stacked", "difference")
LINE = 0.5  # grey of the line between two pictures


def fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """The whole picture in a frame of that size, its shape kept, black around it. Returns (height, width, 3), always a copy."""
    have = picture.shape[:2]
    scale = min(width / have[1], height / have[0])
    size = max(round(have[1] * scale), 1), max(round(have[0] * scale), 1)
    if size != (have[1], have[0]):
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = np.clip(cv2.resize(picture, size, interpolation=way), 0.0, 1.0)
    frame = np.zeros((height, width, 3), np.float32)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    frame[top : top + size[1], left : left + size[0]] = picture
    return frame


def composed(layout: str, left: np.ndarray, right: np.ndarray, names: tuple[str, str], gain: float) -> np.ndarray:
    """Two pictures of one size in a layout of LAYOUTS, each named.

    side: left and right; stacked: one above the other; wipe: the left half of one and the right half of the other; difference: |a - b|
    times ``gain``, of display values. Returns (H, 2 W, 3), (2 H, W, 3) or (H, W, 3).
    """
    if layout == "difference":
        both = np.clip(np.abs(left - right) * np.float32(gain), 0.0, 1.0)
        label(both, f"|{names[0]} - {names[1]}| x {gain:g}")
        return both
    if layout == "wipe":
        middle = left.shape[1] // 2
        both = np.concatenate([left[:, :middle], right[:, middle:]], axis=1)
        thick = max(left.shape[1] // 1000, 1)
        both[:, middle : middle + thick] = LINE
        label(both, names[0])
        label(both, names[1], right=True)
        return both
    panels = [left.copy(), right.copy()]
    for panel, name in zip(panels, names, strict=True):
        label(panel, name)
    return np.concatenate(panels, axis=1 if layout == "side" else 0)
