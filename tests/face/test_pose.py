from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.face.pose import FOCAL_OVER_WIDTH, angles, head_pose
from vfx_deepfake.face.topology import POINTS, canonical_vertices_cm
from vfx_deepfake.image.crop import Window

WINDOW = Window(0, 0, 1280, 720)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Camera axes x right, y down, z away: the head rolls first, then nods, then turns."""
    y, p, r = np.radians([-yaw, -pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


@pytest.mark.parametrize(
    "pose", [(0, 0, 0), (30, 0, 0), (-20, 0, 0), (0, 15, 0), (0, -10, 0), (0, 0, 25), (25, -12, -18), (-40, 20, 9)]
)
def test_a_projected_head_gives_its_pose_back(pose: tuple[float, float, float]) -> None:
    turn = rotation(*pose)
    np.testing.assert_allclose(angles(turn), pose, atol=1e-4)
    head = canonical_vertices_cm() * (1, -1, -1) @ turn.T + (4, -3, 60)
    points = head[:, :2] / head[:, 2:] * FOCAL_OVER_WIDTH * WINDOW.width + (640, 360)
    np.testing.assert_allclose(head_pose(points.astype(np.float32), WINDOW), pose, atol=0.05)  # float32 points


def test_signs_are_those_of_the_docstring() -> None:
    forward = np.array([0, 0, -1.0])  # the canonical nose, towards the camera
    assert (rotation(20, 0, 0) @ forward)[0] > 0  # to image right
    assert (rotation(0, 20, 0) @ forward)[1] < 0  # up
    assert (rotation(0, 0, 20) @ (1, 0, 0))[1] > 0  # clockwise on the screen


def test_unknown_poses_are_nan() -> None:
    assert np.isnan(head_pose(np.zeros((5, 2)), WINDOW, POINTS)).all()
    assert np.isnan(head_pose(np.full((478, 2), np.nan), WINDOW)).all()
