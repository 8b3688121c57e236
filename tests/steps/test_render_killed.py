"""Rendering killed without warning: whatever lies there is whole, and the next run finishes with the same frames."""

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.steps.shots import FRAMES, make_job, open_plate, write_plate
from vfx_deepfake.files import sweep_parts
from vfx_deepfake.steps.render import render_frames

KILLS = 10


def render(pattern: str, out: str, begun: Event | None = None) -> None:
    if begun is not None:
        begun.set()
    render_frames(make_job(open_plate(pattern), Path(out)), FRAMES)


def finished(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "exr").glob("[!.]*.exr"))}


def test_killed_at_random_moments_every_frame_is_whole_and_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(
        "PYTHONPATH", str(Path(__file__).parents[2])
    )  # the fork server looks for its modules there alone
    pattern = write_plate(tmp_path)
    began = time.monotonic()
    render(pattern, str(tmp_path / "whole"))
    usual = time.monotonic() - began
    whole = finished(tmp_path / "whole")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.steps.test_render_killed"])
    rng, out, most = random.Random(5), tmp_path / "out", 0
    for attempt in range(KILLS):
        begun = processes.Event()
        child = processes.Process(target=render, args=(pattern, str(out), begun))
        child.start()
        assert begun.wait(timeout=120)
        child.join(rng.uniform(0, usual * (1 + attempt / 2)))  # a fresh process starts slower; later ones get further
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
            child.join()
        assert finished(out).items() <= whole.items()
        most = max(most, len(finished(out)))
        if rng.random() < 0.4:  # begin from nothing now and then, so that kills fall on early frames too
            for path in [*out.glob("exr/*"), *out.glob(".frame.*")]:
                path.unlink()
    sweep_parts(out / "exr")
    render(pattern, str(out))
    assert finished(out) == whole and most > 0
    assert sorted(path.name for path in (out / "exr").iterdir()) == sorted(whole)  # no hidden rest
