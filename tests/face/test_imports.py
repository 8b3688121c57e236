from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.face.test_track import make_track
from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.imports import export_json, export_nuke, import_track
from vfx_deepfake.face.topology import MEDIAPIPE, POINTS
from vfx_deepfake.image.crop import Window

DISPLAY = Window(0, 0, 320, 180)
THREE = "1001 10 170\n1003 12 168\n1001 50 170\n1003 52 170\n1001 10 100\n1003 10 100\n"


def load(tmp_path: Path, text: str, name: str = "track.txt", frames: tuple[int, ...] = (1001, 1002, 1003)):
    (tmp_path / name).write_text(text)
    return import_track(tmp_path / name, frames, DISPLAY)


def test_nuke_counts_upwards_and_moves_straight_between_keys(tmp_path: Path) -> None:
    track = load(tmp_path, "# Nuke\n\n" + THREE)
    assert track.topology == POINTS
    np.testing.assert_allclose(track.points[:, 0], [[10, 10], [11, 11], [12, 12]])  # y = 180 - y_nuke
    assert track.confidence.tolist() == [1, 1, 1]
    assert np.isnan(track.pose).all()


@pytest.mark.parametrize(
    "text",
    [
        "1001,10,170,50,170,10,100\n1003, 12, 168, 52, 170, 10, 100\n",
        "1001:10:170;50 170\t10 100\n1003 12 168 52 170 10 100",
    ],
)
def test_points_side_by_side_and_other_separators(tmp_path: Path, text: str) -> None:
    np.testing.assert_array_equal(load(tmp_path, text).points, load(tmp_path, THREE).points)


def test_frames_outside_a_points_keys_have_no_face(tmp_path: Path) -> None:
    track = load(tmp_path, THREE, frames=(1000, 1001, 1003, 1004))
    assert track.face_frames.tolist() == [1001, 1003]


def test_a_display_window_that_starts_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(THREE)
    points = import_track(tmp_path / "t.txt", (1001,), Window(100, 20, 320, 180)).points
    np.testing.assert_allclose(points[0, 0], [110, 30])


def test_nuke_and_json_round_trips(tmp_path: Path) -> None:
    track = make_track()
    export_json(track, tmp_path / "t.json")
    back = import_track(tmp_path / "t.json", track.frames.tolist(), DISPLAY)
    assert back.topology == MEDIAPIPE
    assert back.face_frames.tolist() == [1001, 1002, 1004]
    np.testing.assert_allclose(back.points, track.points, atol=1e-4)  # four decimals are written
    assert np.isfinite(back.pose[0]).all()
    export_nuke(track, tmp_path / "t.txt", DISPLAY, indices=(33, 263, 1))
    nuke = import_track(tmp_path / "t.txt", [1001, 1002, 1004], DISPLAY)
    np.testing.assert_allclose(nuke.points, track.points[[0, 1, 3]][:, [33, 263, 1]], atol=1e-4)


def test_json_from_the_bottom_left(tmp_path: Path) -> None:
    points = [[10, 170], [50, 170], [10, 100]]
    text = json.dumps({"origin": "bottom-left", "frames": {"1001": points, "1002": None}})
    track = load(tmp_path, text, "t.json")
    assert track.face_frames.tolist() == [1001]
    np.testing.assert_allclose(track.points[0, 0], [10, 10])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.txt", "", "holds no tracking data"),
        ("t.txt", "1001 5\n", "line 1: found 2 numbers; want 'frame x y'"),
        ("t.txt", "1001 5 6\n1002 a b\n", "line 2: '1002 a b' holds something that is no number"),
        ("t.txt", "1001 5 6\n1002 1 2 3 4\n", "line 2: found 5 numbers where earlier lines have 3"),
        ("t.txt", "1001.5 5 6\n", "line 1: frame 1001.5 is not whole"),
        ("t.txt", "1001 nan 6\n", "line 1: found 3 numbers"),
        ("t.txt", "1001 5 6\n", "holds 1 points; track at least 3"),
        ("t.txt", THREE.replace("100", "900"), "on none of the frames 1001-1003"),
        ("t.json", "{", "is no JSON"),
        ("t.json", "[1]", "holds a list"),
        ("t.json", '{"frames": 3}', "'frames' is a int"),
        ("t.json", '{"a": []}', "'a' is no frame number"),
        ("t.json", '{"1001": [[1]]}', r"frame 1001 is no list of \[x, y\] pairs"),
        ("t.json", '{"1001": [[1,2],[3,4],[5,6]], "1002": [[1,2]]}', "frames hold 1 and 3 points"),
        ("t.json", "{}", "frames hold no points"),
        ("t.json", '{"origin": "middle"}', "origin is 'middle'; want one of top-left, bottom-left"),
    ],
)
def test_bad_files_give_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(TrackError, match=message) as caught:
        load(tmp_path, text, name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_or_binary_file(tmp_path: Path) -> None:
    with pytest.raises(TrackError, match="can't be read as text"):
        import_track(tmp_path / "none.txt", [1], DISPLAY)
    (tmp_path / "bin.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(TrackError, match="export it as Nuke ASCII or JSON"):
        import_track(tmp_path / "bin.txt", [1], DISPLAY)
