"""Deadline 10: its files as golden ones, its script run by a real shell, its program by a stand-in that writes down what it got."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.farm.engines import ODD_NAMES, program, words_of
from tests.farm.jobs import GOLDEN, decoded_job, golden_job, write_shot
from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends import deadline10
from vfx_deepfake.farm.decoded import Decoded
from vfx_deepfake.progress import Silent

# deadlinecommand JOB_INFO PLUGIN_INFO SCRIPT: a job, named by the number of the call
ACCEPT = 'echo "$1|$2|$3" >> "$CALLS"\necho "Deadline Command 10.4"\necho "JobID=$(wc -l < "$CALLS")ab"\necho "Submission complete"'


@pytest.fixture
def job(tmp_path: Path) -> Decoded:
    return decoded_job(write_shot(tmp_path / "sh0010"))


def info(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())


def test_the_files_are_the_golden_ones() -> None:
    # made by: job_info and script of the step render of golden_job(), and plugin_info()
    job = golden_job()
    render = next(step for step in job.steps if step.name == "render")
    made = {
        "deadline10_render.job": deadline10.job_info(job, render, hold=True, after=["1ab", "2ab"]),
        "deadline10_render.sh": deadline10.script(job, render),
        "deadline10_plugin.job": deadline10.plugin_info(),
    }
    assert made == {name: (GOLDEN / name).read_text(encoding="utf-8") for name in made}


def test_steps_are_submitted_in_order_and_wait_for_the_ids(
    job: Decoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = program(tmp_path / "bin", "deadlinecommand", ACCEPT, monkeypatch)
    folder = tmp_path / "submission"
    waiting = replace(job, outside={"train": ("77cd",)}, queue="faces")
    submitted = deadline10.submit(waiting, hold=True, dry_run=False, folder=folder, progress=Silent())
    assert submitted.job_ids == {step.name: f"{number}ab" for number, step in enumerate(job.steps, 1)}
    assert calls.read_text().splitlines() == [
        "|".join(str(folder / name) for name in (f"{step.name}.job", "plugin_info.job", f"{step.name}.sh"))
        for step in job.steps
    ]
    for step in job.steps:
        values = info(folder / f"{step.name}.job")
        before = [submitted.job_ids[name] for name in step.after] + (["77cd"] if step.name == "train" else [])
        assert values.get("JobDependencies", "") == ",".join(before)
        assert values.get("InitialStatus") == (None if step.after else "Suspended")
        assert values["TaskTimeoutSeconds"] == str(step.timeout_s) and values["Pool"] == "faces"
        assert values["LimitGroups"] == "vfx_deepfake" and values["BatchName"] == "north sh0010"
        variables = {values["EnvironmentKeyValue0"], values["EnvironmentKeyValue1"]}
        assert variables == {"OMP_NUM_THREADS=2", "OCIO=/show/config with space.ocio"}
    assert submitted.notes == ("let it go with: deadlinecommand ResumeJob 1ab",)


@pytest.mark.parametrize("name", ["sh0010", *ODD_NAMES])
def test_the_script_does_the_task_of_its_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    job = decoded_job(write_shot(tmp_path / name), overrides=[f"shot.note={name}"])
    for step in job.steps if name == "sh0010" else job.steps[-3:]:
        script = tmp_path / "task.sh"
        script.write_text(deadline10.script(job, step), encoding="utf-8")
        frames = deadline10.job_info(job, step, hold=False, after=[]).split("Frames=")[1].split("\n")[0].split(",")
        for frame, task in zip(frames, step.tasks, strict=True):
            assert words_of(["/bin/sh", str(script), frame], tmp_path / "bin", monkeypatch) == list(task.argv)


def test_a_refusal_names_the_step_and_what_was_submitted_before(
    job: Decoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_third = f'{ACCEPT}\n[ "$(wc -l < "$CALLS")" -lt 3 ] || {{ echo "Error: no such pool" >&2; exit 1; }}'
    program(tmp_path / "bin", "deadlinecommand", refuse_third, monkeypatch)
    third = job.steps[2].name
    said = rf"{third}: deadlinecommand: Error: no such pool \(exit code 1\).*; submitted before it: 1ab, 2ab, which may be deleted"
    with pytest.raises(FarmError, match=said):
        deadline10.submit(job, hold=False, dry_run=False, folder=tmp_path / "s", progress=Silent())


def test_an_answer_without_a_job_is_no_success(job: Decoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "deadlinecommand", "echo The repository is locked", monkeypatch)
    with pytest.raises(FarmError, match=r"named no job \(The repository is locked\); look for it in the Monitor"):
        deadline10.submit(job, hold=False, dry_run=False, folder=tmp_path / "s", progress=Silent())


def test_a_name_with_a_line_end_is_refused(job: Decoded) -> None:
    with pytest.raises(FarmError, match=r"Deadline 10 Name: 'a\\nPool=all track' has a line end"):
        deadline10.job_info(replace(job, name="a\nPool=all"), job.steps[0], hold=False, after=[])


def test_a_dry_run_writes_nothing(job: Decoded, tmp_path: Path) -> None:
    submitted = deadline10.submit(job, hold=False, dry_run=True, folder=tmp_path / "s", progress=Silent())
    assert tmp_path / "s" / "render.sh" in submitted.files and not (tmp_path / "s").exists()
