"""A family of people who do not exist: every whole number is a performer, drawn in any light, pose and expression.

They let tests, warm starts and evaluation have many identities without anybody's likeness. All ranges are assumed: wide enough that
two numbers look like two people, narrow enough that a face detector takes each of them for a face.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from vfx_deepfake.demo.performer.camera import Pose
from vfx_deepfake.demo.performer.expression import Expression
from vfx_deepfake.demo.performer.eyes import Eyes
from vfx_deepfake.demo.performer.light import Lamp, Lights
from vfx_deepfake.demo.performer.looks import Looks, Shape
from vfx_deepfake.demo.performer.noise import generator
from vfx_deepfake.demo.performer.performance import Moment, Performance
from vfx_deepfake.demo.performer.performer import Performer

# the largest difference from the demo performer, either way
_MOST = Shape(
    wide=0.06, jaw=0.10, long=0.08, eyes_apart=0.28, eyes_high=0.20, brow_out=0.25, cheek_out=0.35, nose_out=0.55,
    nose_wide=0.28, nose_long=0.35, mouth_wide=0.30, lips_out=0.30, chin_out=0.6, forehead_out=0.45,
)  # fmt: skip
# albedo of skin from pale to dark, of hair, and of irises with their inner ring
_SKINS = ((0.56, 0.42, 0.33), (0.45, 0.318, 0.238), (0.30, 0.185, 0.125), (0.125, 0.070, 0.046))
_HAIRS = ((0.33, 0.22, 0.12), (0.16, 0.075, 0.035), (0.060, 0.043, 0.031), (0.018, 0.014, 0.012), (0.28, 0.27, 0.25))
_IRISES = (
    ((0.085, 0.115, 0.13), (0.10, 0.065, 0.03)),
    ((0.050, 0.028, 0.014), (0.075, 0.040, 0.018)),
    ((0.095, 0.120, 0.055), (0.120, 0.080, 0.030)),
    ((0.120, 0.160, 0.200), (0.080, 0.090, 0.090)),
)
SALT = 977  # keeps the draws of identities apart from those of skins and rooms


def looks_of(identity: int) -> Looks:
    """The looks of identity number ``identity``: always the same."""
    rng = generator(identity, SALT)
    shape = Shape(**{f.name: float(rng.uniform(-1, 1)) * getattr(_MOST, f.name) for f in fields(Shape)})
    depth = rng.uniform(0, len(_SKINS) - 1)
    skin = _between(_SKINS, depth) * np.exp(rng.normal(0.0, 0.05, 3))
    hair = _between(_HAIRS, rng.uniform(0, len(_HAIRS) - 1))
    iris, ring = _IRISES[int(rng.integers(len(_IRISES)))]
    redness = rng.uniform(0.75, 1.0, 3) * (0.85, 0.5, 0.55)
    return Looks(
        shape=shape,
        skin=_colour(skin),
        lips=_colour(skin * redness),
        hair=_colour(hair),
        brows=_colour(hair * rng.uniform(0.55, 0.85)),
        iris=iris,
        iris_ring=ring,
        brow_strength=float(rng.uniform(0.55, 1.15)),
        brow_lift=float(rng.uniform(-0.18, 0.28)),
        freckles=float(rng.uniform(0.0, 2.5)),
    )


def _between(table: tuple[tuple[float, float, float], ...], at: float) -> np.ndarray:
    rows = np.log(np.array(table))
    return np.exp([np.interp(at, np.arange(len(rows)), rows[:, c]) for c in range(3)])


def _colour(values: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = (float(v) for v in values)
    return red, green, blue


def lights_of(number: int) -> Lights:
    """Set of lamps ``number``: 0 is the demo's; others turn, tint and soften key, fill and room."""
    if number == 0:
        return Lights()
    rng = generator(number, SALT + 1)
    around, above = rng.uniform(-1.15, 1.15), rng.uniform(0.05, 0.85)
    direction = (float(np.sin(around)), float(above), float(np.cos(around)))
    warm = float(rng.uniform(-0.18, 0.18))
    level = float(np.exp(rng.uniform(-0.45, 0.25)))
    key = (2.1 * level * (1 + warm), 2.0 * level, 1.95 * level * (1 - warm))
    fill = float(rng.uniform(0.15, 0.9))
    base = Lights()
    room = float(rng.uniform(0.8, 2.5))
    return replace(
        base,
        key=Lamp(direction, key, float(rng.uniform(0.04, 0.5)), True),
        fill=Lamp((-direction[0], 0.1, 0.55), (fill, fill * 1.02, fill * 1.05), 0.4),
        rim=replace(base.rim, colour=(0.9, 0.8, 0.7)),
        above=_colour(np.array(base.above) * room),
        below=_colour(np.array(base.below) * room),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal(Performance):
    """A performance that visits poses, gazes and expressions evenly, in no order: what a good faceset holds.

    yaw, pitch: farthest turn of the head, degrees, either way.
    """

    seed: int = 1
    yaw: float = 38.0
    pitch: float = 18.0

    def moment(self, index: int, count: int) -> Moment:
        """Frame ``index`` of ``count``; every frame stands for itself, whatever the count."""
        rng = generator(self.seed, index, SALT + 2)
        first, second = _spread(index)
        smile = float(np.clip(rng.normal(0.25, 0.45), 0.0, 1.0))
        jaw = float(np.clip(rng.normal(0.05, 0.3), 0.0, 0.9))
        part = float(np.clip(rng.normal(0.1, 0.4), 0.0, 0.9))
        opening = 1.0 - float(np.clip(rng.normal(-0.4, 0.7), 0.0, 1.0))
        pose = Pose((2 * first - 1) * self.yaw, (2 * second - 1) * self.pitch, float(rng.normal(0.0, 4.0)))
        gaze = (float(rng.normal(0.0, 11.0)), float(rng.normal(0.0, 5.0)))
        brows = float(rng.uniform(-0.3, 0.8))
        return Moment(
            pose=pose,
            expression=Expression(smile=smile, jaw=jaw, part=part, brows=brows, pucker=float(rng.uniform(0, 0.35))),
            eyes=Eyes(gaze, opening, smile),
        )


def _spread(index: int) -> tuple[float, float]:
    """A point of the unit square, evenly spread over the numbers (R2 sequence; M. Roberts, 2018)."""
    plastic = 1.32471795724474602596
    return (0.5 + (index + 1) / plastic) % 1.0, (0.5 + (index + 1) / plastic**2) % 1.0


def identity_performer(
    identity: int, *, age: float = 0.0, light: int = 0, size: int = 320, count: int = 24, first: int = 1001
) -> Performer:
    """Identity number ``identity`` before a camera, ``size`` pixels square, going through a rehearsal.

    age: 0 young .. 1 old; light: number for :func:`lights_of`. The same arguments draw the same pictures.
    """
    return Performer(
        width=size,
        height=size,
        first=first,
        count=count,
        seed=identity,
        age=age,
        performance=Rehearsal(seed=identity, microphone=False),
        lights=lights_of(light),
        looks=looks_of(identity),
    )
