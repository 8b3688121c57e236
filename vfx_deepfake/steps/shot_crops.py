"""The model's view of a shot: degrained crops of the plate and painted frames on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.denoise import degrain
from vfx_deepfake.image.grain import GrainModel
from vfx_deepfake.model.crops import MARGIN, CropSource
from vfx_deepfake.model.identity.views import ALIGNED_MARGIN
from vfx_deepfake.steps.keyframes import Keyframes
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.track import load_grain, load_track
from vfx_deepfake.steps.working import WorkingPlate


@dataclass(frozen=True)
class ShotCrops:
    """Everything that training and rendering share."""

    track: FaceTrack
    grain: GrainModel
    working: WorkingPlate
    source: CropSource


def open_crops(opened: OpenShot) -> ShotCrops:
    """Open a tracked shot for the model.

    Raises: TrackError without an up-to-date track; KeyframeError where a painted frame does not fit.
    """
    track, grain, working = load_track(opened), load_grain(opened), WorkingPlate(opened.plate)
    keys = Keyframes(opened)
    roto = opened.settings.model.target == "matte"

    def read_plate(frame: int, window: Window) -> np.ndarray:
        return degrain(working.log, opened.frames, frame, window, grain)

    def read_painted(frame: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
        if roto:
            return keys.matte(frame, window)[..., None], np.ones(window.shape, np.float32)
        change, valid = keys.change_log(frame, window)
        return source.crop(frame).image_log + change, valid

    margin = ALIGNED_MARGIN if opened.settings.model.swaps else MARGIN
    source = CropSource(track, keys.frames, read_plate, read_painted, margin)
    return ShotCrops(track, grain, working, source)
