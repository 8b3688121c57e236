"""kill -9 at any moment: the next run goes on, nothing published is partial, and the frames are those of a quiet run."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.files import hash_file, read_json
from vfx_deepfake.media.exr import read_exr

ROOT = Path(__file__).parents[1]
KILLS = int(
    os.environ.get("VFX_DEEPFAKE_KILLS", "10")
)  # half of them in training, half in rendering; set more to look harder
FRAMES = range(1001, 1009)


def start(shot: Path) -> subprocess.Popen:
    """A real run of every stage in a process group of its own."""
    return subprocess.Popen([sys.executable, "-m", "vfx_deepfake", "run", str(shot), "--progress", "none", "--json"], cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip


def finish(shot: Path) -> None:
    run = start(shot)
    _, said = run.communicate(timeout=300)
    assert run.returncode == 0, said


def kill_group(run: subprocess.Popen) -> None:
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()


def published(shot: Path) -> list[Path]:
    return sorted(path for path in (shot / "versions").glob("v*")) if (shot / "versions").is_dir() else []


def pictures(shot: Path) -> dict[str, str]:
    """Hashes of the frames of v001, by path; a frame's header names the shot and version, never host or time."""
    folder = shot / "versions" / "v001"
    return {
        str(p.relative_to(folder)): hash_file(p) for kind in ("exr", "dpx") for p in sorted((folder / kind).iterdir())
    }


@pytest.mark.slow
def test_kills_change_nothing(tmp_path):
    settings = ("train.steps=40", "train.batch_size=2", "train.crop_px=64", "train.save_every=4")
    quiet, killed = (
        make_performer_shot(
            tmp_path / name / "sh0010",
            width=192,
            height=144,
            count=len(FRAMES),
            key_frames=(1001, 1004, 1008),
            overrides=settings,
        ).folder
        for name in ("quiet", "killed")
    )
    finish(quiet)
    chance = random.Random(20)
    for is_under_way, again in ((training, "runs"), (rendering, "versions")):
        kills = 0
        while kills < KILLS // 2:
            run, began = start(killed), time.time()
            while run.poll() is None and not is_under_way(killed, began):
                time.sleep(0.02)
            moment = time.monotonic() + chance.uniform(0, 2.5)
            while run.poll() is None and time.monotonic() < moment:
                time.sleep(0.01)
            if run.poll() is None:
                kill_group(run)
                kills += 1
            else:  # it came to its end first: there must be work again to be killed in
                run.communicate()
                assert run.returncode == 0
                for folder in {again, "versions"}:
                    shutil.rmtree(killed / folder)
            for version in published(killed):
                check_whole(version)
    finish(killed)
    assert [path.name for path in published(killed)] == ["v001"]
    assert pictures(killed) == pictures(quiet)
    left = [str(p) for p in killed.rglob(".*") if ".part" in p.name or p.name.endswith(".making")]
    assert left == []


def training(shot: Path, since: float) -> bool:
    """The training loop of this process has begun: it opens a log of its own."""
    return any(path.stat().st_mtime > since for path in shot.glob("runs/*/events.*"))


def rendering(shot: Path, since: float) -> bool:
    """This process has written into a version under way."""
    return any(_time(path) > since for path in shot.glob("versions/.*.making/*/*"))


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # renamed while we looked
        return 0.0


def check_whole(version: Path) -> None:
    """Every file that the record names is there and is what it says; a frame can be read."""
    record = read_json(version / "version.json")
    assert sorted(record["frames"]) == [str(frame) for frame in FRAMES]
    for outputs in record["frames"].values():
        for name, digest in outputs.items():
            assert hashlib.sha256((version / name).read_bytes()).hexdigest() == digest
    read_exr(next((version / "exr").iterdir()), part="rgba")
