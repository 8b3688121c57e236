"""How long a picture of a version takes to leave the review server: ``python -m benchmarks.review_picture``.

Makes a version of the performer's shot by sliders (grain, element layers), serves it with ``review serve`` in a process of its own with an
empty cache, and asks for its first frame, then for others, then for the same again. Every start is measured anew; the physical limit
beside it is decoding the same file's picture in this process, and the ratio of the two is printed. Fails where the first frame takes a
second or more.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.progress import Silent
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.render_stage import render_stage
from vfx_deepfake.steps.review import review_stage
from vfx_deepfake.steps.track import track_stage
from vfx_deepfake.steps.version import version_stage
from vfx_deepfake.viewing.cache import FOLDER_VARIABLE

SLIDERS = ("model.method=sliders", "beauty.wrinkles.face=0.9", "beauty.lift.jaw=0.6", "track.refine=false")
LIMIT_S = 1.0
COMMAND = (sys.executable, "-m", "vfx_deepfake")


def publish(root: Path, width: int, height: int, count: int) -> None:
    """A show with one shot and one version, registered; nothing to do where it is there."""
    if (root / "sh0010" / "versions" / "v001").is_dir():
        return
    shot = make_performer_shot(
        root / "sh0010", width=width, height=height, count=count, key_frames=1, overrides=SLIDERS
    )
    for stage in (track_stage, render_stage, review_stage, version_stage):
        stage(open_shot(shot.file), Silent())
    subprocess.run([*COMMAND, "review", "register", str(shot.folder)], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def served(root: Path) -> Iterator[tuple[httpx.Client, int]]:
    """A server that was just started, with an empty cache: somebody who asks it, and its process."""
    with tempfile.TemporaryDirectory(prefix="review_cache_") as cache:
        command = [*COMMAND, "review", "serve", str(root), "--single-user", "--port", "0", "--json"]
        environment = {**os.environ, FOLDER_VARIABLE: cache}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            try:
                assert process.stdout is not None
                with httpx.Client(base_url=json.loads(process.stdout.readline())["url"], timeout=60) as client:
                    yield client, process.pid
            finally:
                process.send_signal(signal.SIGTERM)


def asked(client: httpx.Client, path: str) -> tuple[float, int]:
    """Seconds until the picture is here, and the bytes that came."""
    begin = time.perf_counter()
    with client.stream("GET", f"/media/demo/sh0010/v001/{path}") as answer:
        body = b"".join(answer.iter_raw())
    answer.raise_for_status()
    return time.perf_counter() - begin, len(body)


def processor_s(pid: int) -> float:
    """Processor seconds that a process has used: what it needs on a machine that does nothing else, whatever this one does."""
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def measure(root: Path, width: int, starts: int) -> list[float]:
    """Seconds to the first frame of each start; prints those and the others, and their bytes."""
    first, next_, kept, worked, size = [], [], [], [], 0
    for _ in range(starts):
        with served(root) as (client, pid):
            before = processor_s(pid)
            first.append(asked(client, f"frames/1003?width={width}")[0])
            worked.append(processor_s(pid) - before)
            for frame in (1004, 1005):
                seconds, size = asked(client, f"frames/{frame}?width={width}")
                next_.append(seconds)
                kept.append(asked(client, f"frames/{frame}?width={width}")[0])
    shown = "  ".join(
        f"{name} {statistics.median(times):.3f}" for name, times in (("first", first), ("next", next_), ("kept", kept))
    )
    print(
        f"width {width or 'full'}: median s  {shown}   slowest first {max(first):.3f}   "
        f"processor s of a first {statistics.median(worked):.2f}   {size / 1e6:.2f} MB a frame"
    )
    return first


def decoding(root: Path) -> float:
    """Seconds to decode the picture of one frame, median of some, in a process that has done it before."""
    times = []
    for path in sorted((root / "sh0010" / "versions" / "v001" / "exr").glob("*.exr")) * 2:
        begin = time.perf_counter()
        read_exr(path, part="rgba")
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> int:
    """Fails where a first frame takes longer than the limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--frames", type=int, default=6, help="of the shot; 5 at least")
    parser.add_argument("--starts", type=int, default=5, help="of the server, for each width")
    parser.add_argument(
        "--folder", default="", help="where to keep the show, and find it again (default: a temporary one)"
    )
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="review_picture_") as scratch:
        root = Path(args.folder or scratch).absolute()
        publish(root, width, height, args.frames)
        print(f"{args.size}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, {args.starts} starts")
        firsts = [measure(root, each, args.starts) for each in (960, 0)]
        limit = decoding(root)
    slowest = max(map(max, firsts))
    print(
        f"decoding alone {limit:.3f} s; the first full frame takes {statistics.median(firsts[-1]) / limit:.1f} times as long"
    )
    return 0 if slowest < LIMIT_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
