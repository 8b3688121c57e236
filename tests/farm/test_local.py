"""``--farm local``: the job run here by openjd-sessions."""

from __future__ import annotations

import pytest

from tests.farm.shots_for_farms import copy_of, pictures
from vfx_deepfake.cli.main import main
from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.job import submit_shot
from vfx_deepfake.farm.outcome import read_outcomes
from vfx_deepfake.files import read_json
from vfx_deepfake.progress import Silent
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.render_stage import plan_render

ONLY_RENDER = ("model.method=passthrough", "farm.chunk_frames=3")


class Heard(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.percent: list[int] = []
        self.notes: list[str] = []

    def start(self, stage: str, total: int, unit: str) -> None:
        self.started.append(stage)

    def advance(self, done: int, note: str = "") -> None:
        self.percent.append(done)
        self.notes.append(note)


@pytest.mark.slow
def test_the_frames_are_those_of_a_plain_run_and_progress_is_told(farm_shot, plain_frames):
    shot, heard = copy_of(farm_shot, "local"), Heard()
    submit_shot(shot, progress=heard)
    assert pictures(shot) == plain_frames
    assert heard.started == ["track", "render", "review", "version"]
    assert all(0 <= each <= 100 for each in heard.percent)
    assert any(note.startswith("sh0010 render 1004-1006: render 3/3 frames") for note in heard.notes)
    assert {each["state"] for each in read_outcomes(load_shot(shot).paths)} == {"done"}
    log = (shot / "work/farm/job_0001/session.log").read_text()
    assert "[sh0010 render 1001-1003] rendered" in log
    record = read_json(shot / "work/farm/job_0001/job.json")
    assert (record["engine"], record["tasks"]) == ("local", {"track": 1, "render": 2, "review": 1, "version": 1})


@pytest.mark.slow
def test_a_task_that_fails_ends_the_job_and_says_why(own_shot):
    shot = own_shot()
    making = plan_render(open_shot(shot, ONLY_RENDER)).paths
    making.exr_frame(1005).mkdir(parents=True)  # the disk will not take this frame
    with pytest.raises(
        FarmError, match=r"render 1004-1006: .*1005.exr: could not be written: Is a directory; .*submit again to go on"
    ):
        submit_shot(shot, ONLY_RENDER, progress=Silent())
    assert {each["stage"] for each in read_outcomes(load_shot(shot).paths)} == {"render"}
    assert not list(shot.glob("versions/v*"))
    assert "could not be written" in read_json(shot / "work/farm/job_0001/job.json")["why"]


def test_a_dry_run_writes_nothing_and_says_what_would_be_done(own_shot, capsys):
    shot = own_shot()
    before = sorted(shot.rglob("*"))
    assert (
        main(
            ["submit", str(shot), "--farm", "slurm", "--dry-run", "--set", "farm.chunk_frames=2", "--progress", "none"]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "render: 3 tasks after track and train" in said
    assert str(shot / "work/farm/job_0001/render.0.sh") in said
    assert sorted(shot.rglob("*")) == before


def test_what_can_not_be_submitted_is_said_in_one_line(own_shot, capsys):
    shot = own_shot()
    assert main(["submit", str(shot), "--farm", "nowhere"]) == 2
    assert "--farm nowhere: is not known; choose one of local, openjd, slurm" in capsys.readouterr().err
    for engine, words in (("local", "a local job runs here and now"), ("openjd", "a bundle only waits on disk")):
        assert main(["submit", str(shot), "--farm", engine, "--hold", "--progress", "none"]) == 2
        assert words in capsys.readouterr().err
    assert main(["submit", str(shot), "--set", "plate.colorspace=Nope"]) == 2
    assert "'Nope' is not a colour space" in capsys.readouterr().err


def test_without_slurm_the_line_says_so(own_shot, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FarmError, match="slurm: sbatch is not on this host; submit from one that has Slurm's commands"):
        submit_shot(own_shot(), farm="slurm", progress=Silent())
