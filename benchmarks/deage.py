#!/usr/bin/env python3
"""De-aging of the digital actor from a few painted frames, judged against exact truth, step by step.

    python benchmarks/deage.py --out OUT [--bench FOLDER] [--keys 1001,1009,1017,1025,1032] [--steps 1500] [--grain]
                               [--only mesh,flow,split,network] [--precision bfloat16]

Tracks the plate with the package's own tracker, then makes every frame in up to eight ways, each adding one idea to the one
before, and judges them with the bench's own ``metrics.py`` (key frames left out):

- mesh        plain log difference of the nearest painted frames, carried by the tracked mesh
- flow        the same with dense flow on top
- split       shape change and look carried apart, candidates weighed: what ``method = "propagate"`` does
- network     with the network; no-coordinates, no-agreement, no-rehearsal: the network with one idea taken away
  ungated: the network let go everywhere; reweigh: a network that may shift the candidates' weights too

FOLDER defaults to VFX_DEEPFAKE_BENCH. With --grain the bench's add_grain.py makes the plate and the painted frames (same
seed: the painting has the plate's own grain), and the *degrained* result is judged against the clean truth.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.image.crop import Window, paste
from vfx_deepfake.media.exr import Part, read_exr, write_exr
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model import dataset as lessons
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.network import Design
from vfx_deepfake.model.paint import PaintedKey
from vfx_deepfake.model.predict import FaceModel, Prediction
from vfx_deepfake.model.propagate import motion, nearest_keys, propagate
from vfx_deepfake.model.train import AGREEMENT_SHARE, load_network, train_network
from vfx_deepfake.naming import frame_path
from vfx_deepfake.progress import Silent
from vfx_deepfake.settings import TrainSpec
from vfx_deepfake.steps.init import InitRequest, init_shot
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.shot_crops import open_crops
from vfx_deepfake.steps.track import track_stage

SPACE = "Linear Rec.709 (sRGB)"
KEYS = "1001,1009,1017,1025,1032"
NEARLY_BLACK, RIM_PX = 1e-3, 8
WAYS = ("mesh", "flow", "split", "network", "ungated", "reweigh", "no-coordinates", "no-agreement", "no-rehearsal")
LOGS = ("psnr", "psnr_worst", "ssim", "sharp", "gms", "flicker")


def bench_folder(given: str) -> Path:
    folder = Path(given or os.environ.get("VFX_DEEPFAKE_BENCH") or Path(__file__).parents[2] / "shared" / "bench")
    if not (folder / "metrics.py").is_file():
        sys.exit(f"{folder}: holds no metrics.py; name the benchmark folder with --bench or VFX_DEEPFAKE_BENCH")
    return folder


def frames_in(folder: Path) -> dict[int, Path]:
    return {int(re.findall(r"\d{4,}", path.name)[-1]): path for path in sorted(folder.glob("*.exr"))}


def make_shot(bench: Path, out: Path, keys: list[int], grain: bool) -> OpenShot:
    """A shot folder on the bench's plate with the truth as painted frames, each cropped to the box it is not black in."""
    actor = bench / "digital_actor"
    plate, truth = actor / "plate_old", actor / "truth_young"
    if grain:
        for name in ("plate_old", "truth_young"):
            if not (out / name).is_dir():
                subprocess.run([sys.executable, bench / "add_grain.py", actor / name, out / name], check=True)
        plate, painted = out / "plate_old", out / "truth_young"
    else:
        painted = truth
    shot = out / f"shot_{len(keys)}"
    pattern = re.sub(r"\d{4}\.exr$", "####.exr", str(next(iter(frames_in(plate).values()))))
    if not (shot / "shot.toml").is_file():
        init_shot(
            InitRequest(
                folder=shot,
                template="keyframe_deage",
                plate=pattern,
                colorspace=SPACE,
                overrides=(f"color.working={SPACE}", "keyframes.pattern=keyframes/key.####.exr"),
            )
        )
        clean, sources = frames_in(truth), frames_in(painted)
        for key in keys:
            write_key(sources[key], clean[key], frame_path(str(shot / "keyframes" / "key.####.exr"), key))
    opened = open_shot(shot / "shot.toml")
    track_stage(opened, Silent())
    return opened


def write_key(painted: Path, clean: Path, path: Path) -> None:
    """The painted frame over the box that the clean truth is not black in; compression leaves a dirty rim, cut off too."""
    lit = read_exr(clean).pixels[..., :3].max(axis=2) > NEARLY_BLACK
    rows, columns = (np.flatnonzero(lit.mean(axis=axis) > 0.5 * lit.mean(axis=axis).max()) for axis in (1, 0))
    frame = read_exr(painted)
    box = Window(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1).expand(-RIM_PX)
    pixels = np.ascontiguousarray(frame.pixels[box.slices(frame.data_window)])
    write_exr(path, [Part("", pixels, frame.channels, box)], frame.display_window)


class PlainDelta(FaceModel):
    """The painted log difference of the nearest frames, not taken apart; with or without flow."""

    def __init__(self, source: CropSource, flow_passes: int) -> None:
        super().__init__(source)
        self.flow_passes = flow_passes

    def predict(self, frame: int) -> Prediction:
        """As FaceModel."""
        source = self.source
        crop = source.crop(frame)
        keys = [(as_plain(source.key(key)), share) for key, share in nearest_keys(frame, source.keyframes)]
        maps = [motion(crop, key.crop, source.mesh, self.flow_passes) for key, _ in keys]
        stack = propagate(crop, keys, source.mesh, maps=maps)
        weights = stack.weights[0::2] + stack.weights[1::2]  # of moved plate + look alone
        picture = (weights[..., None] * stack.candidates[0::2]).sum(axis=0)
        return Prediction(picture - crop.image_log, stack.matte, stack.confidence, crop.window)


