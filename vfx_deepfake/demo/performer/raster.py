"""Grids of triangles to pixels: which place of the grid each pixel sees, nearest first, in plain numpy.

Every triangle becomes the spans of pixels it covers, row by row, all triangles at once; the nearest stays on each
pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.curves import Array

_OVERLAP_PX = 1e-3  # neighbours overlap by this much, so that rounding leaves no crack between them


@dataclass(frozen=True, slots=True)
class GridHits:
    """What each pixel of a picture sees of one grid: place (H, W, 2) as (column, row), near (H, W), 0 where nothing."""

    place: Array
    near: Array


@dataclass(frozen=True, slots=True)
class _Triangles:
    """Camera-facing triangles: numbers of grid points (T, 3), corners (T, 3, 2), nearness of corners (T, 3)."""

    points: Array
    corner: Array
    near: Array


def rasterise_grid(screen: Array, near: Array, keep: Array, size: tuple[int, int]) -> GridHits:
    """Draw the camera-facing side of a grid.

    Shapes: screen (R, C, 2) positions in pixels, y down; near (R, C) above 0, larger is nearer; keep (R-1, C-1) bool,
    quads to draw; size (width, height). A quad faces the camera when its rows run down and its columns right in the
    picture.
    """
    triangles = _facing(screen.astype(np.float32), near.astype(np.float32), keep, size)
    owner, row = _rows(triangles, size)
    owner, row, first, last = _spans(triangles, owner, row, size)
    owner, x = _unrolled(owner, first, last)
    row = np.repeat(row, last - first + 1)
    return _nearest(triangles, owner, row, x, near.shape[1], size)


def _facing(screen: Array, near: Array, keep: Array, size: tuple[int, int]) -> _Triangles:
    index = np.arange(near.size).reshape(near.shape)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    numbers = np.concatenate([np.stack(corners, -1)[keep] for corners in ((a, c, b), (b, c, d))])
    corner = screen.reshape(-1, 2)[numbers]
    e1, e2 = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    facing = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0] < -1e-9
    low, high = np.minimum.reduce([corner[:, k] for k in range(3)]), np.maximum.reduce([corner[:, k] for k in range(3)])
    seen = facing & (high[:, 0] > 0) & (high[:, 1] > 0) & (low[:, 0] < size[0]) & (low[:, 1] < size[1])
    numbers = numbers[seen]
    return _Triangles(numbers, corner[seen], near.reshape(-1)[numbers])


def _rows(triangles: _Triangles, size: tuple[int, int]) -> tuple[Array, Array]:
    """Every triangle with every pixel row whose middle it may cross: (number of the triangle, row)."""
    y = triangles.corner[..., 1]
    top, bottom = (reduce([y[:, k] for k in range(3)]) for reduce in (np.minimum.reduce, np.maximum.reduce))
    first = np.clip(np.ceil(top - 0.5 - _OVERLAP_PX), 0, size[1]).astype(np.int32)
    last = np.clip(np.floor(bottom - 0.5 + _OVERLAP_PX), -1, size[1] - 1).astype(np.int32)
    filled = np.flatnonzero(last >= first)
    return _unrolled(filled.astype(np.int32), first[filled], last[filled])


def _unrolled(owner: Array, first: Array, last: Array) -> tuple[Array, Array]:
    """Ranges first..last to single numbers: (owner repeated, number)."""
    count = last - first + 1
    ends = np.cumsum(count)
    start = np.repeat(first - (ends - count).astype(first.dtype), count)
    return np.repeat(owner, count), start + np.arange(len(start), dtype=first.dtype)


def _spans(triangles: _Triangles, owner: Array, row: Array, size: tuple[int, int]) -> tuple[Array, Array, Array, Array]:
    """First and last pixel that each triangle covers in each of its rows; empty rows are left out."""
    corner = triangles.corner[owner]
    y = row + np.float32(0.5)
    low, high = np.full(len(row), -np.inf, np.float32), np.full(len(row), np.inf, np.float32)
    for k in range(3):
        p, q = corner[:, k], corner[:, (k + 1) % 3]
        dx, dy = q[:, 0] - p[:, 0], q[:, 1] - p[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            x = p[:, 0] + (y - p[:, 1]) * dx / dy
        low = np.where(
            dy > 0, np.maximum(low, x), low
        )  # corners run against the clock, y down: edges going down are left ones
        high = np.where(dy < 0, np.minimum(high, x), high)
    first = np.clip(np.ceil(low - 0.5 - _OVERLAP_PX), 0, size[0]).astype(np.int32)
    last = np.clip(np.floor(high - 0.5 + _OVERLAP_PX), -1, size[0] - 1).astype(np.int32)
    filled = np.flatnonzero((last >= first) & np.isfinite(low) & np.isfinite(high))
    return owner[filled], row[filled], first[filled], last[filled]


def _nearest(
    triangles: _Triangles, owner: Array, row: Array, x: Array, columns: int, size: tuple[int, int]
) -> GridHits:
    """Keep the nearest triangle of every pixel and turn its barycentric weights into a place of the grid."""
    w1, w2 = _weights(triangles, owner, row, x)
    near = triangles.near
    depth = (near[:, 0][owner] * (1 - w1 - w2) + near[:, 1][owner] * w1 + near[:, 2][owner] * w2).astype(np.float32)
    pixel = row * size[0] + x
    buffer = np.zeros(size[0] * size[1], np.float32)
    np.maximum.at(buffer, pixel, depth)
    front = np.flatnonzero(depth == buffer[pixel])
    owner, pixel, w1, w2 = owner[front], pixel[front], w1[front], w2[front]
    place = np.full((buffer.size, 2), -1.0, np.float32)
    for axis, values in ((0, triangles.points % columns), (1, triangles.points // columns)):
        a, b, c = (values[:, k].astype(np.float32)[owner] for k in range(3))
        place[pixel, axis] = a * (1 - w1 - w2) + b * w1 + c * w2
    return GridHits(place.reshape(size[1], size[0], 2), buffer.reshape(size[1], size[0]))


def _weights(triangles: _Triangles, owner: Array, row: Array, x: Array) -> tuple[Array, Array]:
    """Barycentric weights of the second and third corner at pixel middles."""
    corner = triangles.corner
    e1, e2 = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    scale = 1.0 / (e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0])
    terms = (e2[:, 1] * scale, e2[:, 0] * scale, e1[:, 0] * scale, e1[:, 1] * scale)
    px = x + np.float32(0.5) - corner[:, 0, 0][owner]
    py = row + np.float32(0.5) - corner[:, 0, 1][owner]
    a, b, c, d = (term[owner] for term in terms)
    return np.clip(px * a - py * b, 0.0, 1.0), np.clip(py * c - px * d, 0.0, 1.0)
