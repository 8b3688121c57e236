"""Orders in which crops are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.data import CropRecord, Faceset
from vfx_deepfake.faceset.likeness import Likeness


def _measure(name: str, sign: int = 1) -> Callable[[CropRecord], tuple[float, int]]:
    """Sorts by a measure; crops without it come last."""
    return lambda crop: (sign * crop.measures[name] if name in crop.measures else np.inf, crop.number)


ORDERS: dict[str, Callable[[CropRecord], tuple[object, ...]]] = {
    "number": lambda crop: (crop.number,),
    "sharpness": _measure("sharpness", -1),
    "yaw": _measure("yaw"),
    "pitch": _measure("pitch"),
    "exposure": _measure("exposure"),
    "size": _measure("face_px", -1),
    "mouth": _measure("mouth_open"),
    "source": lambda crop: (crop.source, crop.frame, crop.face),
    "person": lambda crop: (crop.group if crop.group >= 0 else 1 << 30, crop.source, crop.frame, crop.number),
    "reason": lambda crop: (crop.culled, crop.number),
}
SIMILARITY = "similarity"


def sorted_crops(faceset: Faceset, order: str, likes: Sequence[Likeness] = ()) -> list[int]:
    """Indices of the crops in an order; ``similarity`` walks from crop to most similar crop and needs ``likes``.

    Raises: FacesetError for an order that is not known.
    """
    if order == SIMILARITY:
        return _walk(np.stack([like.thumb.ravel() for like in likes]))
    if order not in ORDERS:
        known = ", ".join([*ORDERS, SIMILARITY])
        raise FacesetError(f"order '{order}' is not known; choose one of {known}")
    return sorted(range(len(faceset)), key=lambda index: ORDERS[order](faceset.crops[index]))


def _walk(thumbs: np.ndarray) -> list[int]:
    """From the darkest picture on always to the nearest one that is left."""
    left = np.ones(len(thumbs), bool)
    at = int(np.argmin(thumbs.mean(axis=1)))
    walk = []
    for _ in range(len(thumbs)):
        walk.append(at)
        left[at] = False
        if left.any():
            away = ((thumbs - thumbs[at]) ** 2).sum(axis=1)
            at = int(np.argmin(np.where(left, away, np.inf)))
    return walk
