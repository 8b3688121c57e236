"""The space in which crops and plate frames are compared: measures in steps, grouped in kinds.

A step is a difference that one would see: two pictures less than a step apart show the same thing. Distances of different kinds
can then be added. What two persons differ in with the same face on (the resting corners of the mouth, the height of the
brows, how the pose is read off another nose) is allowed for: the plate's middle may be moved onto the faceset's by so much
and no more, so that a whole performance of smiles is not taken for the way a mouth is built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vfx_deepfake.faceset.measures import NAMES


@dataclass(frozen=True, slots=True)
class Axis:
    """One column of the space. step: see above. allow: what may be a person's own, in the measure's unit."""

    name: str
    kind: str
    step: float
    allow: float = 0.0


# Steps and allowances assumed; allowances held against the same performance given by two digital actors (docs/facesets.md).
AXES = (
    Axis("yaw", "pose", 8.0),
    Axis("pitch", "pose", 8.0, 5.0),
    Axis("gaze_x", "gaze", 0.15, 0.08),
    Axis("gaze_y", "gaze", 0.15, 0.08),
    Axis("eyes", "eyes", 0.08, 0.05),
    Axis("mouth_open", "mouth", 0.5, 0.1),
    Axis("smile", "mouth", 0.35, 0.3),
    Axis("brow", "brows", 0.35, 0.4),
    Axis("light_right", "light", 1.0),
    Axis("light_up", "light", 1.0, 0.4),
    Axis("exposure", "level", 1.5),
)
SHIFTS = 6  # that are tried between none and all that is allowed
AS_NEAR = 0.02  # steps: shifts this close to the best are as good, and the smallest is taken
KINDS = tuple(dict.fromkeys(axis.kind for axis in AXES))
JOINT_KINDS = tuple(kind for kind in KINDS if kind != "level")  # a level is corrected, what is not seen is not


@dataclass(frozen=True, eq=False)
class Table:
    """Measures of crops or frames: values (N, len(NAMES) + 3) by :data:`COLUMNS`, NaN where unknown."""

    values: np.ndarray

    @classmethod
    def of(cls, measures: Sequence[Mapping[str, float]]) -> Table:
        """From what :func:`~vfx_deepfake.faceset.measures.measure` gives; measures left out become NaN."""
        known = np.array([[row.get(name, np.nan) for name in NAMES] for row in measures], np.float64)
        known = known.reshape(len(measures), len(NAMES))
        share, x, y = (known[:, NAMES.index(name)] for name in ("light_share", "light_x", "light_y"))
        stops = -np.log2(np.clip(1 - share, 1e-6, 1))
        eyes = known[:, [NAMES.index("eye_left"), NAMES.index("eye_right")]].mean(axis=1)
        return cls(np.column_stack([known, eyes, stops * x, stops * y]))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> np.ndarray:
        return np.asarray(self.values[:, COLUMNS.index(name)])

    def moved(self, shift: Mapping[str, float]) -> Table:
        """The same with some columns moved."""
        values = self.values.copy()
        for name, by in shift.items():
            values[:, COLUMNS.index(name)] += by
        return Table(values)


# eyes: mean of both openings. light_right, light_up: stops by which skin that looks that way is brighter than skin edge on.
COLUMNS = (*NAMES, "eyes", "light_right", "light_up")


def identity_shift(faceset: Table, plate: Table) -> dict[str, float]:
    """How far to move each of the plate's columns for what may be the person's own: towards the faceset's middle, as far as
    allowed and no farther than it takes for the frames to lie nearest to crops. One person on both sides is not moved."""
    shift = {}
    for axis in AXES:
        mine, theirs = (each[axis.name][np.isfinite(each[axis.name])] for each in (faceset, plate))
        if axis.allow and len(mine) and len(theirs):
            most = float(np.clip(np.median(mine) - np.median(theirs), -axis.allow, axis.allow))
            tried = most * np.linspace(0, 1, SHIFTS)
            far = [np.abs((theirs + by)[:, None] - mine[None]).min(axis=1).mean() for by in tried]
            shift[axis.name] = float(tried[int(np.argmax(np.array(far) <= min(far) + AS_NEAR * axis.step))])
    return shift


def distances(faceset: Table, plate: Table, kinds: Sequence[str]) -> np.ndarray:
    """(frames, crops) distance in steps over some kinds; what either side doesn't show counts nothing."""
    squares = np.zeros((len(plate), len(faceset)))
    for axis in AXES:
        if axis.kind in kinds:
            apart = (plate[axis.name][:, None] - faceset[axis.name][None]) / axis.step
            squares += np.nan_to_num(apart) ** 2
    return np.asarray(np.sqrt(squares))
