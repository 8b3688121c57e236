"""What the finish brings back: ``python -m benchmarks.finish [--bench FOLDER] [--frames 8] [--sheet FILE.png]``.

The digital actor's exact young face is spoilt on purpose (another colour, a flickering one, a smooth offset, softened,
pores taken away, all at once; or the plate is defocused or smeared instead) and put into the old plate under a soft
oval. Each row gives the comp before and after the finish against the comp of the unspoilt face: PSNR of log pixels
inside the oval, sharpness over the truth's, seam energy. ``flicker`` is the deviation in time of the mean colour error.
The colour rows have a peer: the default colour rule of faceswap 3 as its description has it (each frame alone, twice
the mean masked difference added, display-referred, clipped to 0..1).

With --keyframes OUT the key-frame model's own de-aging (``benchmarks.deage``, way ``split``) is finished instead, one
part at a time, and judged with the bench's metrics.py: what each part costs a face that needs none of it.

FOLDER defaults to VFX_DEEPFAKE_BENCH.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from benchmarks.deage import KEYS, judge, make_shot, write_result
from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.blur import smear
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import spread
from vfx_deepfake.image.detail import pore_band
from vfx_deepfake.image.matte import feather, grow
from vfx_deepfake.image.seam import seam_energy
from vfx_deepfake.image.sharpness import local_sharpness
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.predict import FaceModel, Prediction
from vfx_deepfake.naming import frame_path
from vfx_deepfake.settings import NameSpec, PlateSpec, Settings
from vfx_deepfake.settings.finish import BlendSpec, ColorMatchSpec, TextureSpec
from vfx_deepfake.steps.finish import face_motion, open_finish
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.shot_crops import ShotCrops, open_crops

MATRIX = np.array([[0.92, 0.10, -0.02], [0.03, 0.88, 0.06], [-0.04, 0.08, 1.10]], np.float32)  # a cast and a twist
OFFSET = np.array([0.03, -0.01, -0.05], np.float32)  # log code; 0.057 is a stop
FLICKER_LOG = 0.01  # deviation of the flickering colour's offset
BLUR_PX, DEFOCUS_PX = 1.2, 1.5
RIM_PX, FEATHER_PX = 14, 8  # of the oval under which the face is put in

Spoil = Callable[["Bench", int, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Row:
    """One fault and the settings that should mend it."""

    face: Spoil = lambda bench, frame, image: image
    plate: Spoil = lambda bench, frame, image: image
    settings: tuple[Any, ...] = ()
    peer: bool = False


def _nothing_painted(frame: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
    raise ValueError(f"frame {frame} was never painted")


class Bench:
    """Plate, truth and mattes of the digital actor round the face."""

    def __init__(self, folder: Path, spoil_plate: Spoil) -> None:
        marks = np.load(folder / "digital_actor" / "plate_old" / "mediapipe.npz")
        points = marks["landmarks"].astype(np.float32)
        count = len(points)
        self.folder = folder / "digital_actor"
        self.track = FaceTrack(
            marks["frames"].astype(np.int64), points, np.ones(count, np.float32), np.zeros((count, 3), np.float32)
        )
        self.spoil_plate = spoil_plate
        self.source = CropSource(self.track, (), self._plate, _nothing_painted)

    def picture(self, name: str, frame: int, window: Window) -> np.ndarray:
        """A window of one of the bench's sequences, log."""
        pattern = next((self.folder / name).glob("*.exr")).name.rsplit(".", 2)[0]
        picture = read_exr(frame_path(str(self.folder / name / f"{pattern}.####.exr"), frame))
        return np.asarray(encode_log(cut(picture.pixels[..., :3], picture.data_window, window)), np.float32)

    def _plate(self, frame: int, window: Window) -> np.ndarray:
        return self.spoil_plate(self, frame, self.picture("plate_old", frame, window))

    def truth(self, frame: int) -> np.ndarray:
        """The exact young face, the plate where the truth is black."""
        window = self.source.window(frame)
        young = self.picture("truth_young", frame, window)
        known = grow((young.max(axis=2) > 0.08).astype(np.float32), -8)[..., None] > 0
        return np.where(known, young, self.picture("plate_old", frame, window))

    def matte(self, frame: int) -> np.ndarray:
        """The oval inside the face's outline, soft."""
        oval = region_mask(self.track.points_at(frame), self.source.window(frame), "oval")
        return feather(grow(oval, -RIM_PX), FEATHER_PX)


