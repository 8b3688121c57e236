"""One frame: plate and face layers in, finished pixels out. Pure: no files, no state, the same answer anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from vfx_deepfake.image.blend import HALF_MAX, clean_comp, composite, storable
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import NO_GRAIN
from vfx_deepfake.image.regrain import Regrainer
from vfx_deepfake.media.exr import Frame

# mattes delivered beside the applied one: parts of the visible face, what stands in front of it, what is kept out
REGIONS = ("face", "skin", "eyes", "brows", "nose", "lips", "mouth", "teeth", "holdout", "garbage")

Convert = Callable[[np.ndarray], np.ndarray]  # (H, W, 3) float32 to a new array of the same shape


@dataclass(frozen=True)
class Spaces:
    """How plate pixels become scene-linear working pixels and back; None where the plate is in the working space."""

    to_working: Convert | None = None
    to_plate: Convert | None = None

    def working(self, pixels: np.ndarray) -> np.ndarray:
        """Plate space to working space."""
        return pixels if self.to_working is None else self.to_working(pixels)

    def plate(self, pixels: np.ndarray) -> np.ndarray:
        """Working space to plate space."""
        return pixels if self.to_plate is None else self.to_plate(pixels)


SAME_SPACE = Spaces()
PLATE_AS_IT_IS = Regrainer(NO_GRAIN)  # for a clean plate: nothing to return


@dataclass(frozen=True)
class FaceLayers:
    """Everything that is known about the face of one frame, over ``window``, which lies inside the plate's data window.

    face_lin (F), degrained_lin (D): (h, w, 3) scene-linear working space. matte (M) (h, w) 0..1 as applied, holdout
    and garbage taken off. regions: a (h, w) matte for each of REGIONS. st (h, w, 2): canonical face coordinates, motion (h, w,
    2) pixels to the next frame; both u right, v up, as compositing software has it, 0 off the face. confidence (h,
    w) 0..1. second_lin: as face_lin, the second identity's face alone, where one is made.
    """

    window: Window
    face_lin: np.ndarray
    degrained_lin: np.ndarray
    matte: np.ndarray
    regions: Mapping[str, np.ndarray]
    st: np.ndarray
    motion: np.ndarray
    confidence: np.ndarray
    second_lin: np.ndarray | None = None


@dataclass(frozen=True)
class Rendered:
    """A finished frame: ``frame`` is the plate's with the composited pixels, in plate space; the rest feeds the
    element layers.

    grain_lin: N(C) (h, w, 3), None without a face. counts: changed pixels, and values held at half's largest.
    """

    frame: Frame
    face: FaceLayers | None = None
    grain_lin: np.ndarray | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


def compose(
    frame: int,
    plate: Frame,
    face: FaceLayers | None,
    spaces: Spaces = SAME_SPACE,
    regrainer: Regrainer = PLATE_AS_IT_IS,
) -> Rendered:
    """The compositing rule on one frame (docs/design.md); a frame without a face is its plate.

    Pixels that the rule does not change keep the plate's bits; alpha and pixels outside the face's window always
    do. The delivered values are those the file will hold: rounded to half where the plate is half.
    """
    if face is None:
        return Rendered(plate, counts={"changed_px": 0, "held_values": 0})
    place = face.window.slices(plate.data_window)
    own = np.ascontiguousarray(plate.pixels[place][..., :3])
    own_lin = spaces.working(own)
    clean = clean_comp(face.degrained_lin, face.face_lin, face.matte)
    grain_lin = regrainer.grain(frame, own_lin, face.degrained_lin, clean, face.matte, face.window)
    result_lin = composite(own_lin, face.degrained_lin, clean, grain_lin, face.matte)
    result = result_lin if spaces.to_plate is None else _back_in_plate_space(own, own_lin, result_lin, spaces)
    held = storable(result, own, plate.half)
    pixels = plate.pixels.copy()
    pixels[place][..., :3] = held
    changed = int((held.view(np.uint32) != own.view(np.uint32)).any(axis=-1).sum())
    over = int((np.abs(result) > HALF_MAX).sum()) if plate.half else 0
    finished = Frame(
        pixels, plate.data_window, plate.display_window, plate.channels, plate.metadata, plate.half, plate.formats
    )
    return Rendered(finished, face, grain_lin, {"changed_px": changed, "held_values": over})


def _back_in_plate_space(own: np.ndarray, own_lin: np.ndarray, result_lin: np.ndarray, spaces: Spaces) -> np.ndarray:
    """Composited pixels converted; pixels where no channel changed keep the plate's bits."""
    same = (result_lin == own_lin) | (np.isnan(result_lin) & np.isnan(own_lin))
    return np.where(same.all(axis=-1, keepdims=True), own, spaces.plate(result_lin))
