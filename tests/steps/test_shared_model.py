"""Two shots of one performer and one network: trained once, taken over by the other, whose own paintings judge it."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.shot import release_table
from vfx_deepfake.errors import ConsentError, ShotError
from vfx_deepfake.files import hash_file, read_json
from vfx_deepfake.provenance.register import add_release, revoke_release
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.consent import require_release
from vfx_deepfake.steps.pipeline import plan_shot

SETTINGS = ("train.steps=2", "train.batch_size=1", "train.crop_px=32", "train.save_every=2", "review.movie=false")


def made(folder: Path, seed: int, *more: str) -> Path:
    return make_performer_shot(folder, width=96, height=72, count=3, seed=seed, key_frames=(1001, 1003), microphone=False,
                               overrides=(*SETTINGS, *more)).file  # fmt: skip


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("shared") / "sh0010", 1)


@pytest.fixture(scope="module")
def borrower(lender: Path) -> Path:
    return made(lender.parents[1] / "sh0020", 2, "model.shared=../sh0010")


def run_json(folder: Path) -> dict:
    return read_json(folder.parent / "runs" / "run_0001" / "run.json")


def test_trained_once_and_taken_over(lender: Path, borrower: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "the network of sh0010" in check_shot(borrower).facts["model"]
    assert main(["run", str(borrower), "--progress", "none"]) == 2
    said = capsys.readouterr().err
    assert "sh0010, whose network this shot takes over, is not trained on its present inputs" in said
    assert f"run 'vfx-deepfake run {lender}' first" in said
    plan = plan_shot(str(borrower))
    assert (plan["track"], plan["train"], plan["version"]) == ("up to date", "to be made", "to be made")

    assert main(["run", str(lender), "--progress", "none"]) == 0
    assert main(["run", str(borrower), "--progress", "none"]) == 0
    theirs, mine = run_json(lender), run_json(borrower)
    weights = lender.parent / "runs" / "run_0001" / theirs["checkpoint"]
    assert mine["shared_from"] == "sh0010" and theirs["shared_from"] == ""
    assert mine["inputs"]["shared"] == hash_file(weights) == theirs["checkpoint_hash"]
    assert "shared" not in theirs["inputs"]
    version = read_json(borrower.parent / "versions" / "v001" / "version.json")
    assert version["inputs"]["checkpoint"] == mine["checkpoint_hash"]

    # another network in the model shot, and this one's is no longer up to date
    assert set(plan_shot(str(borrower)).values()) == {"up to date"}
    assert main(["train", str(lender), "--progress", "none", "--set", "train.steps=4"]) == 0
    lender.write_text(lender.read_text().replace("steps = 2", "steps = 4"))
    assert plan_shot(str(borrower))["train"] == "to be made"


def test_the_person_it_was_trained_on_must_be_released_for_this_shot(lender: Path, borrower: Path) -> None:
    shot = load_shot(borrower)
    assert require_release(shot, "render").id == "performer"
    folder = lender.parent / "releases"
    kept = lender.parent / "kept"
    shutil.copytree(folder, kept)
    try:
        revoke_release(folder, "performer", on=dt.date(2026, 2, 1), by="the performer", why="")
        with pytest.raises(
            ConsentError, match=r"the network of sh0010: train of 'procedural_performer'[^\n]*\n.*was revoked"
        ):
            require_release(shot, "render")
        shutil.rmtree(folder)
        add_release(folder, {**release_table(), "identity": "someone_else"})
        lender.write_text(lender.read_text().replace("procedural_performer", "someone_else"))
        with pytest.raises(
            ConsentError, match=r"the network of sh0010: render of 'someone_else' in show 'demo', shot 'sh0020'"
        ):
            require_release(shot, "render")
    finally:
        shutil.rmtree(folder)
        kept.rename(folder)
        lender.write_text(lender.read_text().replace("someone_else", "procedural_performer"))


@pytest.mark.parametrize(
    "override, said",
    [
        ("model.shared=../nowhere", r"shot.toml \[model\].shared: .*nowhere.* no such file"),
        ("model.shared=.", r"shot.toml \[model\].shared: sh0020 trains no network of its own; name the shot that does"),
    ],
)
def test_a_model_shot_that_lends_nothing_is_found_by_check(borrower: Path, override: str, said: str) -> None:
    with pytest.raises(ShotError, match=said):
        check_shot(borrower, [override]).raise_problems()


def test_only_a_trained_method_takes_a_network(borrower: Path) -> None:
    with pytest.raises(ShotError, match=r"shared names a trained network and method is 'propagate'; leave shared out"):
        load_shot(borrower, ["model.method=propagate"])
