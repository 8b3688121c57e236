"""The mattes of one frame: parts of the face on the picture's edges, what stands in front, what is kept out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from vfx_deepfake.face.appearance import (
    APPEARANCE_FORMAT,
    REFERENCES,
    Appearance,
    SmallFace,
    measure_appearance,
    occlusion,
    small_face,
)
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.files import hash_data
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import spread
from vfx_deepfake.image.matte import combine, soften
from vfx_deepfake.image.region_matte import EdgeGuide, edge_guide, refined, skin_tone, teeth_matte
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.roto import cut_roto
from vfx_deepfake.steps.shot_crops import ShotCrops

SOFT_PX = 3.0  # edge of a region that has none of its own in the picture
OCCLUDER_BAND_PX = 6.0  # at the reference face size: how far an estimated occluder's edge may move to the picture's
SURELY_SKIN = 0.99


@dataclass(frozen=True)
class FaceMattes:
    """Makes the mattes of any frame with a face; one frame needs only itself and what was measured for the shot.

    ``appearance`` None: occluders are not estimated, and teeth are not told from the rest of the mouth. ``learnt`` is the
    pattern of the mattes that were learnt from a few frames of roto, empty where there is none.
    """

    opened: OpenShot
    crops: ShotCrops
    appearance: Appearance | None = None
    learnt: str = ""

    def of(self, frame: int, window: Window) -> dict[str, np.ndarray]:
        """Every matte of :data:`vfx_deepfake.steps.comp.REGIONS` over ``window``, (h, w) float32 0..1.

        Parts of the face are as visible: without what stands in front.
        Raises: KeyframeError for roto that does not fit.
        """
        crop = self.crops.source.crop(frame)
        image_log = cut(crop.image_log, crop.window, window)
        guide = edge_guide(image_log, crop.scale)
        holdout = self._holdout(frame, window, guide)
        parts = self._parts(crop.points, window, guide)
        spec = self.opened.settings.mattes
        garbage = cut_roto(self.opened, spec.garbage, spec.garbage_channel, frame, window)
        return {
            **{name: combine(matte, holdout=holdout) for name, matte in parts.items()},
            "holdout": holdout,
            "garbage": np.zeros(window.shape, np.float32) if garbage is None else garbage,
        }

    def _parts(self, points: np.ndarray, window: Window, guide: EdgeGuide) -> dict[str, np.ndarray]:
        """The parts of the face as if nothing stood in front."""
        drawn = partial(region_mask, points, window, topology=self.crops.source.mesh)
        face, eyes, brows, mouth = (refined(drawn(name), guide) for name in ("oval", "eyes", "brows", "mouth"))
        outer_lips = refined(np.maximum(drawn("lips"), drawn("mouth")), guide)
        lips = outer_lips * (1 - mouth)
        skin = face * (1 - eyes) * (1 - brows) * (1 - np.maximum(outer_lips, mouth))
        nose = soften(drawn("nose"), SOFT_PX * guide.scale)
        tone = None if self.appearance is None else self.appearance.skin
        teeth = np.zeros_like(mouth) if tone is None else teeth_matte(mouth, guide.image_log, tone)
        return {
            "face": face,
            "skin": skin,
            "eyes": eyes,
            "brows": brows,
            "nose": nose,
            "lips": lips,
            "mouth": mouth,
            "teeth": teeth,
        }

    def _holdout(self, frame: int, window: Window, guide: EdgeGuide) -> np.ndarray:
        """What stands in front: the artist's roto where the frame has some, else what was learnt from it, else what is found."""
        spec = self.opened.settings.mattes
        for pattern, channel in ((spec.holdout, spec.holdout_channel), (spec.roto, spec.roto_channel)):
            roto = cut_roto(self.opened, pattern, channel, frame, window)
            if roto is not None:
                return roto
        learnt = cut_roto(self.opened, self.learnt, "", frame, window)
        if learnt is not None:
            return refined(learnt, guide, OCCLUDER_BAND_PX, steepness=1)
        if spec.occlusion == "none" or self.appearance is None:
            return np.zeros(window.shape, np.float32)
        points, mesh = self.crops.track.points_at(frame), self.crops.source.mesh
        return refined(occlusion(guide.image_log, window, points, self.appearance, mesh), guide, OCCLUDER_BAND_PX)


def open_mattes(opened: OpenShot, crops: ShotCrops, learnt: str = "") -> FaceMattes:
    """What makes the mattes of a shot; ``learnt`` as of :class:`FaceMattes`."""
    if opened.settings.model.target == "matte":
        return FaceMattes(opened, crops)  # the matte that is asked for is what stands in front
    return FaceMattes(opened, crops, open_appearance(opened, crops), learnt)


def open_appearance(opened: OpenShot, crops: ShotCrops) -> Appearance:
    """How the shot's face usually looks; measured where no host has done so yet."""
    made_from = {
        "format": APPEARANCE_FORMAT,
        "plate": opened.plate_hash(),
        "reading": opened.plate_reading(),
        "track": opened.hashes.of(opened.shot.paths.track_file),
    }
    file = opened.shot.paths.appearance(hash_data(made_from))
    if not file.is_file():
        shot_appearance(crops).save(file)
    return Appearance.load(file)


def shot_appearance(crops: ShotCrops) -> Appearance:
    """Measure how the face usually looks, in frames spread over the whole shot."""
    mesh = crops.source.mesh
    faces = [shot_small_face(crops, frame) for frame in spread(crops.source.frames, REFERENCES)]
    skins = [face.image_log[region_mask(face.points, face.window, "skin", mesh) > SURELY_SKIN] for face in faces]
    return measure_appearance(faces, skin_tone(skins), mesh)


def shot_small_face(crops: ShotCrops, frame: int) -> SmallFace:
    """A frame's face, small, with its grain: scaling down takes most of it."""
    window = crops.source.window(frame)
    return small_face(crops.working.log(frame, window), window, crops.track.points_at(frame))
