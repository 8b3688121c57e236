"""One task on a host: limits, retries, what is on record, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vfx_deepfake.errors import BusyError, ShotError
from vfx_deepfake.farm.outcome import farm_task, read_outcomes
from vfx_deepfake.farm.worker import Limits, Log, native_frames, work
from vfx_deepfake.files import WAIT_VARIABLE, one_writer
from vfx_deepfake.shot import load_shot

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0  # a busy host imports torch in half a minute; what is waited for comes or the test fails


def outcome(shot: Path, stage: str) -> dict:
    return next(each for each in read_outcomes(load_shot(shot).paths) if each["stage"] == stage)


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@contextmanager
def worker_that_waits(shot: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    """A worker whose stage runs and waits for the shot, which this test holds; with the stage's process."""
    with one_writer(load_shot(shot).paths.work, "the test"):
        command = [sys.executable, "-m", "vfx_deepfake", "work", "--timeout", "600", "track", str(shot)]
        worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            wait_for(lambda: children(worker.pid))
            yield worker, children(worker.pid)[0]
        finally:
            worker.kill()
            worker.communicate()


def test_a_killed_worker_takes_its_stage_along(own_shot):
    with worker_that_waits(own_shot()) as (worker, stage):
        assert not is_gone(stage)
        os.kill(worker.pid, signal.SIGKILL)
        wait_for(lambda: is_gone(stage))


def test_a_worker_that_is_asked_to_stop_stops_its_stage_and_says_so(own_shot):
    shot = own_shot()
    with worker_that_waits(shot) as (worker, stage):
        worker.terminate()
        said, _ = worker.communicate(timeout=PATIENCE_S)
        assert worker.returncode == 75, said
        wait_for(
            lambda: is_gone(stage)
        )  # asked while the stage was only just starting, it is the kernel that ends it with its worker
    assert outcome(shot, "track")["state"] == "stopped"


def test_a_task_that_takes_too_long_is_stopped_and_tried_again(own_shot):
    shot, said = own_shot(), []
    ended = work(["track", str(shot)], Limits(timeout_s=0.3, retries=1), say=said.append)
    assert ended.code == 75
    assert "took longer than 0.3 s" in ended.why
    assert outcome(shot, "track")["state"] == "failed"
    assert outcome(shot, "track")["attempt"] == 2
    assert outcome(shot, "track")["why"] == ended.why
    # how far the stage itself comes in that time, and says so, is the host's
    assert sum("attempt 1 failed" in line for line in said if line.startswith("openjd_status:")) == 1
    assert [line for line in said if line.startswith("openjd_fail:")] == said[-1:]


def test_what_the_artist_can_fix_is_not_tried_again_and_its_line_is_the_reason(own_shot):
    shot, said = own_shot(), []
    ended = work(["render", str(shot), "--frames", "1001-1002"], Limits(timeout_s=600, retries=3), say=said.append)
    assert ended.code == 2
    assert "not tracked yet; run 'vfx-deepfake track' first" in ended.why
    found = outcome(shot, "render")
    assert (found["state"], found["attempt"], found["frames"], found["exit_code"]) == ("failed", 1, "1001-1002", 2)
    assert said[-1] == f"openjd_fail: small render 1001-1002: {ended.why}"
    assert all(line.startswith(("openjd_", "[small render 1001-1002] ")) for line in said)


def test_a_stage_that_was_killed_is_tried_again(own_shot):
    shot, said = own_shot(), []

    def kill_the_first() -> None:
        wait_for(lambda: children(os.getpid()))
        os.kill(children(os.getpid())[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    ended = work(
        ["render", str(shot), "--set", "model.method=passthrough"], Limits(timeout_s=600, retries=1), say=said.append
    )
    killer.join()
    assert ended.code == 0, said
    assert any("killed by SIGKILL" in line and line.startswith("openjd_status") for line in said)
    assert (outcome(shot, "render")["state"], outcome(shot, "render")["attempt"]) == ("done", 2)
    assert len(list(shot.glob("versions/.*.making/exr/*.exr"))) == 6


def test_a_line_reaches_the_engine_at_once():
    """``os._exit`` loses what is still in a buffer."""
    code = "import os; from vfx_deepfake.farm.worker import tell; tell('openjd_progress: 1.0'); os._exit(0)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout
        == "openjd_progress: 1.0\n"
    )


def test_every_line_of_the_log_says_shot_step_and_frames():
    task = farm_task(["render", "/nowhere/sh0020/shot.toml", "--frames", "1001-1010"])
    log = Log(task, (), print)
    assert log.passed_on("hello") == "[sh0020 render 1001-1010] hello"
    assert log.passed_on("openjd_progress: 12.5") == "openjd_progress: 12.5"
    assert (
        log.passed_on("openjd_status: render 1/8 frames") == "openjd_status: sh0020 render 1001-1010: render 1/8 frames"
    )
    assert log.passed_on("openjd_fail: no") == ""  # the worker says it, once, when there is no attempt left
    assert (
        log.passed_on("vfx-deepfake render: no release") == "[sh0020 render 1001-1010] vfx-deepfake render: no release"
    )
    assert log.last_word == "no release"


@pytest.mark.parametrize(
    ("told", "native"),
    [("1001-1004", "1001-1004"), ("1001-1001", "1001"), ("1001-1009:2", "1001-1009x2"), ("-5--3", "-5--3"), ("1,4,9-11", "1,4,9-11")],
)  # fmt: skip
def test_ranges_of_the_engine_become_ours(told, native):
    assert native_frames(["render", "a:b", "--frames", told, "--set", "x=1:2"]) == [
        "render",
        "a:b",
        "--frames",
        native,
        "--set",
        "x=1:2",
    ]


def test_a_task_without_a_stage_is_refused():
    with pytest.raises(ShotError, match=r"work: got 'render'; give a stage, its shot file and its options"):
        farm_task(["render"])


def test_on_a_farm_a_second_host_waits_for_the_first(tmp_path, monkeypatch):
    with (
        one_writer(tmp_path, "first"),
        pytest.raises(BusyError, match="first .* works on it"),
        one_writer(tmp_path, "second"),
    ):
        pass
    monkeypatch.setenv(WAIT_VARIABLE, str(PATIENCE_S))
    holds, order = threading.Event(), []

    def first() -> None:
        with one_writer(tmp_path, "first"):
            holds.set()
            time.sleep(1.0)  # longer than the second's first try takes
            order.append("first")

    holder = threading.Thread(target=first)
    holder.start()
    holds.wait()
    with one_writer(tmp_path, "second"):
        order.append("second")
    holder.join()
    assert order == ["first", "second"]
