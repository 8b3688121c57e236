"""How expression and age move the head's grid; the eyes' lids move in :mod:`eyes`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.curves import Array, bell, smoothstep, twin
from vfx_deepfake.demo.performer.head import LIP_Y, MOUTH_HALF_CM, HeadGrid

JAW_DEGREES, _JAW_JOINT_Y = 13.0, -1.5


@dataclass(frozen=True, slots=True)
class Expression:
    """What the face does, 0 at rest and 1 at full; ``part`` opens the lips, ``pucker`` brings them forward."""

    smile: float = 0.0
    jaw: float = 0.0
    part: float = 0.0
    brows: float = 0.0
    pucker: float = 0.0
    sag: float = 0.0


def expressed(grid: HeadGrid, e: Expression) -> Array:
    """Grid positions (R, C, 3) in head space under an expression; the eyes' lids move in :mod:`eyes`, not here."""
    p = grid.position.copy()
    x, y = grid.front[..., 0], grid.front[..., 1]
    side, front = np.abs(x), np.broadcast_to(np.cos(grid.angle)[None, :] > 0, x.shape)
    sign = np.sign(x)
    sag = e.sag * smoothstep(-11.6, -10.0, y)  # the neck stays
    mouth = np.sqrt(np.clip(1.0 - (x / MOUTH_HALF_CM) ** 2, 0.0, 1.0)) * front
    near = np.exp(-np.maximum(0.0, np.abs(y - LIP_Y) - 0.2) / 1.1)
    low, high = grid.lower * mouth, (1.0 - grid.lower) * mouth
    shape = 0.06 * twin(x, y, 0.85, LIP_Y, 0.5, 0.8) - 0.05 * bell(x, y, 0.0, LIP_Y, 0.4, 0.8)  # the lips' own wave
    p[..., 1] += shape * front
    p[..., 1] += high * near * (0.30 * e.part + 0.12 * e.smile) - low * near * (0.38 * e.part + 0.22 * e.smile)
    p[..., 2] += (mouth * near) * (0.55 * e.pucker)
    p = turned_with_jaw(p, e.jaw, _jaw_weight(x, y, low, high, near))
    corner = twin(x, y, MOUTH_HALF_CM + 0.25, LIP_Y, 0.95, 1.1) * front
    p[..., 0] += sign * corner * (0.50 * e.smile - 0.75 * e.pucker) * smoothstep(0.0, 1.2, side)
    p[..., 1] += corner * (1.0 * e.smile - 0.05)
    p[..., 2] -= corner * (0.35 * e.smile - 0.3 * e.pucker)
    cheek = twin(x, y, 4.2, -3.2, 1.5, 1.3) * front
    p[..., 1] += cheek * 0.30 * e.smile - 0.22 * sag * twin(x, y, 4.9, -8.4, 1.6, 2.0) * front
    p[..., 2] += cheek * 0.32 * e.smile + 0.10 * sag * twin(x, y, 4.4, -8.6, 1.2, 1.2) * front
    brow = np.exp(-(((y - 2.6) / 1.5) ** 2)) * smoothstep(6.5, 4.0, side) * front
    p[..., 1] += brow * (0.55 * e.brows - 0.10 * e.sag)
    return p


def _jaw_weight(x: Array, y: Array, low: Array, high: Array, near: Array) -> Array:
    skin = smoothstep(-4.8, -9.3, y) * smoothstep(-16.0, -11.5, y)
    back = smoothstep(7.4, 5.0, np.abs(x))
    return (skin + low * near * (1.0 - skin) - high * near * skin) * back


def turned_with_jaw(points: Array, jaw: float, weight: Array | float = 1.0) -> Array:
    """Points (..., 3) turned about the jaw's joint, ``JAW_DEGREES`` at a jaw of 1 and a weight (...) of 1."""
    turn = np.deg2rad(JAW_DEGREES) * jaw * np.asarray(weight)
    y, z = points[..., 1] - _JAW_JOINT_Y, points[..., 2]
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.stack([points[..., 0], cosine * y - sine * z + _JAW_JOINT_Y, sine * y + cosine * z], -1)
