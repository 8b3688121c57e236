"""``--farm slurm`` on a real Slurm of one node: the frames, and everything that goes wrong on a farm."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.farm.one_node_slurm import Slurm, why_not
from tests.farm.shots_for_farms import FRAMES, copy_of, pictures
from tests.farm.warm_worker import warm_venv
from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends.slurm import step_scripts
from vfx_deepfake.farm.decoded import decode
from vfx_deepfake.farm.job import submit_shot
from vfx_deepfake.farm.outcome import read_outcomes
from vfx_deepfake.farm.plan import job_parameters, plan_job
from vfx_deepfake.files import one_writer
from vfx_deepfake.progress import Silent
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.render_stage import plan_render

NO_FACE = ("model.method=passthrough",)
PATIENCE_S = 300.0  # a whole job on a busy host
needs_slurm = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    cluster = Slurm(tmp_path_factory.mktemp("slurm"))
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(cluster.config)
    try:
        cluster.start(fresh=True)
        yield cluster
    finally:
        cluster.ask("scancel", "--user=root")
        cluster.stop()
        os.environ.pop("SLURM_CONF") if before is None else os.environ.update(SLURM_CONF=before)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Settings of a job without a face, whose workers need not load torch each."""
    with warm_venv(tmp_path_factory.mktemp("warm") / "venv") as venv:
        yield (*NO_FACE, f"farm.venv={venv}")


def submit(shot: Path, *overrides: str, hold: bool = False) -> dict[str, str]:
    """Job ids by step."""
    return submit_shot(shot, overrides, farm="slurm", hold=hold, progress=Silent()).job_ids


def outcomes(shot: Path, stage: str) -> dict[str, dict]:
    """What the tasks of a stage said, by frames."""
    return {each["frames"]: each for each in read_outcomes(load_shot(shot).paths) if each["stage"] == stage}


def worker_of(shot: Path, stage: str) -> int:
    return next(each["process"] for each in outcomes(shot, stage).values() if each["state"] == "running")


def is_running(shot: Path, stage: str) -> bool:
    return any(each["state"] == "running" for each in outcomes(shot, stage).values())


@pytest.mark.slow
@needs_slurm
def test_array_chunks_and_a_killed_worker_give_the_frames_of_a_plain_run(slurm, farm_shot, plain_frames):
    shot = copy_of(farm_shot, "slurm")
    with one_writer(load_shot(shot).paths.work, "the test"):  # the stage waits for the shot, so it is surely under way
        ids = submit(shot)
        slurm.wait(lambda: is_running(shot, "track"), PATIENCE_S)
        first = worker_of(shot, "track")
        os.kill(first, signal.SIGKILL)
        slurm.wait(lambda: is_running(shot, "track") and worker_of(shot, "track") != first, PATIENCE_S)
    slurm.wait(lambda: slurm.settled(ids), PATIENCE_S)
    assert slurm.states(ids) == {step: {"COMPLETED"} for step in ("track", "render", "review", "version")}
    assert set(outcomes(shot, "render")) == {"1001-1003", "1004-1006"}
    assert all(each["SLURM_ARRAY_JOB_ID"] == ids["render"] for each in outcomes(shot, "render").values())
    assert pictures(shot) == plain_frames
    log = (shot / f"work/farm/job_0001/logs/track-{ids['track']}.log").read_text()
    assert "worker ended by signal 9, start 1 of 2" in log


@pytest.mark.slow
@needs_slurm
def test_hold_restart_of_the_controller_failing_chunk_and_rerun(slurm, farm_shot, quick):
    shot = copy_of(farm_shot, "failing")
    making = plan_render(open_shot(shot, NO_FACE)).paths
    blocked = making.exr_frame(1005)
    blocked.mkdir(parents=True)  # the disk will not take this frame
    held = submit(shot, *quick, hold=True)
    slurm.stop("slurmctld")
    slurm.start("slurmctld")
    assert slurm.states(held) == {step: {"PENDING"} for step in ("render", "review", "version")}
    assert slurm.reasons(held)["render"] == {"JobHeldUser"}
    slurm.ask("scontrol", "release", held["render"])
    slurm.wait(lambda: slurm.settled(held), PATIENCE_S)
    assert slurm.states(held) == {"render": {"COMPLETED", "FAILED"}, "review": {"CANCELLED"}, "version": {"CANCELLED"}}
    failed = outcomes(shot, "render")["1004-1006"]
    assert (failed["state"], failed["exit_code"]) == ("failed", 2)
    assert "1005.exr: could not be written: Is a directory" in failed["why"]
    assert not outcomes(shot, "review")
    assert not list(shot.glob("versions/v*"))

    blocked.rmdir()
    kept = {making.exr_frame(frame): making.exr_frame(frame).stat().st_mtime_ns for frame in (1001, 1002, 1003, 1004)}
    again = submit(shot, *quick)
    slurm.wait(lambda: slurm.settled(again), PATIENCE_S)
    assert slurm.states(again) == {step: {"COMPLETED"} for step in ("render", "review", "version")}
    version = load_shot(shot).paths.version(1)
    assert len(pictures(shot)) == 2 * len(FRAMES)
    assert {path: version.exr_frame(int(path.suffixes[-2][1:])).stat().st_mtime_ns for path in kept} == kept
    assert outcomes(shot, "render")["1004-1006"]["state"] == "done"


