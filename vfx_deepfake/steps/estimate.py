"""What a shot will cost: time, memory and disk, from its size and settings.

The constants were measured on two cores of a 2.x GHz server processor; they are a guide, and a run shows its own estimate as it goes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

# seconds on one core; measured, see docs/experiments.md
TRACK_S_PER_FRAME = 0.25
TRAIN_S_PER_MPX = 3.2  # a step over one million pixels of crops
RENDER_S_PER_FRAME_MPX = 1.1  # reading, colour, both writers
FACE_S_PER_FRAME_MPX = 6.0  # propagation and network, over the face's crop
FACE_SHARE = 0.12  # of the frame's area, assumed before the track is known

BYTES_EXR_PER_PX = 2.0 * 3 * 0.8  # half, three channels, zip leaves about 80 % of grainy pictures
BYTES_LAYERS_PER_FACE_PX = 4.0 * 24 * 0.5
BYTES_DPX_PER_PX = {"dpx10": 4.0, "dpx12": 4.5, "dpx16": 6.0, "exr": 0.0}
BYTES_RESIDENT = 900 * 2**20  # libraries
BYTES_PER_PX_IN_FLIGHT = 4.0 * 3 * 14  # frames between reader and writers


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Time in seconds, memory and disk in bytes."""

    seconds: float
    memory: float
    disk: float

    def __str__(self) -> str:
        minutes = self.seconds / 60
        time = f"{minutes:.0f} min" if minutes >= 2 else f"{self.seconds:.0f} s"
        return f"about {time}, {self.memory / 2**30:.1f} GiB of memory, {self.disk / 2**30:.2f} GiB of disk"


def estimate(
    *, width: int, height: int, num_frames: int, method: str, train_steps: int, train_px: int, profile: str
) -> Estimate:
    """The cost of one shot on this machine's cores."""
    mpx = width * height / 1e6
    cores = max(len(os.sched_getaffinity(0)), 1)
    face = method != "passthrough"
    seconds = num_frames * RENDER_S_PER_FRAME_MPX * mpx
    if face:
        seconds += num_frames * (TRACK_S_PER_FRAME + FACE_S_PER_FRAME_MPX * mpx * FACE_SHARE)
    if method == "keyframe":
        seconds += train_steps * train_px / 1e6 * TRAIN_S_PER_MPX
    px = width * height
    disk = (
        num_frames
        * px
        * (BYTES_EXR_PER_PX + BYTES_DPX_PER_PX[profile] + (FACE_SHARE * BYTES_LAYERS_PER_FACE_PX if face else 0))
    )
    return Estimate(seconds=seconds / cores, memory=BYTES_RESIDENT + px * BYTES_PER_PX_IN_FLIGHT, disk=disk)
