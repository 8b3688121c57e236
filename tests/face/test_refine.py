from __future__ import annotations

import numpy as np
import pytest

from tests.face.drawn_faces import face_points, picture
from vfx_deepfake.face.refine import luma_codes, measure_step, outline_share
from vfx_deepfake.face.topology import OVAL, face_mesh
from vfx_deepfake.image.crop import Window

WINDOW = Window(-10, 5, 320, 240)
INNER = outline_share(face_mesh()) == 0


def step(here: tuple[float, float, float], there: tuple[float, float, float], window: Window = WINDOW) -> tuple:
    codes = [(luma_codes(picture([face], window)[0]), window) for face in (here, there)]
    points = [face_points(*face) for face in (here, there)]
    measured = measure_step(*codes, *points, outline_share(face_mesh()))
    return measured, points[1] - points[0]


def test_the_outline_share_is_full_on_the_oval_and_gone_inside() -> None:
    share = outline_share(face_mesh())
    np.testing.assert_allclose(share[list(OVAL)], 1)
    assert share[[1, 33, 263, 13]].max() == 0


@pytest.mark.parametrize("move", [(0.0, 0.0), (0.4, -0.3), (3.3, 1.7)])
def test_sub_pixel_motion_is_measured(move: tuple[float, float]) -> None:
    measured, truth = step((80.0, 60.0, 140.0), (80.0 + move[0], 60.0 + move[1], 140.0))
    error = np.linalg.norm(measured.flow - truth, axis=1)[INNER]
    assert np.median(error) < 0.05  # px; 8-bit luma and DIS at full resolution, measured 0.01 to 0.03
    assert measured.weight[INNER].min() > 0


def test_a_large_face_is_measured_at_reduced_size_in_plate_pixels() -> None:
    window = Window(0, 0, 1000, 900)
    measured, truth = step((100.0, 80.0, 700.0), (105.0, 77.0, 704.0), window)
    error = np.linalg.norm(measured.flow - truth, axis=1)[INNER]
    assert (
        np.median(error) < 0.6
    )  # px of the plate; flow sees half of them and waves of 190 px in 8 bits, measured 0.42


def test_the_outline_is_believed_less_over_a_longer_time() -> None:
    """Where skin turns away, the flow's error grows with the frames between; inside the face it is as measured."""
    codes = [(luma_codes(picture([(x, 60.0, 140.0)], WINDOW)[0]), WINDOW) for x in (80.0, 81.0)]
    points = [face_points(x, 60.0, 140.0) for x in (80.0, 81.0)]
    near, far = (measure_step(*codes, *points, outline_share(face_mesh()), gap) for gap in (1, 5))
    np.testing.assert_array_equal(near.flow, far.flow)
    np.testing.assert_array_equal(near.weight[INNER], far.weight[INNER])
    assert (far.weight[list(OVAL)] < near.weight[list(OVAL)]).all()
    assert np.median(near.weight[list(OVAL)] / far.weight[list(OVAL)]) > 2  # 25 were nothing else in doubt


def test_what_can_not_be_followed_weighs_little() -> None:
    measured, _ = step((80.0, 60.0, 140.0), (81.0, 60.0, 140.0))
    lost_pictures = [
        (luma_codes(picture(faces, WINDOW)[0]), WINDOW) for faces in ([(80.0, 60.0, 140.0)], [])
    ]  # the face is gone in the next frame
    points = face_points(80.0, 60.0, 140.0)
    lost = measure_step(*lost_pictures, points, points, outline_share(face_mesh()))
    assert np.median(lost.weight[INNER]) < 0.1 * np.median(measured.weight[INNER])
