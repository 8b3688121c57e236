"""What a release touches is found, and what must go once it has ended is removed, on record, whatever happens meanwhile."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from tests.faceset.small import small_faceset
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.shot import IDENTITY, release_table
from vfx_deepfake.errors import ConsentError
from vfx_deepfake.files import hash_file, read_json
from vfx_deepfake.progress import Silent
from vfx_deepfake.provenance.keys import new_key
from vfx_deepfake.provenance.register import add_release
from vfx_deepfake.steps import purge as purging
from vfx_deepfake.steps.purge import is_genuine, purge

SETTINGS = ("train.steps=2", "train.batch_size=1", "train.crop_px=32", "train.save_every=2", "qc.enabled=false", "review.movie=false",
            "identity.library=../library")  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show: a trained and rendered shot, its model in the library, its version delivered, a faceset of the performer and of another."""
    pytest.importorskip("sqlalchemy", reason="the review database is not installed (extra: dailies)")
    show = tmp_path_factory.mktemp("show") / "show"
    shot = show / "sh0010"
    make_performer_shot(shot, width=96, height=72, count=3, key_frames=2, microphone=False, overrides=SETTINGS)
    new_key(show.parent / "key.pem")
    (shot / "releases").rename(show / "releases")
    text = (shot / "shot.toml").read_text()
    (shot / "shot.toml").write_text(text.replace("[consent]", '[consent]\nreleases = "../releases"'))
    for command in (
        ("run", shot, "--progress", "none"), ("library", "add", show / "library", shot / "runs/run_0001"),
        ("review", "register", shot), ("review", "approve", shot, "v001", "--why", "good"),
        ("deliver", shot, "--key", show.parent / "key.pem", "--progress", "none"),
    ):  # fmt: skip
        assert main([*map(str, command)]) == 0
    small_faceset(show / "facesets" / "own", identity=IDENTITY, release="performer")
    small_faceset(show / "facesets" / "other", identity="somebody", release="else")
    return show


@pytest.fixture
def show(made: Path, tmp_path: Path) -> Path:
    shutil.copy(made.parent / "key.pem", tmp_path / "key.pem")
    copy = Path(shutil.copytree(made, tmp_path / "show"))
    ledger = copy / "sh0010/deliveries/deliveries.json"
    ledger.write_text(ledger.read_text().replace(str(made), str(copy)))
    return copy


def release(show: Path, action: str, *more: object) -> int:
    return main(["release", action, str(show / "releases"), "performer", *map(str, more)])


def revoke(show: Path) -> None:
    assert release(show, "revoke", "--by", "the performer", "--why", "no more") == 0


def test_report_names_everything(show, capsys):
    capsys.readouterr()
    assert release(show, "report", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["identity"] == IDENTITY and found["problems"] == []
    kinds = [each["kind"] for each in found["touched"]]
    assert sorted(set(kinds)) == ["delivery", "faceset", "leftover", "model", "run", "version"]
    assert {each["name"] for each in found["touched"] if each["kind"] == "faceset"} == {"own"}
    assert next(each["name"] for each in found["touched"] if each["kind"] == "delivery").startswith(
        "sh0010 v001, delivery 1 of "
    )


def test_what_is_in_force_is_not_purged(show, capsys):
    assert release(show, "purge", "--yes", "--key", show.parent / "key.pem") == 2
    assert "performer: is in force (valid until 2099-12-31); withdraw it first" in capsys.readouterr().err


def test_without_yes_nothing_goes(show, capsys):
    revoke(show)
    before = sorted(path for path in show.rglob("*"))
    assert release(show, "purge") == 0
    said = capsys.readouterr().out
    assert "faceset   own" in said and "stays: version sh0010 v001" in said
    assert sorted(path for path in show.rglob("*")) == before


def test_what_goes_and_what_stays(show):
    revoke(show)
    weights = hash_file(next((show / "sh0010/runs/run_0001").glob("checkpoint_*")))
    assert release(show, "purge", "--yes", "--key", show.parent / "key.pem", "--progress", "none") == 0
    gone = ("facesets/own", "sh0010/runs/run_0001")
    assert not any((show / each).exists() for each in gone) and not list((show / "library").glob("*/*.safetensors"))
    assert (show / "facesets/other").is_dir() and (show / "sh0010/versions/v001/version.json").is_file()
    record = read_json(show / "releases/removed_performer.json")
    assert record["state"] == "done" and record["release"]["revoked_why"] == "no more"
    assert weights in {digest for entry in record["removes"] for digest in entry["files"].values()}
    assert {entry["kind"] for entry in record["stays"]} == {"version", "delivery"}
    public = record["signature"]["public"]
    assert is_genuine(record, public)
    assert not is_genuine({**record, "removes": record["removes"][1:]}, public)
    assert release(show, "report") == 0  # the folder can still be read


def test_versions_and_deliveries_when_asked_for(show):
    revoke(show)
    assert release(show, "purge", "--yes", "--versions", "--key", show.parent / "key.pem", "--progress", "none") == 0
    assert not (show / "sh0010/versions/v001").exists() and not list((show / "sh0010/deliveries").glob("demo_*"))
    assert read_json(show / "releases/removed_performer.json")["stays"] == []


def test_killed_while_removing_it_goes_on(show, monkeypatch):
    """Killed after the first folder: the plan is on record, and the next run removes the rest and signs for all."""
    revoke(show)
    signer = new_key(show.parent / "other.pem")

    class Killed(BaseException):
        pass

    class Kill(Silent):
        def advance(self, done: int, note: str = "") -> None:
            raise Killed

    arguments = (show / "releases", "performer", show, ())
    with pytest.raises(Killed):
        purge(*arguments, signer=signer, with_versions=False, progress=Kill())
    planned = read_json(show / "releases/removed_performer.json")
    assert planned["state"] == "planned" and "signature" not in planned
    purge(*arguments, signer=signer, with_versions=False, progress=Silent())
    done = read_json(show / "releases/removed_performer.json")
    assert done["removes"] == planned["removes"] and is_genuine(done, signer.public.hex())
    assert not any(Path(entry["path"]).exists() for entry in done["removes"])


def test_a_second_release_of_the_person_keeps_what_does_not_name_the_first(show):
    day = dt.date.today()
    add_release(show / "releases", {**release_table(), "id": "second", "signed": day, "valid_from": day})
    revoke(show)
    plan = purge(show / "releases", "performer", show, (), signer=None, with_versions=False, progress=Silent())
    assert any("faceset   own" in line for line in plan["lines"])  # made under the first
    assert any(line.startswith("stays: leftover") for line in plan["lines"])  # does not say under which


def test_what_can_not_be_read_stops_it(show):
    revoke(show)
    (show / "facesets/other/faceset.json").write_text("{")
    with pytest.raises(ConsentError, match=r"(?s)may hold the person's face.*faceset.json"):
        purge(show / "releases", "performer", show, (), signer=None, with_versions=False, progress=Silent())


def test_signing_is_not_optional(show, capsys, monkeypatch):
    monkeypatch.delenv("VFX_DEEPFAKE_SIGNING_KEY", raising=False)
    revoke(show)
    assert release(show, "purge", "--yes") == 2
    assert "what is removed is put on a signed record: give --key FILE" in capsys.readouterr().err
    assert not (show / "releases/removed_performer.json").exists()
    assert purging.SCHEMA == 1
