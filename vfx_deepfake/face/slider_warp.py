"""Bending the face: lifts and expression offsets as displacements of the mesh, in the head's own frame.

A displacement is given in centimetres on the canonical head, so that it turns, shrinks and foreshortens with the head in the
picture; openings of eyes and lips are scaled by what they are on this frame, so that what is shut stays shut. Outside the
mesh the motion of the face's outline runs out over RINGS, and the background is bent by as little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.mesh import locate, ring_corners
from vfx_deepfake.face.slider_regions import Sides, mirror
from vfx_deepfake.face.topology import canonical_vertices_cm, face_mesh
from vfx_deepfake.image.crop import Window

# Rings round the outline: factors of its distance from the face's middle, and the share of its motion. A crop reaches to
# 1.4, so that the motion has run out before its edge; assumed.
RINGS = ((1.05, 0.85), (1.11, 0.55), (1.17, 0.27), (1.24, 0.08), (1.32, 0.0))
# The far side of a face that is turned farther than this is seen too flat to be bent: less of everything, then nothing.
# Measured: at 45 degrees all sliders at their ends would fold it.
TURN_DEGREES = (25.0, 65.0)
MIDDLE_CM = 0.8  # over which one half's pull runs out across the middle line; assumed
SMOOTH_CM = 0.12  # of the field, which has kinks on the mesh's edges; assumed


@dataclass(frozen=True, slots=True)
class Pull:
    """A soft pull on the person's right half: full at ``points``, gone ``reach_cm`` away, by ``offset_cm`` at slider 1.

    Offset axes: x to the face's middle, y up, z towards the camera.
    """

    points: tuple[int, ...]
    reach_cm: float
    offset_cm: tuple[float, float, float]


# What a slider pulls at. Sizes assumed from faces, looked at on the digital actor; folds are tested for over the whole range.
PULLS: dict[str, tuple[Pull, ...]] = {
    "jaw": (Pull((172, 136, 150, 58), 4.2, (0.32, 0.32, 0.0)), Pull((149, 176), 2.6, (0.05, 0.1, 0.0))),
    "cheeks": (Pull((205, 50, 187), 3.4, (0.0, 0.45, 0.0)),),
    "lids": (Pull((224, 225, 223), 1.5, (-0.05, 0.25, 0.0)),),
    "smile": (Pull((61,), 3.0, (-0.3, 0.38, -0.2)), Pull((205,), 2.8, (-0.05, 0.2, 0.0))),
    "brows": (Pull((105, 63, 66, 52), 2.8, (0.0, 0.45, 0.0)),),
}
# Points that hold still, wholly or in part, whatever pulls near them.
_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
_NOSE = (4, 1, 2, 98, 97, 64, 48, 129, 102, 168, 6, 197, 195, 5)
HOLDS: dict[str, tuple[tuple[int, ...], float]] = {
    "lids": (_EYE, 0.25),
    "brows": (_EYE, 0.0),
    "smile": (_NOSE, 0.2),
    "cheeks": ((*_EYE, *_NOSE), 0.3),
}

Row = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """Lids or lips: what scales by 1 + ``gain`` at slider 1, and the skin that goes along.

    top, bottom: points of the two edges that meet when it shuts, in order. upper: share of the change that the top edge
    makes. above, below: further rows of points, as many as the edges have, each with the share of its edge's motion.
    """

    gain: float
    upper: float
    top: Row
    bottom: Row
    above: tuple[tuple[Row, float], ...]
    below: tuple[tuple[Row, float], ...]


# Gains and shares assumed; the rows are those of the mesh. The person's right eye; the left one is its mirror.
EYE = Opening(
    gain=0.25,
    upper=0.8,
    top=(246, 161, 160, 159, 158, 157, 173),
    bottom=(7, 163, 144, 145, 153, 154, 155),
    above=(((247, 30, 29, 27, 28, 56, 190), 0.6), ((113, 225, 224, 223, 222, 221, 189), 0.2)),
    below=(((25, 110, 24, 23, 22, 26, 112), 0.5),),
)
LIPS = Opening(
    gain=0.35,
    upper=0.25,
    top=(191, 80, 81, 82, 13, 312, 311, 310, 415),
    bottom=(95, 88, 178, 87, 14, 317, 402, 318, 324),
    above=(
        ((183, 42, 41, 38, 12, 268, 271, 272, 407), 1.0),
        ((184, 74, 73, 72, 11, 302, 303, 304, 408), 0.9),
        ((185, 40, 39, 37, 0, 267, 269, 270, 409), 0.7),
    ),
    below=(
        ((96, 89, 179, 86, 15, 316, 403, 319, 325), 1.0),
        ((77, 90, 180, 85, 16, 315, 404, 320, 307), 0.95),
        ((146, 91, 181, 84, 17, 314, 405, 321, 375), 0.9),
        ((43, 106, 182, 83, 18, 313, 406, 335, 273), 0.6),
        ((202, 204, 194, 201, 200, 421, 418, 424, 422), 0.3),
    ),
)


def offsets(points: np.ndarray, sides: Mapping[str, Sides], lips: float = 0.0) -> np.ndarray:
    """How far every mesh point moves, (478, 2) plate px, for slider values: PULLS by name, ``eyes``, and ``lips``.

    Shapes: points (478, 2) plate px. Exactly 0 for every point that no slider reaches.
    """
    cm = np.zeros((len(points), 3))
    for name, (left, right) in sides.items():
        if name in PULLS:
            cm += right * _mode(name) + left * _mirrored(_mode(name))
    head = HeadFrame.of(points)
    moved = head.moved(cm)
    left, right = sides.get("eyes", (0.0, 0.0))
    same = np.arange(len(points))
    for opening, strength, numbers in ((EYE, right, same), (EYE, left, mirror()), (LIPS, lips, same)):
        if strength:
            moved += _opened(points, opening, strength, numbers)
    return moved * _facing(head.turned_degrees)


def displacement(points: np.ndarray, moved: np.ndarray, window: Window, px_per_cm: float) -> np.ndarray:
    """Where each pixel of the bent picture comes from, less its own place: (h, w, 2) float32 px of the plate.

    Shapes: points (478, 2) plate px, moved (478, 2) px as :func:`offsets` gives them. Exactly 0 where nothing moves.
    """
    mesh = face_mesh()
    if not moved.any():
        return np.zeros((*window.shape, 2), np.float32)
    bent, pulled = [points + moved], [-moved]
    edge, edge_moved = points[mesh.outline], moved[mesh.outline]
    middle = edge.mean(axis=0)
    for factor, share in RINGS:
        bent.append(middle + factor * (edge - middle) + share * edge_moved)
        pulled.append(-share * edge_moved)
    corners, neighbours = ring_corners(mesh, len(RINGS))
    inside, ids, weights = locate(np.concatenate(bent), window, corners, neighbours)
    values = np.concatenate(pulled).astype(np.float32)[corners]
    field = np.zeros((*window.shape, 2), np.float32)
    field[inside] = sum(values[ids, k] * weights[k][:, None] for k in range(3))
    return np.asarray(cv2.GaussianBlur(field, (0, 0), SMOOTH_CM * px_per_cm, borderType=cv2.BORDER_CONSTANT))


def _facing(degrees: float) -> float:
    """1 for a face that looks at the camera, smoothly down to 0 for one that looks away."""
    low, high = TURN_DEGREES
    share = min(max((high - degrees) / (high - low), 0.0), 1.0)
    return share * share * (3 - 2 * share)


@lru_cache(maxsize=8)
def _mode(name: str) -> np.ndarray:
    """(478, 3) cm: a slider's displacement on the person's right half at value 1, x to the person's left."""
    head = canonical_vertices_cm()
    total = np.zeros_like(head)
    for pull in PULLS[name]:
        away = np.ones(len(head))
        for point in pull.points:
            distance = np.linalg.norm(head - head[point], axis=1) / pull.reach_cm
            away *= 1 - np.clip(1 - distance**2, 0, None) ** 2
        total += (1 - away)[:, None] * np.asarray(pull.offset_cm)  # the middle lies at larger x on the right half
    total *= _right_share(head[:, 0])[:, None]
    held, share = HOLDS.get(name, ((), 1.0))
    for point in held:
        total[[point, mirror()[point]]] *= share
    return total


def _right_share(x: np.ndarray) -> np.ndarray:
    ramp = np.clip(0.5 - x / (2 * MIDDLE_CM), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp))


def _mirrored(mode: np.ndarray) -> np.ndarray:
    out = mode.copy()
    out[:468] = mode[mirror()] * (-1, 1, 1)
    return out


def _opened(points: np.ndarray, opening: Opening, strength: float, numbers: np.ndarray) -> np.ndarray:
    """Offsets (478, 2) px that scale an opening; ``numbers`` renumbers its points, to the other half for a left eye."""
    out = np.zeros((len(points), 2))
    gaps = points[numbers[list(opening.top)]] - points[numbers[list(opening.bottom)]]
    sides = (
        (opening.upper, ((opening.top, 1.0), *opening.above)),
        (opening.upper - 1, ((opening.bottom, 1.0), *opening.below)),
    )
    for share, rows in sides:
        for row, follow in rows:
            out[numbers[list(row)]] = opening.gain * strength * share * follow * gaps
    return out
