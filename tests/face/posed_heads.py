"""The canonical head seen by a camera: points of every pose and expression without a picture."""

from __future__ import annotations

import numpy as np

from vfx_deepfake.face.pose import rotation
from vfx_deepfake.face.slider_warp import EYE, LIPS
from vfx_deepfake.face.topology import canonical_vertices_cm

CENTRE = np.array([128.0, 128.0])


def posed(yaw: float = 0, pitch: float = 0, roll: float = 0, px_per_cm: float = 10.0, shut: bool = False) -> np.ndarray:
    """(478, 2) plate px round CENTRE; canonical lids are open and lips closed. ``shut`` closes the right eye too."""
    head = canonical_vertices_cm() * (1, -1, -1) @ rotation(yaw, pitch, roll).T
    points = CENTRE + px_per_cm * head[:, :2]
    if shut:
        points[list(EYE.top)] = points[list(EYE.bottom)]
    return points


def with_open_mouth(points: np.ndarray, px: float) -> np.ndarray:
    """The lower lip and what is below it moved down the picture."""
    out = points.copy()
    for row, share in ((LIPS.bottom, 1.0), *LIPS.below):
        out[list(row), 1] += px * share
    return out
