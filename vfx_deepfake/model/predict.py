"""One interface for every way to make the face of a frame: carried paintings, alone or refined by a network."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from vfx_deepfake.errors import TrainError
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.network import Refiner, refine
from vfx_deepfake.model.paint import PaintedKey
from vfx_deepfake.model.propagate import Stack, nearest_keys, propagate


@dataclass(frozen=True, eq=False)
class Prediction:
    """The change of one frame over ``window`` (plate pixels; may reach outside the plate).

    delta_log (h, w, 3): final_log - degrained_log, to be applied under ``matte`` (h, w) 0..1; confidence (h, w) 0..1.
    For a roto target delta_log is 0 and ``matte`` is the wanted matte.
    """

    delta_log: np.ndarray
    matte: np.ndarray
    confidence: np.ndarray
    window: Window


class FaceModel:
    """Makes predictions for frames that show the face. Holds no frame beyond what ``source`` keeps.

    ``network`` None gives bare propagation. A painted frame comes back as painted, whatever the network says.
    """

    def __init__(self, source: CropSource, network: Refiner | None = None) -> None:
        if not source.keyframes:
            raise TrainError("no painted frame: paint at least one, then run this again")
        self.source = source
        self.network = network

    def predict(self, frame: int) -> Prediction:
        """The change of one frame.

        Raises: TrackError where the frame has no face; what the source's readers raise.
        """
        if frame in self.source.keyframes:
            return _as_painted(self.source.key(frame))
        stack = stack_for(self.source, frame)
        picture, matte = stack.base, stack.matte
        if self.network is not None:
            picture, matte = refine(self.network, stack, self.source.face_coordinates(frame))
        return _as_prediction(stack, picture, matte)


def stack_for(source: CropSource, frame: int, without: Collection[int] = ()) -> Stack:
    """The nearest painted frames carried to ``frame``; ``without`` leaves some of them out, as training does."""
    keys = nearest_keys(frame, [key for key in source.keyframes if key not in without])
    return propagate(source.crop(frame), [(source.key(key), share) for key, share in keys], source.mesh)


def _as_painted(key: PaintedKey) -> Prediction:
    sure = (key.valid > 0).astype(np.float32)
    if key.is_matte:
        return Prediction(np.zeros_like(key.crop.image_log), key.painted[..., 0], sure, key.crop.window)
    # the support is soft where nothing was painted; inside the painting all of it counts
    matte = np.where(np.abs(key.painted - key.crop.image_log).max(axis=2) > 0, key.valid, key.support)
    return Prediction(key.painted - key.crop.image_log, matte.astype(np.float32), sure, key.crop.window)


def _as_prediction(stack: Stack, picture: np.ndarray, matte: np.ndarray) -> Prediction:
    if picture.shape[2] == 1:
        roto = np.clip(picture[..., 0], 0, 1)
        return Prediction(np.zeros_like(stack.crop.image_log), roto, stack.confidence, stack.crop.window)
    return Prediction(picture - stack.crop.image_log, matte, stack.confidence, stack.crop.window)
