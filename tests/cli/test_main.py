"""The command line as an artist, a farm and a script meet it: real processes, exit codes, no traceback."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vfx_deepfake.cli.commands import COMMANDS
from vfx_deepfake.cli.main import build_parser, main
from vfx_deepfake.cli.progress import JsonLines, Lines, OpenJdLines
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import RetryError

ROOT = Path(__file__).parents[2]


def cli(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "vfx_deepfake", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    return make_performer_shot(
        tmp_path_factory.mktemp("cli") / "sh0010", width=96, height=72, count=3, key_frames=(1001, 1003)
    )


def test_every_stage_of_the_help_has_its_function():
    stages = build_parser()._subparsers._group_actions[0].choices
    assert set(stages) == set(COMMANDS)
    order = [name for name in stages if name in ("init", "check", "track", "train", "render", "version")]
    assert order == ["init", "check", "track", "train", "render", "version"]


@pytest.mark.parametrize("stage", sorted(COMMANDS))
def test_every_stage_has_help(stage, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([stage, "--help"])
    assert f"usage: vfx-deepfake {stage}" in capsys.readouterr().out


def test_help_does_not_load_torch():
    command = [sys.executable, "-X", "importtime", "-m", "vfx_deepfake", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stderr
    assert "argparse" in text
    assert "torch" not in text


def test_a_missing_shot_is_one_line_and_code_2(tmp_path):
    done = cli("check", "nowhere/shot.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no such file; give the path of an existing one, or make a shot with 'vfx-deepfake init'" in done.stderr


def test_check_as_json_and_as_text(shot):
    done = cli("check", str(shot.folder), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["keyframes"] == "1001,1003"
    assert "ready" in cli("check", str(shot.folder)).stdout


def test_dry_run_says_what_would_be_made(shot):
    done = cli("run", str(shot.folder), "--dry-run", "--json")
    assert list(json.loads(done.stdout)) == ["track", "train", "render", "review", "qc", "version"]
    assert set(json.loads(done.stdout).values()) == {"to be made"}
    done = cli("run", str(shot.folder), "--dry-run", "--json", "--set", "model.method=passthrough")
    assert list(json.loads(done.stdout)) == ["render", "review", "qc", "version"]


def test_a_farm_is_told_of_failure_in_its_own_words(shot):
    done = cli("check", str(shot.folder), "--set", "plate.colorspace=Nope", "--progress", "openjd")
    assert done.returncode == 2
    assert done.stdout.startswith("openjd_fail: shot.toml [plate].colorspace: 'Nope' is not a colour space")


def test_releases_are_added_shown_and_checked(shot, tmp_path):
    folder = tmp_path / "sh0010"
    shutil.copytree(shot.folder, folder)
    shutil.rmtree(folder / "releases")
    refused = cli("release", "check", str(folder))
    assert refused.returncode == 2
    assert "there is no release on record" in refused.stderr
    fields = {
        "identity": "procedural_performer", "performer": "none", "kind": "synthetic performer", "description": "test",
        "shows": "['demo']", "shots": "['*']", "operations": "['train', 'render', 'deliver']", "signed": "2026-01-01",
        "valid_from": "2026-01-01", "valid_until": "2099-01-01", "approved_by": "us",
    }  # fmt: skip
    sets = [text for key, value in fields.items() for text in ("--set", f"{key}={value}")]
    added = cli("release", "add", str(folder / "releases"), *sets)
    assert added.returncode == 0, added.stderr
    assert "valid until 2099-01-01" in cli("release", "show", str(folder / "releases")).stdout
    assert json.loads(cli("release", "check", str(folder), "--json").stdout).keys() == {"train", "render", "deliver"}


def _failing(error):
    def command(args, progress):
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RetryError("host went away"), 75, "vfx-deepfake check: host went away"),
        (KeyboardInterrupt("SIGTERM"), 75, "stopped; run the same command again to go on where it was"),
        (MemoryError(), 75, "this host has too little memory"),
        (ZeroDivisionError("x"), 1, "a fault in vfx-deepfake itself (ZeroDivisionError: x); the details are in"),
    ],
)
def test_what_else_can_happen_is_one_line_too(monkeypatch, capsys, tmp_path, error, code, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(COMMANDS, "check", _failing(error))
    assert main(["check", "x"]) == code
    text = capsys.readouterr().err
    assert words in text
    assert len(text.splitlines()) == 1
    assert "Traceback" not in text
    logs = list(tmp_path.glob("*.log"))
    assert ("Traceback" in logs[0].read_text()) if code == 1 else not logs


def told(style, stream):
    progress = style(stream)
    progress.start("render", 4, "frames")
    for done in range(1, 5):
        progress.advance(done, f"frame {1000 + done}")
    progress.finish()
    return stream.getvalue().splitlines()


def test_farm_progress_lines_are_the_runners_own():
    lines = told(OpenJdLines, io.StringIO())
    assert lines[0] == "openjd_progress: 0.0"
    assert "openjd_progress: 100.0" in lines
    assert any(line.startswith("openjd_status: render 4/4 frames") for line in lines)


def test_json_progress_is_one_object_a_line():
    rows = [json.loads(line) for line in told(JsonLines, io.StringIO())]
    assert rows[-1]["done"] == rows[-1]["total"] == 4


def test_log_lines_do_not_flood():
    lines = told(Lines, io.StringIO())
    assert 3 <= len(lines) <= 4
    assert lines[0] == "render: 0/4 frames"
