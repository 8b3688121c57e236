"""A small plate on disk and a stand-in model, for tests of rendering."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.face.topology import canonical_uv
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import NO_GRAIN, GrainModel
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.media.metadata import Attribute
from vfx_deepfake.media.plate import Plate
from vfx_deepfake.settings import DEFAULT_CONFIG
from vfx_deepfake.steps.comp import SAME_SPACE, Spaces
from vfx_deepfake.steps.facelayers import FaceMaker
from vfx_deepfake.steps.platewindows import PlateWindows, frames_to_keep
from vfx_deepfake.steps.render import RenderJob, exr_output

FRAMES = (1001, 1002, 1003, 1004)
FACELESS = 1003
DATA, DISPLAY = Window(-3, 2, 90, 70), Window(0, 0, 80, 72)  # overscan left and right, rows missing at the top
CROP = Window(20, -6, 48, 64)  # reaches over the picture's top


@dataclass(frozen=True)
class Prediction:
    """What a model hands out."""

    delta_log: np.ndarray
    matte: np.ndarray
    confidence: np.ndarray
    window: Window


@dataclass(frozen=True)
class Painter:
    """A model that adds ``delta`` where its matte is, everywhere the same."""

    delta: float = -0.05
    matte: float = 1.0

    def predict(self, frame: int) -> Prediction:
        delta = np.full((*CROP.shape, 3), self.delta, np.float32) * np.array([1, 0.5, 1.5], np.float32)
        flat = np.full(CROP.shape, self.matte, np.float32)
        return Prediction(delta, flat, np.full(CROP.shape, 0.75, np.float32), CROP)


def track() -> FaceTrack:
    """A face that moves by 1.5 px right and 1 px down a frame, and is gone on FACELESS."""
    shape = canonical_uv() * (36, 46) + (24, 2)
    points = np.stack([shape + (1.5 * index, index) for index in range(len(FRAMES))]).astype(np.float32)
    confidence = np.ones(len(FRAMES), np.float32)
    lost = FRAMES.index(FACELESS)
    points[lost], confidence[lost] = np.nan, 0
    return FaceTrack(np.array(FRAMES), points, confidence, np.zeros((len(FRAMES), 3), np.float32))


def plate_pixels(frame: int, channels: int = 4) -> np.ndarray:
    """Light of every kind: a ramp, negatives, highlights up to half's largest, both zeros, denormals."""
    rng = np.random.default_rng(frame)
    pixels = np.exp2(rng.uniform(-9, 4, (*DATA.shape, channels)))
    pixels[::7, ::5] *= -0.05
    pixels[5::9, 3::8, :3] = rng.choice([0.0, -0.0, 65504.0, -65504.0, 6e-8, 300.0], pixels[5::9, 3::8, :3].shape)
    pixels[..., 3:] = rng.uniform(0, 1, (*DATA.shape, channels - 3))
    return pixels.astype(np.float16).astype(np.float32)


def write_plate(folder: Path, half: bool = True, channels: str = "RGBA") -> str:
    """Write FRAMES and return their pattern; float plates hold values that half can't."""
    metadata = {"smpte:TimeCode": Attribute("timecode", (0x01020304, 0)), "owner": "test", "vendor/take": "7"}
    for frame in FRAMES:
        pixels = plate_pixels(frame, len(channels))
        if not half:
            pixels *= np.float32(1.0001)
        part = Part("rgba", pixels, tuple(channels), DATA, half)
        write_exr(folder / f"plate.{frame}.exr", [part], DISPLAY, metadata)
    return str(folder / "plate.####.exr")


def open_plate(pattern: str, space: str = "ACEScg", nan_policy: str = "error") -> Plate:
    return Plate(pattern, Color(DEFAULT_CONFIG), space, working="ACEScg", nan_policy=nan_policy)


def spaces_of(plate: Plate) -> Spaces:
    if plate.colorspace == plate.working:
        return SAME_SPACE
    convert = plate.color.convert
    return Spaces(
        lambda pixels: convert(pixels, plate.colorspace, plate.working),
        lambda pixels: convert(pixels, plate.working, plate.colorspace),
    )


def make_job(plate: Plate, out: Path, model: Painter | None = None, grain: GrainModel = NO_GRAIN, **more) -> RenderJob:
    """A job that writes EXR below ``out``; ``more`` overrides fields of the job, or of the face maker by ``maker``."""
    spaces = spaces_of(plate)
    windows = PlateWindows(plate.read, spaces, keep=frames_to_keep(grain))
    maker = FaceMaker(
        model=model or Painter(),
        track=track(),
        plate=windows,
        frames=plate.frames,
        grain=grain,
        feather_px=4.0,
        **more.pop("maker", {}),
    )
    fields = {
        "read": windows.frame,
        "face": lambda frame, picture: maker.layers(frame, picture.data_window),
        "outputs": [exr_output(lambda frame: out / f"exr/sh.{frame}.exr")],
        "record": lambda frame: out / f".frame.{frame}.json",
        "identity": lambda frame: {"test": 1, "frame": frame},
        "spaces": spaces,
        "grain": grain,
    }
    return RenderJob(**{**fields, **more})


def raw(path: Path, part: int = 0) -> tuple[np.ndarray, oiio.ImageSpec]:
    """Pixels of one EXR part in the file's own type, as integers of that width, read by nothing of ours."""
    source = oiio.ImageInput.open(str(path))
    assert source and source.seek_subimage(part, 0)
    spec = source.spec()
    pixels = source.read_image(part, 0, 0, spec.nchannels, spec.format)
    source.close()
    return pixels.view(np.uint16 if pixels.dtype == np.float16 else np.uint32), spec
