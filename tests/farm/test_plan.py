"""The one description of a job: what is in it, that openjd-model takes it, and what comes out decoded."""

from __future__ import annotations

import json
from itertools import chain, combinations
from pathlib import Path

import pytest

from vfx_deepfake.cli.commands import COMMANDS
from vfx_deepfake.errors import FarmError, ShotError
from vfx_deepfake.farm.decoded import Decoded, decode
from vfx_deepfake.farm.plan import NOTIFY_S, START_S, job_parameters, plan_job
from vfx_deepfake.farm.worker import native_frames
from vfx_deepfake.frames import format_frames
from vfx_deepfake.steps.opened import OpenShot, open_shot

FRAMES = tuple(range(1001, 1007))


def opened(shot, *overrides: str) -> OpenShot:
    return open_shot(shot.file, overrides)


def job(shot, *overrides: str, **plan) -> Decoded:
    opened_shot = opened(shot, *overrides)
    return decode(plan_job(opened_shot, overrides=overrides, **plan), job_parameters(opened_shot))


def test_the_steps_are_the_stages_of_the_shot_each_after_what_it_reads(small_shot):
    steps = {step.name: step for step in job(small_shot).steps}
    assert list(steps)[:3] == ["track", "train", "render"]
    assert list(steps)[-1] == "version"
    assert steps["train"].after == ("track",)
    assert steps["render"].after == ("track", "train")
    assert {"render", "review"} <= set(steps["version"].after)
    assert all(name in COMMANDS for name in steps)


def test_no_step_for_what_the_shot_does_not_need(small_shot):
    assert "train" not in [step.name for step in job(small_shot, "model.method=propagate").steps]
    passed = {step.name: step for step in job(small_shot, "model.method=passthrough").steps}
    assert "track" not in passed
    assert passed["render"].after == ()


def test_every_frame_is_in_exactly_one_chunk(small_shot):
    for size in range(1, 8):
        tasks = next(step for step in job(small_shot, chunk=size).steps if step.name == "render").tasks
        assert tuple(chain.from_iterable(task.frames for task in tasks)) == FRAMES
        assert max(len(task.frames) for task in tasks) <= size


@pytest.mark.parametrize("count", range(1, 6))
def test_any_part_of_the_frames_is_covered_and_not_published(small_shot, count):
    for part in combinations(FRAMES, count):
        steps = {step.name: step for step in job(small_shot, frames=format_frames(part), chunk=2).steps}
        assert tuple(chain.from_iterable(task.frames for task in steps["render"].tasks)) == part
        assert not {"review", "version"} & set(steps)
        for task in steps["render"].tasks:
            told = task.argv[task.argv.index("--frames") :][:2]
            assert native_frames(told) == ["--frames", format_frames(task.frames)]


def test_the_template_holds_no_path_of_this_host(small_shot):
    shot = opened(small_shot, "farm.venv=/here/venv")
    text = json.dumps(plan_job(shot, overrides=["farm.venv=/here/venv", "render.strength=0.5"]))
    assert str(small_shot.folder) not in text
    assert str(Path.home()) not in text
    assert "/here" not in text
    assert job_parameters(shot) == {"ShotFolder": str(small_shot.folder), "Environment": "/here/venv"}


def test_engines_without_path_mapping_get_mapped_paths(small_shot):
    shot = opened(small_shot, "farm.venv=/here/venv")
    rules = {str(small_shot.folder.parent): "/there/shots", "/here": "/there"}
    decoded = decode(plan_job(shot), job_parameters(shot), rules=rules, rules_file="/there/rules.json")
    for step in decoded.steps:
        for task in step.tasks:
            assert task.argv[0] == "/there/venv/bin/vfx-deepfake"
            assert f"/there/shots/{small_shot.folder.name}/shot.toml" in task.argv
            assert task.argv[task.argv.index("--path-mapping") + 1] == "/there/rules.json"
            assert not any(str(small_shot.folder) in word or "/here" in word for word in task.argv)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("farm.venv=/studio/vfx", ("/studio/vfx/bin/vfx-deepfake", "work")),
        ("farm.rez=['vfx_deepfake-0.1', 'cuda-12']", ("rez-env", "vfx_deepfake-0.1", "cuda-12", "--", "vfx-deepfake", "work")),
        ("farm.retries=1", ("vfx-deepfake", "work")),
    ],
)  # fmt: skip
def test_the_worker_comes_from_a_venv_from_rez_or_from_the_path(small_shot, setting, words):
    assert job(small_shot, setting).steps[0].tasks[0].argv[: len(words)] == words


def test_host_needs_limits_and_retries(small_shot):
    settings = ("farm.cores=3", "farm.memory_mib=9000", "farm.gpus=2", "farm.licences=['neat', 'face.deep']", "farm.retries=2",
                "farm.stage_timeout_s=100", "farm.frame_timeout_s=70", "farm.queue=night", "farm.variables=['OCIO=/c.ocio']")  # fmt: skip
    decoded = job(small_shot, *settings, chunk=2)
    steps = {step.name: step for step in decoded.steps}
    assert (decoded.retries, decoded.queue) == (2, "night")
    assert decoded.environment == {"OCIO": "/c.ocio", "OMP_NUM_THREADS": "3"}
    for step in steps.values():
        assert (step.needs.cores, step.needs.memory_mib, step.needs.licences) == (3, 9000, ("neat", "face.deep"))
    assert {name for name, step in steps.items() if step.needs.gpus} == {"train", "render"}
    # the engine's limit leaves room for every attempt of the worker's and for coming up
    assert steps["train"].timeout_s == (100 + NOTIFY_S) * 3 + START_S
    assert steps["render"].timeout_s == (2 * 70 + NOTIFY_S) * 3 + START_S
    assert steps["render"].tasks[0].argv[steps["render"].tasks[0].argv.index("--timeout") + 1] == "140"


def test_overrides_reach_every_task_except_those_of_the_farm(small_shot):
    for step in job(small_shot, "render.strength=0.5", "farm.cores=1").steps:
        for task in step.tasks:
            assert task.argv[-2:] == ("--set", "render.strength=0.5")
            assert "farm.cores=1" not in task.argv


def test_what_can_not_be_planned_is_said(small_shot):
    shot = opened(small_shot)
    with pytest.raises(ShotError, match="--frames: 1009 are not in the shot's range 1001-1006"):
        plan_job(shot, frames="1009")
    with pytest.raises(ShotError, match="chunk: is 0; give the number of frames a task takes, at least 1"):
        plan_job(shot, chunk=0)
    with pytest.raises(FarmError, match="which a farm job can't carry; put it into the shot file"):
        plan_job(shot, overrides=["shot.note={{Param.Shot}}"])
    with pytest.raises(FarmError, match="is no valid job: .*; change \\[farm\\] or --frames"):
        decode(plan_job(shot), {})
    with pytest.raises(ShotError, match="rez and venv are both given; the worker takes one of them"):
        opened(small_shot, "farm.rez=['a']", "farm.venv=/b")
    with pytest.raises(ShotError, match="variables holds 'OCIO'; write two parts with = between them"):
        opened(small_shot, "farm.variables=['OCIO']")
