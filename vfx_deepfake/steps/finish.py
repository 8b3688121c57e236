"""Finishing a generated face before it goes into the plate: colour, seam, sharpness, texture, in this order.

One frame needs itself, its neighbours in the track and what was measured once for the shot: a farm host that makes a
single frame makes the one of a whole run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.face.stretch import neutral_shape, over_pixels, stretch_log
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.files import read_json, write_json
from vfx_deepfake.image.blur import match_sharpness
from vfx_deepfake.image.colour_match import Pair, at_frame, colour_map, measure_pair
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.denoise import spread
from vfx_deepfake.image.detail import expression_gain, return_texture, texture_amount, wrinkle_matte
from vfx_deepfake.image.matte import soften
from vfx_deepfake.image.seam import close_seam, wide_blur
from vfx_deepfake.model.paint import face_scale
from vfx_deepfake.model.predict import Predictor
from vfx_deepfake.settings.finish import TEXTURE_REGIONS
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.roto import cut_roto
from vfx_deepfake.steps.shot_crops import ShotCrops

NEAR_PX = 24.0  # worked on round the matte, on a face of reference width: the reach of every filter; assumed
RUN_IN_PX = 6.0  # over which a finish begins where the face begins to differ from the plate; assumed
STEPS_A_WINDOW = 4  # measured frames within one deviation of the time window; assumed
REGION_SOFT_PX = 6.0  # edge between regions of different texture; assumed


@dataclass(frozen=True, eq=False)
class Finish:
    """What the shot file asks for, with what was measured for the shot."""

    opened: OpenShot
    crops: ShotCrops
    colours: Mapping[int, Pair]

    def __call__(
        self, frame: int, window: Window, face_log: np.ndarray, clean_log: np.ndarray, matte: np.ndarray
    ) -> np.ndarray:
        """The finished face of one frame.

        Shapes: face_log (F), clean_log (D): (h, w, 3) log over ``window``; matte (h, w) 0..1 as the model gives it.
        Pixels where F is D keep their bits, and so does everything where the settings leave nothing to do.
        Raises: KeyframeError for roto that does not fit.
        """
        scale = face_scale(self.crops.track.points_at(frame))
        near = self._near(window, matte, scale)
        if near.empty:
            return face_log
        place = near.slices(window)
        finished = self._finished(frame, near, face_log[place], clean_log[place], matte[place], scale)
        if np.array_equal(finished, face_log[place], equal_nan=True):
            return face_log
        result = face_log.copy()
        result[place] = finished
        return result

    def _near(self, window: Window, matte: np.ndarray, scale: float) -> Window:
        """The part of the window that the matte can reach; what lies outside never goes into the picture."""
        rows, columns = (np.flatnonzero(matte.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return Window(0, 0, 0, 0)
        box = Window(
            window.x + int(columns[0]), window.y + int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1
        )
        grown = max(-self.opened.settings.render.matte_erode_px, 0)
        return box.expand(int(np.ceil(NEAR_PX * scale + grown))).intersect(window)

    def _finished(
        self, frame: int, window: Window, face_log: np.ndarray, clean_log: np.ndarray, matte: np.ndarray, scale: float
    ) -> np.ndarray:
        changed = (face_log != clean_log).any(axis=-1) & np.isfinite(face_log).all(axis=-1)
        if not changed.any():
            return face_log
        start = np.where(changed[..., None], face_log, clean_log)
        result = self._coloured(frame, start)
        result = close_seam(result, clean_log, matte, self.opened.settings.blend.seam, scale)
        result = self._sharpened(frame, window, result, clean_log, matte)
        result = self._textured(frame, window, result, clean_log, scale)
        if changed.all():
            return np.asarray(result, np.float32)
        # runs in softly where the face begins to differ: 0 on the edge of that area, 1 well inside
        share = np.maximum(2 * wide_blur(changed.astype(np.float32), RUN_IN_PX * scale) - 1, 0)[..., None]
        same = ~changed[..., None] | (result == start)
        return np.where(same, face_log, start + share * (result - start)).astype(np.float32)

    def _coloured(self, frame: int, face_log: np.ndarray) -> np.ndarray:
        spec = self.opened.settings.colormatch
        found = colour_map(spec.method, at_frame(self.colours, frame, spec.window_frames))
        if found is None or spec.strength == 0:
            return face_log
        return face_log + np.float32(spec.strength) * (found.apply(face_log) - face_log)

    def _sharpened(
        self, frame: int, window: Window, face_log: np.ndarray, clean_log: np.ndarray, matte: np.ndarray
    ) -> np.ndarray:
        spec = self.opened.settings.blend
        if not (spec.soften or spec.restore):
            return face_log
        travel = face_motion(self.crops.track, frame, window) * spec.shutter_degrees / 360
        return match_sharpness(face_log, clean_log, matte, travel, spec.soften, spec.restore)

    def _textured(
        self, frame: int, window: Window, face_log: np.ndarray, clean_log: np.ndarray, scale: float
    ) -> np.ndarray:
        """The plate's pores, by regions, wrinkles and expression."""
        spec = self.opened.settings.texture
        if not (spec.strength or spec.expression):
            return face_log
        # maps are as soft as wrinkles are wide: a large face needs them on fewer pixels
        height, width = window.shape
        size = max(int(width / max(int(scale), 1)), 1), max(int(height / max(int(scale), 1)), 1)
        small = lambda image: cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # noqa: E731
        large = lambda grey: cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)  # noqa: E731
        here, coarse = Window(0, 0, *size), scale * size[0] / width
        track_points, mesh = self.crops.track.points_at(frame), self.crops.source.mesh
        points = (track_points - (window.x, window.y)) * (size[0] / width, size[1] / height)
        regions = {
            name: soften(region_mask(points, here, name, mesh), REGION_SOFT_PX * coarse) for name in TEXTURE_REGIONS
        }
        # what is a line in the face itself must stay there as well, and hair of the plate's brows must not come
        lines = np.maximum(*(wrinkle_matte(small(image), coarse) for image in (clean_log, face_log)))
        lines = np.maximum(lines, regions["brows"])
        roto = cut_roto(self.opened, spec.wrinkle_matte, spec.wrinkle_channel, frame, window)
        amounts = {name: getattr(spec, name) for name in TEXTURE_REGIONS}
        amount = texture_amount(regions, amounts, spec.strength, None if roto is None else small(roto))
        rougher = None
        if spec.expression:
            stretch = over_pixels(stretch_log(track_points, self._neutral, mesh), points, here, mesh)
            rougher = large(expression_gain(stretch, spec.expression) * regions["skin"])
        return return_texture(
            face_log, clean_log, large(amount), scale, np.float32(spec.wrinkles) * large(lines), rougher
        )

    @cached_property
    def _neutral(self) -> np.ndarray:
        return neutral_shape(self.crops.track)


