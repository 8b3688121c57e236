from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.topology import POINTS, canonical_uv
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window


def make_track() -> FaceTrack:
    """1001-1004, no face on 1003; the face moves 5 px right each frame and turns a little."""
    points = np.full((4, 478, 2), np.nan, np.float32)
    for index in (0, 1, 3):
        points[index] = canonical_uv() * 100 + (5 * index, 7)
    confidence = np.array([1, 0.4, 0, 0.9], np.float32)
    return FaceTrack(np.arange(1001, 1005), points, confidence, np.zeros((4, 3), np.float32))


def test_a_saved_track_comes_back_equal_and_two_saves_are_equal_bytes(tmp_path: Path) -> None:
    track = make_track()
    track.save(tmp_path / "a.npz")
    track.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]  # no half-written neighbour
    back = FaceTrack.load(tmp_path / "a.npz")
    for name in ("frames", "points", "confidence", "pose"):
        np.testing.assert_array_equal(getattr(back, name), getattr(track, name))
    assert back.topology == track.topology


def test_questions_about_frames() -> None:
    track = make_track()
    assert [track.has_face(frame) for frame in range(1000, 1006)] == [False, True, True, False, True, False]
    assert track.face_frames.tolist() == [1001, 1002, 1004]
    assert track.confidence_at(1002) == pytest.approx(0.4)
    assert track.confidence_at(1003) == track.confidence_at(2000) == 0
    assert track.box_at(1003).empty
    assert track.box_at(1001) == Window.around(track.points[0])
    with pytest.raises(TrackError, match="frame 1003 has no face"):
        track.points_at(1003)
    with pytest.raises(TrackError, match="frame 7 is not in it"):
        track.index_of(7)


def test_the_mean_shape_ignores_motion() -> None:
    np.testing.assert_allclose(make_track().mean_shape(), canonical_uv() * 100 + (0, 7), atol=1e-3)  # float32 points
    with pytest.raises(TrackError, match="holds no face"):
        FaceTrack.empty([1, 2]).mean_shape()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": np.array([3, 2, 1, 4])}, "frames do not rise"),
        ({"confidence": np.array([1, 1, 1, 1], np.float32)}, "not finite"),
        ({"confidence": np.array([1, 0, 0, 1], np.float32)}, "confidence 0 has points"),
        ({"confidence": np.array([1, 2, 0, 1], np.float32)}, r"leaves 0\.\.1"),
        ({"confidence": np.ones(4)}, "confidence is float64"),
        ({"topology": "dlib"}, "topology 'dlib' is unknown; known: mediapipe478, points"),
        ({"points": np.zeros((4, 5), np.float32)}, r"points is float32 \(4, 5\)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(change: dict, message: str) -> None:
    track = make_track()
    given = {name: getattr(track, name) for name in ("frames", "points", "confidence", "pose", "topology")}
    with pytest.raises(TrackError, match=message):
        FaceTrack(**(given | change))


def test_a_damaged_file_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "track.npz"
    with pytest.raises(TrackError, match="can't be read as a face track"):
        FaceTrack.load(path)
    make_track().save(path)
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:size])
        with pytest.raises(TrackError, match="can't be read as a face track") as caught:
            FaceTrack.load(path)
        assert "\n" not in str(caught.value)


def test_an_artists_points_bring_their_own_mesh() -> None:
    points = np.array([[[0, 0], [50, 0], [0, 50]], [[2, 2], [52, 2], [2, 52]]], np.float32)
    track = FaceTrack(np.array([1, 2]), points, np.ones(2, np.float32), np.full((2, 3), np.nan, np.float32), POINTS)
    assert track.mesh().triangles.shape == (1, 3)
    assert make_track().mesh().uv.shape == (478, 2)
