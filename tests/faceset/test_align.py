from __future__ import annotations

import numpy as np
import pytest

from tests.face.posed_heads import posed
from vfx_deepfake.face.pose import rotation
from vfx_deepfake.face.topology import OVAL
from vfx_deepfake.faceset.align import (
    align_matrix,
    aligned_pose,
    inverted,
    moved,
    source_scale,
    source_window,
    warp_from_crop,
    warp_to_crop,
)
from vfx_deepfake.image.crop import Window

POSES = [(yaw, pitch, roll) for yaw in (-80, -35, 0, 35, 80) for pitch in (-25, 0, 25) for roll in (-20, 0, 20)]


@pytest.mark.parametrize("pose", POSES)
def test_the_crop_has_the_same_size_in_every_pose_and_the_face_inside(pose: tuple[float, float, float]) -> None:
    points = posed(*pose, px_per_cm=7.0)
    matrix = align_matrix(points, 256)
    # the canonical head under a weak-perspective camera is fitted exactly: only float32 of the matrix is left
    assert source_scale(matrix) == pytest.approx(7.0 * 23.0 / 256, rel=1e-6)
    inside = moved(points, matrix)
    assert inside.min() > 10
    assert inside.max() < 246  # hair, ears and background have room on all sides
    np.testing.assert_allclose(moved(inside, inverted(matrix)), points, atol=1e-3)  # float32 of the matrix


@pytest.mark.parametrize("pose", POSES)
def test_the_pose_is_that_of_the_rotation_in_any_picture(pose: tuple[float, float, float]) -> None:
    points = posed(*pose, px_per_cm=3.0)
    np.testing.assert_allclose(aligned_pose(points), pose, atol=1e-3)
    np.testing.assert_allclose(aligned_pose(points * 2.5 - 40), pose, atol=1e-3)


def test_a_frontal_face_stands_upright_however_the_picture_is_turned() -> None:
    for roll in range(-170, 180, 40):
        points = moved(posed(), align_matrix(posed(0, 0, roll), 200))
        turned = moved(posed(0, 0, roll), align_matrix(posed(0, 0, roll), 200))
        assert np.abs(aligned_pose(turned)).max() < 1e-2, roll
        assert points.shape == turned.shape


def test_a_head_that_turns_neither_jumps_nor_grows() -> None:
    poses = [(yaw, 10 * np.sin(yaw / 20), 5 * np.cos(yaw / 15)) for yaw in np.arange(-85.0, 86.0, 1.0)]
    matrices = np.stack([align_matrix(posed(*pose), 256) for pose in poses])
    centres = np.stack([moved(np.full((1, 2), 128.0), matrix)[0] for matrix in matrices])
    # a degree moves the outline of a head of 16 cm radius by 0.3 cm, 3 px here; nothing may move faster
    assert np.abs(np.diff(centres, axis=0)).max() < 3


def test_expression_does_not_move_the_crop() -> None:
    calm = posed(20, 5, 3)
    loud = calm.copy()
    loud[[152, 148, 377, 17, 14, 84, 314]] += (0, 30)  # chin and lower lip drop
    np.testing.assert_array_equal(align_matrix(calm, 256), align_matrix(loud, 256))


def test_points_that_show_no_face_are_refused() -> None:
    for points in (np.zeros((478, 2)), np.full((478, 2), np.nan)):
        with pytest.raises(ValueError, match="show no face"):
            align_matrix(points, 64)
    assert np.isnan(aligned_pose(np.full((478, 2), np.nan))).all()


def waves(positions: np.ndarray, px_per_cm: float) -> np.ndarray:
    """A smooth picture in the units of the head, so that it can be asked for at any place."""
    x, y = np.moveaxis(positions / px_per_cm, -1, 0)
    return (0.4 + 0.2 * np.sin(3 * x + 0.3) * np.cos(2.5 * y) + 0.1 * np.sin(4 * x - 3 * y))[..., None].astype(
        np.float32
    )


