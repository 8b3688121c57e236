"""How expression stretches and compresses the skin: the tracked mesh against the face's neutral shape."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from vfx_deepfake.face.mesh import locate
from vfx_deepfake.face.topology import MEDIAPIPE, Mesh, canonical_vertices_cm, fit_similarity, signed_areas
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window

PASSES = 3  # of averaging over neighbouring points: single points are tracked to a pixel, not better
LEAST_FACING = 0.3  # cosine towards the camera below which a place's tilt is not told apart any more; assumed
LEAST_AREA = 1e-3  # of a triangle, as a share of the mean: seen edge-on, it tells nothing


def neutral_shape(track: FaceTrack) -> np.ndarray:
    """(P, 2) float64: the median of every frame's points, moved, turned and scaled onto the mean shape.

    It depends on the whole track and on nothing else. Raises: TrackError for a track without a face.
    """
    mean = track.mean_shape()
    aligned = []
    for shape in track.points[track.confidence > 0].astype(np.float64):
        move = fit_similarity(shape, mean)
        aligned.append(shape @ move[:, :2].T + move[:, 2])
    return np.asarray(np.median(aligned, axis=0))


def stretch_log(points: np.ndarray, neutral: np.ndarray, mesh: Mesh) -> np.ndarray:
    """Natural logarithm of each point's surrounding area over its neutral area; (P,) float32, 0 for no expression.

    A turned or nearer head changes areas too: what fits the logarithms best of a quadratic surface in canonical
    coordinates and of the tilt of each place of the face is taken off, and what is left is local.
    Shapes: points, neutral (P, 2) any unit.
    """
    now, then = (_point_areas(shape, mesh) for shape in (points.astype(np.float64), neutral))
    known = (now > 0) & (then > 0)
    ratio = np.zeros(len(mesh.uv))
    if known.sum() < 12:
        return ratio.astype(np.float32)
    ratio[known] = np.log(now[known] / then[known])
    surface = _turning(mesh)
    fit = np.linalg.lstsq(surface[known], ratio[known], rcond=None)[0]
    ratio[known] -= (surface @ fit)[known]
    return _evened(ratio, mesh).astype(np.float32)


def over_pixels(values: np.ndarray, points: np.ndarray, window: Window, mesh: Mesh) -> np.ndarray:
    """Values of the mesh's points (P,) at every pixel of a window; (h, w) float32, 0 off the mesh."""
    inside, ids, weights = locate(points, window, mesh.triangles, mesh.neighbours)
    out = np.zeros(window.shape, np.float32)
    out[inside] = (values.astype(np.float32)[mesh.triangles[ids]] * weights.T).sum(axis=1)
    return out


@lru_cache(maxsize=4)
def _turning(mesh: Mesh) -> np.ndarray:
    """(P, K): how a small turn of the head can change the logarithm of the area round each point.

    A patch with the normal n shows n_z of its area; turned by small angles a and b it shows n_z + a n_x + b n_y.
    """
    u, v = mesh.uv.astype(np.float64).T - 0.5
    basis = [np.ones_like(u), u, v, u * u, u * v, v * v]
    if mesh.topology == MEDIAPIPE:
        shape = canonical_vertices_cm().astype(np.float64)
        a, b, c = (shape[mesh.triangles[:, corner]] for corner in range(3))
        around = np.repeat(np.cross(b - a, c - a), 3, axis=0)
        normals = np.stack(
            [np.bincount(mesh.triangles.ravel(), around[:, axis], minlength=len(u)) for axis in range(3)], axis=1
        )
        length = np.linalg.norm(normals, axis=1)
        facing = np.maximum(np.abs(normals[:, 2]), LEAST_FACING * length)
        basis += [np.divide(normals[:, axis], facing, out=np.zeros_like(u), where=facing > 0) for axis in (0, 1)]
    return np.stack(basis, axis=1)


def _point_areas(shape: np.ndarray, mesh: Mesh) -> np.ndarray:
    """(P,) area of the triangles round each point, those seen edge-on or from behind left out."""
    areas = np.maximum(-signed_areas(shape, mesh.triangles), 0)
    areas = np.where(areas > LEAST_AREA * areas.mean(), areas, 0)
    return np.bincount(mesh.triangles.ravel(), np.repeat(areas, 3), minlength=len(mesh.uv))


def _evened(values: np.ndarray, mesh: Mesh) -> np.ndarray:
    """Averaged with the neighbouring points, PASSES times."""
    corners = mesh.triangles
    count = np.bincount(corners.ravel(), minlength=len(values)) * 3
    for _ in range(PASSES):
        around = np.bincount(corners.ravel(), np.repeat(values[corners].sum(axis=1), 3), minlength=len(values))
        values = np.divide(around, count, out=values.copy(), where=count > 0)
    return values
