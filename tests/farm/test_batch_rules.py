"""The rules of a batch one by one, without a farm: dry runs, exit codes, model shots, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.farm.engines import program
from tests.farm.jobs import write_shot
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import FarmError, RetryError
from vfx_deepfake.farm import batch
from vfx_deepfake.farm.batch import BROKEN, READY, SKIPPED, SUBMITTED, submit_batch, worst_exit_code
from vfx_deepfake.farm.shotlist import Entry, list_shots

SETTINGS = ("review.movie=false", "qc.enabled=false", "keyframes.pattern=keyframes/base.####.exr")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rules") / "base"
    make_performer_shot(
        folder, width=96, height=72, count=2, key_frames=(1001, 1002), microphone=False, overrides=SETTINGS
    )
    return folder


@pytest.fixture
def show(base: Path, tmp_path: Path) -> Path:
    """Three copies of one shot."""
    for name in ("a", "b", "c"):
        shutil.copytree(base, tmp_path / "show" / name)
    return tmp_path / "show"


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_dry_run_checks_everything_and_leaves_nothing(show: Path, base: Path) -> None:
    before = files_in(show)
    new = Entry(shot="new", plate=f"{base}/plate/base.####.exr", colorspace="ACEScg", template="passthrough")
    lost = Entry(shot="lost", plate=f"{base}/plate/none.####.exr", colorspace="ACEScg", template="passthrough")
    sent = submit_batch(list_shots([Entry(shot="a"), Entry(shot="gone"), new, lost], show), farm="slurm", dry_run=True)
    assert [one.state for one in sent] == [READY, BROKEN, READY, BROKEN]
    assert "gone/shot.toml: no such file; name the plate to have the shot made" in sent[1].why
    assert "none.####.exr" in sent[3].why
    assert files_in(show) == before


def test_a_new_shot_is_made_once_and_then_must_agree_with_the_list(show: Path, base: Path, tmp_path: Path) -> None:
    entry = Entry(
        shot="new",
        plate=f"{base}/plate/base.####.exr",
        colorspace="ACEScg",
        template="passthrough",
        set=("shot.note=hi",),
    )
    assert [one.state for one in submit_batch(list_shots([entry], show), farm="openjd")] == [SUBMITTED]
    assert 'note = "hi"' in (show / "new" / "shot.toml").read_text()
    assert [one.state for one in submit_batch(list_shots([entry], show), farm="openjd")] == [SUBMITTED]
    other = Entry(shot="new", plate=f"{tmp_path}/other.####.exr", colorspace="ACEScg")
    (sent,) = submit_batch(list_shots([other], show), farm="openjd")
    assert (
        f"[plate].pattern: is {base}/plate/base.####.exr and the list says {tmp_path}/other.####.exr; correct one"
        in sent.why
    )


def test_the_model_shot_goes_first_and_the_others_wait_for_its_training(
    show: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = program(
        tmp_path / "bin", "deadlinecommand", 'echo "$1" >> "$CALLS"; echo "JobID=$(wc -l < "$CALLS")"', monkeypatch
    )
    entries = [Entry(shot=name, model="c") for name in ("a", "b", "c")]
    sent = submit_batch(list_shots(entries, show), farm="deadline10")
    assert [one.state for one in sent] == [SUBMITTED] * 3
    order = [Path(line).relative_to(show).parts[0] for line in calls.read_text().splitlines()]
    assert order == sorted(order, key="cab".index)
    training = sent[2].job_ids["train"]
    for one in sent[:2]:
        job = (show / one.listed.label / "work" / "farm" / "job_0001" / "train.job").read_text()
        dependencies = job.split("JobDependencies=")[1].split("\n")[0].split(",")
        assert dependencies == [one.job_ids["track"], training]
        track = (show / one.listed.label / "work" / "farm" / "job_0001" / "track.job").read_text()
        assert "JobDependencies" not in track


def test_a_broken_model_shot_breaks_those_that_need_it_and_no_other(show: Path) -> None:
    (show / "c" / "plate" / "base.1002.exr").unlink()
    entries = [Entry(shot="a", model="c"), Entry(shot="c"), Entry(shot="b")]
    sent = submit_batch(list_shots(entries, show), farm="openjd")
    assert [one.state for one in sent] == [BROKEN, BROKEN, SUBMITTED]
    assert sent[0].why == "its model shot c is broken; see there"


def test_a_model_shot_outside_the_list_must_be_trained(show: Path) -> None:
    (sent,) = submit_batch(list_shots([Entry(shot="a", model="c")], show), farm="openjd")
    assert (
        sent.why
        == f"takes over the network of {show}/c/shot.toml, which is neither trained nor in the list; add it to the list"
    )


def test_an_unknown_farm_is_said_before_anything_is_done(show: Path) -> None:
    before = files_in(show)
    with pytest.raises(
        FarmError, match="--farm clouds: is not known; choose one of local, openjd, slurm, deadline-cloud"
    ):
        submit_batch(list_shots([Entry(shot="a")], show), farm="clouds")
    assert files_in(show) == before


def test_what_goes_wrong_with_one_shot_stays_with_it(
    show: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A fault of ours, a farm that says later, and a good one; exit codes as documented, the worst of all."""
    monkeypatch.chdir(tmp_path)
    real = batch.submit_shot

    def faulty(file: Path, *arguments, **more):
        if file.parent.name == "a":
            raise KeyError("x")
        if file.parent.name == "b":
            raise RetryError("the controller is down; try again later")
        return real(file, *arguments, **more)

    monkeypatch.setattr(batch, "submit_shot", faulty)
    sent = submit_batch(list_shots([Entry(shot=name) for name in "abc"], show), farm="openjd")
    assert [one.exit_code for one in sent] == [1, 75, 0]
    assert [worst_exit_code(some) for some in (sent, sent[1:], sent[2:], [])] == [1, 75, 0, 0]
    (show / "list.csv").write_text("shot\na\nb\nc\n")
    assert main(["batch", str(show / "list.csv"), "--farm", "openjd", "--progress", "none", "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["submitted"] == 1
    assert "batch: a: a fault in vfx-deepfake itself (KeyError: 'x'); the details are in" in told.err
    assert "vfx-deepfake batch: b: broken: the controller is down; try again later" in told.err
    assert "Traceback" not in told.err and "Traceback" in next(tmp_path.glob("vfx-deepfake-error-*.log")).read_text()


def test_a_shot_that_waits_on_the_farm_is_not_sent_twice(
    show: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "deadlinecommand", 'echo "JobID=7"', monkeypatch)
    listed = list_shots([Entry(shot="a"), Entry(shot="b")], show)
    submit_batch(listed[:1], farm="deadline10")
    sent = submit_batch(listed, farm="deadline10", rerun_failed=True)
    assert [(one.state, one.why) for one in sent] == [(SKIPPED, "waiting"), (SUBMITTED, "")]


def test_the_jobs_of_a_list_need_no_plate_of_ours(tmp_path: Path) -> None:
    """A plate that this host can't see is a broken shot, named."""
    write_shot(tmp_path / "sh0010")
    (sent,) = submit_batch(list_shots([Entry(shot="sh0010")], tmp_path), farm="openjd")
    assert sent.state == BROKEN and "/plates/sh0010" in sent.why
