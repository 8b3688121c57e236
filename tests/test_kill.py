"""kill -9 at any moment: the next run goes on, nothing published is partial, and the frames are those of a quiet run."""

from __future__ import annotations

import hashlib
import os
import random
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
KILLS = 20
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
def test_twenty_kills_change_nothing(tmp_path):
    settings = ("train.steps=30", "train.batch_size=2", "train.crop_px=64", "train.save_every=5")
    quiet, killed = (
        make_performer_shot(
            tmp_path / name / "sh0010", width=192, height=144, count=len(FRAMES), key_frames=(1001, 1004, 1008), overrides=settings
        ).folder
        for name in ("quiet", "killed")
    )
    began = time.monotonic()
    finish(quiet)
    whole_s = time.monotonic() - began
    chance = random.Random(20)
    kills, stages = 0, set()
    while kills < KILLS:
        run = start(killed)
        # start-up takes part of the time; the rest is spread over tracking, training, rendering and publishing
        deadline = time.monotonic() + chance.uniform(0.25, 0.9) * whole_s
        while run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if run.poll() is not None:  # it came to its end: publish again from a later stage on
            run.communicate()
            assert run.returncode == 0
            step_back(killed, chance)
            continue
        stages.add(where(killed))
        kill_group(run)
        kills += 1
        for version in published(killed):
            check_whole(version)
    assert {"train", "render"} <= stages, f"the kills only hit {sorted(stages)}"
    finish(killed)
    assert [path.name for path in published(killed)] == ["v001"]
    assert pictures(killed) == pictures(quiet)
    left = [str(p) for p in killed.rglob(".*") if ".part" in p.name or p.name.endswith(".making")]
    assert left == []


def where(shot: Path) -> str:
    """The stage that is under way, read from what lies on the disk."""
    if list((shot / "versions").glob(".*.making")) if (shot / "versions").is_dir() else []:
        return "render"
    if (shot / "runs").is_dir() and not any(read_json(p).get("checkpoint") for p in shot.glob("runs/*/run.json")):
        return "train"
    return "track"


def step_back(shot: Path, chance: random.Random) -> None:
    """Take the version away, and now and then the run too, so that there is work again to be killed in."""
    for version in published(shot):
        for path in sorted(version.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        version.rmdir()
    if chance.random() < 0.5:
        for path in sorted((shot / "runs").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()


def check_whole(version: Path) -> None:
    """Every file that the record names is there and is what it says; a frame can be read."""
    record = read_json(version / "version.json")
    assert sorted(record["frames"]) == [str(frame) for frame in FRAMES]
    for outputs in record["frames"].values():
        for name, digest in outputs.items():
            assert hashlib.sha256((version / name).read_bytes()).hexdigest() == digest
    read_exr(next((version / "exr").iterdir()), part="rgba")
