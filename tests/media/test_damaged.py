"""Broken EXR files: each is read whole or answered with one line, in bounded time and memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.media.outside import material
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.dpx import DEPTHS, write_dpx
from vfx_deepfake.media.exr import COMPRESSIONS, Part, write_exr

ROOT = Path(__file__).parents[2]


def read_guarded(paths, timeout):
    """Outcome by file; every file in a process of its own."""
    lines = "".join(f"{path}\n" for path in paths)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "tests" / "media" / "read_guarded.py")]
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, timeout=timeout, env=environment, check=False
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(paths), done.stderr[-2000:]
    return {each["file"]: each["outcome"] for each in found}


def assert_one_line(path, outcome):
    assert outcome.startswith(f"{path}: "), outcome
    assert "\n" not in outcome and outcome.isprintable() and len(outcome) < 500, outcome
    assert "expected" in outcome and outcome.count(";") >= 2, outcome  # what was found; what was expected; what to do


def test_a_museum_of_broken_files(tmp_path):
    paths = []
    for source in sorted(material("../damaged_exr").iterdir()):
        if not source.name.startswith("LICENSE"):
            paths.append(tmp_path / f"{source.name}.exr")  # the extension chooses the reader
            paths[-1].symlink_to(source)
    outcomes = read_guarded(paths, timeout=300)
    assert len(outcomes) >= 90
    for path, outcome in outcomes.items():
        assert_one_line(path, outcome)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_flipped_bytes_anywhere(tmp_path, compression):
    window = Window(-2, -1, 24, 40)
    pixels = np.random.default_rng(1).normal(0, 1, (40, 24, 4)).astype(np.float32)
    original = tmp_path / "whole.exr"
    write_exr(
        original, [Part("rgba", pixels, ("R", "G", "B", "A"), window)], Window(0, 0, 20, 38), {"x": "y"}, compression
    )
    assert_safe(broken_copies(original, header_bytes=500))


@pytest.mark.parametrize("bits", DEPTHS)
def test_flipped_bytes_in_a_dpx(tmp_path, bits):
    codes = np.random.default_rng(1).integers(0, 2**bits, (40, 24, 3), dtype=np.uint16)
    write_dpx(tmp_path / "whole.dpx", codes, bits)
    assert_safe(broken_copies(tmp_path / "whole.dpx", header_bytes=2048))


def broken_copies(original, header_bytes):
    """Copies of a file with a few bytes changed, in the header for half of them."""
    whole = np.frombuffer(original.read_bytes(), np.uint8)
    rng = np.random.default_rng(2)
    paths = []
    for index in range(80):
        broken = whole.copy()
        where = rng.integers(0, header_bytes if index % 2 else len(whole), rng.integers(1, 5))
        broken[where] = rng.integers(0, 256, len(where))
        paths.append(original.with_name(f"broken{index}{original.suffix}"))
        paths[-1].write_bytes(broken.tobytes())
    return paths


def assert_safe(paths):
    """Every file is read or answered with one line, and at least one was noticed."""
    outcomes = read_guarded(paths, timeout=120)
    for path, outcome in outcomes.items():
        if not outcome.startswith("ok"):  # a flipped bit of a pixel or of an attribute may pass unseen
            assert_one_line(path, outcome)
    assert any(not outcome.startswith("ok") for outcome in outcomes.values())
