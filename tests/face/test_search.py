from __future__ import annotations

import numpy as np
import pytest

from tests.face.drawn_faces import DrawnFaceDetector, face_points, picture
from vfx_deepfake.face.follow import Follower
from vfx_deepfake.face.landmarks import LUMA, auto_display, levelled
from vfx_deepfake.face.search import find_anywhere, measure, overlap
from vfx_deepfake.face.views import cut_patch, square_around, tiles, turned_view
from vfx_deepfake.image.crop import Window

WINDOW = Window(-40, 20, 960, 540)


def where(face: tuple[float, float, float]) -> np.ndarray:
    return middle(face_points(*face))


def middle(points: np.ndarray) -> np.ndarray:
    return (points.min(axis=0) + points.max(axis=0)) / 2


@pytest.mark.parametrize("size", [400.0, 200.0, 100.0, 54.0])
def test_faces_down_to_a_tenth_of_the_height_are_found(size: float) -> None:
    face = (400.0, 200.0 if size < 300 else 60.0, size)
    detector = DrawnFaceDetector()
    found = find_anywhere(detector, picture([face], WINDOW))
    assert len(found) == 1  # tiles overlap; one face is reported once
    measured = measure(detector, picture([face], WINDOW), found[0])
    assert measured is not None
    assert measured.score > 0.5
    assert np.abs(middle(measured.points) - where(face)).max() < 0.02 * size + 2


def test_a_frame_without_a_face_has_none() -> None:
    assert find_anywhere(DrawnFaceDetector(), picture([], WINDOW)) == []


def test_tiles_cover_a_window_and_overlap() -> None:
    for window in (Window(0, 0, 100, 50), Window(-7, 3, 31, 200), Window(0, 0, 20, 20)):
        covered = np.zeros(window.shape, int)
        for tile in tiles(window, 32):
            inside = tile.intersect(window)
            covered[inside.slices(window)] += 1
        assert covered.min() >= 1, window


def test_points_come_back_from_shrunk_and_turned_views() -> None:
    face = (300.0, 200.0, 160.0)
    image, window = picture([face], WINDOW)
    points = face_points(*face)
    box = np.concatenate([points.min(axis=0), points.max(axis=0)])
    patch = cut_patch(image, window, square_around(box, 2.0), 0.4)
    np.testing.assert_allclose(patch.to_plate(patch.from_plate(points)), points)
    view = turned_view(patch.pixels, np.array([60.0, 60.0]), 100.0, 0.3, 200)
    seen = np.array([[10.0, 20.0], [150.0, 90.0]])
    assert np.allclose(view.back(seen) @ view.matrix[:, :2].T + view.matrix[:, 2], seen)


def test_overlap_of_boxes() -> None:
    a = np.array([0, 0, 10, 10.0])
    assert overlap(a, a) == 1
    assert overlap(a, a + 20) == 0
    assert overlap(a, np.array([0, 0, 10, 5.0])) == 0.5


def test_the_largest_face_is_followed_and_a_false_second_one_ignored() -> None:
    follower = Follower(DrawnFaceDetector())
    for index in range(6):
        ours = (200.0 + 12 * index, 150.0, 150.0)
        other = [(620.0 - 12 * index, 130.0, 140.0 + 10 * index)]  # outgrows ours while it comes near
        face = follower.look(picture([ours, *other], WINDOW))
        assert face is not None
        assert np.abs(middle(face.points) - where(ours)).max() < 8, index


def test_the_box_names_the_face() -> None:
    small, large = (100.0, 200.0, 120.0), (500.0, 150.0, 220.0)
    follower = Follower(DrawnFaceDetector(), box=(80, 180, 180, 180))
    face = follower.look(picture([small, large], WINDOW))
    assert face is not None
    assert np.abs(middle(face.points) - where(small)).max() < 8


def test_a_face_elsewhere_is_not_taken_for_the_one_that_left() -> None:
    follower = Follower(DrawnFaceDetector())
    assert follower.look(picture([(100.0, 200.0, 120.0)], WINDOW)) is not None
    assert follower.look(picture([(700.0, 200.0, 120.0)], WINDOW)) is None
    back = follower.look(picture([(110.0, 205.0, 120.0), (700.0, 200.0, 120.0)], WINDOW))
    assert back is not None
    assert np.abs(middle(back.points) - where((110.0, 205.0, 120.0))).max() < 8


def test_a_face_may_have_gone_far_in_frames_that_nobody_looked_at() -> None:
    follower = Follower(DrawnFaceDetector())
    assert follower.look(picture([(100.0, 200.0, 120.0)], WINDOW)) is not None
    follower.skip(200)
    face = follower.look(picture([(700.0, 200.0, 120.0)], WINDOW))
    assert face is not None
    assert np.abs(middle(face.points) - where((700.0, 200.0, 120.0))).max() < 8


@pytest.mark.parametrize("stops", [-6, 0, 5])
def test_plates_of_any_exposure_are_shown_alike(stops: int) -> None:
    lin = np.random.default_rng(0).uniform(0.02, 0.4, (40, 60, 3)).astype(np.float32)
    shown = auto_display(lin * np.float32(2.0**stops))
    np.testing.assert_allclose(shown, auto_display(lin), atol=1e-5)  # whole half-stops, so only float32 rounding
    assert 0 <= shown.min() < shown.max() <= 1


def test_strange_pixels_do_no_harm() -> None:
    lin = np.full((8, 8, 4), 0.2, np.float32)
    lin[0, 0], lin[1, 1], lin[2, 2], lin[3, 3] = np.nan, np.inf, -5, 300
    shown = auto_display(lin)
    assert shown.shape == (8, 8, 3)
    assert np.isfinite(shown).all()
    assert shown[0, 0].max() == shown[2, 2].max() == 0
    assert auto_display(np.zeros((8, 8, 3), np.float32)).max() == 0


def test_levels_bring_a_dark_crop_to_the_middle() -> None:
    dark = np.random.default_rng(1).uniform(0.01, 0.05, (50, 50, 3)).astype(np.float32)
    assert abs(float(np.median(levelled(dark) @ LUMA)) - 0.45) < 0.02
    flat = np.full((5, 5, 3), 0.3, np.float32)
    np.testing.assert_array_equal(levelled(flat), flat)
