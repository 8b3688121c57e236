"""How shots stand, by what is on disk: each state once, and the one line of why."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.farm.engines import program
from tests.farm.jobs import write_shot
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.farm.queue import slurm_states
from vfx_deepfake.farm.status import DONE, FAILED, RUNNING, TO_DO, WAITING, shot_status
from vfx_deepfake.files import write_json
from vfx_deepfake.naming import ShotPaths
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps import hashes

STEPS = {"track": 1, "train": 1, "render": 3, "review": 1, "version": 1}


@pytest.fixture
def paths(tmp_path: Path) -> ShotPaths:
    return load_shot(write_shot(tmp_path / "sh0010")).paths


def submitted(
    paths: ShotPaths, *, number: int = 1, at: str = "2026-01-01T10:00:00+00:00", engine: str = "deadline10", **more: Any
) -> None:
    record = {
        "engine": engine,
        "tasks": STEPS,
        "submitted_at": at,
        "job_ids": {step: f"{number}{step}" for step in STEPS},
        **more,
    }
    write_json(paths.job(number) / "job.json", record)


def outcome(
    paths: ShotPaths, stage: str, state: str, frames: str = "", at: str = "2026-01-01T11:00:00+00:00", **more: Any
) -> None:
    name = f"{stage}.{frames}.json" if frames else f"{stage}.json"
    told = {
        "stage": stage,
        "frames": frames,
        "state": state,
        "why": "",
        "at": at,
        "host": "elsewhere",
        "process": 1,
        **more,
    }
    write_json(paths.tasks / name, told)


def test_a_shot_that_was_never_touched_is_to_do_and_its_plate_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = make_performer_shot(tmp_path / "sh0010", width=96, height=72, count=2, key_frames=(1001,), microphone=False,
                               overrides=("model.method=passthrough",))  # fmt: skip
    monkeypatch.setattr(hashes, "hash_file", lambda path: pytest.fail(f"{path} was read"))
    found = shot_status(shot.folder)
    assert (found.state, found.why, found.farm) == (TO_DO, "", "")
    assert {one.state for one in found.stages} == {TO_DO}


def test_a_shot_that_can_not_be_sent_says_why(paths: ShotPaths) -> None:
    found = shot_status(paths.folder)
    assert found.state == FAILED and "/plates/sh0010" in found.why


def test_submitted_is_waiting_and_a_failed_submission_has_failed(paths: ShotPaths) -> None:
    submitted(paths)
    found = shot_status(paths.folder)
    assert (found.state, found.farm, found.job) == (WAITING, "deadline10", str(paths.job(1)))
    submitted(paths, number=2, job_ids={}, why="deadlinecommand: no such pool\nask the farm's people")
    assert (shot_status(paths.folder).state, shot_status(paths.folder).why) == (
        FAILED, "deadlinecommand: no such pool; ask the farm's people",
    )  # fmt: skip


def test_tasks_speak_for_their_stage(paths: ShotPaths) -> None:
    submitted(paths)
    outcome(paths, "track", "done")
    outcome(paths, "train", "done")
    outcome(paths, "render", "done", "1001-1004")
    outcome(paths, "render", "running", "1005-1007")
    found = shot_status(paths.folder)
    stages = {one.name: one for one in found.stages}
    assert found.state == RUNNING and found.line == "sh0010            running   render 1/3 tasks"
    assert (stages["track"].state, stages["render"].done, stages["version"].state) == (DONE, 1, WAITING)
    outcome(paths, "render", "failed", "1008-1010", why="plate.1009.exr: can't be read", exit_code=2)
    found = shot_status(paths.folder)
    assert (found.state, found.why) == (FAILED, "render 1008-1010: plate.1009.exr: can't be read")


def test_a_new_submission_forgets_what_failed_before_it(paths: ShotPaths) -> None:
    submitted(paths)
    outcome(paths, "track", "failed", why="no face")
    assert shot_status(paths.folder).why == "track: no face"
    submitted(paths, number=2, at="2026-01-01T12:00:00+00:00")
    assert shot_status(paths.folder).state == WAITING


def test_a_worker_of_this_host_that_is_gone_has_failed(paths: ShotPaths) -> None:
    submitted(paths)
    child = subprocess.Popen(["true"])
    child.wait()
    here = socket.gethostname()
    outcome(paths, "track", "running", host=here, process=os.getpid())
    assert shot_status(paths.folder).state == RUNNING
    outcome(paths, "track", "running", host=here, process=child.pid)
    found = shot_status(paths.folder)
    assert (found.state, found.why) == (
        FAILED,
        f"track: its worker on {here} is gone without a word; killed, or the host went down",
    )


QUEUE = [
    ("PENDING|Dependency", WAITING, ""),
    ("PENDING|JobHeldUser", WAITING, "held; release it with: scontrol release 11"),
    ("PENDING|DependencyNeverSatisfied", FAILED, "what it waits for has failed"),
    ("RUNNING|None", RUNNING, ""),
    ("TIMEOUT|TimeLimit", FAILED, "Slurm says timeout of job 11"),
    ("NODE_FAIL|None", FAILED, "Slurm says node_fail of job 11"),
    ("CANCELLED|None", FAILED, "Slurm says cancelled of job 11"),
]


@pytest.mark.parametrize(("line", "state", "why"), QUEUE)
def test_slurms_queue_tells_what_no_task_can(
    paths: ShotPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, state: str, why: str
) -> None:
    calls = program(tmp_path / "bin", "squeue", f'echo "$@" > "$CALLS"; echo "11|{line}"', monkeypatch)
    submitted(paths, engine="slurm", job_ids={"track": "11", "train": "12:13"})
    stage = shot_status(paths.folder).stages[0]
    assert (stage.state, stage.why) == (state, why)
    assert "--jobs=11,12,13" in calls.read_text()


def test_the_worst_task_of_an_array_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "11|COMPLETED|None\\n11|PENDING|Resources\\n12|FAILED|NonZeroExitCode\\n11|RUNNING|None\\n13|COMPLETED|None\\n99|FAILED|x"
    program(tmp_path / "bin", "squeue", f"printf '{lines}\\n'", monkeypatch)
    found = slurm_states({"render": "11:12", "qc": "11", "track": "13"})
    assert found["render"] == (FAILED, "Slurm says failed of job 12") and "track" not in found


@pytest.mark.parametrize("text", ["exit 1", "echo nonsense"])
def test_a_queue_that_does_not_answer_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    program(tmp_path / "bin", "squeue", text, monkeypatch)
    assert slurm_states({"track": "11"}) == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert slurm_states({"track": "11"}) == {}


def test_a_finished_shot_is_done_by_content_and_a_changed_plate_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shot = make_performer_shot(tmp_path / "sh0010", width=96, height=72, count=2, key_frames=(1001,), microphone=False,
                               overrides=("model.method=passthrough", "review.movie=false", "qc.enabled=false"))  # fmt: skip
    assert main(["run", str(shot.file), "--progress", "none"]) == 0
    found = shot_status(shot.file)
    assert (found.state, found.version, found.line) == (DONE, "v001", "sh0010            done      v001")
    shutil.copy(shot.plate_frame(1001), shot.plate_frame(1002))
    assert shot_status(shot.file).state == TO_DO
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "shot.toml").write_text("[shot]\nname = 3")
    capsys.readouterr()
    assert main(["status", str(shot.folder), str(broken), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["to do"], told["failed"]) == (1, 1)
    assert "shot.toml [shot].name: is 3; want a text" in told["shots"][1]["why"]
