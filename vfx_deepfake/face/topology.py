"""What the numbered points of a face mean: triangles, canonical coordinates and regions.

Two topologies. ``mediapipe478`` is the mesh of MediaPipe's face landmarker with its ten iris points. ``points`` is
whatever an artist tracked: any number of points, triangulated over their mean shape.

Source: MediaPipe's canonical face (Apache-2.0, The MediaPipe Authors),
``geometry_pipeline_metadata_landmarks.binarypb`` of @mediapipe/face_mesh 0.4.1657299874: 468 vertices in centimetres
with texture coordinates, 898 triangles that also close eyes and mouth. The iris points are ours: a ring of
IRIS_RADIUS_CM round the middle of each eye opening, on its best-fitting plane. Region loops follow the index lists of
mediapipe 0.10.21's ``face_mesh_connections.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.errors import TrackError

MEDIAPIPE = "mediapipe478"
POINTS = "points"
TOPOLOGIES = (MEDIAPIPE, POINTS)
IRIS_RADIUS_CM = 0.585  # half of the usual 11.7 mm; assumed, used when the data file was made
_DATA = Path(__file__).with_name("mediapipe478.npz")

OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382)
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (336, 296, 334, 293, 300, 276, 283, 282, 295, 285)
NOSE = (168, 417, 351, 399, 420, 429, 279, 278, 294, 327, 326, 2, 97, 98, 64, 48, 49, 209, 198, 174, 122, 193)
LIPS_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
LIPS_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
RIGHT_IRIS = (468, 469, 470, 471, 472)  # centre, then image right, top, left, bottom
LEFT_IRIS = (473, 474, 475, 476, 477)

# Region name -> loops that are filled (first) and loops that are cut out again (second). "Right" is the person's right.
REGIONS: dict[str, tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]] = {
    "oval": ((OVAL,), ()),
    "skin": ((OVAL,), (RIGHT_EYE, LEFT_EYE, RIGHT_BROW, LEFT_BROW, LIPS_OUTER)),
    "eyes": ((RIGHT_EYE, LEFT_EYE), ()),
    "brows": ((RIGHT_BROW, LEFT_BROW), ()),
    "nose": ((NOSE,), ()),
    "lips": ((LIPS_OUTER,), (LIPS_INNER,)),
    "mouth": ((LIPS_INNER,), ()),
}


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles over numbered face points with canonical coordinates.

    uv (P, 2) float32: where each point sits on a face seen from the front; u right, v down, 0..1.
    triangles (T, 3) int32: point indices, wound so that uv areas are all of one sign; farthest from the camera first,
    so that drawing them in order puts the nose over the cheek.
    neighbours (T, 3) int32: the triangle across the edge opposite to each corner, -1 at the border.
    outline (K,) int32: point indices of the border, clockwise as seen on the screen.
    """

    topology: str
    uv: np.ndarray
    triangles: np.ndarray
    neighbours: np.ndarray
    outline: np.ndarray


def face_mesh(topology: str = MEDIAPIPE, shape: np.ndarray | None = None) -> Mesh:
    """The mesh of a topology; ``points`` needs ``shape``, the mean shape of the track.

    Shapes: shape (P, 2), any unit, v down.
    Raises: TrackError for an unknown topology, or points that make no triangle.
    """
    if topology == MEDIAPIPE:
        return _mediapipe_mesh()
    if topology != POINTS:
        raise TrackError(f"topology '{topology}' is unknown; known: {', '.join(TOPOLOGIES)}")
    if shape is None:
        raise TrackError("topology 'points' has no mesh of its own; give the mean shape of the track")
    return _points_mesh(np.asarray(shape, np.float64))


def canonical_vertices_cm() -> np.ndarray:
    """(478, 3) float64, MediaPipe's canonical face in cm: x to the person's left, y up, z towards the camera."""
    with np.load(_DATA) as data:
        return data["vertices_cm"].astype(np.float64)


def triangles(topology: str = MEDIAPIPE, shape: np.ndarray | None = None) -> np.ndarray:
    """(T, 3) int32 point indices of :func:`face_mesh`."""
    return face_mesh(topology, shape).triangles


def canonical_uv(topology: str = MEDIAPIPE, shape: np.ndarray | None = None) -> np.ndarray:
    """(P, 2) float32 coordinates 0..1 of :func:`face_mesh`."""
    return face_mesh(topology, shape).uv


