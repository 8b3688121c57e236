#!/usr/bin/env python3
"""The mesh renderer on the digital actor: another identity's face against exact truth.

    python -m benchmarks.identity ACTOR METRICS FACESET OUT [--cpu-seconds N] [--size PX] [--capacity NAME]
        [--no-real-crops] [--warm] [--every N] [--source NAME] [--turned right|left]

ACTOR holds plate_old and truth_swap, METRICS is the bench's metrics.py, FACESET a built faceset of the identity. The plate is tracked
as a shot is; the faceset alone is learnt from, the truth is only measured against. Prints the row of metrics.py before any
training (colours under light; with --warm what the shipped base adds) and after N CPU seconds of training, preparation not counted.
--source and --turned cut the faceset to the crops of one source, and to the half that is turned farthest to one side.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.face.landmarks import auto_display
from vfx_deepfake.face.tracker import track_shot
from vfx_deepfake.faceset.align import align_matrix, aligned_pose, moved, warp_from_crop, warp_to_crop
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.faceset.spec import DEFAULT_CONFIG
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, read_exr, write_exr
from vfx_deepfake.model.checkpoint import read_notes
from vfx_deepfake.model.identity.method import Drive, Method, Options, ShotViews, View
from vfx_deepfake.model.identity.registry import prepare
from vfx_deepfake.model.identity.warm_start import load_into, shared_of
from vfx_deepfake.model.library import shipped
from vfx_deepfake.settings import TrackSpec

SPACE = "Linear Rec.709 (sRGB)"  # of the actor's pictures
RATE = 1e-3
WARM_UP_STEPS = 50
FALLS_FROM = 0.6  # of the time: from there the rate falls to a twentieth, half a cosine
AVERAGE = 0.99


class Plate:
    """The plate's frames, in the faceset's working space, and its face."""

    def __init__(self, folder: Path, size: int, working: str) -> None:
        self.size, self.working, self.color = size, working, Color(DEFAULT_CONFIG)
        self.files = {int(re.findall(r"\d{4,}", path.stem)[-1]): path for path in sorted(folder.glob("*.exr"))}
        self.track, _ = track_shot(sorted(self.files), self._display, TrackSpec())

    @lru_cache(maxsize=64)  # noqa: B019 - one object for the whole run
    def log(self, frame: int) -> np.ndarray:
        """(H, W, 3) log."""
        linear = np.asarray(read_exr(self.files[frame]).pixels[..., :3], np.float32)
        return np.asarray(encode_log(self.color.convert(linear, SPACE, self.working)), np.float32)

    def _display(self, frame: int) -> tuple[np.ndarray, Window]:
        picture = self.linear(self.log(frame))
        return auto_display(picture), Window.of_image(picture)

    def linear(self, log: np.ndarray) -> np.ndarray:
        """(H, W, 3) log in the working space to linear as the actor's pictures are."""
        return self.color.convert(np.asarray(decode_log(log), np.float32), self.working, SPACE)

    def matrix(self, frame: int) -> np.ndarray:
        """Plate px to view px."""
        return align_matrix(self.track.points_at(frame), self.size)

    def view(self, frame: int) -> View:
        """The aligned view of a frame."""
        picture, matrix = self.log(frame), self.matrix(frame)
        crop, valid = warp_to_crop(picture, Window.of_image(picture), matrix, self.size)
        points = moved(self.track.points_at(frame), matrix).astype(np.float32)
        return View(crop, points, aligned_pose(points), valid)

    def shot(self) -> ShotViews:
        """The whole of it."""
        return ShotViews([int(frame) for frame in self.track.face_frames], self.view)


def cut(faceset: Faceset, source: str, turned: str) -> Faceset:
    """What of a faceset is learnt from: crops whose source is named so, and the half of them with the larger or smaller yaw."""
    kept = np.array([index for index, crop in enumerate(faceset.crops) if source in crop.source])
    yaw = faceset.pose[kept, 0]
    if turned:
        kept = kept[yaw > np.median(yaw)] if turned == "right" else kept[yaw < np.median(yaw)]
    crops = tuple(faceset.crops[index] for index in kept)
    return replace(faceset, crops=crops, points=faceset.points[kept], pose=faceset.pose[kept], _kept=OrderedDict())


