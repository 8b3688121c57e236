"""What makes one performer another person: the shape of the head and the colours painted on it.

Every default is the performer of the demo. Colours are albedo in ACEScg; lengths are centimetres; all numbers are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.curves import Array, bell, smoothstep, twin

Colour = tuple[float, float, float]
EYE_AT = (3.2, 0.0)  # of head.EYE_X, EYE_Y
_FACE_Z = (0.0, 5.0)  # features move in front of this depth, and not behind it


@dataclass(frozen=True, slots=True)
class Shape:
    """How far a head differs from the demo performer's. All zero: not at all.

    wide, jaw: share by which skull and lower face are wider; long: share by which the face below the eyes is longer;
    the rest in cm: eyes_apart (each eye outward), eyes_high, brow_out, cheek_out, nose_out, nose_wide, nose_long,
    mouth_wide, lips_out, chin_out, forehead_out.
    """

    wide: float = 0.0
    jaw: float = 0.0
    long: float = 0.0
    eyes_apart: float = 0.0
    eyes_high: float = 0.0
    brow_out: float = 0.0
    cheek_out: float = 0.0
    nose_out: float = 0.0
    nose_wide: float = 0.0
    nose_long: float = 0.0
    mouth_wide: float = 0.0
    lips_out: float = 0.0
    chin_out: float = 0.0
    forehead_out: float = 0.0

    def moved(self, points: Array) -> Array:
        """Points (..., 3) of the demo performer's head space, moved to this head."""
        if self == DEMO_SHAPE:
            return points
        x, y, z = (points[..., k] for k in range(3))
        face = smoothstep(*_FACE_Z, z)
        low = smoothstep(-3.0, -9.0, y) * smoothstep(-18.0, -13.0, y)
        across = x * (self.wide * smoothstep(-18.0, -12.0, y) + self.jaw * low)
        across += face * np.sign(x) * smoothstep(0.0, 1.0, np.abs(x)) * self._outward(x, y)
        up = face * (self.eyes_high * twin(x, y, *EYE_AT, 2.0, 1.4) - self.nose_long * bell(x, y, 0.0, -4.4, 1.6, 1.2))
        up += self.long * (y * smoothstep(-16.5, -11.5, y)) * smoothstep(0.5, -1.5, y)
        return points + np.stack([across, up, face * self._forward(x, y)], -1)

    def _outward(self, x: Array, y: Array) -> Array:
        return (
            self.eyes_apart * twin(x, y, *EYE_AT, 1.9, 1.6)
            + self.nose_wide * twin(x, y, 1.2, -4.5, 0.7, 1.0)
            + self.mouth_wide * twin(x, y, 2.4, -7.3, 1.0, 1.3)
        )

    def _forward(self, x: Array, y: Array) -> Array:
        return (
            self.brow_out * np.exp(-(((y - 1.9) / 0.9) ** 2)) * smoothstep(6.4, 3.0, np.abs(x))
            + self.cheek_out * twin(x, y, 4.6, -2.6, 1.6, 1.3)
            + self.nose_out * bell(x, y, 0.0, -3.9, 1.0, 1.7)
            + self.lips_out * bell(x, y, 0.0, -7.3, 2.0, 0.8)
            + self.chin_out * bell(x, y, 0.0, -10.6, 1.6, 1.1)
            + self.forehead_out * bell(x, y, 0.0, 4.6, 4.0, 1.8)
        )


@dataclass(frozen=True, slots=True)
class Looks:
    """A person before a camera: shape, colours, how strong the brows are (1 as drawn) and how far up they sit, cm."""

    shape: Shape = Shape()
    skin: Colour = (0.45, 0.318, 0.238)
    lips: Colour = (0.335, 0.125, 0.105)
    hair: Colour = (0.060, 0.043, 0.031)
    brows: Colour = (0.045, 0.028, 0.018)
    iris: Colour = (0.085, 0.115, 0.13)
    iris_ring: Colour = (0.10, 0.065, 0.03)
    brow_strength: float = 1.0
    brow_lift: float = 0.0
    freckles: float = 1.0


DEMO_SHAPE = Shape()
DEMO_LOOKS = Looks()
