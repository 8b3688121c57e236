"""``review diff``, ``playlist`` and ``export`` as people type them, and the lines of docs/review.md."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed (extra: dailies)")
pytest.importorskip("opentimelineio", reason="OpenTimelineIO is not installed (extra: dailies)")
pytest.importorskip("reportlab", reason="ReportLab is not installed (extra: dailies)")

from tests.review.versions import QC, make_version
from vfx_deepfake.cli.main import main

ROOT = Path(__file__).parents[2]
BETTER = {**QC, "measures": {"seam": {"verdict": "pass", "worst": 0.001, "worst_frame": 1003}}}


@pytest.fixture
def say(tmp_path, monkeypatch, capsys):
    """``review`` commands in the folder of a show with sh0010 v001 and v002 on record; gives exit code, output, message."""
    monkeypatch.delenv("VFX_DEEPFAKE_REVIEW_DB", raising=False)
    root = tmp_path / "show"
    make_version(root, 1, qc=QC)
    make_version(root, 2, strength=0.8, qc=BETTER)
    monkeypatch.chdir(root)

    def run(*words):
        code = main(["review", *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    assert run("register", "sh0010")[0] == 0
    return run


def test_two_versions_side_by_side(say):
    code, out, _ = say("diff", "sh0010", "v002", "v001")
    assert code == 0
    lines = out.splitlines()
    assert "settings: render.strength 1.0 -> 0.8" in lines
    assert [line.split() for line in lines[-3:]] == [
        ["qc", "v001", "v002"],
        ["gaze", "not", "measured", "-"],
        ["seam", "0.02", "look", "0.001", "pass"],
    ]
    found = json.loads(say("diff", "sh0010", "v002", "v001", "--json")[1])
    assert found["qc"][1]["after"] == {"value": 0.001, "verdict": "pass", "worst_frame": 1003}
    assert found["settings"] == [{"key": "render.strength", "before": 1.0, "after": 0.8}]


def test_a_playlist_there_and_back(say):
    assert say("playlist", "list")[1] == "there is no playlist yet\n"
    assert say("playlist", "set", "monday", "sh0010/v002", "sh0010/v001")[1] == "1  sh0010 v002\n2  sh0010 v001\n"
    assert say("export", "--playlist", "monday", "--otio", "monday.otio")[1] == "monday.otio  (2 versions)\n"
    assert say("playlist", "set", "tuesday", "--from-otio", "monday.otio")[0] == 0
    assert say("playlist", "list")[1].splitlines() == [
        f"{day:24}  2 versions, 2 pending" for day in ("monday", "tuesday")
    ]
    assert say("playlist", "remove", "monday")[0] == 0
    assert [row["name"] for row in json.loads(say("playlist", "list", "--json")[1])["playlists"]] == ["tuesday"]


def test_every_kind_of_file_in_one_go(say):
    say("note", "sh0010", "v001", "--frames", "1002", "--text", "lip slips")
    wanted = {"otio": "a.otio", "submission": "b.csv", "notes-csv": "out/c.csv", "notes-pdf": "d.pdf"}
    words = [word for kind, file in wanted.items() for word in (f"--{kind}", file)]
    code, out, _ = say("export", "--shot", "sh0010", "--version", "v001", "--json", *words)
    assert code == 0
    assert json.loads(out)["files"] == {kind: {"file": file, "num_versions": 1} for kind, file in wanted.items()}
    assert Path("a.otio").read_text().startswith("{")
    assert "lip slips" in Path("out/c.csv").read_text()
    assert Path("d.pdf").read_bytes().startswith(b"%PDF-")
    assert not [path for path in Path().rglob(".*part*")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["export"], "nothing to export is named; give one of --otio FILE, --submission FILE"),
        (["export", "--playlist", "x", "--otio", "f"], "playlist 'x': is not there; there is none yet"),
        (["export", "--version", "v001", "--otio", "f"], "'v001': its shot is not named"),
        (
            ["export", "--shot", "sh0010", "--version", "v009", "--otio", "f"],
            "sh0010 v009: is not registered; on record: v001, v002",
        ),
        (["export", "--show", "other", "--otio", "f"], "the show: no version is registered"),
        (["export", "--otio", "version.json/x.otio"], "version.json/x.otio: could not be written: "),
        (["diff", "sh0010", "v002", "v009"], "sh0010 v009: is not registered"),
        (["playlist", "set"], "playlist set: which one is missing"),
        (["playlist", "set", "x", "sh0010"], "'sh0010': want shot and version, e.g. sh0010/v003"),
        (["playlist", "set", "x"], "the versions: want shot and version"),
        (["playlist", "set", "x", "sh0010/v001", "sh0010/v001"], "is in it twice"),
        (["playlist", "set", "x", "--from-otio", "none.otio"], "none.otio: can't be read (No such file or directory)"),
        (["playlist", "remove", "x"], "there is no playlist 'x'"),
    ],
)
def test_what_can_not_be_is_one_line(say, words, message):
    Path("version.json").write_text("a file, no folder")
    code, out, err = say(*words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err
    assert not Path("f").exists()


def test_a_show_is_asked_for_where_there_are_several(say):
    make_version(Path(), 1, shot="ab0010", show="other")
    assert say("register", "ab0010")[0] == 0
    assert "--show: is needed, because the database has several shows" in say("playlist", "set", "x", "sh0010/v001")[2]
    assert "the database: is in several shows (demo, other); say which with --show" in say("export", "--otio", "f")[2]
    assert say("playlist", "set", "x", "ab0010/v001", "--show", "other")[0] == 0
    assert say("export", "--playlist", "x", "--otio", "f")[0] == 0


def test_the_commands_of_the_page_run(say):
    """The block under "Out of the house", each line as it stands there."""
    page = (ROOT / "docs" / "review.md").read_text(encoding="utf-8").split("\n## Out of the house\n", 1)[1]
    commands = re.findall(
        r"^vfx-deepfake review (.+?)(?:\s+#.*)?$", page.split("```sh\n", 1)[1].split("```", 1)[0], re.MULTILINE
    )
    assert len(commands) >= 6
    for command in commands:
        code, _, err = say(*shlex.split(command))
        assert code == 0, f"{command}: {err}"
