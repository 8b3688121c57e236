"""One interface for every way to make the face of a frame: carried paintings, alone or refined by a network."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vfx_deepfake.errors import TrainError
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.crops import LEVELS, CropSource
from vfx_deepfake.model.paint import PaintedKey
from vfx_deepfake.model.propagate import Stack, motion, nearest_keys, propagate

if TYPE_CHECKING:
    from vfx_deepfake.model.network import Refiner

BAND_PX = 1_000_000  # pixels of a crop that are worked on at a time
MARGIN_PX, NETWORK_PX = 20, 40  # reach of the filters at the reference face size, and of the network at any


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


class Predictor(Protocol):
    """What makes the change of a frame, by whatever method."""

    @property
    def source(self) -> CropSource:
        """Where the plate's crops come from."""
        ...

    def predict(self, frame: int) -> Prediction:
        """The change of one frame that shows the face."""
        ...


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
        source = self.source
        target, keys = source.crop(frame), _keys_for(source, frame)
        maps = [motion(target, key.crop, source.mesh) for key, _ in keys]
        coordinates = None if self.network is None else source.face_coordinates(frame)
        delta, matte, confidence = np.zeros_like(target.image_log), *np.zeros((2, *target.window.shape), np.float32)
        for inner, outer in bands(target.window, target.scale):
            stack = propagate(target, keys, source.mesh, maps=maps, window=outer)
            picture, made_matte = stack.base, stack.matte
            if self.network is not None and coordinates is not None:
                from vfx_deepfake.model.network import refine  # loads torch, which bare propagation does without

                picture, made_matte = refine(self.network, stack, coordinates[outer.slices(target.window)])
            made = _as_prediction(stack, picture, made_matte)
            to, of = inner.slices(target.window), inner.slices(outer)
            delta[to], matte[to], confidence[to] = made.delta_log[of], made.matte[of], made.confidence[of]
        return Prediction(delta, matte, confidence, target.window)


def bands(window: Window, scale: float) -> Iterator[tuple[Window, Window]]:
    """A window in bands of at most BAND_PX pixels, each alone and with the rows around it that its filters see.

    Heights are multiples of the network's halvings if the window's is.
    """
    step = 2**LEVELS
    margin = -(-round(MARGIN_PX * max(scale, 1.0) + NETWORK_PX) // step) * step
    rows = max(BAND_PX // window.width // step, 1) * step
    for top in range(window.y, window.bottom, rows):
        inner = Window(window.x, top, window.width, min(rows, window.bottom - top))
        outer = Window(window.x, top - margin, window.width, inner.height + 2 * margin).intersect(window)
        yield inner, outer


def _keys_for(source: CropSource, frame: int, without: Collection[int] = ()) -> list[tuple[PaintedKey, float]]:
    keys = nearest_keys(frame, [key for key in source.keyframes if key not in without])
    return [(source.key(key), share) for key, share in keys]


def stack_for(source: CropSource, frame: int, without: Collection[int] = ()) -> Stack:
    """The nearest painted frames carried to ``frame``; ``without`` leaves some of them out, as training does."""
    return propagate(source.crop(frame), _keys_for(source, frame, without), source.mesh)


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