def centres(window: Window) -> np.ndarray:
    columns, rows = np.arange(window.x, window.right) + 0.5, np.arange(window.y, window.bottom) + 0.5
    return np.stack(np.meshgrid(columns, rows), axis=-1)


@pytest.mark.parametrize("px_per_cm", [5.0, 12.0, 30.0])
def test_pixels_land_where_the_matrix_says(px_per_cm: float) -> None:
    window = Window(-9, 14, round(30 * px_per_cm), round(30 * px_per_cm))
    points = (posed(15, -5, 8, px_per_cm) - 128) + (window.x + window.width / 2, window.y + window.height / 2)
    size = 112  # px of the crop: enlarged, about as it is, and shrunk to a sixth
    matrix = align_matrix(points, size)
    crop, valid = warp_to_crop(waves(centres(window), px_per_cm), window, matrix, size)
    wanted = waves(moved(centres(Window(0, 0, size, size)), inverted(matrix)), px_per_cm)
    assert valid.min() == pytest.approx(1)
    # the mean over a pixel's area dampens the steepest wave here, 1 radian a pixel, by 4 % of 0.1
    assert np.abs(crop - wanted).max() < 0.02
    back = warp_from_crop(crop, matrix, window)
    seen = moved(centres(window), matrix)
    middle = ((seen > 4) & (seen < size - 4)).all(axis=-1)
    assert np.sqrt(np.mean((back - waves(centres(window), px_per_cm))[middle] ** 2)) < 0.01


def test_shrinking_averages_and_does_not_alias() -> None:
    window = Window(0, 0, 1200, 1200)
    checks = (np.indices(window.shape).sum(axis=0) % 2).astype(np.float32)[..., None]
    crop, _ = warp_to_crop(checks, window, align_matrix(posed(px_per_cm=40.0) + 472, 64), 64)
    # picture pixels in a crop pixel: 14 x 14; a mean of so many checks leaves a few per cent at most
    assert np.abs(crop - 0.5).max() < 0.05


def test_nothing_rings_at_a_hard_edge() -> None:
    window = Window(0, 0, 300, 300)
    edge = np.where(np.arange(300) < 150, 0.07, 0.9).astype(np.float32)[None, :, None] * np.ones(
        (300, 1, 1), np.float32
    )
    crop, _ = warp_to_crop(edge, window, align_matrix(posed(10, 5, 20) + 22, 256), 256)
    # exactly the range of the picture: the interpolated value is held between its neighbours
    assert crop.min() == np.float32(0.07)
    assert crop.max() == np.float32(0.9)


def test_the_edge_of_the_picture_is_known() -> None:
    window = Window(100, 0, 100, 256)  # the face's middle is at its left edge
    crop, valid = warp_to_crop(np.ones((256, 100, 3), np.float32), window, align_matrix(posed() - (28, 0), 64), 64)
    assert valid[:, :30].max() == 0
    assert valid[32, 34:58].min() == 1  # 100 px of 245 that the crop is wide
    np.testing.assert_array_equal(crop, 1)  # beyond it the edge is repeated


def test_the_source_window_is_enough() -> None:
    rng = np.random.default_rng(5)
    window = Window(-20, 30, 400, 380)
    image = rng.uniform(0, 1, (*window.shape, 3)).astype(np.float32)
    matrix = align_matrix(posed(20, 10, -15, 8.0) + (40, 90), 96)
    needed = source_window(matrix, 96).intersect(window)
    whole, _ = warp_to_crop(image, window, matrix, 96)
    part, _ = warp_to_crop(image[needed.slices(window)], needed, matrix, 96)
    # OpenCV puts its samples on a grid of 1/32 px, and float32 rounding of a position may tip one to the next
    np.testing.assert_allclose(whole, part, atol=0.03)


def test_the_outline_of_the_face_keeps_its_place_in_the_crop() -> None:
    oval = moved(posed(), align_matrix(posed(), 230))[list(OVAL)]  # 10 px a cm
    np.testing.assert_allclose(np.ptp(oval, axis=0), (155, 177), atol=2)
    assert rotation(0, 0, 0)[0, 0] == 1
