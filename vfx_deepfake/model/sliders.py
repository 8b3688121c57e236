"""The face by sliders: the plate's own skin evened, lit and bent, with nothing learnt and nothing painted.

A frame needs itself, its track and its degrained pixels, and nothing of any other frame but the shot's mean scale, so that a
farm host that makes one frame makes the same one.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.normals import face_normals
from vfx_deepfake.face.slider_regions import (
    Sides,
    amount_texture,
    coordinates,
    lay_on,
    skin_texture,
    sure_texture,
)
from vfx_deepfake.face.slider_warp import displacement, offsets
from vfx_deepfake.face.topology import MEDIAPIPE
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.evening import (
    looks_like_skin,
    without_blotches,
    without_creases,
    without_folds,
    without_spots,
)
from vfx_deepfake.image.flow import identity_map, sample
from vfx_deepfake.image.matte import feather
from vfx_deepfake.image.relight import light_direction, relight
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.predict import Prediction
from vfx_deepfake.settings import BeautySpec
from vfx_deepfake.settings.keyed import Slider, curves

RIM_CM = 0.35  # over which every change of tone runs out at the face's outline in the picture; assumed
SURE_RIM_CM = 1.5  # this deep the mesh's outline may lie beside the face's own
WORK_PX_PER_CM = (
    28.0  # what is finer than a crease is not worked on, so that a 4K face is worked on at a part of its size
)
FULL_LOG = 0.002  # a change of light of this much has its whole matte: a thirtieth of a stop; assumed
CLOSE_CM = 0.15  # a change that passes through 0 leaves no gap in the matte up to twice this wide; assumed
FULL_SHIFT_PX = 0.25  # and so has a displacement of this much; assumed
_FOLDS = {"eye_bags": "under_eye", "nasolabial": "nasolabial"}
_EVENING = (("blotches", without_blotches), ("spots", without_spots), ("wrinkles", without_creases))


class SliderModel:
    """Makes predictions from [beauty]; the same interface as :class:`~vfx_deepfake.model.predict.FaceModel`.

    Raises: TrackError for a track that is not MediaPipe's: sliders must know which skin is where.
    """

    def __init__(self, source: CropSource, beauty: BeautySpec) -> None:
        if source.track.topology != MEDIAPIPE:
            raise TrackError(
                f"face track: holds {source.track.points.shape[1]} points of an artist; sliders need MediaPipe's "
                "478 to know where forehead and cheeks are; set [track].method = 'mediapipe', or import such a track"
            )
        self.source = source
        self.beauty = beauty
        scales = [HeadFrame.of(source.track.points_at(frame)).px_per_cm for frame in source.frames]
        self.reduction = max(int(np.median(scales) / WORK_PX_PER_CM), 1)

    def predict(self, frame: int) -> Prediction:
        """The change of one frame; exactly 0 under a matte of exactly 0 where no slider reaches.

        Raises: TrackError where the frame has no face; what the source's readers raise.
        """
        crop = self.source.crop(frame)
        confidence = np.full(crop.window.shape, self.source.track.confidence_at(frame), np.float32)
        work = _Work(crop.image_log, crop.window, crop.points, self.reduction)
        light_log = self._tone(frame, work)
        shift = self._shift(frame, work)
        if light_log is None and shift is None:
            return Prediction(
                np.zeros_like(crop.image_log), np.zeros(crop.window.shape, np.float32), confidence, crop.window
            )
        change = np.zeros_like(crop.image_log) if light_log is None else light_log
        matte = _matte(change, round(CLOSE_CM * work.px_per_cm * work.reduction))
        if shift is not None:
            change, matte = _bent(crop.image_log, change, matte, shift, crop.window)
        return Prediction(change, matte, confidence, crop.window)

    def _tone(self, frame: int, work: _Work) -> np.ndarray | None:
        """What evening and light add to the crop, (h, w, 3) log; None where no such slider is dialled in."""
        total: np.ndarray | None = None
        for name, without in _EVENING:
            values = _values(getattr(self.beauty, name), frame)
            face = values.pop("face")
            if any(map(any, values.values())) or any(face):
                made = without(*work.skin_and_amount(amount_texture(values, face)), work.px_per_cm)
                total = made if total is None else total + made
        folds = {_FOLDS[name]: sides for name, sides in _values(self.beauty.folds, frame).items()}
        if any(map(any, folds.values())):
            made = without_folds(*work.skin_and_amount(amount_texture(folds)), work.px_per_cm)
            total = made if total is None else total + made
        light = self._light(frame, work)
        if light is not None:
            total = light if total is None else total + light
        return None if total is None else work.back(total)

    def _light(self, frame: int, work: _Work) -> np.ndarray | None:
        spec = self.beauty.light
        key, fill = spec.key.at(frame), spec.fill.at(frame)
        if not (key or fill):
            return None
        uv, inside = work.coordinates
        normals = face_normals(uv, inside, self.source.track.pose[self.source.track.index_of(frame)])
        direction = light_direction(spec.azimuth.at(frame), spec.elevation.at(frame))
        added = relight(work.image_log, normals, work.rim, key, fill, direction, work.px_per_cm)
        return np.repeat(added[..., None], 3, axis=2)

    def _shift(self, frame: int, work: _Work) -> np.ndarray | None:
        """Where each pixel comes from, less its place, (h, w, 2) px; None where nothing is bent."""
        sides = {**_values(self.beauty.lift, frame), **_values(self.beauty.expression, frame)}
        lips = self.beauty.expression.lips.at(frame)
        if not (lips or any(map(any, sides.values()))):
            return None
        moved = offsets(work.points, sides, lips)
        return work.back(displacement(work.points, moved, work.window, work.px_per_cm)) * np.float32(work.reduction)


class _Work:
    """A crop at the size that the work needs: ``reduction`` plate pixels a side become one, on the plate's own grid."""

    def __init__(self, image_log: np.ndarray, window: Window, points: np.ndarray, reduction: int) -> None:
        self.reduction, self._full = reduction, window
        left, top = window.x // reduction, window.y // reduction
        self.window = Window(left, top, -(-window.right // reduction) - left, -(-window.bottom // reduction) - top)
        self._wide = Window(*(reduction * side for side in (left, top, self.window.width, self.window.height)))
        self.points = points / reduction
        size = self.window.width, self.window.height
        self.image_log = image_log if reduction == 1 else cv2.resize(
            cut(image_log, window, self._wide), size, interpolation=cv2.INTER_AREA
        )  # fmt: skip
        self.px_per_cm = HeadFrame.of(self.points).px_per_cm
        self.coordinates = coordinates(self.points, self.window)
        uv, inside = self.coordinates
        on_mesh = inside.astype(np.float32)
        deep = feather(on_mesh, SURE_RIM_CM * self.px_per_cm)
        sure, self._skin = lay_on(sure_texture(), uv, inside), lay_on(skin_texture(), uv, inside)
        sure *= deep
        like_skin = looks_like_skin(self.image_log, sure, self.px_per_cm)
        self.rim = feather(on_mesh, RIM_CM * self.px_per_cm)
        self._skin *= self.rim * np.maximum(like_skin, sure)

    def skin_and_amount(self, amount: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Picture, skin, and a texture (T, T) of strengths laid on the face, which never leaves the skin."""
        laid = lay_on(amount, *self.coordinates)
        return self.image_log, self._skin, laid * self._skin

    def back(self, made: np.ndarray) -> np.ndarray:
        """A picture of the work's size at the crop's; exact zeros stay zeros a pixel away from anything else."""
        if self.reduction == 1:
            return made
        size = self._wide.width, self._wide.height
        return cut(cv2.resize(made, size, interpolation=cv2.INTER_LINEAR), self._wide, self._full)


def _values(table: object, frame: int) -> dict[str, Sides]:
    """Every (left, right) slider of a table at one frame."""
    return {name: curve.at(frame) for name, curve in curves(table) if isinstance(curve, Slider)}


def _matte(change: np.ndarray, radius_px: int) -> np.ndarray:
    """(h, w) 0..1 where a change of light works; above 0 wherever there is any."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
    most = cv2.dilate(np.abs(change).max(axis=2), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.clip(most / np.float32(FULL_LOG), 0, 1)


def _bent(
    image_log: np.ndarray, change: np.ndarray, matte: np.ndarray, shift: np.ndarray, window: Window
) -> tuple[np.ndarray, np.ndarray]:
    """The changed picture moved by ``shift``, as change and matte; pixels that do not move are not resampled."""
    still = (shift == 0).all(axis=2)
    place = identity_map(window) + shift
    moved = sample(image_log + change, window, place) - image_log
    moved_matte = np.maximum(
        sample(matte, window, place, sharp=False), np.clip(np.abs(shift).max(axis=2) / np.float32(FULL_SHIFT_PX), 0, 1)
    )
    return np.where(still[..., None], change, moved), np.where(still, matte, moved_matte)
