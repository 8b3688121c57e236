"""The performer's head, neck and shoulders at rest, as one grid of points in head space.

Head space, in centimetres: origin on the line of the eyes at the axis of the ears, x to the image's right, y up, z to
the
camera. Every grid point has *rest coordinates* that never change: (X, Y), the angle around the head times
``AROUND_CM`` and
the height, in which skin is painted; and (x, y), the place seen straight from the front, in which features are
described.
All numbers are assumed: common proportions of an adult head (about 15 cm wide, 23 cm high), shaped by eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.curves import Array, bell, smooth_max, smoothstep, through, twin
from vfx_deepfake.demo.performer.looks import DEMO_SHAPE, Shape

AROUND_CM = 8.5  # X = angle * AROUND_CM
LIP_Y = -7.3  # height of the closed lips' line
MOUTH_HALF_CM = 2.55
EYE_X, EYE_Y = 3.2, 0.0
TOP_Y, FOOT_Y = 12.0, -27.0

# y: half width, depth to the front, depth to the back, from the axis of the ears
_SKULL = [
    (-16.0, 2.4, 1.0, 2.0),
    (-13.4, 3.1, 2.6, 3.0),
    (-12.5, 3.7, 5.6, 4.0),
    (-11.8, 4.2, 7.35, 4.5),
    (-10.8, 4.75, 8.15, 5.0),
    (-9.4, 5.4, 8.25, 5.5),
    (-8.0, 5.95, 8.35, 6.0),
    (-6.0, 6.45, 8.5, 6.8),
    (-4.0, 6.85, 8.55, 7.8),
    (-2.0, 7.15, 8.6, 9.0),
    (0.0, 7.35, 8.75, 9.8),
    (2.0, 7.45, 9.0, 10.2),
    (4.0, 7.5, 8.95, 10.3),
    (6.0, 7.3, 8.45, 10.1),
    (8.0, 6.6, 7.35, 9.2),
    (9.5, 5.6, 6.0, 7.9),
    (10.7, 4.4, 4.5, 6.3),
    (11.4, 3.2, 3.2, 4.6),
    (11.8, 2.0, 2.0, 2.9),
    (12.0, 0.05, 0.05, 0.05),
]
# y: half width, depth to the front, depth to the back of neck and shoulders
_NECK = [
    (-27.0, 23.0, 10.5, 10.5),
    (-21.5, 21.5, 9.0, 9.8),
    (-18.8, 18.5, 7.6, 9.2),
    (-17.2, 11.0, 5.8, 8.4),
    (-16.2, 7.4, 4.5, 7.8),
    (-15.0, 5.9, 3.7, 7.5),
    (-13.5, 5.55, 3.3, 7.4),
    (-12.0, 5.45, 3.1, 7.4),
    (-8.0, 5.5, 2.5, 7.4),
    (12.0, 0.05, 0.05, 0.05),
]
# angle around the head: height of the hair's edge
_HAIRLINE = [
    (0.0, 6.5),
    (0.30, 6.8),
    (0.52, 7.1),
    (0.72, 6.0),
    (0.90, 4.2),
    (1.10, 2.6),
    (1.24, 0.2),
    (1.34, 0.3),
    (1.46, 1.9),
    (1.80, 1.6),
    (1.98, -1.5),
    (2.15, -6.0),
    (3.15, -8.0),
]
# y: how far the nose's ridge stands out, its half width
_NOSE = [
    (-5.75, 0.0, 1.1),
    (-5.45, 0.30, 1.05),
    (-5.15, 1.05, 1.0),
    (-4.8, 1.75, 0.98),
    (-4.4, 2.12, 0.98),
    (-4.0, 2.18, 0.94),
    (-3.2, 1.85, 0.82),
    (-1.0, 0.95, 0.70),
    (0.4, 0.42, 0.66),
    (1.6, 0.0, 1.0),
]


@dataclass(frozen=True, slots=True)
class HeadGrid:
    """The head at rest: rows from crown to chest, columns around. Rows ``lip_row`` and ``lip_row + 1`` lie on the
    lips' line.

    position (R, C, 3) head space; angle (C,); height (R,) of the rows; front (R, C, 2) rest (x, y); lower (R, 1) 1
    below
    the lips' line.
    """

    position: Array
    angle: Array
    height: Array
    front: Array
    lower: Array
    lip_row: int
    shape: Shape = Shape()

    @property
    def painted(self) -> Array:
        """(R, C, 2) rest coordinates (X, Y) in which skin is painted."""
        across = np.broadcast_to(self.angle[None, :] * AROUND_CM, self.front.shape[:2])
        down = np.broadcast_to(self.height[:, None], self.front.shape[:2])
        return np.stack([across, down], -1).astype(np.float32)


def base_radius(angle: Array, y: Array) -> Array:
    """Distance of the bare head from the axis of the ears, without features; angle 0 looks at the camera."""
    sine, cosine = np.abs(np.sin(angle)), np.cos(angle)
    skull = _section(through(_SKULL, y), sine, cosine, 2.25)
    neck = _section(through(_NECK, y), sine, cosine, 2.1)
    return smooth_max(skull, neck, 0.9)


def _section(profile: list[Array], sine: Array, cosine: Array, power: float) -> Array:
    half, front, back = profile
    depth = np.where(cosine > 0, front, back)
    return ((sine / half) ** power + (np.abs(cosine) / depth) ** power) ** (-1.0 / power)


def relief(x: Array, y: Array) -> Array:
    """How far features stand out to the front of the bare head, cm, at front coordinates (x, y)."""
    side = np.abs(x)
    z = _nose(x, y)
    z -= 1.15 * twin(x, y, EYE_X - 0.1, 0.25, 1.55, 0.95)  # sockets
    z += 0.85 * twin(x, y, EYE_X, -0.05, 1.0, 0.72)  # lids over the eyeball
    z += 0.42 * np.exp(-(((y - 1.75 - 0.05 * side) / 0.62) ** 2)) * smoothstep(6.4, 3.0, side)  # brow ridge
    z += 0.55 * twin(x, y, 4.7, -2.5, 1.7, 1.2)  # cheekbones
    z -= 0.30 * twin(x, y, 4.9, -6.0, 1.3, 1.8)  # hollow of the cheek
    z += 0.55 * bell(x, y, 0.0, -7.2, 2.4, 1.5)  # teeth behind the lips
    z -= 0.14 * bell(x, y, 0.0, -6.0, 0.24, 0.55)  # philtrum
    z += 0.07 * twin(x, y, 0.42, -6.1, 0.18, 0.5)
    z += _lips(x, y)
    z -= 0.42 * bell(x, y, 0.0, -9.05, 1.5, 0.42)  # furrow over the chin
    z += 0.55 * bell(x, y, 0.0, -10.5, 1.35, 0.9)  # chin
    z -= 0.25 * twin(x, y, 6.3, 2.2, 0.9, 1.6)  # temples
    return z


def _nose(x: Array, y: Array) -> Array:
    side = np.abs(x)
    rise, width = through(_NOSE, y)
    ridge = rise * np.exp(-(np.abs(side / width) ** 2.2))
    base = 0.50 * np.exp(-((side / (1.9 * width)) ** 2)) * smoothstep(-5.3, -4.5, y) * smoothstep(0.8, -1.0, y)
    ball = 0.22 * bell(x, y, 0.0, -4.25, 0.6, 0.5)
    wings = 0.95 * twin(x, y, 1.38, -4.55, 0.40, 0.44) - 0.18 * twin(x, y, 1.05, -4.0, 0.25, 0.5)
    return ridge + base + ball + wings - 0.40 * twin(x, y, 0.62, -5.08, 0.27, 0.15)


def _lips(x: Array, y: Array) -> Array:
    across = np.clip(1.0 - (x / (MOUTH_HALF_CM + 0.15)) ** 2, 0.0, 1.0)
    upper = 0.34 * across**0.8 * np.exp(-(((y + 6.92) / 0.34) ** 2))
    lower = 0.46 * across**0.9 * np.exp(-(((y + 7.74) / 0.40) ** 2))
    line = 0.30 * np.clip(across, 0, 1) ** 0.5 * np.exp(-(((y - LIP_Y) / 0.13) ** 2))
    corners = 0.22 * twin(x, y, MOUTH_HALF_CM + 0.1, LIP_Y, 0.3, 0.3)
    return upper + lower - line - corners


def build_head(rows: int, columns: int, shape: Shape = DEMO_SHAPE) -> HeadGrid:
    """The resting head on about ``rows`` x ``columns`` points, denser where the features are."""
    height, lip_row = _row_heights(rows)
    t = np.linspace(-1.0, 1.0, columns)
    angle = np.pi * (0.55 * t + 0.45 * t**3)  # denser at the front
    y, a = np.meshgrid(height, angle, indexing="ij")
    radius = base_radius(a, y)
    x, z = radius * np.sin(a), radius * np.cos(a)
    facing = smoothstep(-0.1, 0.35, np.cos(a))
    z = z + relief(x, y) * facing
    position = np.stack([x, y, z], -1)
    outward = np.stack([np.sin(a), np.zeros_like(a), np.cos(a)], -1)
    position += outward * (_hair_volume(a, y) + _ears(a, y))[..., None]
    lower = (np.arange(len(height)) > lip_row).astype(np.float32)[:, None]
    return HeadGrid(shape.moved(position), angle, height, np.stack([x, y], -1), lower, lip_row, shape)


def _row_heights(rows: int) -> tuple[Array, int]:
    """Heights from crown to chest; density by weight, with two rows exactly on the lips' line."""
    fine = np.linspace(TOP_Y, FOOT_Y, 4000)
    weight = (
        0.45
        + 1.0 * smoothstep(4.5, 2.5, fine) * smoothstep(-14.0, -12.0, fine)
        + 0.7 * np.exp(-(((fine + 6.0) / 3.0) ** 2))
    )
    weight += 1.5 * smoothstep(10.5, 11.9, fine)
    share = np.cumsum(weight) / weight.sum()
    upper = max(8, round(rows * float(np.interp(-LIP_Y, -fine, share))))
    split = float(np.interp(-LIP_Y, -fine, share))
    above = np.interp(np.linspace(share[0], split, upper), share, fine)
    below = np.interp(np.linspace(split, 1.0, rows - upper), share, fine)
    above[-1] = below[0] = LIP_Y
    return np.concatenate([above, below]), upper - 1


def hairline(angle: Array) -> Array:
    """Height of the hair's edge at each angle around the head: forehead, temples, before and behind the ears, nape."""
    (edge,) = through(_HAIRLINE, np.abs(angle))
    return edge


def _hair_volume(angle: Array, y: Array) -> Array:
    over = y - hairline(angle)
    return 0.7 * smoothstep(-0.3, 2.6, over) * smoothstep(12.3, 10.6, y)


def _ears(angle: Array, y: Array) -> Array:
    """Ears stand out to the side: a rim with a hollow in it."""
    around = np.abs(angle) - 1.62
    shape = (around / 0.20) ** 2 + ((y + 1.3 - 0.4 * around) / 3.0) ** 2
    return 1.7 * smoothstep(1.0, 0.55, shape) * (0.75 + 1.2 * around).clip(0.2, 1.2) - 0.55 * smoothstep(
        0.35, 0.05, shape
    )
