#!/usr/bin/env python3
"""A face replacement judged against exact truth and against the identity's own pictures.

    python -m benchmarks.identity_eval [RESULT TRUTH FACESET] [--plate DIR] [--inception FILE]

RESULT and TRUTH are folders of scene-linear EXR frames with equal numbers, FACESET a built faceset of the identity. Prints

- likeness    distance to the faceset, of the result and of the truth (the floor), in this project's own features: of one set to the other,
              to the nearest crop, and of pairs; the plate's too, where it is given: a replacement leads away from it. And the limit
              at which two sets count as two people
- performance pose, expression and gaze of the result against the truth, by the same landmarker
- picture     PSNR and SSIM of log values in the face, flicker against the truth
- sets        Fréchet distance, precision and recall of the result against the truth, and of one half of the truth against the other
              for scale; the same in Inception features where their file is on disk and named

Features are taken in the working space of the faceset, to which RESULT and TRUTH (--colorspace) are brought; picture figures are of the
values as they are.

Without arguments the digital actor's plate is judged as if it were a replacement: what doing nothing scores.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.face.landmarks import Detector, auto_display, default_detector
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.faceset import likeness
from vfx_deepfake.faceset.align import align_matrix, moved, warp_to_crop
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.faceset.persons import PERSON_UNIT
from vfx_deepfake.faceset.spec import DEFAULT_CONFIG
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.model.identity import evaluate

SIDE = 128  # of the aligned crops that features are taken of
OWN = "own features"


def frames_in(folder: Path) -> dict[int, Path]:
    """EXR files by the last number of their names."""
    found = {path: re.findall(r"\d{4,}", path.stem) for path in sorted(folder.glob("*.exr"))}
    return {int(numbers[-1]): path for path, numbers in found.items() if numbers}


class Take:
    """Frames of a folder: log pictures, and the largest face of each with its points; None where there is none."""

    def __init__(self, folder: Path, detector: Detector, space: str, working: str) -> None:
        self.files, self._detector, self._color = frames_in(folder), detector, Color(DEFAULT_CONFIG)
        self._space, self._working = space, working
        self.log: dict[int, np.ndarray] = {}
        self.points: dict[int, np.ndarray | None] = {}

    def read(self, frame: int) -> None:
        """Look at one frame."""
        linear = np.ascontiguousarray(read_exr(self.files[frame]).pixels[..., :3], np.float32)
        found = self._detector.detect(auto_display(linear))
        self.log[frame] = np.asarray(encode_log(linear), np.float32)
        self.points[frame] = max(found, key=lambda face: face.size).points if found else None

    def faces(self, frames: list[int]) -> Faces:
        """Those of the frames that show one, log of the working space."""
        found = []
        for frame in frames:
            if (points := self.points[frame]) is not None:
                shown = np.asarray(decode_log(self.log[frame]), np.float32)
                linear = self._color.convert(shown, self._space, self._working)
                found.append(aligned(np.asarray(encode_log(linear), np.float32), points))
        return Faces.of(found)


@dataclass(frozen=True, eq=False)
class Faces:
    """Aligned crops (N, SIDE, SIDE, 3), log, their points (N, 478, 2) crop px, and where the picture reaches (N, SIDE, SIDE)."""

    images_log: np.ndarray
    points: np.ndarray
    valid: np.ndarray

    @classmethod
    def of(cls, found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Faces:
        """From crop, points and valid of each."""
        return cls(*(np.stack(column) for column in zip(*found, strict=True)))

    def part(self, first: int) -> Faces:
        """Every second one."""
        return Faces(self.images_log[first::2], self.points[first::2], self.valid[first::2])


Read = Callable[[Faces], np.ndarray]  # features (N, D)


def aligned(image_log: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One of Faces: crop, points, valid."""
    matrix = align_matrix(points, SIDE)
    crop, valid = warp_to_crop(image_log, Window.of_image(image_log), matrix, SIDE)
    return crop, moved(points, matrix), valid


def of_faceset(faceset: Faceset) -> Faces:
    """The faceset's crops at the size of the others."""
    return Faces.of([aligned(faceset.image_log(i), faceset.points[i]) for i in range(len(faceset))])


