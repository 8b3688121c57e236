"""Grids of small triangles to pixels: which grid place each pixel sees, nearest first, in plain numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.curves import Array

_SPLIT_PX = (3, 6, 12, 24, 48, 96)  # classes of triangle size; each is drawn by stepping through its own box


@dataclass(slots=True)
class GridHits:
    """What each pixel of a window sees of one grid: place (H, W, 2) as (column, row), near (H, W) 1/depth, 0 where nothing."""

    place: Array
    near: Array


def rasterise_grid(screen: Array, near: Array, keep: Array, size: tuple[int, int]) -> GridHits:
    """Draw the camera-facing side of a grid.

    Shapes: screen (R, C, 2) positions in pixels of the window, y down; near (R, C); keep (R-1, C-1) bool, quads to draw;
    size (width, height). A quad faces the camera when its rows run down and its columns run right in the picture.
    """
    rows, columns = near.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    quads = keep & np.isfinite(screen).all(-1)[:-1, :-1]
    triangles = np.concatenate([np.stack(t, -1)[quads] for t in ((a, c, b), (b, c, d))])
    points = screen.reshape(-1, 2).astype(np.float32)
    depth = near.reshape(-1).astype(np.float32)
    drawn = _Canvas(size)
    for chosen in _by_size(triangles, points, size):
        drawn.draw(chosen, points, depth)
    return _grid_places(drawn, triangles, columns)


def _by_size(triangles: Array, points: Array, size: tuple[int, int]) -> list[tuple[Array, Array, int]]:
    """Visible, camera-facing triangles in classes of box size: (their numbers, their corners, steps)."""
    corner = points[triangles]
    e1, e2 = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    facing = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0] < 0
    low, high = corner.min(1), corner.max(1)
    visible = facing & (high > 0).all(1) & (low < np.asarray(size)).all(1)
    span = (np.floor(high) - np.floor(low)).max(1) + 1
    classes = []
    before = 0
    for limit in _SPLIT_PX:
        numbers = np.flatnonzero(visible & (span > before) & (span <= limit))
        if len(numbers):
            classes.append((numbers, triangles[numbers], limit))
        before = limit
    return classes


class _Canvas:
    """Nearest triangle so far per pixel, with its barycentric weights."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.width, self.height = size
        self.number = np.full(self.width * self.height, -1, np.int32)
        self.near = np.zeros(self.width * self.height, np.float32)
        self.weights = np.zeros((self.width * self.height, 2), np.float32)

    def draw(self, chosen: tuple[Array, Array, int], points: Array, depth: Array) -> None:
        """Draw one class of triangles; far ones first, so that of several on one pixel in one pass the nearest stays."""
        numbers, triangles, steps = chosen
        order = np.argsort(depth[triangles].sum(1), kind="stable")
        numbers, triangles = numbers[order], triangles[order]
        corner, near = points[triangles], depth[triangles]
        origin = np.floor(corner.min(1))
        e1, e2 = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
        scale = 1.0 / (e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0])
        start = origin + 0.5 - corner[:, 0]
        for dy in range(steps):
            for dx in range(steps):
                px, py = start[:, 0] + dx, start[:, 1] + dy
                w1 = (px * e2[:, 1] - py * e2[:, 0]) * scale
                w2 = (e1[:, 0] * py - e1[:, 1] * px) * scale
                hit = np.flatnonzero((w1 >= 0) & (w2 >= 0) & (w1 + w2 <= 1))
                self._place(numbers, origin, near, (dx, dy), hit, w1, w2)

    def _place(
        self, numbers: Array, origin: Array, near: Array, step: tuple[int, int], hit: Array, w1: Array, w2: Array
    ) -> None:
        x, y = (origin[hit, 0] + step[0]).astype(np.int32), (origin[hit, 1] + step[1]).astype(np.int32)
        inside = (x >= 0) & (y >= 0) & (x < self.width) & (y < self.height)
        hit, pixel = hit[inside], (y * self.width + x)[inside]
        u, v = w1[hit], w2[hit]
        value = near[hit, 0] * (1 - u - v) + near[hit, 1] * u + near[hit, 2] * v
        closer = value > self.near[pixel]
        hit, pixel, u, v = hit[closer], pixel[closer], u[closer], v[closer]
        self.near[pixel] = value[closer]
        self.number[pixel] = numbers[hit]
        self.weights[pixel, 0], self.weights[pixel, 1] = u, v


def _grid_places(drawn: _Canvas, triangles: Array, columns: int) -> GridHits:
    """Barycentric weights to grid places."""
    seen = drawn.number >= 0
    corner = triangles[drawn.number[seen]]
    weights = drawn.weights[seen]
    w = np.stack([1 - weights.sum(1), weights[:, 0], weights[:, 1]], 1)
    place = np.full((drawn.number.size, 2), -1.0, np.float32)
    place[seen, 0] = (w * (corner % columns)).sum(1)
    place[seen, 1] = (w * (corner // columns)).sum(1)
    return GridHits(place.reshape(drawn.height, drawn.width, 2), drawn.near.reshape(drawn.height, drawn.width))
