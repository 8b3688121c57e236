"""What a shot will cost: time, memory and disk, from its size and settings.

The constants were measured on the demo shot (1280 x 720, 24 frames, grain, two cores of a server processor) and, for memory, at 4096 x
2160. They are a guide: how large the face is in the frame decides most of it, and a run shows its own estimate as it goes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from vfx_deepfake.settings.model import IDENTITY_METHODS

# CPU seconds
TRACK_S_PER_FRAME = 0.5
PREPARE_S = 25.0  # before training: painted frames foretold from each other, about thirty pictures at most
TRAIN_S_PER_MPX = 8.5  # a step over one million pixels of crops
RENDER_S_PER_FRAME_MPX = 0.15  # reading, colour, both writers
FACE_S_PER_FRAME_MPX = 20.0  # degraining, propagation and network, over the face's crop
SLIDERS_S_PER_FRAME_MPX = 8.0  # degraining and every slider, over the face's crop
IDENTITY_S_PER_FRAME_MPX = 12.0  # degraining, which is most of it, and the network; assumed
IDENTITY_TRAIN_S_PER_MPX = 10.0  # a step over one million pixels of aligned crops; both methods, on a busy host
FACE_SHARE = 0.15  # of the frame's area, assumed: the track is not known yet

BYTES_EXR_PER_PX = 3.6  # half, three channels, zip, grain
BYTES_LAYERS_PER_FACE_PX = 35.0
BYTES_DPX_PER_PX = {"dpx10": 4.0, "dpx12": 4.5, "dpx16": 6.0, "exr": 0.0}
BYTES_RESIDENT = 450 * 2**20  # libraries
BYTES_TRAINING = 1300 * 2**20  # tiles, network and optimiser
BYTES_PER_PX_IN_FLIGHT = 200.0  # frames between reader and writers


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
    face, swaps = method != "passthrough", method in IDENTITY_METHODS
    seconds = num_frames * RENDER_S_PER_FRAME_MPX * mpx
    if face:
        per_mpx = FACE_S_PER_FRAME_MPX
        if method == "sliders" or swaps:
            per_mpx = IDENTITY_S_PER_FRAME_MPX if swaps else SLIDERS_S_PER_FRAME_MPX
        seconds += num_frames * (TRACK_S_PER_FRAME + per_mpx * mpx * FACE_SHARE)
    if method == "keyframe":
        seconds += PREPARE_S + train_steps * train_px / 1e6 * TRAIN_S_PER_MPX
    if swaps:
        seconds += PREPARE_S + train_steps * train_px / 1e6 * IDENTITY_TRAIN_S_PER_MPX
    px = width * height
    disk = (
        num_frames
        * px
        * (BYTES_EXR_PER_PX + BYTES_DPX_PER_PX[profile] + (FACE_SHARE * BYTES_LAYERS_PER_FACE_PX if face else 0))
    )
    memory = BYTES_RESIDENT + px * BYTES_PER_PX_IN_FLIGHT + (BYTES_TRAINING if method == "keyframe" or swaps else 0)
    return Estimate(seconds=seconds / cores, memory=memory, disk=disk)
