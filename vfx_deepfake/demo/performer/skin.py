"""Skin, lips, brows and hair, painted once a shot and age in rest coordinates (X, Y), so that they stick to the face.

Colours are albedo in ACEScg, assumed; heights in centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.demo.performer.curves import Array, bell, smoothstep, twin
from vfx_deepfake.demo.performer.head import AROUND_CM, LIP_Y, MOUTH_HALF_CM, HeadGrid, hairline
from vfx_deepfake.demo.performer.looks import DEMO_LOOKS, Looks
from vfx_deepfake.demo.performer.noise import generator, soft_noise
from vfx_deepfake.demo.performer.wrinkles import Stroke, face_lines

X_RANGE, Y_RANGE = (-17.0, 17.0), (-19.0, 12.0)
BROW_START_CM, BROW_LENGTH_CM = 1.15, 4.15
BROW_OLD = np.array([0.22, 0.20, 0.175])


@dataclass(frozen=True, slots=True)
class Skin:
    """Painted layers (H, W, C) float32 over X_RANGE x Y_RANGE, row 0 at the top.

    colour: albedo and gloss; slope: height gradient (dX, dY) at rest, then hair and lips masks; moving: the gradients
    that a
    full smile adds, then those of raised brows; cells_per_cm the resolution.
    """

    colour: Array
    slope: Array
    moving: Array
    cells_per_cm: float

    def places(self, painted: Array) -> Array:
        """Rest coordinates (..., 2) to (column, row) of the layers."""
        column = (painted[..., 0] - X_RANGE[0]) * self.cells_per_cm - 0.5
        row = (Y_RANGE[1] - painted[..., 1]) * self.cells_per_cm - 0.5
        return np.stack([column, row], -1)


@dataclass(slots=True)
class _Cells:
    """The painting ground: rest coordinates and front coordinates of every cell."""

    X: Array
    Y: Array
    x: Array
    y: Array
    per_cm: float
    seed: int
    looks: Looks

    @property
    def face(self) -> Array:
        """1 on the face, fading to 0 under the jaw, before the ears and into the hair: age shows nowhere else."""
        return smoothstep(-13.2, -11.8, self.y) * smoothstep(12.6, 10.6, np.abs(self.X)) * smoothstep(7.6, 6.4, self.y)

    def noise(self, salt: int, sigma_cm: float | tuple[float, float]) -> Array:
        down, across = sigma_cm if isinstance(sigma_cm, tuple) else (sigma_cm, sigma_cm)
        shape = (self.X.shape[0], self.X.shape[1])
        return soft_noise(generator(self.seed, salt), shape, (down * self.per_cm, across * self.per_cm))

    def drawn(self, strokes: list[Stroke]) -> Array:
        """Strokes given in front coordinates, as a soft map of depth in centimetres."""
        total = np.zeros(self.X.shape, np.float32)
        for width in sorted({stroke[1] for stroke in strokes}):
            canvas = np.zeros(self.X.shape, np.float32)
            for points, _, depth in (stroke for stroke in strokes if stroke[1] == width):
                self._draw(canvas, points, depth)
            sigma = max(0.5 * width * self.per_cm, 0.6)
            total += cv2.GaussianBlur(canvas, (0, 0), sigma) * (sigma * np.sqrt(2 * np.pi))
        return total

    def _draw(self, canvas: Array, points: Array, depth: float) -> None:
        places = self.cell_of(points)
        taper = np.sin(np.linspace(0.0, np.pi, len(points))) ** 0.6
        for k in range(len(points) - 1):
            value = depth * 0.5 * (taper[k] + taper[k + 1])
            ends = np.rint(places[k : k + 2] * 16).astype(int)
            cv2.line(canvas, tuple(ends[0].tolist()), tuple(ends[1].tolist()), float(value), 1, cv2.LINE_8, 4)

    def cell_of(self, points: Array) -> Array:
        """Front coordinates (N, 2) to (column, row)."""
        rows = np.clip((Y_RANGE[1] - points[:, 1]) * self.per_cm, 0, self.X.shape[0] - 1)
        columns = [
            np.interp(x, self.x[int(r)], np.arange(self.X.shape[1])) for x, r in zip(points[:, 0], rows, strict=True)
        ]
        return np.stack([np.asarray(columns), rows], 1)


def paint_skin(grid: HeadGrid, age: float, cells_per_cm: float, seed: int, looks: Looks = DEMO_LOOKS) -> Skin:
    """Paint every layer for an age of 0 (young) to 1 (old)."""
    cells = _ground(grid, cells_per_cm, seed, looks)
    face = cells.face
    lips = _lip_mask(cells)
    hair = _hair_mask(cells)
    lines = face_lines(seed)
    creases = cells.drawn(lines.age) * 1.35 * age * face
    smile, brows = cells.drawn(lines.smile) * face, cells.drawn(lines.brows) * face
    at_rest = creases + smile * 0.95 * age + brows * age
    height = (
        _pores(cells, age * face) * (1 - 0.6 * lips)
        - at_rest
        + _lip_relief(cells, lips, age)
        + _hair_relief(cells) * hair
    )
    gradient = _slopes(height, cells_per_cm)
    colour = _skin_colour(cells, age * face)
    colour = _mix(
        colour,
        np.array(looks.lips) * (1.0 + 0.10 * cells.noise(21, (0.12, 0.03)))[..., None],
        lips * (0.92 - 0.3 * age),
    )
    colour *= (1.0 - np.clip(5.0 * at_rest, 0, 0.6))[..., None] ** np.array([0.75, 1.0, 1.1])
    colour = _mix(colour, _brow_colour(cells, age), _brow_mask(cells, age))
    colour = _mix(colour, np.array(looks.hair) * np.exp(0.35 * cells.noise(22, (0.9, 0.035)))[..., None], hair)
    gloss = _gloss(cells, lips, hair, age * face)
    moving = np.concatenate(
        [_slopes(-smile * (0.25 + 0.55 * age), cells_per_cm), _slopes(-brows * (0.18 + 0.6 * age), cells_per_cm)], -1
    )
    return Skin(
        np.dstack([colour, gloss]).astype(np.float32),
        np.dstack([gradient, hair, lips]).astype(np.float32),
        moving.astype(np.float32),
        cells_per_cm,
    )


def _ground(grid: HeadGrid, per_cm: float, seed: int, looks: Looks) -> _Cells:
    width, height = (round((r[1] - r[0]) * per_cm) for r in (X_RANGE, Y_RANGE))
    across = X_RANGE[0] + (np.arange(width) + 0.5) / per_cm
    down = Y_RANGE[1] - (np.arange(height) + 0.5) / per_cm
    X, Y = np.meshgrid(across, down)
    order = np.argsort(grid.height, kind="stable")
    columns = np.interp(across / AROUND_CM, grid.angle, np.arange(len(grid.angle)))
    rows = np.interp(down, grid.height[order], order.astype(float))
    maps = [m.astype(np.float32) for m in np.meshgrid(columns, rows)]
    front = cv2.remap(
        grid.front.astype(np.float32), maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    back = np.abs(X) > AROUND_CM * np.pi / 2
    x = np.where(back, np.sign(X) * 40.0, front[..., 0])  # features of the face do not show on the back of the head
    return _Cells(X, Y, x, Y, per_cm, seed, looks)


def _mix(under: Array, over: Array, alpha: Array) -> Array:
    return under + (over - under) * alpha[..., None]


def _slopes(height: Array, per_cm: float) -> Array:
    """Gradient of a height map along X and Y (up)."""
    down, across = np.gradient(height)
    return np.stack([across * per_cm, -down * per_cm], -1)


def _lip_mask(c: _Cells) -> Array:
    across = np.clip(1.0 - (c.x / MOUTH_HALF_CM) ** 2, 0.0, 1.0)
    bow = 0.10 * np.exp(-((np.abs(c.x) - 0.5) ** 2) / 0.06) - 0.12 * np.exp(-(c.x**2) / 0.03)
    top = LIP_Y + 0.62 * across**0.75 + bow
    bottom = LIP_Y - 0.80 * across**0.65
    soft = 0.07
    return smoothstep(soft, -soft, c.y - top) * smoothstep(-soft, soft, c.y - bottom) * (across > 0)


def _lip_relief(c: _Cells, lips: Array, age: float) -> Array:
    return lips * (0.010 + 0.012 * age) * c.noise(23, (0.25, 0.035))


def _hair_mask(c: _Cells) -> Array:
    ragged = 0.34 * c.noise(24, (0.5, 0.03)) + 0.25 * c.noise(25, 0.4)
    return smoothstep(-0.7, 0.9, c.Y - hairline(c.X / AROUND_CM) + ragged)


def _hair_relief(c: _Cells) -> Array:
    return 0.018 * c.noise(22, (0.9, 0.035)) + 0.05 * c.noise(26, (1.5, 0.22))


def _pores(c: _Cells, age: Array) -> Array:
    fine = c.noise(31, 0.022) - c.noise(31, 0.05) * 0.5
    pits = -np.clip(c.noise(32, 0.03) - 1.1, 0, 2)
    where = (
        0.45
        + 0.9 * twin(c.x, c.y, 2.6, -2.8, 1.6, 1.6)
        + 0.8 * bell(c.x, c.y, 0, -3.6, 1.0, 1.2)
        + 0.4 * bell(c.x, c.y, 0, 4, 3, 1.2)
    )
    crepe = age * 0.0045 * c.noise(33, (0.05, 0.16)) * (0.4 + 1.6 * twin(c.x, c.y, 3.6, -1.2, 1.8, 1.0))
    return 0.0022 * fine * (1.0 + 0.6 * age) + 0.0075 * pits * where + crepe + 0.004 * age * c.noise(34, 0.22)


def _skin_colour(c: _Cells, age: Array) -> Array:
    red = (
        0.5 * twin(c.x, c.y, 3.7, -3.0, 1.6, 1.2)
        + 0.8 * bell(c.x, c.y, 0, -4.1, 0.9, 0.7)
        + 0.35 * bell(c.x, c.y, 0, -10.4, 1.3, 0.9)
    )
    red += 0.5 * smoothstep(0.35, 0.1, np.abs(np.abs(c.X / AROUND_CM) - 1.66)) * bell(0 * c.x, c.y, 0, -1.3, 1, 1.8)
    red += (0.09 + 0.02 * age) * c.noise(41, 0.35) + (0.07 + 0.04 * age) * c.noise(42, 0.09)
    dark = (0.045 + 0.015 * age) * c.noise(43, 0.16) + (0.045 + 0.03 * age) * c.noise(44, 0.035)
    socket = twin(c.x, c.y, 2.7, -0.9, 1.1, 0.42) * (0.16 + 0.30 * age) + twin(c.x, c.y, 1.9, 0.1, 0.5, 0.8) * 0.22
    beard = smoothstep(-5.6, -7.0, c.y) * smoothstep(-13.0, -11.0, c.y) * smoothstep(7.4, 5.4, np.abs(c.x)) * 0.10
    shade = -dark - socket - beard * (1 + 0.5 * c.noise(45, 0.03)) - _spots(c, age)
    tint = np.stack([0.05 * red - 0.9 * socket * 0.1, -0.20 * red, -0.24 * red + 0.12 * socket], -1)
    nostril = twin(c.x, c.y, 0.62, -5.05, 0.24, 0.13)
    pale = 1.0 - 0.06 * age
    return (
        np.array(c.looks.skin)
        * pale[..., None]
        * np.exp(tint + np.minimum(shade, 0.25)[..., None] * np.array([0.75, 1.0, 1.1]))
        * (1 - 0.9 * nostril)[..., None]
    )


def _spots(c: _Cells, age: Array) -> Array:
    """Freckles for all, larger spots with age; returned as darkening."""
    rng = generator(c.seed, 51)
    total = np.zeros(c.X.shape, np.float32)
    for large, count, weight in ((False, 110, np.float32(0.14 * c.looks.freckles)), (True, 46, 0.42 * age)):
        canvas = np.zeros_like(total)
        for _ in range(count):
            place = c.cell_of(np.array([[rng.uniform(-6.2, 6.2), rng.uniform(-9.5, 6.0)]]))[0]
            radius = rng.uniform(0.08, 0.20) if large else rng.uniform(0.025, 0.05)
            strength = rng.uniform(0.4, 1.0)
            centre = tuple(np.rint(place * 16).astype(int).tolist())
            cv2.circle(canvas, centre, round(radius * c.per_cm * 16), float(strength), -1, cv2.LINE_8, 4)
        total += weight * cv2.GaussianBlur(canvas, (0, 0), max(0.03 * c.per_cm, 0.6))
    return total


def brow_height(u: Array | float) -> Array:
    """Height of the brow's middle at u 0 (nose) .. 1 (temple) of its length."""
    rise = np.sin(0.5 * np.pi * np.minimum(np.asarray(u) / 0.66, 1.0))
    return np.asarray(1.45 + 0.55 * rise - 0.75 * np.maximum(0.0, np.asarray(u) - 0.62) / 0.38)


