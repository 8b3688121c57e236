"""``info`` against a shot folder whose versions are real records, and against a review database."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import ShotError
from vfx_deepfake.steps.info import shots_below


def cli(*arguments: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(arguments) == 0
    return said.getvalue()


def info(*arguments: str) -> list[dict[str, Any]]:
    shots: list[dict[str, Any]] = json.loads(cli("info", *arguments, "--json"))["shots"]
    return shots


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One published version of a passthrough shot, on the review record with a note; and a shot file that can't be read."""
    pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed (extra: dailies)")
    show = tmp_path_factory.mktemp("info") / "show"
    off = ("model.method=passthrough", "qc.enabled=false")
    make_performer_shot(show / "sh0010", width=96, height=72, count=2, key_frames=(1001, 1002), overrides=off)
    (show / "sh0020").mkdir()
    (show / "sh0020" / "shot.toml").write_text("[plate]\npatern = 'x'\n", encoding="utf-8")
    cli("run", str(show / "sh0010"), "--progress", "none")
    cli("review", "register", str(show / "sh0010"))
    cli("review", "note", str(show / "sh0010"), "v001", "--frames", "1002", "--text", "lip slips")
    return show


def test_a_show_is_told_whole_and_a_broken_shot_disturbs_no_other(show: Path) -> None:
    good, broken = info(str(show), "--notes", "v001")
    (version,) = good["versions"]
    assert (version["version"], version["status"], version["open_notes"]) == ("v001", "pending_review", 1)
    assert Path(version["exr"].replace("####", "1001")).is_file()
    assert Path(version["sheet"]).is_file()
    assert [(note["first_frame"], note["text"]) for note in good["notes"]] == [(1002, "lip slips")]
    assert good["farm"]["stages"][-1]["name"] == "version"
    assert [release["release"] for release in good["releases"]] == ["performer"]
    assert broken["shot"] == "sh0020"
    assert any("did you mean 'pattern'" in line for line in broken["problems"])


def test_decisions_show_and_brief_leaves_the_stages_out(show: Path) -> None:
    cli("review", "approve", str(show / "sh0010"), "v001", "--why", "final")
    (shot,) = info(str(show / "sh0010"), "--brief")
    assert shot["versions"][0]["status"] == "approved"
    assert shot["farm"] == {}
    assert "v001  approved" in cli("info", str(show / "sh0010"), "--brief")


def test_a_folder_without_shots_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(ShotError, match="holds no shot.toml, nor do the folders below it"):
        shots_below(tmp_path)
