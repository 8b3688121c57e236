"""Frames per second and peak memory of rendering, beside a bare copy of the plate in the same run: ``python -m
benchmarks.render``.

A face of six tenths of the picture's height moves over a grained plate. Each case runs in a process of its own, so
that its peak memory is its own: EXR with all layers and 10-bit DPX, frames deleted once they are written. The copy
reads every frame and writes its ``rgba`` as EXR and DPX: what no renderer with these outputs can beat. CPU seconds
a frame stay comparable on a busy machine. ``standin`` is a model of small fixed cost (it softens the crop);
``propagate`` carries two painted frames to every frame, as the shot setting of that name does.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from benchmarks.convert import make_plate
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.face.topology import canonical_uv
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.denoise import degrain, measure_shot
from vfx_deepfake.image.grain import NO_GRAIN
from vfx_deepfake.image.regrain import Regrainer
from vfx_deepfake.media.dpx import DpxHeader
from vfx_deepfake.media.plate import Plate
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.predict import FaceModel, Prediction
from vfx_deepfake.settings import DEFAULT_CONFIG, MattesSpec, RenderSpec
from vfx_deepfake.steps.comp import PLATE_AS_IT_IS
from vfx_deepfake.steps.face_mattes import FaceMattes, shot_appearance
from vfx_deepfake.steps.faces import FaceSource, plate_spaces
from vfx_deepfake.steps.render import RenderJob, dpx_output, exr_output, render_frames
from vfx_deepfake.steps.shot_crops import ShotCrops
from vfx_deepfake.steps.working import WorkingPlate

SPACE, TARGET, BITS = "ACEScg", "ARRI LogC3 (EI800)", 10
DISTINCT = 8  # frames on disk; longer plates repeat them by links
SIZES = {"960x540": 12, "4096x2160": 5}  # frames timed at each size
LIMIT_MIB = 3 * 1024  # of resident memory at 4096 x 2160
KEYS = (1001, 1002)  # painted frames; the ones timed are carried


class Softener:
    """A model of small fixed cost: the crop blurred, under an oval."""

    def __init__(self, source: CropSource) -> None:
        self.source = source

    def predict(self, frame: int) -> Prediction:
        """The change of one frame."""
        crop = self.source.crop(frame)
        height, width = crop.window.shape
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        matte = np.clip(4 * (0.7 - np.hypot(x, y)), 0, 1).astype(np.float32)
        delta = cv2.GaussianBlur(crop.image_log, (0, 0), 4) - crop.image_log
        return Prediction(delta, matte, np.ones_like(matte), crop.window)


def moving_face(frames: int, width: int, height: int) -> FaceTrack:
    """A face that sways through the picture, a few pixels a frame."""
    size = 0.6 * height
    steps = np.arange(frames)
    x, y = 0.5 * width + 0.1 * width * np.sin(steps / 40), 0.5 * height + 0.05 * height * np.sin(steps / 25)
    points = (canonical_uv() - 0.5) * (0.8 * size, size) + np.stack([x, y], axis=-1)[:, None]
    confidence, pose = np.ones(frames, np.float32), np.zeros((frames, 3), np.float32)
    return FaceTrack(1001 + steps, points.astype(np.float32), confidence, pose)


def lengthen(pattern: str, frames: int) -> None:
    """Give a plate more frames by linking to those that are there."""
    for frame in range(1001 + DISTINCT, 1001 + frames):
        source = Path(pattern.replace("####", str(1001 + (frame - 1001) % DISTINCT)))
        Path(pattern.replace("####", str(frame))).symlink_to(source)


def open_faces(plate: Plate, model: str, grain: bool) -> FaceSource:
    """The face of every frame by one of the models, with measured grain or as if the plate were clean."""
    window = plate.data_window
    track, working = moving_face(len(plate.frames), window.width, window.height), WorkingPlate(plate)
    boxes = {frame: track.box_at(frame) for frame in plate.frames[:DISTINCT]}
    measured = measure_shot(working.log, plate.frames, boxes, window) if grain else NO_GRAIN

    def read(frame: int, place: Window) -> np.ndarray:
        return degrain(working.log, plate.frames, frame, place, measured)

    def painted(frame: int, place: Window) -> tuple[np.ndarray, np.ndarray]:
        return cv2.GaussianBlur(source.crop(frame).image_log, (0, 0), 4), np.ones(place.shape, np.float32)

    source = CropSource(track, KEYS, read, painted)
    settings = SimpleNamespace(render=RenderSpec(), mattes=MattesSpec())
    opened: Any = SimpleNamespace(settings=settings, plate=plate, color=plate.color)
    crops = ShotCrops(track, measured, working, source)
    mattes = FaceMattes(opened, crops, shot_appearance(crops))
    makes: Any = {"standin": Softener, "propagate": FaceModel}[model](source)
    return FaceSource(opened, crops, makes, plate_spaces(opened), mattes)


def one_case(pattern: str, out: Path, model: str, grain: bool, frames: int) -> dict[str, float]:
    """Render, or copy where ``model`` is ``copy``.

    Returns frames per second and CPU seconds a frame, both without the start, and peak resident memory in MiB.
    """
    color = Color(DEFAULT_CONFIG)
    plate = Plate(pattern, color, SPACE, frames=range(1001, 1001 + frames))
    faces = None if model == "copy" else open_faces(plate, model, grain)
    folder = lambda kind: lambda frame: out / f"{kind}/sh.{frame}.{kind}"  # noqa: E731
    outputs = [exr_output(folder("exr")), dpx_output(folder("dpx"), color, SPACE, TARGET, BITS, lambda _: DpxHeader())]
    regrainer = PLATE_AS_IT_IS if faces is None else Regrainer(faces.grain, seed="bench", of_plate=True)
    job = RenderJob(
        read=plate.read if faces is None else faces.read,
        face=(lambda _, __: None) if faces is None else faces.layers,
        outputs=outputs,
        record=lambda frame: out / f".frame.{frame}.json",
        identity=lambda frame: {"frame": frame},
        regrainer=regrainer,
    )
    times: list[float] = []
    work: list[float] = []

    def forget(done: int, total: int, frame: int) -> None:
        times.append(time.perf_counter())
        work.append(time.process_time())
        for output in outputs:
            output.path(frame).unlink()

    render_frames(job, plate.frames, forget)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    later = len(times) - 1
    return {"fps": later / (times[-1] - times[0]), "cpu_s": (work[-1] - work[0]) / later, "peak_mib": peak}


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    size: str
    model: str
    grain: bool
    frames: int

    def measure(self, pattern: str, scratch: Path) -> dict[str, float]:
        """Run it in a process of its own."""
        with tempfile.TemporaryDirectory(dir=scratch) as out:
            arguments = [pattern, out, self.model, str(int(self.grain)), str(self.frames)]
            command = [sys.executable, "-m", "benchmarks.render", "--case", *arguments]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(printed.splitlines()[-1])


def show(case: Case, found: dict[str, float], copy_fps: float) -> None:
    """One line of the table."""
    plate = "grain" if case.grain else "clean"
    ratio = found["fps"] / copy_fps
    print(
        f"  {case.size:>9}  {case.model:9}  {plate:5}  {case.frames:4d} frames  {found['fps']:7.2f} frames/s"
        f"  {ratio:5.2f} of a copy  {found['cpu_s']:6.2f} CPU s a frame  peak {found['peak_mib']:5.0f} MiB",
        flush=True,
    )


def speed(size: str, pattern: str, scratch: Path) -> float:
    """Time every model at one size; returns the largest peak in MiB."""
    frames, copy_fps, peak = SIZES[size], 1.0, 0.0
    for model, grain in (
        ("copy", False),
        ("standin", False),
        ("standin", True),
        ("propagate", False),
        ("propagate", True),
    ):
        case = Case(size, model, grain, frames)
        found = case.measure(pattern, scratch)
        copy_fps, peak = (found["fps"] if model == "copy" else copy_fps), max(peak, found["peak_mib"])
        show(case, found, copy_fps)
    return peak


def memory_over_length(pattern: str, scratch: Path) -> float:
    """Peak memory of 200 frames over that of 50, at 960 x 540 with grain."""
    peaks = []
    for frames in (50, 200):
        case = Case("960x540", "standin", True, frames)
        found = case.measure(pattern, scratch)
        show(case, found, found["fps"])
        peaks.append(found["peak_mib"])
    return peaks[1] / peaks[0]


def main() -> None:
    """Print the table and what it says about the limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, help="where to work; default a temporary folder")
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=SIZES)
    parser.add_argument("--case", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        pattern, out, model, grain, frames = args.case
        print(json.dumps(one_case(pattern, Path(out), model, bool(int(grain)), int(frames))))
        return
    print("render: EXR with layers and 10-bit DPX, EXR half zip plate; a copy writes rgba and DPX alone")
    with tempfile.TemporaryDirectory(dir=args.folder) as text:
        scratch = Path(text)
        for size in args.sizes:
            folder = scratch / size
            folder.mkdir()
            width, height = (int(side) for side in size.split("x"))
            pattern = make_plate(folder, DISTINCT, width, height, compression="zip")
            lengthen(pattern, 200)
            peak = speed(size, pattern, scratch)
            if size == "960x540":
                print(f"  memory of 200 frames over memory of 50: {memory_over_length(pattern, scratch):.3f}")
            else:
                print(f"  peak at {size}: {peak:.0f} MiB of {LIMIT_MIB} allowed")


if __name__ == "__main__":
    main()