class Spoilt:
    """A model that makes the spoilt face."""

    def __init__(self, bench: Bench, spoil: Spoil) -> None:
        self.bench, self.spoil = bench, spoil

    def predict(self, frame: int) -> Prediction:
        """The change of one frame."""
        crop, matte = self.bench.source.crop(frame), self.bench.matte(frame)
        face = self.spoil(self.bench, frame, self.bench.truth(frame))
        return Prediction(face - crop.image_log, matte, matte, crop.window)


def other_colour(bench: Bench, frame: int, image: np.ndarray) -> np.ndarray:
    return cv2.transform(image, MATRIX) + OFFSET


def flickering_colour(bench: Bench, frame: int, image: np.ndarray) -> np.ndarray:
    return other_colour(bench, frame, image) + jitter(frame)


def jitter(frame: int) -> np.ndarray:
    return np.random.default_rng(frame).normal(0, FLICKER_LOG, 3).astype(np.float32)


def smooth_offset(bench: Bench, frame: int, image: np.ndarray) -> np.ndarray:
    across = np.linspace(-1, 1, image.shape[1], dtype=np.float32)[None, :, None]
    return image + (0.02 + 0.02 * across) * np.array([1, 0.7, 0.4], np.float32)


def softened(bench: Bench, frame: int, image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), BLUR_PX)


def without_pores(bench: Bench, frame: int, image: np.ndarray) -> np.ndarray:
    skin = region_mask(bench.track.points_at(frame), bench.source.window(frame), "skin")
    return image - cv2.GaussianBlur(skin, (0, 0), 3)[..., None] * pore_band(image, 1.0)


def everything(bench: Bench, frame: int, image: np.ndarray) -> np.ndarray:
    return smooth_offset(bench, frame, other_colour(bench, frame, softened(bench, frame, image)))


def defocused(bench: Bench, frame: int, image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), DEFOCUS_PX)


def smeared(bench: Bench, frame: int, image: np.ndarray) -> np.ndarray:
    """The plate as a shutter that is open for the whole frame sees the face's own motion."""
    x, y = np.meshgrid(*(np.arange(side) + 0.5 for side in image.shape[1::-1]))
    motion = np.stack([x, y, np.ones_like(x)], axis=-1) @ face_motion(bench.track, frame, bench.source.window(frame)).T
    return smear(image, motion.astype(np.float32))


SHOT = ColorMatchSpec(method="linear_transport")
ROWS = {
    "nothing wrong, all off": Row(),
    "nothing wrong, colour match": Row(settings=(SHOT,)),
    "nothing wrong, seam": Row(settings=(BlendSpec(seam=1.0),)),
    "nothing wrong, sharpness": Row(settings=(BlendSpec(soften=1.0, restore=1.0),)),
    "nothing wrong, texture": Row(settings=(TextureSpec(strength=1.0),)),
    "colour: mean_deviation": Row(other_colour, settings=(replace(SHOT, method="mean_deviation"),)),
    "colour: linear_transport": Row(other_colour, settings=(SHOT,)),
    "colour: against the ring": Row(other_colour, settings=(replace(SHOT, against="ring"),)),
    "colour: peer": Row(other_colour, peer=True),
    "flicker: shot": Row(flickering_colour, settings=(SHOT,)),
    "flicker: window of 8": Row(flickering_colour, settings=(replace(SHOT, window_frames=8.0),)),
    "flicker: peer": Row(flickering_colour, peer=True),
    "offset: seam": Row(smooth_offset, settings=(BlendSpec(seam=1.0),)),
    "offset: peer": Row(smooth_offset, peer=True),
    "soft face: restore": Row(softened, settings=(BlendSpec(restore=1.0),)),
    "soft face: and texture": Row(softened, settings=(BlendSpec(restore=1.0), TextureSpec(strength=1.0))),
    "soft face: texture alone": Row(softened, settings=(TextureSpec(strength=1.0),)),
    "no pores: texture": Row(without_pores, settings=(TextureSpec(strength=1.0),)),
    "defocused plate: soften": Row(plate=defocused, settings=(BlendSpec(soften=1.0),)),
    "smeared plate: soften": Row(plate=smeared, settings=(BlendSpec(soften=1.0, shutter_degrees=360.0),)),
    "all: all": Row(everything, settings=(SHOT, BlendSpec(seam=1.0, restore=1.0), TextureSpec(strength=1.0))),
}  # fmt: skip


