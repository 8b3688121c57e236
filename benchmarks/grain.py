#!/usr/bin/env python3
"""Degraining and regraining of the digital actor, judged against grain that is known: ``python -m benchmarks grain``.

    python -m benchmarks.grain [--out OUT] [--bench FOLDER] [--frames 1003,1004,...] [--only model,degrain,regrain]

The bench's ``add_grain.py`` makes the plate from the clean old face. The comp is the exact young face, clean, and what
regraining gives it is judged against what add_grain.py would have given it, inside the face oval, in bands of light:

- level     deviation over the true one, by band and channel; goal within 3 %
- spectrum  largest difference in dB over the grain band (where the true power is within 15 dB of its largest); goal 0.5
- mix       largest difference of the channels' correlation; goal 0.03
- lag       correlation of a pixel's grain with the next frame's; goal 0.02. ``along``: the same along the motion

Peer: DasGrain's rule as its public description has it (written here from the description): the residual normalised by a response of
20 buckets of light in LogC, put back at the comp's response, floor 0.01 in linear light. FOLDER defaults to VFX_DEEPFAKE_BENCH.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks._actor import Material, make_grained, true_sigma
from benchmarks.deage import bench_folder
from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import degrain, measure_shot, motion
from vfx_deepfake.image.flow import sample
from vfx_deepfake.image.grain import LEVELS, GrainModel, lin_per_log
from vfx_deepfake.image.grain_measure import channel_correlation, lag1_correlation, level_by_band, radial_spectrum
from vfx_deepfake.image.regrain import Regrainer

EDGES = np.arange(0.25, 0.75, 0.05)  # bands of light, log code
LEAST_PX = 20_000  # of a band over all frames: 5,000 grains, 1 % by chance in the truth and in what is judged
GRAIN_BAND_DB = 15.0

Ways = dict[str, Callable[..., np.ndarray]]  # as Regrainer.grain


def show_model(model: GrainModel) -> None:
    truth = true_sigma(decode_log(LEVELS)[:, None]) / lin_per_log(LEVELS)[:, None]
    ratio = np.asarray(model.sigma).T / truth
    print("model: measured level over the true one, by light (log code)")
    for light in np.arange(0.2, 0.81, 0.1):
        row = ratio[int(np.argmin(np.abs(LEVELS - light)))]
        print(f"  {light:.2f}  " + "  ".join(f"{value:.3f}" for value in row))
    mix = np.asarray(model.correlation)[np.triu_indices(3, 1)]
    print(f"  between channels {np.round(mix, 3)} (true 0.25), frame to frame {np.round(model.lag1, 3)}", flush=True)


def psnr(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a[where] - b[where]) ** 2)))


def show_degraining(material: Material, frames: Sequence[int], model: GrainModel) -> None:
    """Log PSNR of the degrained plate against the clean one; the peers at their best over a grid of strengths."""
    ways: dict[str, Callable[[int, Window, np.ndarray], np.ndarray]] = {
        "nothing": lambda frame, window, image: image,
        "ours": lambda frame, window, image: degrain(material.read, material.frames, frame, window, model),
    }
    for strength in (0.01, 0.015, 0.02, 0.03):
        for reach in (1.0, 1.5, 2.5):
            ways[f"bilateral {strength} {reach}"] = partial(_bilateral, strength=strength, reach=reach)
    for peak in (50, 100, 150, 200, 300):
        ways[f"non-local means {peak}"] = partial(_non_local, strength=peak)
    found: dict[str, list[float]] = {name: [] for name in ways}
    structure, structure_true = [], []
    for frame in frames:
        window, where = material.face(frame)
        clean = cut(material.log("plate_old", frame), Window.of_image(material.log("plate_old", frame)), window)
        grained = material.read(frame, window)
        for name, way in ways.items():
            made = way(frame, window, grained)
            found[name].append(psnr(made, clean, where))
            if name == "ours":
                structure.append(picture_in(grained - made, steady_picture(material, frame, window), where))
                structure_true.append(picture_in(grained - clean, steady_picture(material, frame, window), where))
    print(f"degraining: log PSNR against the clean plate, {len(frames)} frames (mean, worst)")
    best = {
        max((n for n in found if n.startswith(kind)), key=lambda n: np.mean(found[n]))
        for kind in ("nothing", "ours", "bil", "non")
    }
    for name in sorted(best, key=lambda n: np.mean(found[n])):
        print(f"  {name:24} {np.mean(found[name]):6.2f} {np.min(found[name]):6.2f}")
    for name, rows in (("residual", structure), ("true grain", structure_true)):
        print(f"  picture in the {name} (correlation with detail where it is flat, textured, edges):",
              np.round(np.mean(rows, axis=0), 3), flush=True)  # fmt: skip


def _bilateral(frame: int, window: Window, image: np.ndarray, *, strength: float, reach: float) -> np.ndarray:
    return np.asarray(cv2.bilateralFilter(image, -1, strength, reach))


def _non_local(frame: int, window: Window, image: np.ndarray, *, strength: float) -> np.ndarray:
    codes = np.clip(image * 65535, 0, 65535).astype(np.uint16)
    denoise = cv2.fastNlMeansDenoising
    planes = [
        denoise(
            np.ascontiguousarray(codes[..., c]),
            [float(strength)],
            templateWindowSize=5,
            searchWindowSize=15,
            normType=cv2.NORM_L1,
        )
        for c in range(3)
    ]
    return np.stack(planes, -1).astype(np.float32) / 65535


def picture_in(residual: np.ndarray, picture: np.ndarray, where: np.ndarray) -> list[float]:
    """Correlation of the residual with a picture's detail where that is flat, textured and has edges."""
    detail = picture - cv2.GaussianBlur(picture, (0, 0), 2.0)
    strength = cv2.GaussianBlur(np.square(detail).mean(axis=-1), (0, 0), 3.0)
    marks = np.quantile(strength[where], (0, 0.5, 0.9, 1))
    parts = [where & (strength >= low) & (strength <= high) for low, high in itertools.pairwise(marks)]
    return [float(np.mean(np.diagonal(_between(residual[part], detail[part])))) for part in parts]