def render(method: Method, plate: Plate, out: Path, every: int) -> None:
    """Frames with the made face laid over the plate under its matte."""
    out.mkdir(parents=True, exist_ok=True)
    for frame in plate.shot().frames[::every]:
        made, picture = method.make(plate.view(frame), Drive()), plate.log(frame)
        window = Window.of_image(picture)
        laid = warp_from_crop(np.dstack([made.picture_log, made.matte]), plate.matrix(frame), window)
        matte = np.clip(laid[..., 3:], 0, 1)
        linear = plate.linear(picture + matte * (laid[..., :3] - picture))
        write_exr(out / f"made.{frame}.exr", [Part("", linear, ("R", "G", "B"), window)], window, {})


def train(method: Method, seconds: float) -> int:
    """Steps that CPU time allows; the averaged weights stay in the network."""
    weights: list[torch.Tensor] = [one for one in method.network.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=1e-4)
    mean = [one.detach().clone() for one in weights]
    start, step = time.process_time(), 0
    while (share := (time.process_time() - start) / seconds) < 1:
        step += 1
        fall = 0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * max(share - FALLS_FROM, 0) / (1 - FALLS_FROM)))
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(step / WARM_UP_STEPS, 1) * fall
        method.network.train()
        optimiser.zero_grad(set_to_none=True)
        method.step_loss(step).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(mean, weights, 1 - min(AVERAGE, step / (step + 9)))
    with torch.no_grad():
        for weight, average in zip(weights, mean, strict=True):
            weight.copy_(average)
    return step


def judge(options: argparse.Namespace, name: str, folder: Path) -> None:
    """Print the row of metrics.py in log."""
    command = [sys.executable, options.metrics, "--result", folder, "--truth", options.actor / "truth_swap", "--plate"]
    command += [
        options.actor / "plate_old",
        "--landmarks",
        options.actor / "plate_old" / "mediapipe.npz",
        "--name",
        name,
    ]
    rows = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
    print("\n".join(rows.splitlines()[:2]), flush=True)


def main() -> None:
    """Prepare, judge, train, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("actor", "metrics", "faceset", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--cpu-seconds", type=float, default=600)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--capacity", default="small")
    parser.add_argument("--no-real-crops", action="store_true")
    parser.add_argument("--warm", action="store_true", help="start from the shipped base")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--source", default="", help="crops of sources with this in their name alone")
    parser.add_argument("--turned", default="", choices=("", "left", "right"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    faceset = cut(load_faceset(options.faceset), options.source, options.turned)
    plate = Plate(options.actor / "plate_old", options.size, faceset.working)
    start = time.process_time()
    setup = Options(
        size=options.size, capacity=options.capacity, real_crops=not options.no_real_crops, device="cpu",
    )  # fmt: skip
    method = prepare("renderer", [faceset], options=setup)
    if options.warm and (base := shipped("renderer")) is not None:
        print(f"from the base: {load_into(method.network, base.file, shared_of(method))}")
        method.start_from(read_notes(base.file))  # type: ignore[attr-defined]
    print(f"prepared in {time.process_time() - start:.0f} CPU s")
    for name, seconds in (("untrained", 0.0), ("trained", options.cpu_seconds)):
        if name == "trained" and not seconds:
            break
        if seconds:
            print(f"{train(method, seconds)} steps in {seconds:.0f} CPU s")
        start = time.process_time()
        method.adapt(plate.shot())
        render(method, plate, options.out / name, options.every)
        if isinstance(gate := getattr(method.network, "gate", None), torch.Tensor):
            print(f"let through: {gate.tolist()}")
        print(f"adapted and rendered in {time.process_time() - start:.0f} CPU s")
        judge(options, name, options.out / name)


if __name__ == "__main__":
    main()
