"""Nuke's start with the plugin: whatever is wrong, Nuke runs and there is at most one line; and the environment of the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nuke.fake_nuke import PLUGIN, Nuke, installed

MENU = PLUGIN / "menu.py"
CLI = f"{sys.executable} -m vfx_deepfake"


@pytest.fixture
def nuke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Nuke]:
    for name in ("VFX_DEEPFAKE_CLI", "VFX_DEEPFAKE_NUKE_CONFIG", "REZ_VFX_DEEPFAKE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with installed() as fake:
        yield fake


def start(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Run menu.py as Nuke does; what it says on the terminal."""
    exec(compile(MENU.read_text(encoding="utf-8"), str(MENU), "exec"), {})
    return capfd.readouterr().err.splitlines()


def command(folder: Path, name: str) -> Path:
    """A program that says its arguments and environment."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps({{'argv': sys.argv[1:], 'environ': dict(os.environ)}}))\n"
    )
    file.chmod(0o755)
    return file


def test_all_is_well_and_nothing_is_said(nuke: Nuke, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VFX_DEEPFAKE_CLI", CLI)
    assert start(capfd) == []
    assert "VFXDeepfake" in nuke.bar.commands and "Version/Newest" in nuke.bar.commands
    assert sys.modules["nukescripts"].panels.registered[0][1:] == ("VFX Deepfake", "vfx_deepfake.panel")
    assert "PySide6.QtWidgets" not in sys.modules or "vfx_deepfake_nuke.panel" not in sys.modules


def break_config(home: Path) -> None:
    (home / ".nuke").mkdir()
    (home / ".nuke" / "vfx_deepfake.json").write_text("{not json\n\n", encoding="utf-8")


def unknown_key(home: Path) -> None:
    (home / ".nuke").mkdir()
    (home / ".nuke" / "vfx_deepfake.json").write_text(
        json.dumps({"cli": sys.executable, "farmm": "slurm"}), encoding="utf-8"
    )


def no_table(home: Path) -> None:
    (home / ".nuke").mkdir()
    (home / ".nuke" / "vfx_deepfake.json").write_text("[1]", encoding="utf-8")


WRONG = {
    "missing command line": (lambda home: None, ["vfx-deepfake was not found"]),
    "broken config": (break_config, ["can't be read as JSON", "vfx-deepfake was not found"]),
    "unknown key": (unknown_key, ["unknown farmm; known: cli, farm, show"]),
    "config without a table": (no_table, ["holds no table of cli, farm, show"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_line_and_the_menus_are_there(nuke: Nuke, capfd: Any, tmp_path: Path, what: str) -> None:
    spoil, words = WRONG[what]
    spoil(tmp_path)
    tmp_path.chmod(0o555)  # and home can't be written to
    try:
        (line,) = start(capfd)
    finally:
        tmp_path.chmod(0o755)
    assert line.startswith("vfx_deepfake: ")
    assert all(word in line for word in words)
    assert "Panel" in nuke.bar.commands


def test_nuke_starts_even_when_the_plugin_is_broken(nuke: Nuke, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Any:
        raise RuntimeError("Nodes menu\nis not there")

    monkeypatch.setattr(nuke, "menu", gone, raising=False)
    assert start(capfd) == ["vfx_deepfake: no menus: Nodes menu is not there"]


def test_the_render_mode_start_needs_nothing_but_the_plugin_path(tmp_path: Path) -> None:
    """In a bare process: no Qt, no home, and none of the package is loaded."""
    (tmp_path / "nuke.py").write_text("GUI = False\npaths = []\npluginAddPath = paths.append\n", encoding="utf-8")
    code = f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); runpy.run_path({str(PLUGIN / 'init.py')!r}); "
    code += "import nuke; print(nuke.paths, 'PySide6' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, env={}, check=False)
    assert (done.stdout, done.stderr) == ("['./gizmos'] False\n", "")


def test_where_the_command_line_is_looked_for(nuke: Nuke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vfx_deepfake_nuke.config import load_config

    assert load_config().cli == ()
    on_path = command(tmp_path / "bin", "vfx-deepfake")
    assert load_config().cli == (str(on_path),)
    monkeypatch.setenv("REZ_VFX_DEEPFAKE_VERSION", "0.1.0")
    assert load_config().cli == (str(on_path),), "without rez-env the wrapper on PATH is all there is"
    command(tmp_path / "bin", "rez-env")
    assert load_config().cli == ("rez-env", "vfx_deepfake-0.1.0", "--", "vfx-deepfake")
    (tmp_path / "studio.json").write_text(json.dumps({"cli": [str(on_path), "-x"], "farm": "slurm"}), encoding="utf-8")
    monkeypatch.setenv("VFX_DEEPFAKE_NUKE_CONFIG", str(tmp_path / "studio.json"))
    assert load_config()[:2] == ((str(on_path), "-x"), "slurm")
    monkeypatch.setenv("VFX_DEEPFAKE_CLI", f"'{on_path}' 'with space'")
    assert load_config().cli == (str(on_path), "with space")
    assert load_config().problem == ""


def test_the_command_gets_a_clean_environment(nuke: Nuke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vfx_deepfake_nuke.process import ask, clean_environment

    file = command(tmp_path / "bin", "vfx-deepfake")
    shutil.copy(file, tmp_path / "bin" / "copy")
    for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH"):
        monkeypatch.setenv(name, "/nuke/own") if name != "PYTHONHOME" else None
    monkeypatch.setenv("OCIO", "/show/config.ocio")
    told = ask(["info", "somewhere"])
    assert told["argv"] == ["info", "somewhere", "--json", "--progress", "none"]
    assert not {"PYTHONPATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH"} & set(told["environ"])
    assert told["environ"]["OCIO"] == "/show/config.ocio"
    assert "OCIO" not in clean_environment({"OCIO": "/opt/Nuke16/plugins/OCIOConfigs/config.ocio"}, "/opt/Nuke16")
    assert "OCIO" in clean_environment({"OCIO": "/opt/Nuke16_show/config.ocio"}, "/opt/Nuke16")


def test_what_a_command_says_becomes_words(nuke: Nuke) -> None:
    from vfx_deepfake_nuke.process import answer, describe, event, plain

    assert plain("Traceback\nvfx-deepfake suggest-keyframes: --count 0: ask for one\n") == "--count 0: ask for one"
    assert answer("no json") == answer("[1]") == {}
    assert event("half a line\n") == {"message": "half a line"}
    assert describe(event('{"message": "warning: x"}')) == (None, "warning: x")
    told = {"stage": "train", "done": 50, "total": 200, "unit": "steps", "note": "loss 0.01", "seconds_left": 30.2}
    assert describe(told) == (25, "train 50/200 steps, about 30 s left loss 0.01")


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("scene_linear (ACES - ACEScg)", "ACES - ACEScg"),
        ("ACES/ACEScg", "ACEScg"),
        ("default (sRGB)", "sRGB"),
        ("ACEScg\tACES/ACEScg", "ACEScg"),
        ("ARRI LogC3 (EI800)", "ARRI LogC3 (EI800)"),
        ("compositing_log (ARRI LogC3 (EI800))", "ARRI LogC3 (EI800)"),
    ],
)
def test_colour_spaces_as_ocio_names_them(nuke: Nuke, shown: str, name: str) -> None:
    from vfx_deepfake_nuke.nodes import space_name

    assert space_name(shown) == name


@pytest.mark.parametrize(
    ("frames", "inside", "outside"),
    [
        ("1001-1100", (1001, 1100), (1000, 1101)),
        ("1001-1009x2,1020", (1001, 1003, 1020), (1002, 1021)),
        ("-5--2", (-5, -2), (-6, -1)),
        ("7", (7,), (6, 8)),
    ],
)
def test_frames_as_the_command_line_says_them(
    nuke: Nuke, frames: str, inside: tuple[int, ...], outside: tuple[int, ...]
) -> None:
    from vfx_deepfake_nuke.frames import first_and_last, frame_path, in_range

    assert all(in_range(frames, frame) for frame in inside)
    assert not any(in_range(frames, frame) for frame in outside)
    assert first_and_last(frames) == (min(inside), max(inside))
    assert frame_path("k.####.exr", -5) == "k.-0005.exr"


def test_a_home_without_a_right_to_write_still_gets_a_log(
    nuke: Nuke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vfx_deepfake_nuke import process

    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "file"))
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    assert process._log_file("run") == os.devnull
