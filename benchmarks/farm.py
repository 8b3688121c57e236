"""What a batch costs the submitter: 1,000 shots of 200 frames, checked, planned and decoded: ``python -m benchmarks.farm``.

Nothing is sent. The shots have their own shot files and share one small plate through links; a plate of any size costs the same here,
because a check opens two headers and lists one folder. Prints seconds and peak memory, for Slurm's scripts (the plan in full) and
beside them what listing the folders and reading the headers alone takes: what no submitter can do without.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from vfx_deepfake import Entry, list_shots, submit_batch
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.media.header import read_header
from vfx_deepfake.media.sequence import scan

SHOT = """schema = 1
[shot]
name = "{name}"
[plate]
pattern = "{plate}"
colorspace = "ACEScg"
frames = "1001-{last}"
[model]
method = "passthrough"
[review]
movie = false
"""


def write_plate(folder: Path, count: int) -> str:
    """One small frame under ``count`` names."""
    window = Window(0, 0, 64, 36)
    first = folder / "plate.1001.exr"
    write_exr(first, [Part("rgba", np.zeros((36, 64, 3), np.float32), ("R", "G", "B"), window)], window, {})
    for frame in range(1002, 1001 + count):
        (folder / f"plate.{frame}.exr").hardlink_to(first)
    return str(folder / "plate.####.exr")


def write_shots(folder: Path, num_shots: int, plate: str, num_frames: int) -> list[Entry]:
    """Shot files in folders of their own."""
    for index in range(num_shots):
        place = folder / f"sh{index:04d}"
        place.mkdir()
        text = SHOT.format(name=place.name, plate=plate, last=1000 + num_frames)
        (place / "shot.toml").write_text(text, encoding="utf-8")
    return [Entry(shot=f"sh{index:04d}") for index in range(num_shots)]


def main() -> int:
    """Print seconds and MiB."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shots", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        plate = write_plate(folder, args.frames)
        entries = write_shots(folder, args.shots, plate, args.frames)
        submit_batch(list_shots(entries[:1], folder), farm="slurm", dry_run=True)  # loads the libraries
        began, cpu = time.perf_counter(), time.process_time()
        sent = submit_batch(list_shots(entries, folder), farm="slurm", dry_run=True)
        spent, cpu_spent = time.perf_counter() - began, time.process_time() - cpu
        began = time.perf_counter()
        for _ in entries:
            frames = scan(plate).frames
            for frame in (frames[0], frames[-1]):
                read_header(folder / f"plate.{frame}.exr", "", "")
        bare = time.perf_counter() - began
    ready = sum(one.state == "ready" for one in sent)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{ready} of {args.shots} shots x {args.frames} frames planned: {spent:.1f} s ({cpu_spent:.1f} CPU s), peak {peak:.0f} MiB"
    )
    print(f"listing and reading headers alone: {bare:.1f} s; ratio {spent / bare:.1f}")
    return 0 if ready == args.shots else 1


if __name__ == "__main__":
    raise SystemExit(main())
