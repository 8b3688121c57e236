"""People who do not exist: each is somebody else, always the same, and taken for a face."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.demo.performer.identities import identity_performer, looks_of
from vfx_deepfake.demo.performer.looks import DEMO_SHAPE, Shape
from vfx_deepfake.demo.performer.performer import Performer
from vfx_deepfake.face.landmarks import auto_display, default_detector

SIDE = 160


def picture(performer: Performer, frame: int) -> np.ndarray:
    drawn = performer.picture(frame, performer.age)
    return drawn.colour + 0.05 * (1.0 - drawn.cover[..., None])


def test_a_number_is_always_the_same_person() -> None:
    once, again = (picture(identity_performer(5, size=SIDE, count=3), 1002) for _ in range(2))
    assert np.array_equal(once, again)
    assert looks_of(5) == looks_of(5) != looks_of(6)


def test_frames_do_not_depend_on_how_many_there_are() -> None:
    few, many = (identity_performer(5, size=SIDE, count=count).moment(1002) for count in (2, 40))
    assert few == many


def test_a_neutral_shape_moves_nothing() -> None:
    points = np.random.default_rng(1).normal(0, 6, (50, 3))
    assert DEMO_SHAPE.moved(points) is points
    assert np.allclose(Shape(wide=1e-12).moved(points), points, atol=1e-9)  # the same by the long way, but for rounding


def test_a_shape_never_folds_the_face() -> None:
    """Neighbours keep their order across and down, for each of the first three hundred people."""
    x, y = np.meshgrid(np.linspace(-6, 6, 61), np.linspace(6, -11, 86))
    sheet = np.stack([x, y, np.full_like(x, 8.5)], -1)
    for number in range(300):
        moved = looks_of(number).shape.moved(sheet)
        assert (np.diff(moved[..., 0], axis=1) > 0).all() and (np.diff(moved[..., 1], axis=0) < 0).all()


def test_the_landmarker_finds_every_one_of_them() -> None:
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    detector = default_detector()
    for identity in range(1, 7):
        performer = identity_performer(identity, light=identity, size=SIDE, count=4)
        for frame in (1001, 1003):
            assert len(detector.detect(auto_display(picture(performer, frame)))) == 1, (
                f"identity {identity}, frame {frame}"
            )
