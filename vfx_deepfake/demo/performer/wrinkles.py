"""Lines of age and of expression, drawn as soft creases in front coordinates (x, y), centimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.curves import Array
from vfx_deepfake.demo.performer.noise import generator

Stroke = tuple[Array, float, float]  # points (N, 2), width cm, depth cm in the middle


@dataclass(frozen=True, slots=True)
class Lines:
    """Creases by what makes them deep: ``age`` alone, ``smile`` and ``brows`` also by expression."""

    age: list[Stroke]
    smile: list[Stroke]
    brows: list[Stroke]


def face_lines(seed: int) -> Lines:
    """Every crease of the face; small wobbles come from ``seed``."""
    rng = generator(seed, 11)
    return Lines(
        age=_bags(rng) + _frown(rng) + _mouth(rng) + _crow(rng, 9, 0.034) + _cheek(rng),
        smile=_nasolabial(rng) + _crow(rng, 6, 0.036),
        brows=_forehead(rng),
    )


def _wobble(rng: np.random.Generator, points: Array, size: float) -> Array:
    bumps = np.cumsum(rng.normal(0.0, size, points.shape), 0)
    return points + bumps - np.linspace(0, 1, len(points))[:, None] * bumps[-1:]


def _mirrored(make: list[Stroke], rng: np.random.Generator) -> list[Stroke]:
    """Both sides of the face, the second one a little different."""
    return [
        (_wobble(rng, points * (side, 1.0), 0.006), width, depth)
        for side in (1.0, -1.0)
        for points, width, depth in make
    ]


def _curve(start: tuple[float, float], bend: tuple[float, float], end: tuple[float, float], count: int = 14) -> Array:
    """A quadratic Bezier curve."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    return (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(bend) + t * t * np.array(end)


def _forehead(rng: np.random.Generator) -> list[Stroke]:
    lines = []
    for level, half, depth in (
        (3.0, 4.2, 0.035),
        (3.75, 4.6, 0.05),
        (4.5, 4.3, 0.05),
        (5.2, 3.6, 0.04),
        (5.75, 2.4, 0.025),
    ):
        x = np.linspace(-half, half, 26)
        y = level + 0.22 * np.cos(x / 2.2 + rng.uniform(-0.4, 0.4)) - 0.035 * x * x * 0.5
        lines.append((_wobble(rng, np.stack([x, y], 1), 0.02), 0.10, depth))
    return lines


def _frown(rng: np.random.Generator) -> list[Stroke]:
    return _mirrored(
        [
            (_curve((0.62, 1.1), (0.5, 1.8), (0.72, 2.6)), 0.11, 0.045),
            (_curve((0.28, 0.5), (0.1, 0.62), (-0.1, 0.5)), 0.08, 0.03),
        ],
        rng,
    )


def _crow(rng: np.random.Generator, count: int, depth: float) -> list[Stroke]:
    lines = []
    for angle in np.linspace(38.0, -52.0, count):
        turn = np.deg2rad(angle + rng.uniform(-4, 4))
        away = np.array([np.cos(turn), np.sin(turn)])
        start = np.array([4.95, -0.1]) + away * rng.uniform(0.1, 0.3)
        end = start + away * rng.uniform(0.8, 1.5)
        bend = (start + end) / 2 + np.array([0.0, 0.12])
        lines.append((_curve(tuple(start), tuple(bend), tuple(end), 9), 0.065, depth))
    return _mirrored(lines, rng)


def _bags(rng: np.random.Generator) -> list[Stroke]:
    return _mirrored(
        [
            (_curve((1.75, -0.75), (3.1, -1.75), (4.7, -0.8)), 0.13, 0.06),
            (_curve((1.7, -0.5), (3.0, -1.25), (4.6, -0.55)), 0.07, 0.025),
            (_curve((1.9, -1.05), (2.9, -2.2), (4.2, -2.0)), 0.12, 0.035),
            (_curve((1.8, -0.9), (2.4, -1.7), (3.4, -1.9)), 0.06, 0.02),
        ],
        rng,
    )


def _nasolabial(rng: np.random.Generator) -> list[Stroke]:
    return _mirrored(
        [
            (_curve((1.75, -4.1), (2.7, -5.2), (3.25, -7.2), 20), 0.15, 0.085),
            (_curve((1.9, -4.6), (2.9, -5.6), (3.4, -6.6)), 0.07, 0.02),
        ],
        rng,
    )


def _mouth(rng: np.random.Generator) -> list[Stroke]:
    marionette = [(_curve((2.75, -7.6), (3.05, -8.4), (2.85, -9.4)), 0.14, 0.06)]
    above = [
        (_curve((x, -6.6), (x + 0.03, -6.3), (x * 1.08, -5.9), 6), 0.045, 0.018) for x in (0.35, 0.75, 1.1, 1.45, 1.8)
    ]
    return _mirrored(marionette + above, rng)


def _cheek(rng: np.random.Generator) -> list[Stroke]:
    lines = []
    for _ in range(16):
        x, y = rng.uniform(3.2, 6.0), rng.uniform(-7.5, -2.5)
        lines.append((_curve((x, y), (x + 0.3, y - 0.4), (x + 0.35, y - rng.uniform(0.6, 1.3)), 8), 0.05, 0.014))
    return _mirrored(lines, rng)