def steady_picture(material: Material, frame: int, window: Window) -> np.ndarray:
    """What the clean plate's neighbours say a frame shows: without its render noise, which is new in every frame."""
    wide = window.expand(16)
    centre, *others = (
        cut(material.log("plate_old", f), Window.of_image(material.log("plate_old", f)), wide)
        for f in (frame, *(frame + step for step in (-2, -1, 1, 2) if frame + step in material.frames))
    )
    carried = [sample(other, wide, motion(centre, other, wide)) for other in others]
    return cut(np.asarray(sum(carried) / len(carried), np.float32), wide, window)


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.corrcoef(a.T, b.T)[:3, 3:]


@dataclass(frozen=True)
class Comp:
    """One frame of the comp: what each way gave it, in log code at the comp's own light."""

    frame: int
    window: Window
    where: np.ndarray
    light: np.ndarray
    grains: dict[str, np.ndarray]


def dasgrain(plate: np.ndarray, degrained: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """The peer's rule on one frame, scene-linear."""
    floor, residual, out = 0.01, plate - degrained, np.empty_like(plate)
    for channel in range(3):
        light = logc(degrained[..., channel])
        bucket = np.clip((light * 20).astype(int), 0, 19)
        count = np.bincount(bucket.ravel(), minlength=20)
        total = np.bincount(bucket.ravel(), np.abs(residual[..., channel]).ravel(), minlength=20)
        known = count > 0
        response = np.interp(np.arange(20), np.flatnonzero(known), (total[known] / count[known]))
        curve = lambda value, r=response: np.interp(logc(value), (np.arange(20) + 0.5) / 20, r)  # noqa: E731
        normal = residual[..., channel] * floor / np.maximum(curve(degrained[..., channel]), floor)
        out[..., channel] = normal * curve(clean[..., channel]) / floor
    return out


def logc(linear: np.ndarray) -> np.ndarray:
    """ARRI LogC3 EI 800, from the manufacturer's white paper."""
    high = 0.247190 * np.log10(np.maximum(5.555556 * linear + 0.052272, 1e-6)) + 0.385537
    return np.where(linear > 0.010591, high, 5.367655 * linear + 0.092809)


def comp_of(material: Material, frame: int, model: GrainModel, ways: Ways) -> Comp:
    """The exact young face under the grain of every way, and the true one: the plate's, at the new light."""
    window, where = material.face(frame)
    full = Window.of_image(material.linear("plate_old", frame))
    plate, old, young = (cut(material.linear(n, frame), full, window) for n in ("grained", "plate_old", "truth_young"))
    degrained = decode_log(degrain(material.read, material.frames, frame, window, model))
    grains = {"true": (plate - old) * true_sigma(young) / true_sigma(old)}
    matte = np.ones(window.shape, np.float32)
    grains |= {name: way(frame, plate, degrained, young, matte, window) for name, way in ways.items()}
    light = np.asarray(encode_log(young), np.float32)
    return Comp(
        frame, window, where, light, {n: (g / lin_per_log(light)).astype(np.float32) for n, g in grains.items()}
    )


def show_regraining(material: Material, frames: Sequence[int], model: GrainModel) -> None:
    """Every way's figures; see the head of this file."""
    ways: Ways = {"dasgrain": lambda frame, plate, degrained, clean, matte, window: dasgrain(plate, degrained, clean)}
    ways |= {method: Regrainer(model, method, seed="bench").grain for method in ("plate", "synth", "auto")}
    names = ["true", *ways]
    lags: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in names}
    comps: list[Comp] = []
    for frame in frames:
        comps.append(comp_of(material, frame, model, ways))
        if len(comps) > 1 and comps[-2].frame == frame - 1:
            for name in names:
                lags[name].append(_lags(comps[-2], comps[-1], name))
    height, width = (max(comp.window.shape[axis] for comp in comps) for axis in (0, 1))
    light = _stacked([comp.light for comp in comps], height, width)
    where = _stacked([comp.where[..., None] for comp in comps], height, width)[..., 0] > 0
    truth = _stacked([comp.grains["true"] for comp in comps], height, width)
    print(f"regraining: the exact young face, {len(frames)} frames; goal: level 3 %, 0.5 dB, 0.03, 0.02")
    for name in names[1:]:
        report(name, _stacked([comp.grains[name] for comp in comps], height, width), truth, light, where, lags[name])


