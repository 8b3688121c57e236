"""``demo``: a shot of the procedural performer through every stage, with figures against the exact answer."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from vfx_deepfake.demo.judge import judge
from vfx_deepfake.demo.performer.performer import Performer
from vfx_deepfake.demo.shot import DemoShot, write_demo_shot
from vfx_deepfake.errors import ShotError
from vfx_deepfake.files import write_json
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import Progress
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.pipeline import run_shot

MIN_SIDE, MIN_FRAMES = 96, 3  # below, the face is too small to be found and there is nothing between the key frames
# chosen so that the whole demo stays under five minutes on two cores
SETTINGS = ("train.steps=150", "train.save_every=75")


def run_demo(folder: Path, size: str, num_frames: int, progress: Progress) -> dict[str, Any]:
    """Draw the shot, run every stage, judge the version; a second call finds everything up to date.

    ``size``: width x height such as 1280x720. Returns figures, timings in seconds and lines that say where to look.
    Raises: ShotError for a size that can't be; what the stages raise.
    """
    width, height = parse_size(size)
    if num_frames < MIN_FRAMES:
        raise ShotError(f"--num-frames {num_frames}: the demo needs at least {MIN_FRAMES}")
    began = time.monotonic()
    performer = Performer(width=width, height=height, count=num_frames)
    shot = write_demo_shot(folder, performer=performer, overrides=SETTINGS, progress=progress)
    drawn = time.monotonic()
    result = run_shot(str(shot.file), (), progress)
    paths = load_shot(shot.file).paths
    version = paths.version(paths.version_numbers()[-1])
    figures = judge(shot, version).as_result()
    write_json(folder / "truth" / "judged.json", {**figures, "version": version.number})
    return {
        **result,
        "performer_s": round(drawn - began, 1),
        "total_s": round(time.monotonic() - began, 1),
        **figures,
        "lines": _where_to_look(shot, version),
    }


def parse_size(text: str) -> tuple[int, int]:
    """``1280x720`` to (1280, 720).

    Raises: ShotError saying what is wanted.
    """
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or min(int(side) for side in match.groups()) < MIN_SIDE:
        raise ShotError(f"--size {text}: give width x height in pixels, each at least {MIN_SIDE}, such as 1280x720")
    return int(match.group(1)), int(match.group(2))


def _where_to_look(shot: DemoShot, version: VersionPaths) -> list[str]:
    keys = ", ".join(map(str, shot.key_frames))
    places = [
        ("before and after", version.sheet),
        ("movie", version.movie),
        ("QC page", version.qc / "index.html"),
        ("EXR with layers", Path(version.exr).parent),
        ("10-bit log DPX", Path(version.dpx).parent),
        ("what made it", version.record),
        ("the plate", Path(shot.plate).parent),
        (f"painted frames ({keys})", Path(shot.painted).parent),
        ("the exact answer", Path(shot.truth("young")).parent),
        ("the shot file, yours to copy", shot.file),
    ]
    there = [(what, place) for what, place in places if place.exists()]
    width = max(len(what) for what, _ in there)
    return ["", "look at", *(f"  {what:{width}}  {place}" for what, place in there)]