def _brow_mask(c: _Cells, age: float) -> Array:
    """Brow hairs as strokes, denser in the body of the brow."""
    rng = generator(c.seed, 61)
    canvas = np.zeros(c.X.shape, np.uint8)
    thickness = max(1, round(0.035 * c.per_cm))
    for side in (-1.0, 1.0):
        for _ in range(420):
            u = rng.beta(1.1, 1.25)
            x = BROW_START_CM + BROW_LENGTH_CM * u
            middle = float(brow_height(u)) + c.looks.brow_lift
            y = middle + rng.normal(0.0, 0.17 * (1.15 - 0.75 * u))
            lean = np.deg2rad(np.interp(u, [0, 0.25, 1.0], [75, 32, -14]) + rng.normal(0, 9 + 9 * age))
            length = rng.uniform(0.35, 0.75)
            ends = np.array([[x, y], [x + length * np.cos(lean), y + length * np.sin(lean)]]) * (side, 1.0)
            a, b = np.rint(c.cell_of(ends) * 16).astype(int).tolist()
            cv2.line(canvas, tuple(a), tuple(b), int(rng.uniform(110, 255)), thickness, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(canvas.astype(np.float32) / 255.0, (0, 0), max(0.35, 0.014 * c.per_cm))
    under = cv2.GaussianBlur(soft, (0, 0), 0.12 * c.per_cm)
    cover = (0.95 - 0.15 * age) * soft + (0.45 - 0.33 * age) * under
    return np.clip(c.looks.brow_strength * cover, 0.0, 0.96)


def _brow_colour(c: _Cells, age: float) -> Array:
    young = np.array(c.looks.brows) * np.exp(0.3 * c.noise(62, 0.05))[..., None]
    grey = smoothstep(-0.9, 0.9, c.noise(63, 0.06) + 2.6 * age - 1.4) * age
    return _mix(young, BROW_OLD * np.ones_like(young), grey * 0.85)


def _gloss(c: _Cells, lips: Array, hair: Array, age: Array) -> Array:
    """Strength of the specular reflection, 1 = ordinary skin."""
    oily = (
        0.7 * bell(c.x, c.y, 0, -2.5, 0.9, 2.2)
        + 0.5 * bell(c.x, c.y, 0, 4.2, 3.2, 1.4)
        + 0.35 * twin(c.x, c.y, 3.8, -2.0, 1.3, 0.8)
    )
    return (0.75 + oily + 0.9 * lips) * (1 + 0.18 * c.noise(71, 0.05)) * (1 - 0.25 * age) * (1 - hair) + 0.5 * hair
