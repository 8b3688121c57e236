"""Grain of scans and photographs, measured, made anew from its model, and measured again: ``python -m benchmarks.grain_real FILE ...``.

A still has no neighbours, so what its flattest blocks vary by stands for its grain. With ``--out`` a picture of each, twenty
times: the file's own beside the grain made anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio

from benchmarks.grain import GRAIN_BAND_DB
from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import LEVELS
from vfx_deepfake.image.grain_fit import fit_grain, measure_blocks
from vfx_deepfake.image.grain_synth import GrainField
from vfx_deepfake.steps.grain_report import radial


def read_still(path: Path) -> np.ndarray:
    """Any picture as log code: DPX codes are log already, others are taken as sRGB, EXR as scene-linear."""
    pixels = np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT))[..., :3]
    if path.suffix == ".dpx":
        return np.ascontiguousarray(pixels, np.float32)
    linear = (
        pixels
        if path.suffix == ".exr"
        else np.where(pixels > 0.04045, ((pixels + 0.055) / 1.055) ** 2.4, pixels / 12.92)
    )
    return np.asarray(encode_log(np.ascontiguousarray(linear, np.float32)))


def show_real(path: Path, out: Path | None) -> None:
    """Grain of a scan or photograph measured, made anew on its smoothed light, and measured in the same way again."""
    image = read_still(path)
    model = fit_grain([measure_blocks(image, [])])
    if model.clean:
        print(f"real: {path.name}: no grain found")
        return
    light = cv2.GaussianBlur(image, (0, 0), 8.0)
    remade = light + model.sigma_log(light) * GrainField(model, path.stem).at(1, Window.of_image(image))
    again = fit_grain([measure_blocks(remade, [])])
    seen = [np.quantile(light[..., c], (0.05, 0.95)) for c in range(3)]
    shown = np.array([(low <= LEVELS) & (high >= LEVELS) for low, high in seen])
    ratio = np.asarray(again.sigma)[shown] / np.asarray(model.sigma)[shown]
    power = [radial(m)[1][2:] for m in (model, again)]
    decibel = 10 * np.log10(power[1] / power[0])[power[0] > power[0].max() * 10 ** (-GRAIN_BAND_DB / 10)]
    mix = np.asarray(again.correlation) - np.asarray(model.correlation)
    middle = [float(np.median(np.asarray(model.sigma)[c][shown[c]])) for c in range(3)]
    print(f"real: {path.name} {image.shape[1]} x {image.shape[0]}: level {np.round(middle, 4)}, between channels"
          f" {np.round(np.asarray(model.correlation)[np.triu_indices(3, 1)], 2)}; made anew: level {ratio.min():.3f} to {ratio.max():.3f}"
          f" of it, spectrum within {np.abs(decibel).max():.2f} dB, correlation within {np.abs(mix).max():.3f}", flush=True)  # fmt: skip
    if out is not None:
        rest = np.concatenate([image - light, remade - light], axis=int(image.shape[1] < 4 * image.shape[0]))
        cv2.imwrite(str(out / f"{path.stem}.png"), np.clip(128 + 20 * 255 * rest[..., ::-1], 0, 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if not args.files:
        print("real grain: no scans or photographs named, nothing measured")
    for path in args.files:
        show_real(path, args.out)


if __name__ == "__main__":
    main()
