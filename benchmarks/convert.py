"""Frames per second of read + convert + write, beside oiiotool doing the same in the same run: ``python -m benchmarks.convert``.

EXR half, ACEScg, to 10-bit big-endian DPX in ARRI LogC3, as ``render`` delivers: read, convert and round, write aside, flush to
disk, rename, each overlapping the others. oiiotool converts a whole sequence in one call and gets to use every core: one call
frame by frame (its default) and one with ``--parallel-frames``; the faster counts. It neither checks frames nor flushes them, and
it truncates where we round, so its codes differ by one in places; how many is printed too.
"""

from __future__ import annotations

import argparse
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.delivery import delivery_codes
from vfx_deepfake.media.dpx import DpxHeader, read_codes, write_dpx
from vfx_deepfake.media.exr import Frame, Part, write_exr
from vfx_deepfake.media.plate import Plate
from vfx_deepfake.settings import DEFAULT_CONFIG
from vfx_deepfake.steps.streaming import overlapped

SOURCE, TARGET = "ACEScg", "ARRI LogC3 (EI800)"
BITS = 10


def make_plate(folder: Path, frames: int, width: int, height: int, compression: str) -> str:
    """Write a plate with soft shapes, a lamp over white and grain (grain decides how an EXR compresses); return its pattern."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / width
    soft = 0.18 + 0.15 * np.sin(9 * x[..., None] + np.array([0, 1, 2], np.float32)) * np.cos(7 * y[..., None])
    soft += 12 * np.exp(-900 * ((x - 0.7) ** 2 + (y - 0.2) ** 2))[..., None]
    window = Window(0, 0, width, height)
    for frame in range(1001, 1001 + frames):
        pixels = soft + rng.normal(0, 0.008, soft.shape).astype(np.float32)
        part = Part("rgba", pixels.astype(np.float32), ("R", "G", "B"), window)
        write_exr(folder / f"plate.{frame}.exr", [part], window, {}, compression)
    return str(folder / "plate.####.exr")


def ours(pattern: str, out: Path) -> None:
    """What ``render`` does with a plate outside any face."""
    color = Color(DEFAULT_CONFIG)
    plate = Plate(pattern, color, SOURCE)
    header = DpxHeader(rate=Fraction(24))

    def convert(_: int, frame: Frame) -> np.ndarray:
        return delivery_codes(frame, color, SOURCE, TARGET, BITS)[0]

    def write(number: int, codes: np.ndarray) -> None:
        write_dpx(out / f"out.{number}.dpx", codes, BITS, header, plate.header.metadata)

    for _ in overlapped(plate.frames, plate.read, convert, write):
        pass


def oiiotool(pattern: str, out: Path, frames: int, options: list[str]) -> None:
    """The same conversion by OpenImageIO's tool, in one process."""
    tool = shutil.which("oiiotool", path=str(Path(sys.executable).parent)) or shutil.which("oiiotool")
    if tool is None:
        raise SystemExit("oiiotool of the OpenImageIO wheel is not beside this Python")
    command = [
        tool,
        "--frames",
        f"1001-{1000 + frames}",
        *options,
        "--colorconfig",
        DEFAULT_CONFIG,
        pattern.replace("####", "%04d"),
    ]
    command += ["--colorconvert", SOURCE, TARGET, "-d", f"uint{BITS}", "--attrib", "oiio:Endian", "big"]
    subprocess.run([*command, "-o", str(out / "out.%04d.dpx")], check=True)


def best_times(works: dict[str, Callable[[Path], None]], scratch: Path, repeats: int) -> dict[str, float]:
    """The best of some runs of each, in turns, so that other load on the machine falls on all alike."""
    best: dict[str, float] = {}
    for _ in range(repeats):
        for name, work in works.items():
            out = scratch / name
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            start = time.perf_counter()
            work(out)
            best[name] = min(best.get(name, math.inf), time.perf_counter() - start)
    return best


def off_by(first: Path, second: Path, frames: int) -> float:
    """Share of codes that differ between two folders."""
    shares = []
    for frame in range(1001, 1001 + frames):
        a, b = (read_codes(folder / f"out.{frame}.dpx")[0].astype(int) for folder in (first, second))
        shares.append(float(np.mean(a != b)))
    return float(np.mean(shares))


def main() -> None:
    """Print both speeds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--compression", default="zip", help="of the EXR plate")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; default a temporary folder")
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    with tempfile.TemporaryDirectory(dir=args.folder) as text:
        scratch = Path(text)
        pattern = make_plate(scratch, args.frames, width, height, args.compression)
        works = {
            "ours": lambda out: ours(pattern, out),
            "oiiotool": lambda out: oiiotool(pattern, out, args.frames, []),
            "oiiotool --parallel-frames": lambda out: oiiotool(pattern, out, args.frames, ["--parallel-frames"]),
        }
        times = best_times(works, scratch, args.repeats)
        share = off_by(scratch / "ours", scratch / "oiiotool", args.frames)
    print(f"read + convert + write, {args.frames} frames {args.size}, best of {args.repeats}")
    print(f"EXR half {args.compression}, {SOURCE}, to {BITS}-bit DPX, {TARGET}")
    for name, taken in times.items():
        print(f"  {name:28}{args.frames / taken:6.1f} frames/s")
    fastest = min(taken for name, taken in times.items() if name != "ours")
    print(f"  ours to the faster oiiotool {fastest / times['ours']:7.2f}")
    print(f"  oiiotool's codes that differ from the rounded ones: {share:.1%}")


if __name__ == "__main__":
    main()
