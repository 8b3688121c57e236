"""The face of one frame as layers: what the model says, turned into D, F and M of the compositing rule, with mattes and coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.face.mesh import rasterise, warp_map
from vfx_deepfake.files import hash_data
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import degrained_lin
from vfx_deepfake.image.flow import identity_map
from vfx_deepfake.image.grain import GrainModel
from vfx_deepfake.image.matte import combine, fade_at_crop_edge, feather, grow
from vfx_deepfake.media.exr import Frame
from vfx_deepfake.model.identity.predictor import IdentityModel
from vfx_deepfake.model.predict import Prediction, Predictor
from vfx_deepfake.steps.comp import FaceLayers, Spaces
from vfx_deepfake.steps.face_mattes import FaceMattes, open_mattes
from vfx_deepfake.steps.finish import Finish, open_finish
from vfx_deepfake.steps.identity_model import second_identity
from vfx_deepfake.steps.mattes import mattes_pattern
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.shot_crops import ShotCrops, open_crops
from vfx_deepfake.steps.train import open_model, trained_checkpoint

SECOND = "second face"  # names what is measured for it
EDGE_PX = 12  # over which a change runs out where the crop ends inside the picture


@dataclass(frozen=True)
class FaceSource:
    """Makes the layers of any frame; one frame needs only itself and its neighbours."""

    opened: OpenShot
    crops: ShotCrops
    model: Predictor
    spaces: Spaces
    mattes: FaceMattes
    finish: Finish | None = None
    second: FaceSource | None = None  # makes the second identity's face

    @property
    def grain(self) -> GrainModel:
        """The shot's grain."""
        return self.crops.grain

    def read(self, frame: int) -> Frame:
        """One plate frame; what the model will ask of it is kept, so that the file is read once.

        Raises: PlateError for a damaged frame.
        """
        picture = self.opened.plate.read(frame)
        if self.crops.track.has_face(frame):
            self.crops.working.keep(frame, picture, self.crops.source.window(frame))
        return picture

    def layers(self, frame: int, plate: Frame) -> FaceLayers | None:
        """The layers of one frame; None where the track has no face.

        Raises: PlateError, KeyframeError for files that can't be used.
        """
        if not self.crops.track.has_face(frame):
            return None
        made = self.model.predict(frame)
        window = made.window.intersect(plate.data_window)
        if window.empty:
            return None
        own = np.ascontiguousarray(cut(plate.pixels[..., :3], plate.data_window, window))
        own_lin = self.spaces.working(own)
        face_lin, clean_lin = self._face(frame, made, window, own_lin)
        regions = self.mattes.of(frame, window)
        return FaceLayers(
            window=window, face_lin=face_lin, degrained_lin=clean_lin, matte=self._matte(made, window, plate.data_window, regions),
            regions=regions, st=self._coordinates(frame, window), motion=self._motion(frame, window),
            confidence=_within(made.confidence, made.window, window), second_lin=self._second(frame, window, own_lin),
        )  # fmt: skip

    def _face(self, frame: int, made: Prediction, window: Window, own_lin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F and D, scene-linear; equal bit for bit where nothing changes."""
        clean_log = _within(self.crops.source.crop(frame).image_log, made.window, window)
        clean_lin = degrained_lin(own_lin, np.asarray(encode_log(own_lin), np.float32), clean_log)
        delta = _within(made.delta_log, made.window, window) * np.float32(self.opened.settings.render.strength)
        face_log = clean_log + delta
        if self.finish is not None:
            face_log = self.finish(frame, window, face_log, clean_log, _within(made.matte, made.window, window))
        return np.where(face_log == clean_log, clean_lin, np.asarray(decode_log(face_log), np.float32)), clean_lin

    def _second(self, frame: int, window: Window, own_lin: np.ndarray) -> np.ndarray | None:
        """The second identity's F; both see the same crop."""
        second = self.second
        return None if second is None else second._face(frame, second.model.predict(frame), window, own_lin)[0]

    def _matte(self, made: Prediction, window: Window, plate: Window, regions: dict[str, np.ndarray]) -> np.ndarray:
        spec = self.opened.settings.render
        matte = _within(made.matte, made.window, window)
        if spec.matte_erode_px:
            matte = grow(matte, -spec.matte_erode_px)
        if spec.matte_feather_px:
            matte = feather(matte, spec.matte_feather_px)
        kept_out = np.maximum(regions["holdout"], regions["garbage"])
        return fade_at_crop_edge(combine(matte, holdout=kept_out), window, plate, EDGE_PX)

    def _coordinates(self, frame: int, window: Window) -> np.ndarray:
        """Canonical face coordinates, u right and v up."""
        uv, inside = rasterise(self.crops.track.points_at(frame), window, self.crops.source.mesh)
        uv[..., 1] = np.where(inside, 1 - uv[..., 1], 0)
        return uv

    def _motion(self, frame: int, window: Window) -> np.ndarray:
        """Pixels to the next frame along the mesh, u right and v up; 0 where the next frame has no face."""
        track = self.crops.track
        if not track.has_face(frame + 1):
            return np.zeros((*window.shape, 2), np.float32)
        there = warp_map(track.points_at(frame + 1), track.points_at(frame), window, self.crops.source.mesh)
        return (there - identity_map(window)) * np.array([1, -1], np.float32)


def _within(image: np.ndarray, image_window: Window, window: Window) -> np.ndarray:
    return np.ascontiguousarray(image[window.slices(image_window)])


def open_faces(opened: OpenShot, identity: str = "") -> FaceSource:
    """Open the shot's model for rendering; ``identity`` names what decides its pixels, for what is measured once.

    Raises: TrackError, TrainError when an earlier stage is not up to date.
    """
    crops = open_crops(opened)
    model = open_model(opened, crops)
    return FaceSource(
        opened,
        crops,
        model,
        plate_spaces(opened),
        open_mattes(opened, crops, mattes_pattern(opened) if opened.settings.mattes.roto else ""),
        open_finish(opened, crops, model, identity),
    )


def with_second_face(faces: FaceSource, identity: str) -> FaceSource:
    """The same with the partner's face beside each, where [identity].write_partner asks for one; ``identity`` as in :func:`open_faces`.

    Raises: TrackError without a landmarker.
    """
    opened, model = faces.opened, faces.model
    if not (isinstance(model, IdentityModel) and opened.settings.identity.has_second_face):
        return faces
    partner = second_identity(opened, model, trained_checkpoint(opened))
    finish = open_finish(opened, faces.crops, partner, hash_data([identity, SECOND]))
    return replace(faces, second=replace(faces, model=partner, finish=finish))


def plate_spaces(opened: OpenShot) -> Spaces:
    """Plate space to working space and back; no conversion at all where they are the same."""
    plate, color = opened.plate, opened.color
    if plate.colorspace == plate.working:
        return Spaces()
    return Spaces(
        to_working=lambda pixels: color.convert(pixels, plate.colorspace, plate.working),
        to_plate=lambda pixels: color.convert(pixels, plate.working, plate.colorspace),
    )
