"""A small plate on disk and a stand-in model, for tests of rendering."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import OpenImageIO as oiio

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.face.topology import canonical_uv
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.denoise import degrain
from vfx_deepfake.image.grain import NO_GRAIN, GrainModel
from vfx_deepfake.image.regrain import Regrainer
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.media.metadata import Attribute
from vfx_deepfake.media.plate import Plate
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.predict import Prediction
from vfx_deepfake.naming import frame_path
from vfx_deepfake.settings import DEFAULT_CONFIG, MattesSpec, RenderSpec
from vfx_deepfake.steps.face_mattes import FaceMattes
from vfx_deepfake.steps.faces import FaceSource, plate_spaces
from vfx_deepfake.steps.render import RenderJob, exr_output
from vfx_deepfake.steps.shot_crops import ShotCrops
from vfx_deepfake.steps.working import WorkingPlate

FRAMES = (1001, 1002, 1003, 1004)
FACELESS = 1003
DATA, DISPLAY = Window(-3, 2, 90, 70), Window(0, 0, 80, 72)  # overscan left and right, rows missing at the top


@dataclass
class Painter:
    """A model that changes every pixel of its crop alike, by ``delta`` under a flat ``matte``."""

    delta: float = -0.05
    matte: float = 1.0
    source: CropSource | None = None

    def predict(self, frame: int) -> Prediction:
        window = self.source.window(frame)
        delta = np.full((*window.shape, 3), self.delta, np.float32) * np.array([1, 0.5, 1.5], np.float32)
        flat = np.full(window.shape, self.matte, np.float32)
        return Prediction(delta, flat, np.full(window.shape, 0.75, np.float32), window)


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


def make_job(
    plate: Plate,
    out: Path,
    model: Painter | None = None,
    grain: GrainModel = NO_GRAIN,
    render: RenderSpec | None = None,
    mattes: MattesSpec | None = None,
    **more,
) -> RenderJob:
    """A job that writes EXR below ``out``; ``more`` overrides fields of the job."""
    opened = SimpleNamespace(
        settings=SimpleNamespace(render=render or RenderSpec(matte_feather_px=4.0), mattes=mattes or MattesSpec()),
        plate=plate,
        color=plate.color,
        roto_file=lambda pattern, frame: frame_path(str(out.parent / pattern), frame),
    )
    working, face_track = WorkingPlate(plate), track()
    read = lambda frame, window: degrain(working.log, plate.frames, frame, window, grain)  # noqa: E731
    source = CropSource(face_track, FRAMES[:1], read, lambda frame, window: (None, None))
    model = model or Painter()
    model.source = source
    crops = ShotCrops(face_track, grain, working, source)
    faces = FaceSource(opened, crops, model, plate_spaces(opened), FaceMattes(opened, crops))
    fields = {
        "read": faces.read,
        "face": faces.layers,
        "outputs": [exr_output(lambda frame: out / f"exr/sh.{frame}.exr")],
        "record": lambda frame: out / f".frame.{frame}.json",
        "identity": lambda frame: {"test": 1, "frame": frame},
        "spaces": faces.spaces,
        "regrainer": Regrainer(grain, seed="test"),
    }
    return RenderJob(**{**fields, **more})


def crop_window(frame: int) -> Window:
    """The part of the picture that the face's crop covers; the crop itself reaches over the picture's top."""
    source = CropSource(track(), FRAMES[:1], None, None)
    assert not DATA.contains(source.window(frame))
    return source.window(frame).intersect(DATA)


def raw(path: Path, part: int = 0) -> tuple[np.ndarray, oiio.ImageSpec]:
    """Pixels of one EXR part in the file's own type, as integers of that width, read by nothing of ours."""
    source = oiio.ImageInput.open(str(path))
    assert source and source.seek_subimage(part, 0)
    spec = source.spec()
    pixels = source.read_image(part, 0, 0, spec.nchannels, spec.format)
    source.close()
    return pixels.view(np.uint16 if pixels.dtype == np.float16 else np.uint32), spec
