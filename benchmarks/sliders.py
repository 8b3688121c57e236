"""What each slider does to a plate: a sheet of before and after, and how steady it is.

    python -m benchmarks.sliders --out OUT [--plate "DIR/NAME.####.exr"] [--colorspace NAME] [--frame N] [--frames 8] [--only jaw,...]

Without a plate the digital actor's old one is taken (VFX_DEEPFAKE_BENCH). OUT/sheet.png has a pair a slider, at both ends where
both mean something; OUT keeps the track. The table has, over ``--frames`` neighbouring frames:

- change   mean absolute change of log code under the matte (a stop is 0.057), by the slider at its end
- unsteady difference of the change between neighbouring frames along the plate's own flow, over the change itself
- flicker  difference of the result between neighbours along its own flow, over the same of the plate; 1 is as steady
- s        CPU seconds a frame
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import dense_flow, identity_map, matching_grey, sample
from vfx_deepfake.media.sheet import write_png
from vfx_deepfake.media.text import draw_text, font
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.sliders import SliderModel
from vfx_deepfake.progress import Silent
from vfx_deepfake.settings import BeautySpec
from vfx_deepfake.steps.init import InitRequest, init_shot
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.shot_crops import open_crops
from vfx_deepfake.steps.track import track_stage
from vfx_deepfake.tables import build

COLUMNS = 5
SPACE = "Linear Rec.709 (sRGB)"
ENDS: dict[str, dict[str, Any]] = {
    "wrinkles 1": {"wrinkles": {"face": 1.0}},
    "wrinkles -1": {"wrinkles": {"face": -1.0}},
    "crow's feet, under eye 1": {"wrinkles": {"crows_feet": 1.0, "under_eye": 1.0}},
    "forehead 1": {"wrinkles": {"forehead": 1.0}},
    "spots 1": {"spots": {"face": 1.0}},
    "blotches 1": {"blotches": {"face": 1.0}},
    "eye bags 1": {"folds": {"eye_bags": 1.0}},
    "nasolabial fold 1": {"folds": {"nasolabial": 1.0}},
    "jaw 1": {"lift": {"jaw": 1.0}},
    "jaw -1": {"lift": {"jaw": -1.0}},
    "cheeks 1": {"lift": {"cheeks": 1.0}},
    "lids 1": {"lift": {"lids": 1.0}},
    "smile 1": {"expression": {"smile": 1.0}},
    "smile -1": {"expression": {"smile": -1.0}},
    "brows 1": {"expression": {"brows": 1.0}},
    "brows -1": {"expression": {"brows": -1.0}},
    "eyes 1": {"expression": {"eyes": 1.0}},
    "eyes -1": {"expression": {"eyes": -1.0}},
    "lips 1": {"expression": {"lips": 1.0}},
    "lips -1": {"expression": {"lips": -1.0}},
    "key 1 from the right": {"light": {"key": 1.0, "azimuth": 60.0, "elevation": 20.0}},
    "key -1 from the left": {"light": {"key": -1.0, "azimuth": -60.0, "elevation": 20.0}},
    "fill 0.5": {"light": {"fill": 0.5}},
    "younger": {
        "wrinkles": {"face": 0.5, "crows_feet": 0.4, "under_eye": 0.4, "nasolabial": 0.3},
        "spots": {"face": 0.6},
        "blotches": {"face": 0.5},
        "folds": {"eye_bags": 0.6, "nasolabial": 0.6},
        "lift": {"jaw": 0.5, "cheeks": 0.3, "lids": 0.4},
    },
}


def open_plate(args: argparse.Namespace) -> OpenShot:
    """A tracked shot folder below ``--out``."""
    plate, space = args.plate, args.colorspace
    if not plate:
        bench = Path(os.environ.get("VFX_DEEPFAKE_BENCH") or Path(__file__).parents[2] / "shared" / "bench")
        plate, space = str(bench / "digital_actor" / "plate_old" / "plate_old.####.exr"), SPACE
        if not Path(plate).parent.is_dir():
            sys.exit(f"{bench}: holds no digital_actor; give --plate, or name the folder with VFX_DEEPFAKE_BENCH")
    file = args.out / "shot.toml"
    if not file.is_file():
        init_shot(InitRequest(folder=args.out, template="beauty", plate=plate, colorspace=space))
    opened = open_shot(file)
    track_stage(opened, Silent())
    return opened


@dataclass(frozen=True)
class Made:
    """One frame: the plate, what the slider made of it, and where it changed the face."""

    plate_log: np.ndarray
    delta_log: np.ndarray
    changed: np.ndarray

    @property
    def result_log(self) -> np.ndarray:
        """The clean comp."""
        return self.plate_log + self.delta_log


def carried(image: np.ndarray, first_log: np.ndarray, second_log: np.ndarray) -> np.ndarray:
    """A picture of the second frame on the first one's pixels."""
    window = Window.of_image(image)
    flow = dense_flow(matching_grey(first_log), matching_grey(second_log))
    return sample(image, window, identity_map(window) + flow)


