"""What the performer does, as smooth curves of time 0..1, so that a short shot holds the whole performance too."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vfx_deepfake.demo.performer.camera import Pose
from vfx_deepfake.demo.performer.curves import through
from vfx_deepfake.demo.performer.expression import Expression
from vfx_deepfake.demo.performer.eyes import Eyes
from vfx_deepfake.demo.performer.stage import Microphone

# time: yaw, pitch, roll, shift x, shift y
_MOVES = [
    (0.00, -13.0, 2.0, -2.0, -1.2, 0.0),
    (0.25, -6.0, -2.0, 0.0, -0.5, 0.2),
    (0.50, 3.0, 1.0, 2.5, 0.4, 0.0),
    (0.75, 11.0, 3.0, 1.5, 1.0, -0.3),
    (1.00, 14.0, 0.0, -1.0, 1.3, 0.0),
]
# time: smile, jaw, lips apart, brows, gaze across, gaze down
_FACE = [
    (0.00, 0.05, 0.05, 0.10, 0.0, 9.0, 0.0),
    (0.12, 0.10, 0.35, 0.40, 0.3, 7.0, 0.0),
    (0.22, 0.10, 0.10, 0.25, 0.5, 4.0, 1.0),
    (0.32, 0.15, 0.50, 0.45, 0.2, 0.0, 0.0),
    (0.45, 0.20, 0.05, 0.05, 0.0, -3.0, 2.0),
    (0.62, 0.60, 0.10, 0.45, 0.1, -5.0, 0.0),
    (0.80, 1.00, 0.15, 0.60, 0.2, -9.0, 0.0),
    (1.00, 0.80, 0.08, 0.45, 0.1, -11.0, 0.0),
]
BLINK_AT, BLINK_HALF = 0.52, 0.085  # time of the closed lids; half the length of a blink
CROSSING = (0.58, 0.86)  # the microphone enters and leaves the picture


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that one frame shows. ``brightness`` scales all lights; ``microphone`` None: out of the picture."""

    pose: Pose = Pose()
    expression: Expression = Expression()
    eyes: Eyes = Eyes()
    microphone: Microphone | None = None
    brightness: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Performance:
    """Which events a shot has. ``away``: offsets from the first frame at which the head is turned from the camera."""

    microphone: bool = True
    blink: bool = True
    away: tuple[int, ...] = field(default=())

    def moment(self, index: int, count: int) -> Moment:
        """Frame ``index`` of ``count``."""
        time = index / max(count - 1, 1)
        yaw, pitch, roll, across, up = (float(v) for v in through(_MOVES, time))
        smile, jaw, part, brows, gaze_x, gaze_y = (float(v) for v in through(_FACE, time))
        if index in self.away:
            yaw, pitch = 118.0, 5.0
        closed = max(0.0, 1.0 - abs(time - BLINK_AT) / max(BLINK_HALF, 0.9 / max(count, 2))) if self.blink else 0.0
        closed = closed**0.7
        return Moment(
            pose=Pose(yaw, pitch, roll, (across, up, 0.0)),
            expression=Expression(smile=smile, jaw=jaw, part=part, brows=brows),
            eyes=Eyes((gaze_x, gaze_y), 1.0 - closed, smile),
            microphone=self._microphone(time, count),
            brightness=1.0 + 0.05 * float(np.sin(2 * np.pi * time)),
        )

    def _microphone(self, time: float, count: int) -> Microphone | None:
        """The microphone rises before the face and sinks again."""
        enter, leave = CROSSING
        if not self.microphone or not enter <= time <= leave:
            return None

        def tip(at: float) -> tuple[float, float]:
            along = (at - enter) / (leave - enter)
            return -0.10 + 0.22 * along, 0.66 - 0.68 * float(np.sin(np.pi * along)) ** 0.8

        shutter = 0.25 / max(count - 1, 1)
        before, after = tip(max(time - shutter, enter)), tip(min(time + shutter, leave))
        return Microphone(tip=tip(time), travel=(after[0] - before[0], after[1] - before[1]))
