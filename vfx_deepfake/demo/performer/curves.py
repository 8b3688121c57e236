"""Small functions that shape everything else: smooth steps, bells, curves through points. All work on numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def smoothstep(low: Array | float, high: Array | float, x: Array | float) -> Array:
    """0 below ``low``, 1 above ``high`` with flat ends; ``low`` may lie above ``high`` to run the other way."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bell(x: Array, y: Array, cx: float, cy: float, sx: float, sy: float) -> Array:
    """A Gaussian hill of height 1 at (cx, cy)."""
    return np.exp(-0.5 * (((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2))


def twin(x: Array, y: Array, cx: float, cy: float, sx: float, sy: float) -> Array:
    """The same hill on both sides of the face, at ±cx."""
    return bell(np.abs(x), y, cx, cy, sx, sy)


def smooth_max(a: Array, b: Array, width: float) -> Array:
    """The larger of two values with a rounded corner ``width`` wide."""
    h = np.clip(0.5 + 0.5 * (a - b) / width, 0.0, 1.0)
    return b + (a - b) * h + width * h * (1.0 - h)


def through(points: Sequence[tuple[float, ...]], at: Array | float) -> list[Array]:
    """Smooth curves (Catmull-Rom, flat ends) through rows of (x, value, value, ...), rising in x; one array a value."""
    table = np.asarray(points, dtype=np.float64)
    knots, values = table[:, 0], table[:, 1:]
    slope = np.zeros_like(values)
    slope[1:-1] = (values[2:] - values[:-2]) / (knots[2:] - knots[:-2])[:, None]
    x = np.clip(np.asarray(at, dtype=np.float64), knots[0], knots[-1])
    i = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    span = knots[i + 1] - knots[i]
    t = ((x - knots[i]) / span)[..., None]
    start, end = values[i], values[i + 1]
    m0, m1 = slope[i] * span[..., None], slope[i + 1] * span[..., None]
    t2, t3 = t * t, t * t * t
    out = (2 * t3 - 3 * t2 + 1) * start + (t3 - 2 * t2 + t) * m0 + (3 * t2 - 2 * t3) * end + (t3 - t2) * m1
    return [out[..., k] for k in range(out.shape[-1])]


def normalised(v: Array) -> Array:
    """Vectors of length 1 along the last axis; a zero vector stays zero."""
    return v / np.maximum(np.sqrt(dot(v, v)), 1e-9)[..., None]


def dot(a: Array, b: Array) -> Array:
    """Products of vectors along the last axis."""
    return np.einsum("...i,...i->...", a, b)
