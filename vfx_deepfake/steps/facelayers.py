"""From a model's prediction to the layers of one frame's face: degrained plate, face, mattes, coordinates, motion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.face.mesh import rasterise, region_mask, warp_map
from vfx_deepfake.face.topology import Mesh
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import degrain, degrained_lin
from vfx_deepfake.image.grain import NO_GRAIN, GrainModel
from vfx_deepfake.image.matte import combine, fade_at_crop_edge, feather, grow, soften, unit
from vfx_deepfake.steps.comp import REGIONS, FaceLayers
from vfx_deepfake.steps.platewindows import PlateWindows

REGION_EDGE_PX = 2.0  # softness of the region mattes
CROP_EDGE_PX = 8  # the matte runs out over this where a face is larger than its crop


class Prediction(Protocol):
    """What a model says about one frame, over ``window`` in plate pixels, which may reach outside the picture."""

    delta_log: np.ndarray  # (h, w, 3) change to the degrained plate, model encoding
    matte: np.ndarray  # (h, w) 0..1, where the change belongs
    confidence: np.ndarray  # (h, w) 0..1
    window: Window


class Model(Protocol):
    """Anything that predicts faces frame by frame, in any order, each frame for itself."""

    def predict(self, frame: int) -> Prediction | None:
        """The prediction of a frame, None where it shows no face."""


@dataclass(frozen=True, kw_only=True)
class FaceMaker:
    """Makes :class:`FaceLayers` of any frame; ``frames`` are those that may be read for degraining.

    strength scales the change (0 the plate, 1 as painted). erode_px and feather_px shape the face matte. holdout
    gives an artist's matte (1 = stays in front) over a window, or is None.
    """

    model: Model
    track: FaceTrack
    plate: PlateWindows
    frames: Sequence[int]
    grain: GrainModel = NO_GRAIN
    strength: float = 1.0
    erode_px: float = 0.0
    feather_px: float = 6.0
    holdout: Callable[[int, Window], np.ndarray] | None = None
    mesh: Mesh = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mesh", self.track.mesh())

    def layers(self, frame: int, picture: Window) -> FaceLayers | None:
        """The layers of a frame whose plate covers ``picture``; None without a face in it."""
        prediction = self.model.predict(frame) if self.track.has_face(frame) else None
        window = prediction.window.intersect(picture) if prediction is not None else Window(0, 0, 0, 0)
        if prediction is None or window.empty:
            return None
        delta, change, confidence = (
            cut(layer, prediction.window, window)
            for layer in (prediction.delta_log, prediction.matte, prediction.confidence)
        )
        degrained_log = degrain(self.plate.log, self.frames, frame, window, self.grain)
        degrained = degrained_lin(self.plate.lin(frame, window), self.plate.log(frame, window), degrained_log)
        regions = self._regions(frame, window)
        matte = combine(self._face_matte(frame, window), change, holdout=regions["holdout"])
        st, motion = self._coordinates(frame, window)
        return FaceLayers(
            window=window,
            face_lin=changed(degrained, degrained_log, delta * np.float32(self.strength)),
            degrained_lin=degrained,
            matte=fade_at_crop_edge(matte, window, picture, CROP_EDGE_PX),
            regions=regions,
            st=st,
            motion=motion,
            confidence=unit(confidence),
        )

    def _face_matte(self, frame: int, window: Window) -> np.ndarray:
        oval = region_mask(self.track.points_at(frame), window, "oval", self.mesh)
        return feather(grow(oval, -self.erode_px), self.feather_px)

    def _regions(self, frame: int, window: Window) -> Mapping[str, np.ndarray]:
        points = self.track.points_at(frame)
        mattes = {
            name: soften(region_mask(points, window, name, self.mesh), REGION_EDGE_PX)
            for name in REGIONS
            if name != "holdout"
        }
        held = np.zeros(window.shape, np.float32) if self.holdout is None else unit(self.holdout(frame, window))
        return {**mattes, "holdout": held}

    def _coordinates(self, frame: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Face coordinates and motion to the next frame, both v up; no motion where the next frame has no face."""
        points = self.track.points_at(frame)
        uv, inside = rasterise(points, window, self.mesh)
        st = np.where(inside[..., None], np.stack([uv[..., 0], 1 - uv[..., 1]], axis=-1), np.float32(0))
        if not self.track.has_face(frame + 1):
            return st, np.zeros_like(st)
        rows, columns = np.indices(window.shape, np.float32) + np.float32(0.5)
        here = np.stack([columns + window.x, rows + window.y], axis=-1)
        moved = warp_map(self.track.points_at(frame + 1), points, window, self.mesh) - here
        return st, np.where(inside[..., None], moved * np.array([1, -1], np.float32), np.float32(0))


def changed(degrained: np.ndarray, degrained_log: np.ndarray, delta_log: np.ndarray) -> np.ndarray:
    """F: the degrained plate moved by a log-space change; where the change is 0 it has the degrained plate's bits.

    Shapes: all (H, W, 3); degrained scene-linear, degrained_log its encoding.
    """
    return np.where(delta_log == 0, degrained, decode_log(degrained_log + delta_log))