@pytest.mark.slow
@needs_slurm
def test_cancel_stops_what_runs_and_what_waits(slurm, farm_shot):
    shot = copy_of(farm_shot, "cancelled")
    with one_writer(load_shot(shot).paths.work, "the test"):
        ids = submit(shot)
        slurm.wait(lambda: is_running(shot, "track"), PATIENCE_S)
        slurm.ask("scancel", *ids.values())
        slurm.wait(lambda: slurm.settled(ids), PATIENCE_S)
    assert slurm.states(ids) == {step: {"CANCELLED"} for step in ("track", "render", "review", "version")}
    slurm.wait(lambda: not Path(f"/proc/{outcomes(shot, 'track')['']['process']}").exists())
    assert not (shot / "track").exists()


@needs_slurm
@pytest.mark.slow
def test_what_slurm_refuses_is_said_and_nothing_stays_in_the_queue(slurm, farm_shot):
    shot = copy_of(farm_shot, "refused")
    before = {job["job_id"] for job in slurm.jobs()}  # track is taken, render asks for a GPU that no node has
    with pytest.raises(
        FarmError, match=r"slurm: sbatch refused: .*generic resource.*; change \[farm\] or ask the farm's people"
    ):
        submit(shot, "farm.gpus=1", hold=True)
    new = [job for job in slurm.jobs() if job["job_id"] not in before]
    assert [(job["name"], job["job_state"]) for job in new] == [("demo sh0010 track", "CANCELLED")]


def scripts(shot, *overrides: str, rules=None) -> dict[str, str]:
    opened = open_shot(shot.file, overrides)
    decoded = decode(
        plan_job(opened, overrides=overrides), job_parameters(opened), rules=rules, rules_file="/there/rules.json"
    )
    return step_scripts(decoded, "/there/job")


def test_the_script_says_what_the_job_needs(small_shot):
    settings = ("farm.gpus=1", "farm.licences=['face']", "farm.queue=night", "farm.cores=4", "farm.memory_mib=900",
                "farm.chunk_frames=2", "farm.variables=['OCIO=/a b.ocio']", "farm.frame_timeout_s=31", "farm.retries=0")  # fmt: skip
    render = scripts(small_shot, *settings, rules={str(small_shot.folder.parent): "/there"})["render.0.sh"]
    for line in ("--gres=gpu:1", "--licenses=face:1", "--partition=night", "--cpus-per-task=4", "--mem=900M", "--array=0-2",
                 "--export=NIL", "--requeue", "--kill-on-invalid-dep=yes", "--output=/there/job/logs/render-%A_%a.log"):  # fmt: skip
        assert f"#SBATCH {line}\n" in render
    assert "#SBATCH --time=3\n" in render  # (62 + 30) + 60 s, in whole minutes
    assert "export OCIO='/a b.ocio'\n" in render
    assert str(small_shot.folder) not in render
    assert f"render /there/{small_shot.folder.name}/shot.toml --frames 1003-1004" in render


def test_more_tasks_than_an_array_may_have_become_several_arrays(small_shot, monkeypatch):
    monkeypatch.setattr("vfx_deepfake.farm.backends.slurm.TASKS_PER_ARRAY", 4)
    made = scripts(small_shot, "farm.chunk_frames=1")
    assert [name for name in made if name.startswith("render")] == ["render.0.sh", "render.1.sh"]
    assert "--array=0-3\n" in made["render.0.sh"]
    assert "--array=0-1\n" in made["render.1.sh"]
    assert "1) task=" in made["render.1.sh"]
    assert "--frames 1006-1006" in made["render.1.sh"]