def judge_pictures(result: Take, truth: Take, frames: list[int]) -> dict[str, float]:
    """Picture and performance, means over the frames in which both show a face."""
    rows, shown = [], []
    for frame in frames:
        made, wanted = result.points[frame], truth.points[frame]
        if wanted is None:
            continue
        window = Window.of_image(truth.log[frame])
        face = region_mask(wanted, window, "oval")
        shown.append((result.log[frame], truth.log[frame], face))
        row = {"psnr": evaluate.psnr(*shown[-1]), "ssim": evaluate.ssim(*shown[-1])}
        rows.append(row | (evaluate.performance_error(made, wanted) if made is not None else {}))
    names = dict.fromkeys(name for row in rows for name in row)
    means = {name: float(np.nanmean([row.get(name, math.nan) for row in rows])) for name in names}
    return means | {"flicker": evaluate.flicker(*zip(*shown, strict=True))} if shown else means


def judge_sets(embed: Read, made: Faces, real: Faces) -> dict[str, float]:
    """Figures of two sets of crops."""
    a, b = embed(made), embed(real)
    precision, recall = evaluate.precision_recall(a, b)
    return {"frechet": evaluate.frechet_distance(a, b), "precision": precision, "recall": recall}


def main() -> int:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", nargs="?", type=Path)
    parser.add_argument("truth", nargs="?", type=Path)
    parser.add_argument("faceset", nargs="?", type=Path)
    parser.add_argument("--plate", type=Path)
    parser.add_argument("--inception", type=Path)
    parser.add_argument("--colorspace", default="Linear Rec.709 (sRGB)")
    args = parser.parse_args()
    bench = (
        Path(os.environ.get("VFX_DEEPFAKE_BENCH") or Path(__file__).parents[2] / "shared" / "bench") / "digital_actor"
    )
    result, truth = args.result or bench / "plate_old", args.truth or bench / "truth_swap"
    if not (result.is_dir() and truth.is_dir()):
        print(f"identity_eval: {result} or {truth} is not there; name RESULT and TRUTH, or set VFX_DEEPFAKE_BENCH")
        return 0 if args.result is None else 2
    detector = default_detector()
    faceset = load_faceset(args.faceset) if args.faceset else None
    working = faceset.working if faceset else args.colorspace
    made, wanted = (Take(folder, detector, args.colorspace, working) for folder in (result, truth))
    frames = sorted(made.files.keys() & wanted.files.keys())
    for sequence in (made, wanted):
        for frame in frames:
            sequence.read(frame)
    table({"picture and performance": judge_pictures(made, wanted, frames)})
    crops = {name: one.faces(frames) for name, one in (("result", made), ("truth", wanted))}
    found = {name: len(one.points) for name, one in crops.items()}
    print(f"faces found: result {found['result']}, truth {found['truth']} of {len(frames)} frames")
    embeds: dict[str, Read] = {OWN: lambda faces: likeness.embed(faces.images_log, faces.points, faces.valid)}
    if args.inception:
        network = evaluate.inception(args.inception)
        embeds["inception"] = lambda faces: network(faces.images_log)
    for name, embed in embeds.items():
        table({f"{name}: result against truth": judge_sets(embed, crops["result"], crops["truth"])})
        halves = {
            f"{name}: odd truth frames against even": judge_sets(embed, crops["truth"].part(1), crops["truth"].part(0))
        }
        table(halves)
        if faceset:
            real = embed(of_faceset(faceset))
            rows = dict(crops)
            if args.plate:
                plate = Take(args.plate, detector, args.colorspace, working)
                for frame in frames:
                    plate.read(frame)
                rows["plate"] = plate.faces(frames)
            for who, faces in rows.items():
                table({f"{name}: {who} from the faceset": evaluate.identity_distance(embed(faces), real)})
            if name == OWN:
                print(f"{name}: limit {PERSON_UNIT:.4g}")
    return 0


def table(rows: Mapping[str, Mapping[str, float]]) -> None:
    """Print figures, a line a row."""
    for name, figures in rows.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    sys.exit(main())