def unlike(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> float:
    """Mean difference of two pictures along the motion between them."""
    return float(np.abs(carried(second, first, second) - first)[where].mean())


def measure(model: SliderModel, frames: Sequence[int]) -> dict[str, float]:
    """The row of one slider."""
    rows: dict[str, list[float]] = {"change": [], "unsteady": [], "flicker": [], "s": []}
    last: Made | None = None
    for frame in frames:
        crop = model.source.crop(frame)
        began = time.process_time()
        made = model.predict(frame)
        rows["s"].append(time.process_time() - began)
        face = region_mask(crop.points, crop.window, "oval") > 0.5
        now = Made(crop.image_log, made.delta_log, face & (made.matte > 0))
        change = float(np.abs(now.delta_log[now.changed]).mean())
        rows["change"].append(change)
        if last is not None:
            moved = carried(now.delta_log, last.plate_log, now.plate_log)
            rows["unsteady"].append(float(np.abs(moved - last.delta_log)[last.changed].mean()) / change)
            own = unlike(last.plate_log, now.plate_log, last.changed)
            rows["flicker"].append(unlike(last.result_log, now.result_log, last.changed) / own)
        last = now
    return {name: float(np.mean(values)) for name, values in rows.items()}


def cell(log: np.ndarray, title: str) -> np.ndarray:
    """A picture for the sheet, display-encoded, with its name."""
    shown = np.clip(decode_log(log), 0, 1) ** np.float32(1 / 2.2)
    draw_text(shown, 6, 4, title, font(16), 1.0, 2)
    return shown


def sheet(source: CropSource, frame: int, names: Sequence[str]) -> np.ndarray:
    """The plate and every slider beside it, COLUMNS to a row."""
    plate = source.crop(frame).image_log
    cells = [cell(plate, f"plate {frame}")]
    for name in names:
        made = SliderModel(source, build(BeautySpec, ENDS[name], name)).predict(frame)
        cells.append(cell(plate + made.delta_log, name))
    cells += [np.zeros_like(cells[0])] * (-len(cells) % COLUMNS)
    return np.vstack([np.hstack(cells[first : first + COLUMNS]) for first in range(0, len(cells), COLUMNS)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir(), "vfx_deepfake_sliders"))
    parser.add_argument("--plate", default="")
    parser.add_argument("--colorspace", default="ACEScg")
    parser.add_argument("--frame", type=int, default=0, help="of the sheet; else the middle one")
    parser.add_argument("--frames", type=int, default=8, help="how many, from that one on, are measured; 0 for none")
    parser.add_argument("--only", default="", help=f"of {', '.join(ENDS)}")
    args = parser.parse_args()
    source = open_crops(open_plate(args)).source
    frame = args.frame or source.frames[len(source.frames) // 2]
    names = args.only.split(",") if args.only else list(ENDS)
    write_png(args.out / "sheet.png", sheet(source, frame, names))
    measured = [one for one in source.frames if one >= frame][: args.frames]
    print(
        f"{args.out / 'sheet.png'}, frame {frame}; measured on {len(measured)} frames of {source.size[0]} x {source.size[1]} px"
    )
    print("| slider | change | unsteady | flicker | s |\n|---|---|---|---|---|")
    for name in names if len(measured) > 1 else ():
        row = measure(SliderModel(source, build(BeautySpec, ENDS[name], name)), measured)
        print(
            f"| {name} | {row['change']:.4f} | {row['unsteady']:.3f} | {row['flicker']:.3f} | {row['s']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
