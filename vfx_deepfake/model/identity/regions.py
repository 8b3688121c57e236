"""Replacing a part of the face alone: soft mattes that stick to the head.

A pixel's place on the face is that of the canonical head seen from the front, carried by the mesh and continued past its
outline, so that jaw, neck and hairline belong to a part too.
"""

from __future__ import annotations

import numpy as np

from vfx_deepfake.face.mesh import warp_map
from vfx_deepfake.face.topology import canonical_vertices_cm
from vfx_deepfake.image.crop import Window

UNDER_NOSE = 2  # the mesh's point where nose and upper lip meet
WHOLE = "face"
# Height in cm above the point under the nose over which a part goes from nothing to all of it; assumed, looked at.
RAMPS_CM = {"mouth": (1.6, -0.2), "upper": (0.6, 2.4)}
PARTS = (WHOLE, *RAMPS_CM)


def part_matte(points: np.ndarray, window: Window, part: str) -> np.ndarray:
    """Where a part of the face is, (h, w) float32 0..1: "face" everywhere, "mouth" the lower face, "upper" the rest.

    Shapes: points (478, 2) plate px. Raises: ValueError for an unknown part.
    """
    if part not in PARTS:
        raise ValueError(f"part of the face '{part}' is unknown; known: {', '.join(PARTS)}")
    if part == WHOLE:
        return np.ones(window.shape, np.float32)
    place = warp_map(canonical_vertices_cm()[:, :2], points, window)
    return part_share(place[..., 1] - canonical_vertices_cm()[UNDER_NOSE, 1], part)


def part_share(above_nose_cm: np.ndarray, part: str) -> np.ndarray:
    """How much heights above the point under the nose belong to a part, smoothly 0..1; same shape, float32."""
    nothing, whole = RAMPS_CM[part]
    share = np.clip((above_nose_cm - nothing) / (whole - nothing), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
