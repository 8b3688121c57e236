"""What stands in for farm programs: small scripts on PATH that write down how they were called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ODD_NAMES = [
    "sh 0010",
    "sh{0010",
    "sh}0010}",
    "sh$HOME",
    "sh[exit]",
    "it's",
    'a "quoted" one',
    "back\\slash",
    "ü 日本",
    "a;b#c&d",
    "-x",
    "a<b>c",
]


def program(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a shell script on PATH; ``$CALLS`` in it is a file for what it was told, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    calls = folder / f"{name}.calls"
    script = folder / name
    script.write_text(f"#!/bin/sh\nCALLS='{calls}'\n{text}\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return calls


def words_of(command: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ``vfx-deepfake`` is told when ``command`` runs, word by word."""
    calls = program(folder, "vfx-deepfake", 'printf "%s\\0" "$@" > "$CALLS"', monkeypatch)
    subprocess.run(command, check=True)
    words = calls.read_text(encoding="utf-8").split("\0")[:-1]
    calls.unlink()
    return ["vfx-deepfake", *words]
