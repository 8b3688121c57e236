"""Replacing a part of the face alone: soft mattes that stick to the head.

A pixel's place on the face is that of the canonical head seen from the front, carried by the mesh and continued past its
outline, so that jaw, neck and hairline belong to a part too.
"""

from __future__ import annotations

import numpy as np

from vfx_deepfake.face.mesh import warp_map
from vfx_deepfake.face.topology import OVAL, canonical_vertices_cm
from vfx_deepfake.image.crop import Window

# As shares of the outline's distance from the face's middle, seen from the front: up to where a face may be replaced at all,
# and where that has run out. A method that has not learnt its matte yet must not reach into the picture. Assumed.
HULL = (1.25, 1.45)
UNDER_NOSE = 2  # the mesh's point where nose and upper lip meet
WHOLE = "face"
# Height in cm above the point under the nose over which a part goes from nothing to all of it; assumed, looked at.
RAMPS_CM = {"mouth": (1.6, -0.2), "upper": (0.6, 2.4)}
PARTS = (WHOLE, *RAMPS_CM)
FACING_UP = (0.3, 0.8)  # sine of the direction from the face's middle, from a temple to the forehead; assumed


def part_matte(points: np.ndarray, window: Window, part: str, forehead_cm: float = 0.0) -> np.ndarray:
    """Where a part of the face is, (h, w) float32 0..1: "face" all of it, "mouth" the lower face, "upper" the rest.

    Each reaches past the mesh's outline, for another identity's jaw and ears, and runs out there;
    with ``forehead_cm`` it has run out at the outline's top already, over so much of the forehead below.
    Shapes: points (478, 2) plate px. Raises: ValueError for an unknown part.
    """
    if part not in PARTS:
        raise ValueError(f"part of the face '{part}' is unknown; known: {', '.join(PARTS)}")
    front = canonical_vertices_cm()[:, :2] * (1, -1)  # y down as in pictures: no similarity could mirror it
    place = warp_map(front, points, window)
    hull = _hull_share(place, front[list(OVAL)], forehead_cm)
    if part == WHOLE:
        return hull
    return hull * part_share(front[UNDER_NOSE, 1] - place[..., 1], part)


def part_share(above_nose_cm: np.ndarray, part: str) -> np.ndarray:
    """How much heights above the point under the nose belong to a part, smoothly 0..1; same shape, float32."""
    return _ramp(above_nose_cm, *RAMPS_CM[part])


def _hull_share(place: np.ndarray, edge: np.ndarray, forehead_cm: float) -> np.ndarray:
    """1 on the face and a little past its outline ``edge`` (K, 2), then down to 0. Shapes: place (h, w, 2) cm."""
    middle = edge.mean(axis=0)
    angles, radii = np.arctan2(*(edge - middle).T[::-1]), np.linalg.norm(edge - middle, axis=1)
    order = np.argsort(angles)
    away = place - middle
    outline = np.interp(np.arctan2(away[..., 1], away[..., 0]), angles[order], radii[order], period=2 * np.pi)
    far = np.linalg.norm(away, axis=-1)
    hull = _ramp(far / outline, HULL[1], HULL[0])
    if not forehead_cm:
        return hull
    up = _ramp(-away[..., 1] / np.maximum(far, 1e-6), *FACING_UP)
    return hull * (1 - up * (1 - _ramp(outline - far, 0.0, forehead_cm)))


def _ramp(values: np.ndarray, nothing: float, whole: float) -> np.ndarray:
    """0 at ``nothing``, 1 at ``whole``, smoothly between; float32."""
    share = np.clip((values - nothing) / (whole - nothing), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