def face_motion(track: FaceTrack, frame: int, window: Window) -> np.ndarray:
    """The face's motion in pixels a frame, an affine function (2, 3) of positions (x, y, 1) in the window.

    It is that of the head: what an expression moves in it is left out. 0 where no neighbour has a face.
    """
    near = [other for other in (frame - 1, frame + 1) if track.has_face(other)]
    if not near:
        return np.zeros((2, 3))
    first, last = min(frame, *near), max(frame, *near)
    places = track.points_at(frame).astype(np.float64) - (window.x, window.y)
    way = (track.points_at(last).astype(np.float64) - track.points_at(first)) / (last - first)
    return np.asarray(np.linalg.lstsq(np.column_stack([places, np.ones(len(places))]), way, rcond=None)[0].T)


def open_finish(opened: OpenShot, crops: ShotCrops, model: Predictor, identity: str = "") -> Finish | None:
    """The shot's finish, None where every part of it is off.

    ``identity`` names everything that decides the frames' pixels: what is measured for the shot is kept under that
    name in the work folder, so that every host has the same; without it, it is measured anew.
    Raises: what the model raises.
    """
    settings = opened.settings
    coloured = settings.colormatch.method != "none" and settings.colormatch.strength > 0
    blend, texture = settings.blend, settings.texture
    if not (coloured or blend.seam or blend.soften or blend.restore or texture.strength or texture.expression):
        return None
    return Finish(opened, crops, _colours(opened, crops, model, identity) if coloured else {})


def _colours(opened: OpenShot, crops: ShotCrops, model: Predictor, identity: str) -> dict[int, Pair]:
    """Colour statistics of the measured frames, from the work folder where they are known."""
    file = opened.shot.paths.colour_match(identity) if identity else None
    if file is not None and file.is_file():
        try:
            return {int(frame): Pair.from_data(data) for frame, data in read_json(file)["frames"].items()}
        except (ArtistError, KeyError, TypeError, ValueError, AttributeError):
            pass  # only a cache: measured again
    pairs = {frame: _measured(opened, crops, model, frame) for frame in measured_frames(opened, crops)}
    if file is not None:
        write_json(file, {"frames": {str(frame): pair.to_data() for frame, pair in pairs.items()}})
    return pairs


def measured_frames(opened: OpenShot, crops: ShotCrops) -> list[int]:
    """The frames whose colour is measured: a fixed choice from the shot's range, whichever frame is asked for."""
    spec = opened.settings.colormatch
    frames = [int(frame) for frame in crops.track.face_frames if int(frame) in set(opened.frames)]
    if not spec.window_frames:
        return spread(frames, spec.frames)
    picked: list[int] = []
    for frame in frames:
        if not picked or frame - picked[-1] >= int(spec.window_frames / STEPS_A_WINDOW):
            picked.append(frame)
    return picked


def _measured(opened: OpenShot, crops: ShotCrops, model: Predictor, frame: int) -> Pair:
    made = model.predict(frame)
    clean_log = crops.source.crop(frame).image_log
    face_log = clean_log + made.delta_log * np.float32(opened.settings.render.strength)
    points = crops.track.points_at(frame)
    skin = region_mask(points, made.window, "skin", crops.source.mesh)
    against = opened.settings.colormatch.against
    return measure_pair(face_log, clean_log, made.matte, skin, against, face_scale(points))
