"""The release commands and the gate on a real shot, through the command line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.errors import ConsentError
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.consent import needs_release, require_release

TODAY = dt.date.today()
PAPER = {
    "identity": "old_man",
    "performer": "P. Former",
    "kind": "alteration only",
    "description": "softer wrinkles = younger, in sh0010",
    "shows": '["*"]',
    "shots": '["small"]',
    "operations": '["train"]',
    "signed": "2026-01-15",
    "valid_from": "2026-02-01",
    "valid_until": str(TODAY + dt.timedelta(days=365)),
    "document": "rider.pdf",
    "approved_by": "legal",
}


def add(folder: Path, **changes: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rider.pdf").write_bytes(b"signed")
    words = [word for key, value in {**PAPER, **changes}.items() for word in ("--set", f"{key}={value}")]
    return main(["release", "add", str(folder), *words])


def test_add_files_it_and_show_says_how_it_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(tmp_path) == 0
    assert str(tmp_path / "old_man_2026-01-15.toml") in capsys.readouterr().out
    assert main(["release", "show", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "old_man_2026-01-15: 'old_man' (alteration only), train, shows *, shots small; valid until" in said


def test_a_wrong_field_is_one_line_and_nothing_is_filed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(tmp_path, kind="borrowed") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vfx-deepfake release: release: kind is 'borrowed'; choose one of ")
    assert list(tmp_path.glob("*.toml")) == []


def test_check_names_the_release_or_says_what_is_missing(
    own_shot: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_shot("small")
    identity = load_shot(folder).settings.consent.identity
    assert main(["release", "check", str(folder)]) == 0
    said = capsys.readouterr().out
    assert [line.split() for line in said.splitlines()] == [
        [use, "performer"] for use in ("train", "render", "deliver")
    ]
    for path in (folder / "releases").glob("*.toml"):
        path.unlink()
    assert add(folder / "releases", identity=identity) == 0
    capsys.readouterr()
    assert main(["release", "check", str(folder), "--use", "train"]) == 0
    assert main(["release", "check", str(folder), "--use", "render"]) == 2
    said = capsys.readouterr().err
    assert f"render of '{identity}'" in said and "is for train only" in said


def test_the_gate_closes_on_the_day_a_release_is_revoked(own_shot: Callable[[str], Path]) -> None:
    folder = own_shot("small")
    (path,) = (folder / "releases").glob("*.toml")
    signed = path.read_text(encoding="utf-8")
    assert require_release(load_shot(folder), "render").id == path.stem
    path.write_text(f"revoked = {TODAY + dt.timedelta(days=1)}\n{signed}", encoding="utf-8")
    assert require_release(load_shot(folder), "render").id == path.stem
    path.write_text(f"revoked = {TODAY}\n{signed}", encoding="utf-8")
    with pytest.raises(ConsentError, match=f"was revoked on {TODAY}"):
        require_release(load_shot(folder), "render")


def test_only_the_plate_passed_through_needs_no_release(own_shot: Callable[[str], Path]) -> None:
    folder = own_shot("small")
    assert needs_release(load_shot(folder))
    assert needs_release(load_shot(folder, ["model.method=propagate"]))
    assert not needs_release(load_shot(folder, ["model.method=passthrough"]))


def test_an_unknown_use_is_refused_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["release", "check", "shot", "--use", "sell"])
    assert "invalid choice: 'sell'" in capsys.readouterr().err
