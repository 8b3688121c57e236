"""``review`` as people type it: the stage and the record of decisions side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed (extra: dailies)")

from tests.review.versions import QC, make_version
from vfx_deepfake.cli import review as command
from vfx_deepfake.cli.main import build_parser, main
from vfx_deepfake.review.people import this_account
from vfx_deepfake.review.schema import newest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shot(tmp_path, monkeypatch):
    """A shot with two published versions; the command line runs in the show's folder, with no threads limited for others."""
    monkeypatch.delenv("VFX_DEEPFAKE_REVIEW_DB", raising=False)
    root = tmp_path / "show"
    make_version(root, 1, qc=QC)
    make_version(root, 2, strength=0.8)
    monkeypatch.chdir(root)
    return root / "sh0010"


@pytest.fixture
def say(capsys):
    """Run one ``review`` command in this process; gives exit code, what it printed, and its message."""

    def run(*words):
        code = main(["review", *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_review_of_a_shot_is_the_stage():
    for words in (
        ["review", "sh0010"],
        ["review", "sh0010", "--json"],
        ["review", "--set", "review.movie=false", "sh0010"],
    ):
        args = build_parser().parse_args(words)
        assert (args.stage, args.action, args.shot) == ("review", "pictures", "sh0010")
    assert build_parser().parse_args(["review", "pictures", "approve"]).shot == "approve"
    assert build_parser().parse_args(["review", "approve", "sh0010", "v001", "--why", "x"]).action == "approve"


def test_a_supervisors_day(shot, say, tmp_path):
    assert say("list")[2] == f"vfx-deepfake review: {shot.parent}/review.sqlite: there is no review database yet; " \
        "'vfx-deepfake review register SHOT' makes it\n"  # fmt: skip
    code, out, _ = say("register", shot)
    assert code == 0
    assert "v001  registered, pending_review\nv002  registered, pending_review\n" in out
    assert "v002  was registered, pending_review" in say("register", shot, "v002")[1]
    _, out, _ = say("note", "sh0010", "v001", "--frames", "1002", "--text", "lip slips")
    note = out.split()[1]
    assert say("request-changes", shot, "v001", "--why", "see the note", "--seen", "1")[0] == 0
    code, out, err = say("approve", shot, "v001", "--why", "on second thought")
    assert (code, out) == (2, "")
    assert "sh0010 v001: " + this_account() + " was first: changes requested at " in err
    assert len(err.splitlines()) == 1
    assert "done" in say("note", shot, "v001", "--resolve", note[:6])[1]
    assert "settings: render.strength 1.0 -> 0.8" in say("diff", shot, "v002", "v001")[1]
    assert say("approve", shot, "v002", "--why", "good")[0] == 0
    shown = say("show", shot, "v001")[1]
    for words in (
        "superseded, revision 3",
        "look  seam 0.02 in frame 1002",
        "lip slips",
        "changes requested see the note",
        "v002 is approved",
    ):
        assert words in shown
    assert [row["state"] for row in json.loads(say("list", shot.parent, "--json")[1])["versions"]] == [
        "approved",
        "superseded",
    ]
    assert "no version is like that" in say("list", "--state", "pending_review")[1]


def test_people_backup_rebuild_and_upgrade(shot, say, tmp_path):
    say("register", shot)
    (tmp_path / "secret").write_text("correct horse\n")
    assert (
        "has_password   True" in say("user", "ana", "--role", "supervisor", "--password-file", tmp_path / "secret")[1]
    )
    assert "known" not in say("user", "ana", "--active", "no")[2]
    assert say("backup", tmp_path / "saved.sqlite")[0] == 0
    Path("review.sqlite").unlink()
    assert "its journal review_events.jsonl is there; 'vfx-deepfake review rebuild" in say("register", shot)[2]
    assert "events         6" in say("rebuild")[1]
    assert f"schema         {newest()}" in say("upgrade")[1]
    assert say("list")[1].count("pending_review") == 2


def test_what_is_missing_is_named(shot, say, monkeypatch):
    def missing(_args):
        raise ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy.orm")

    monkeypatch.setitem(command.ACTIONS, "list", missing)
    assert "sqlalchemy.orm is not installed; pip install 'vfx_deepfake[dailies]'" in say("list")[2]
    assert "1002: 'shot.toml'" not in say("note", shot, "v001", "--drawing", "nowhere.json")[2]
    assert (
        "note abc: no note of this version begins so"
        in (say("register", shot), say("note", shot, "v001", "--resolve", "abc"))[1][2]
    )


def test_a_process_of_its_own(shot):
    done = subprocess.run([sys.executable, "-m", "vfx_deepfake", "review", "register", str(shot), "--json"],
                          capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [row["created"] for row in json.loads(done.stdout)["versions"]] == [True, True]


PLACES = [
    ("", "", "review.sqlite"),
    ('database = "db/r.sqlite"', "", "db/r.sqlite"),
    ('database = "postgresql://u:pw@host/name"', "", "postgresql+pg8000://u:***@host/name"),
    ('database = "db/r.sqlite"', "sqlite:////var/r.sqlite", "/var/r.sqlite"),
]


@pytest.mark.parametrize(("text", "variable", "found"), PLACES)
def test_where_the_database_is(shot, monkeypatch, text, variable, found):
    from vfx_deepfake.review.place import VARIABLE, find_place

    if text:
        (shot.parent / "review.toml").write_text(text)
    if variable:
        monkeypatch.setenv(VARIABLE, variable)
    expected = found if "://" in found else str(shot.parent / found)
    assert str(find_place(shot)) == str(find_place(shot.parent)) == expected
    assert find_place(shot).journal == shot.parent / "review_events.jsonl"


WRONG = [
    ('database = ""', "database is empty; leave it out or name a file"),
    ('database = "mysql://x/y"', "the database is mysql; want a file, or postgresql://"),
    ('database = "sqlite://"', "the database has no file"),
    ('database = "://x"', "the database is no URL"),
    ('journal = "http://x"', "it is a file, on a disk that is backed up"),
    ('databse = "x"', "unknown key; did you mean 'database'"),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_a_wrong_review_toml_is_one_line(shot, say, text, line):
    (shot.parent / "review.toml").write_text(text)
    code, _, err = say("list")
    assert (code, len(err.splitlines())) == (2, 1)
    assert line in err


def test_an_sqlite_file_on_a_network_disk_is_refused(shot, say, monkeypatch):
    from vfx_deepfake.review import place

    table = f"server:/x {shot.parent.resolve()} nfs4 rw 0 0\n/dev/sda / ext4 rw 0 0\n"
    assert place.disk_kind(shot, table) == "nfs4"
    assert place.disk_kind(Path("/"), table) == "ext4"
    assert place.disk_kind(shot, "") == ""
    monkeypatch.setattr(place, "disk_kind", lambda folder: "nfs4")
    assert "lies on a network disk (nfs4), where hosts damage an SQLite file" in say("register", shot)[2]


def test_a_server_that_does_not_answer_is_one_line_without_its_password(shot, say, monkeypatch):
    pytest.importorskip("pg8000", reason="pg8000 is not installed (extra: dailies)")
    monkeypatch.setenv("VFX_DEEPFAKE_REVIEW_DB", "postgresql://u:geheim@127.0.0.1:1/x")
    code, _, err = say("register", shot)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "the review database can't be used" in err
    assert "geheim" not in err
