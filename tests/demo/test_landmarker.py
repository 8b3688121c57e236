"""The real landmarker takes the performer for a face, old and young, large and small."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.demo.performer.performance import Performance
from vfx_deepfake.demo.performer.performer import POINT_NAMES, Performer
from vfx_deepfake.face.landmarks import Detection, Detector, auto_display, default_detector

# mediapipe's numbers of points that the performer names; it was trained on people, so places differ by anatomy
SAME = {"eye_outer_l": 33, "eye_inner_l": 133, "eye_inner_r": 362, "eye_outer_r": 263, "mouth_corner_l": 61,
        "mouth_corner_r": 291, "lip_inner_top": 13, "lip_inner_bottom": 14, "lip_top": 0, "lip_bottom": 17}  # fmt: skip


@pytest.fixture(scope="module")
def detector() -> Detector:
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    return default_detector()


def only(detector: Detector, picture_lin: np.ndarray, what: str) -> Detection:
    found = detector.detect(auto_display(picture_lin))
    assert len(found) == 1, f"{what}: {len(found)} faces"
    return found[0]


@pytest.mark.parametrize(("width", "height", "count"), [(1280, 720, 24), (320, 180, 8), (160, 120, 6)])
def test_it_finds_every_unoccluded_frame(detector: Detector, width: int, height: int, count: int) -> None:
    """Named points agree within 5 % of the distance between the eyes' outer corners (measured: 1.8 %, worst frame 2.5 %)."""
    performer = Performer(width=width, height=height, count=count)
    for frame in performer.frames:
        truth = performer.truth(frame)
        if truth.occluded:
            continue
        exact = {name: truth.points[POINT_NAMES.index(name)] for name in SAME}
        unit = float(np.hypot(*(exact["eye_outer_l"] - exact["eye_outer_r"])))
        for picture, age in ((truth.plate, "old"), (truth.young_grained, "young")):
            points = only(detector, picture, f"{frame} {age}").points
            errors = [float(np.hypot(*(points[number] - exact[name]))) / unit for name, number in SAME.items()]
            assert np.mean(errors) < 0.05, f"{frame} {age}: {np.round(errors, 3)}"


def test_a_head_turned_away_is_no_face(detector: Detector) -> None:
    truth = Performer(width=320, height=180, count=6, performance=Performance(away=(1,))).truth(1002)
    assert detector.detect(auto_display(truth.plate)) == []