def as_plain(key: PaintedKey) -> PaintedKey:
    return replace(key, shift=np.zeros_like(key.shift))


def write_result(opened: OpenShot, source: CropSource, model: FaceModel, folder: Path) -> float:
    """The clean comp C of every frame; returns seconds a frame of predicting."""
    folder.mkdir(parents=True, exist_ok=True)
    seconds = 0.0
    for frame in opened.frames:
        plate = opened.plate.read(frame)
        began = time.monotonic()
        made = model.predict(frame)
        seconds += time.monotonic() - began
        clean_log = source.crop(frame).image_log
        clean = decode_log(clean_log)
        comp = clean + made.matte[..., None] * (decode_log(clean_log + made.delta_log) - clean)
        pixels = np.ascontiguousarray(plate.pixels[..., :3])
        paste(pixels, plate.data_window, comp.astype(np.float32), made.window)
        write_exr(
            folder / f"result.{frame}.exr",
            [Part("", pixels, ("R", "G", "B"), plate.data_window, half=False)],
            plate.display_window,
        )
    return seconds / len(opened.frames)


def judge(bench: Path, result: Path, name: str, keys: str) -> tuple[dict[str, float], list[float]]:
    """The figures of a result, and the PSNR of each of its frames."""
    actor, report = bench / "digital_actor", result.with_suffix(".json")
    command: list[str | Path] = [sys.executable, bench / "metrics.py", "--result", result]
    command += ["--truth", actor / "truth_young", "--plate", actor / "plate_old"]
    command += ["--landmarks", actor / "plate_old" / "mediapipe.npz"]
    subprocess.run(
        [*command, "--exclude", keys, "--name", name, "--json", report], check=True, stdout=subprocess.DEVNULL
    )
    data = json.loads(report.read_text())
    frames = [row["log"]["psnr"] for row in data["per_frame"].values()]
    return {kind: data["summary"]["log"][kind] for kind in LOGS}, frames


def train(source: CropSource, args: argparse.Namespace, folder: Path, way: str) -> tuple[Path, float, float]:
    """Train one variant; returns its checkpoint, wall and CPU seconds."""
    spec = TrainSpec(steps=args.steps, seed=args.seed, save_every=max(args.steps // 4, 1), device="cpu")
    kept = lessons.MOST_REHEARSED
    lessons.MOST_REHEARSED = 0 if way == "no-rehearsal" else kept
    began, began_cpu = time.monotonic(), time.process_time()
    try:
        path = train_network(
            source, spec, folder, precision=args.precision, design=Design(coordinates=way != "no-coordinates", selection=way == "reweigh"),
            agreement_share=0 if way == "no-agreement" else AGREEMENT_SHARE,
        )  # fmt: skip
    finally:
        lessons.MOST_REHEARSED = kept
    return path, time.monotonic() - began, time.process_time() - began_cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bench", default="")
    parser.add_argument("--keys", default=KEYS)
    parser.add_argument("--steps", type=int, default=TrainSpec().steps)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--grain", action="store_true")
    parser.add_argument("--only", default=",".join(WAYS), help=f"of {', '.join(WAYS)}")
    args = parser.parse_args()
    bench, keys = bench_folder(args.bench), [int(key) for key in args.keys.split(",")]
    opened = make_shot(bench, args.out, keys, args.grain)
    source = open_crops(opened).source
    ways: dict[str, Callable[[], FaceModel]] = {
        "mesh": lambda: PlainDelta(source, 0),
        "flow": lambda: PlainDelta(source, 1),
        "split": lambda: FaceModel(source),
    }
    print(
        f"{'way':16} {'psnr':>6} {'worst':>6} {'ssim':>7} {'sharp':>6} {'gms':>6} {'flicker':>8}  s/frame  below split"
    )
    floor: list[float] = []
    for way in args.only.split(","):
        note = ""
        if way in ways:
            model = ways[way]()
        else:
            folder = args.out / f"run_{len(keys)}_{'network' if way == 'ungated' else way}"
            path, wall, cpu = train(source, args, folder, way)
            network = load_network(path, "cpu")
            gate = [round(value, 2) for value in network.gate.tolist()]
            if way == "ungated":
                network.gate.fill_(1.0)
            model = FaceModel(source, network)
            note = f"  gate {gate}, trained {wall:.0f} s wall, {cpu:.0f} s CPU, check {checkpoint.read(path).notes['check']}"
        result = args.out / f"{way}_{len(keys)}"
        per_frame = write_result(opened, source, model, result)
        figures, each = judge(bench, result, way, args.keys)
        floor = each if way == "split" else floor
        worst = min(np.subtract(each, floor)) if floor else float("nan")
        print(f"{way:16} {figures['psnr']:6.2f} {figures['psnr_worst']:6.2f} {figures['ssim']:7.4f} {figures['sharp']:6.3f} "
              f"{figures['gms']:6.3f} {figures['flicker']:8.5f} {per_frame:8.2f} {worst:+7.2f}{note}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