def settings_of(parts: tuple[Any, ...]) -> Settings:
    names = {ColorMatchSpec: "colormatch", BlendSpec: "blend", TextureSpec: "texture"}
    empty = Settings(shot=NameSpec(name="actor"), plate=PlateSpec(pattern="", colorspace=""))
    return replace(empty, **{names[type(part)]: part for part in parts})


def peer_rule(face_log: np.ndarray, clean_log: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """faceswap's ``avg-color``, on float pixels of a 2.2 gamma display instead of its 8-bit ones."""
    face, plate = (np.clip(decode_log(image), 0, 1) ** (1 / 2.2) for image in (face_log, clean_log))
    inside = matte > 0.5
    for _ in range(2):
        face = np.clip(face + (plate - face)[inside].mean(axis=0), 0, 1)
    return np.asarray(encode_log(face.astype(np.float32) ** 2.2), np.float32)


def judged(comp: np.ndarray, truth: np.ndarray, matte: np.ndarray) -> dict[str, Any]:
    inside = matte > 0.5
    error = (comp - truth)[inside].astype(np.float64)
    return {
        "psnr": -10 * np.log10(max(np.mean(error**2), 1e-12)),
        "sharp": local_sharpness(comp, inside) / local_sharpness(truth, inside),
        "seam": seam_energy(comp, matte, truth),
        "mean": error.mean(axis=0),
    }


def run_row(folder: Path, row: Row, count: int, sheet: list[np.ndarray] | None) -> list[dict[str, Any]]:
    """Figures of the frames before, after, and the finish's seconds."""
    bench = Bench(folder, row.plate)
    settings = settings_of(row.settings)
    frames = tuple(bench.source.frames)
    opened: Any = SimpleNamespace(settings=settings, frames=frames, roto_file=None)
    model: Any = Spoilt(bench, row.face)
    crops = ShotCrops(bench.track, None, None, bench.source)  # type: ignore[arg-type]
    finish = open_finish(opened, crops, model)
    out = []
    for number, frame in enumerate(spread(frames, count)):
        clean, made = bench.source.crop(frame).image_log, model.predict(frame)
        face, matte = clean + made.delta_log, made.matte
        truth = row.plate(bench, frame, bench.truth(frame))
        began = time.process_time()
        if row.peer:
            finished = peer_rule(face, clean, matte)
        else:
            finished = face if finish is None else finish(frame, made.window, face, clean, matte)
        seconds = time.process_time() - began
        comps = [clean + matte[..., None] * (each - clean) for each in (truth, face, finished)]
        if sheet is not None and number == count // 2:
            sheet.append(np.hstack([clean, comps[1], comps[2], comps[0]]))
        out.append(
            {"before": judged(comps[1], comps[0], matte), "after": judged(comps[2], comps[0], matte), "s": seconds}
        )
    return out


class Finished:
    """The key-frame model with a finish on top."""

    def __init__(self, opened: OpenShot, crops: ShotCrops, parts: tuple[Any, ...]) -> None:
        self.source, self.model = crops.source, FaceModel(crops.source)
        own = replace(settings_of(parts), shot=opened.settings.shot, plate=opened.settings.plate)
        asked: Any = SimpleNamespace(settings=own, frames=opened.frames, roto_file=None)
        self.finish = open_finish(asked, crops, self.model)

    def predict(self, frame: int) -> Prediction:
        """The change of one frame; a painted frame stays as painted."""
        made, clean = self.model.predict(frame), self.source.crop(frame).image_log
        if self.finish is None or frame in self.source.keyframes:
            return made
        return replace(
            made, delta_log=self.finish(frame, made.window, clean + made.delta_log, clean, made.matte) - clean
        )


PARTS: dict[str, tuple[Any, ...]] = {
    "off": (),
    "texture 0.5": (TextureSpec(strength=0.5),),
    "texture 1": (TextureSpec(strength=1.0),),
    "expression 1": (TextureSpec(expression=1.0),),
    "mean_deviation": (replace(SHOT, method="mean_deviation"),),
    "linear_transport": (SHOT,),
    "seam": (BlendSpec(seam=1.0),),
    "soften": (BlendSpec(soften=1.0),),
    "restore": (BlendSpec(restore=1.0),),
}


def finish_keyframes(folder: Path, out: Path, only: str) -> None:
    """The table of --keyframes."""
    opened = make_shot(folder, out, [int(key) for key in KEYS.split(",")], grain=False)
    crops = open_crops(opened)
    print(f"{'':20} {'psnr':>6} {'worst':>6} {'ssim':>7} {'sharp':>6} {'flicker':>8}")
    for name, parts in PARTS.items():
        if only not in name:
            continue
        model: Any = Finished(opened, crops, parts)
        result = out / name.replace(" ", "_")
        write_result(opened, crops.source, model, result)
        done, _ = judge(folder, result, name, KEYS)
        print(f"{name:20} {done['psnr']:6.2f} {done['psnr_worst']:6.2f} {done['ssim']:7.4f} {done['sharp']:6.3f} "
              f"{done['flicker']:8.5f}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--keyframes", type=Path, help="folder for the key-frame model's results")
    parser.add_argument("--sheet", type=Path, help="PNG: plate, before, after, truth of each row's middle frame")
    args = parser.parse_args()
    folder = Path(args.bench or os.environ.get("VFX_DEEPFAKE_BENCH") or Path(__file__).parents[2] / "shared" / "bench")
    if not (folder / "digital_actor").is_dir():
        sys.exit(f"{folder}: holds no digital_actor; name the benchmark folder with --bench or VFX_DEEPFAKE_BENCH")
    if args.keyframes:
        finish_keyframes(folder, args.keyframes, args.only)
        return
    pictures: list[np.ndarray] = []
    print(f"{'':30} {'psnr':>14} {'sharp':>13} {'seam 1e-4':>13} {'flicker 1e-4':>13}   ms")
    for name, row in ROWS.items():
        if args.only not in name:
            continue
        done = run_row(folder, row, args.frames, pictures if args.sheet else None)
        cells = []
        for kind, factor, digits in (("psnr", 1, 2), ("sharp", 1, 3), ("seam", 1e4, 2)):
            cells += [
                f"{np.mean([each[when][kind] for each in done]) * factor:6.{digits}f}" for when in ("before", "after")
            ]
        cells += [
            f"{1e4 * np.std([each[when]['mean'] for each in done], axis=0).mean():6.1f}" for when in ("before", "after")
        ]
        print(f"{name:30} {' '.join(cells)} {1e3 * np.median([each['s'] for each in done]):6.0f}", flush=True)
    if args.sheet:
        high = min(picture.shape[0] for picture in pictures)
        wide = min(picture.shape[1] for picture in pictures)
        shown = np.clip(decode_log(np.vstack([picture[:high, :wide] for picture in pictures])), 0, 1) ** (1 / 2.2)
        cv2.imwrite(str(args.sheet), (shown[..., ::-1] * 255 + 0.5).astype(np.uint8))


if __name__ == "__main__":
    main()
