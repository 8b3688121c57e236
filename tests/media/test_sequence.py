"""Sequences on disk: the traps of pyseq, and fileseq as a second opinion."""

import os
import subprocess
import sys

import fileseq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfx_deepfake.errors import PlateError
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.sequence import discover, hash_pattern, holes, missing_frames, scan
from vfx_deepfake.naming import frame_path


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def found(folder):
    return {os.path.basename(each.pattern): each.frames for each in discover(folder)}


@pytest.mark.parametrize(
    "names, expected",
    [
        pytest.param(["a.1001.exr", "a.1002.exr", "a.1005.exr"], {"a.####.exr": (1001, 1002, 1005)}, id="gaps"),
        pytest.param(
            ["n.-0003.exr", "n.-0001.exr", "n.0000.exr", "n.0002.exr"],
            {"n.####.exr": (-3, -1, 0, 2)},
            id="negative frames",
        ),
        pytest.param(
            ["s_v001.1001.exr", "s_v001.1002.exr", "s_v002.1001.exr", "s_v002.1002.exr"],
            {"s_v001.####.exr": (1001, 1002), "s_v002.####.exr": (1001, 1002)},
            id="version digits",
        ),
        pytest.param(
            ["m.0099.exr", "m.0100.exr", "m.99.exr"], {"m.####.exr": (99, 100), "m.##.exr": (99,)}, id="mixed padding"
        ),
        pytest.param(
            ["x.0998.exr", "x.0999.exr", "x.1000.exr", "x.1001.exr", "x.1002.exr"],
            {"x.####.exr": (998, 999, 1000, 1001, 1002)},
            id="0998 to 1002",
        ),
        pytest.param(["x.9999.exr", "x.10000.exr"], {"x.####.exr": (9999, 10000)}, id="padding outgrown"),
        pytest.param(["u.8.exr", "u.9.exr", "u.10.exr", "u.101.exr"], {"u.#.exr": (8, 9, 10, 101)}, id="no padding"),
        pytest.param(["a_01_b.exr", "a_02_b.exr", "note.txt"], {}, id="numbers that are no frames"),
        pytest.param(["one.1001.exr"], {"one.####.exr": (1001,)}, id="a single frame"),
        pytest.param(["s_1001.exr", "s_1002.exr"], {"s_####.exr": (1001, 1002)}, id="underscore"),
        pytest.param(["s-1001.exr", "s-1002.exr"], {"s-####.exr": (1001, 1002)}, id="a dash is no minus here"),
        pytest.param(["img0001.png", "img0002.png"], {"img####.png": (1, 2)}, id="no delimiter"),
        pytest.param([".a.1001.part.exr", "a.1001.exr"], {"a.####.exr": (1001,)}, id="hidden files are not ours"),
        pytest.param(
            ["a.1001.exr", "a.1001.dpx", "a.1002.exr"],
            {"a.####.exr": (1001, 1002), "a.####.dpx": (1001,)},
            id="extensions",
        ),
    ],
)
def test_discover(tmp_path, names, expected):
    touch(tmp_path, *names)
    assert found(tmp_path) == expected


@pytest.mark.parametrize(
    "given_text, expected",
    [
        ("p/a.####.exr", "p/a.####.exr"),
        ("p/a.%04d.exr", "p/a.####.exr"),
        ("p/a.@@@@.exr", "p/a.####.exr"),
        ("p/a.$F4.exr", "p/a.####.exr"),
        ("p/a.%d.exr", "p/a.#.exr"),
        ("p/a.#.exr", "p/a.#.exr"),
        ("/x/a_v001_%05d.dpx", "/x/a_v001_#####.dpx"),
    ],
)
def test_every_spelling_of_a_pattern(given_text, expected):
    assert hash_pattern(given_text) == expected


@pytest.mark.parametrize(
    "text, message",
    [
        ("p/a.1001.exr", r"p/a.1001.exr: names one file; mark the frame number, e.g. p/a.####.exr"),
        ("p/a.exr", r"p/a.exr: no frame number is marked; put #### \(or %04d, @@@@\) once"),
        ("p/a.####.%04d.exr", r"more than one number is marked"),
    ],
)
def test_a_pattern_without_one_number_is_explained(text, message):
    with pytest.raises(PlateError, match=message):
        hash_pattern(text)


def test_scan_takes_exactly_what_fits(tmp_path):
    touch(tmp_path, "a.0099.exr", "a.99.exr", "a.10000.exr", "a.0100.exr", "ab.0100.exr", "a.0101.dpx")
    assert scan(str(tmp_path / "a.%04d.exr")).frames == (99, 100, 10000)
    assert scan(str(tmp_path / "a.##.exr")).frames == (99, 10000)
    assert scan(str(tmp_path / "a.####.exr")).path(100) == tmp_path / "a.0100.exr"


def test_scan_says_what_lies_there(tmp_path):
    touch(tmp_path, "sh_v001.1001.exr", "sh_v001.1002.exr", "sh_v001.1005.exr")
    with pytest.raises(
        PlateError, match=r"sh_v002.####.exr: no frame fits; the folder holds sh_v001.####.exr 1001-1002,1005; correct"
    ):
        scan(str(tmp_path / "sh_v002.####.exr"))
    with pytest.raises(
        PlateError, match=r"No such file or directory; a folder with frames was expected; check the path"
    ):
        scan(str(tmp_path / "nowhere" / "a.####.exr"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(PlateError, match="the folder holds no numbered files"):
        scan(str(tmp_path / "empty" / "a.####.exr"))


def test_missing_as_short_text(tmp_path):
    touch(tmp_path, *(f"a.{frame}.exr" for frame in range(1001, 1301) if frame not in (1004, 1005, 1006, 1200)))
    sequence = scan(str(tmp_path / "a.####.exr"))
    assert format_frames(holes(sequence.frames)) == "1004-1006,1200"
    assert missing_frames(sequence.frames, [1000, 1001, 1004]) == (1000, 1004)
    assert holes(()) == ()


FRAME = st.integers(-9999, 99999)


@settings(max_examples=60, deadline=None)  # a folder of files each
@given(frames=st.sets(FRAME, min_size=1, max_size=12), width=st.integers(1, 5))
def test_agrees_with_fileseq(tmp_path_factory, frames, width):
    folder = tmp_path_factory.mktemp("seq")
    pattern = str(folder / f"sh0010_v003.{'#' * width}.exr")
    for frame in frames:
        frame_path(pattern, frame).touch()
    ours = scan(pattern)
    theirs = {int(frame) for each in fileseq.findSequencesOnDisk(str(folder)) for frame in each.frameSet()}
    assert set(ours.frames) == theirs == frames
    assert all(ours.path(frame).exists() for frame in ours.frames)


def test_pyseq_imported_too_early_is_said():
    code = "import pyseq, vfx_deepfake.media.sequence"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYSEQ_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "pyseq was imported before vfx_deepfake.media.sequence could set it up" in done.stderr