@lru_cache(maxsize=1)
def _mediapipe_mesh() -> Mesh:
    with np.load(_DATA) as data:
        corners, uv, depth = data["triangles"].astype(np.int32), data["uv"], data["vertices_cm"][:, 2]
    order = np.argsort(depth[corners].mean(axis=1), kind="stable")
    return _finished(MEDIAPIPE, uv, corners[order], np.array(OVAL, np.int32))


def _points_mesh(shape: np.ndarray) -> Mesh:
    low, span = shape.min(axis=0), np.ptp(shape, axis=0)
    if len(shape) < 3 or not np.all(span > 0):
        raise TrackError(f"{len(shape)} tracked points span no area; track at least three that are not on one line")
    uv = ((shape - low) / span).astype(np.float32)
    corners = _delaunay(uv)
    if not len(corners):
        raise TrackError(f"{len(shape)} tracked points span no area; track at least three that are not on one line")
    outline = cv2.convexHull(uv, clockwise=False, returnPoints=False).ravel().astype(np.int32)
    return _finished(POINTS, uv, corners, outline)


def _delaunay(uv: np.ndarray) -> np.ndarray:
    """(T, 3) int32 Delaunay triangles of distinct points, wound like the MediaPipe mesh (negative area, v down)."""
    spread = uv + np.float32(1.0)  # OpenCV's subdivision wants points strictly inside its rectangle
    subdivision = cv2.Subdiv2D((0, 0, 3, 3))
    lookup: dict[tuple[float, ...], int] = {}
    for index in reversed(range(len(spread))):
        vertex = subdivision.insert((float(spread[index, 0]), float(spread[index, 1])))
        lookup[_exact(subdivision.getVertex(vertex)[0])] = index
    found: list[list[int]] = []
    for triangle in np.asarray(subdivision.getTriangleList()).reshape(-1, 3, 2):
        corner = [lookup.get(_exact(point), -1) for point in triangle]
        if min(corner) >= 0:
            found.append(sorted(corner))
    corners = np.array(sorted(found), np.int32).reshape(-1, 3)
    flip = signed_areas(uv, corners) > 0
    corners[flip] = corners[flip][:, [0, 2, 1]]
    return corners


def _exact(point: Any) -> tuple[float, ...]:
    return tuple(float(np.float32(value)) for value in point)


def signed_areas(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(T,) twice the signed area of each triangle; negative faces the camera (y down).

    Shapes: points (P, 2), corners (T, 3) indices.
    """
    a, b, c = (points[corners[:, k]].astype(np.float64) for k in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


def fit_similarity(src: np.ndarray, dst: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The (2, 3) rotation, uniform scale and shift that carries src to dst with the least squared error.

    Shapes: src, dst (N, 2); weight (N,) or none. Coinciding points give a pure shift.
    Source: Umeyama 1991, written with complex numbers (no reflection can come out).
    """
    weight = np.ones(len(src)) if weight is None else weight
    share = weight / weight.sum()
    src_mean, dst_mean = share @ src, share @ dst
    a = (src - src_mean) @ (1, 1j)
    b = (dst - dst_mean) @ (1, 1j)
    spread = float(share @ np.abs(a) ** 2)
    turn = complex(share @ (np.conj(a) * b)) / spread if spread > 0 else 1 + 0j
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.concatenate([linear, (dst_mean - linear @ src_mean)[:, None]], axis=1)


def _finished(topology: str, uv: np.ndarray, corners: np.ndarray, outline: np.ndarray) -> Mesh:
    return Mesh(topology, np.ascontiguousarray(uv, np.float32), corners, edge_neighbours(corners), outline)


def edge_neighbours(corners: np.ndarray) -> np.ndarray:
    """(T, 3) int32: the triangle that shares the edge opposite to each corner, -1 where none does."""
    edges: dict[frozenset[int], list[tuple[int, int]]] = {}
    for index, corner in enumerate(corners.tolist()):
        for k in range(3):
            edges.setdefault(frozenset((corner[k - 2], corner[k - 1])), []).append((index, k))
    neighbours = np.full(corners.shape, -1, np.int32)
    for sides in edges.values():
        if len(sides) == 2:
            (first, k), (second, j) = sides
            neighbours[first, k], neighbours[second, j] = second, first
    return neighbours