def _stacked(images: Sequence[np.ndarray], height: int, width: int) -> np.ndarray:
    return np.concatenate(
        [np.pad(i, ((0, height - i.shape[0]), (0, width - i.shape[1]), (0, 0))) for i in images]
    ).astype(np.float32)


def _lags(before: Comp, now: Comp, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Correlation with the frame before at the same pixels, and carried along the motion of the comp."""
    same = cut(before.grains[name], before.window, now.window)
    both = now.where & (cut(before.where.astype(np.float32), before.window, now.window) > 0)
    moved = sample(same, now.window, motion(now.light, cut(before.light, before.window, now.window), now.window))
    return lag1_correlation(same, now.grains[name], both), lag1_correlation(moved, now.grains[name], both)


def report(
    name: str,
    grain: np.ndarray,
    truth: np.ndarray,
    light: np.ndarray,
    where: np.ndarray,
    lags: Sequence[tuple[np.ndarray, np.ndarray]],
) -> None:
    """Print how far one way's grain is from the true one; bands with few pixels are left out."""
    levels, _ = level_by_band(grain, light, where, EDGES)
    wanted, counts = level_by_band(truth, light, where, EDGES)
    ratio = np.where(counts >= LEAST_PX, levels / wanted, np.nan)
    _, power = radial_spectrum(grain, where)
    _, true_power = radial_spectrum(truth, where)
    decibel = 10 * np.log10(power / true_power)
    band = true_power > true_power.max(axis=0) * 10 ** (-GRAIN_BAND_DB / 10)
    mix = channel_correlation(grain, where) - channel_correlation(truth, where)
    same, along = np.mean(lags, axis=0)
    print(f"  {name:9} level off by {100 * np.nanmax(np.abs(ratio - 1)):5.1f} %  spectrum {np.abs(decibel[band]).max():5.2f} dB"
          f"  mix {np.abs(mix).max():.3f}  lag {np.abs(same).max():.3f}  along {along.mean():+.3f}")  # fmt: skip
    for low, row, seen in zip(EDGES, ratio, counts, strict=False):
        if np.isfinite(row).any():
            print(
                f"      {low:.2f}-{low + 0.05:.2f}  "
                + "  ".join(f"{v:5.3f}" for v in row)
                + f"   {seen.min()} px or more"
            )
    print("      dB by frequency, green: " + " ".join(f"{v:+.1f}" for v in decibel[:, 1]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--bench", default="")
    parser.add_argument("--frames", default="1006,1007,1008,1014,1015,1016,1022,1023,1024")
    parser.add_argument("--only", default="model,degrain,regrain")
    args = parser.parse_args()
    only, frames = args.only.split(","), [int(frame) for frame in args.frames.split(",")]
    bench = bench_folder(args.bench)
    with tempfile.TemporaryDirectory() as scratch:
        material = make_grained(bench, args.out or Path(scratch))
        full = Window.of_image(material.linear("grained", frames[0]))
        model = measure_shot(material.read, material.frames, material.frames, full)
        if "model" in only:
            show_model(model)
        if "degrain" in only:
            show_degraining(material, frames, model)
        if "regrain" in only:
            show_regraining(material, frames, model)


if __name__ == "__main__":
    main()
