"""Bending the face: exact zeros, no folds, and nothing invented where the performance is shut."""

from __future__ import annotations

import numpy as np
import pytest

from tests.face.posed_heads import CENTRE, posed, with_open_mouth
from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.slider_warp import LIPS, PULLS, RINGS, displacement, offsets
from vfx_deepfake.face.topology import OVAL
from vfx_deepfake.image.crop import Window

WINDOW = Window(0, 0, 256, 256)
SIDED = (*PULLS, "eyes")
POSES = ((0, 0, 0), (25, 0, 10), (-30, 15, 0), (0, -20, 0), (45, 0, 0))
SAME = 1e-4  # px; points are float64 and the field float32


def field_of(points: np.ndarray, sides: dict, lips: float = 0.0, window: Window = WINDOW) -> np.ndarray:
    return displacement(points, offsets(points, sides, lips), window, HeadFrame.of(points).px_per_cm)


def least_area(field: np.ndarray) -> float:
    """The smallest factor by which the bent picture's sampling changes an area; below 0 it folds."""
    along_x, along_y = np.diff(field, axis=1)[:-1], np.diff(field, axis=0)[:, :-1]
    determinant = (1 + along_x[..., 0]) * (1 + along_y[..., 1]) - along_x[..., 1] * along_y[..., 0]
    return float(determinant.min())


def test_nothing_dialled_in_moves_nothing():
    points = posed(10, 5, 3)
    zeros = dict.fromkeys(SIDED, (0.0, 0.0))
    assert not offsets(points, zeros, 0.0).any()
    assert not field_of(points, zeros).any()


@pytest.mark.parametrize("pose", POSES)
def test_no_slider_folds_the_picture_at_either_end_alone_or_with_all_others(pose):
    points = with_open_mouth(posed(*pose), 12)
    fields = [field_of(points, {name: (end, end)}) for name in SIDED for end in (-1.0, 1.0)]
    fields += [field_of(points, {}, lips) for lips in (-1.0, 1.0)]
    rng = np.random.default_rng(5)
    for _ in range(12):
        ends = {name: tuple(rng.choice([-1.0, 1.0], 2)) for name in SIDED}
        fields.append(field_of(points, ends, float(rng.choice([-1.0, 1.0]))))
    assert min(map(least_area, fields)) > 0.15  # 0.2 was the worst of 40 random corners; 0 is a fold


@pytest.mark.parametrize("name", SIDED)
def test_a_slider_moves_its_own_half_and_its_mirror_the_other(name):
    points = posed()
    left, right = (field_of(points, {name: sides}) for sides in ((1.0, 0.0), (0.0, 1.0)))
    strength = np.abs(right).max()
    assert strength > 1
    # the canonical face is symmetric about the middle column; MIDDLE_CM lets a pull run out across it
    assert np.abs(right[:, 128 + 20 :]).max() < 0.01 * strength
    flipped = left[:, ::-1] * (-1, 1)
    np.testing.assert_allclose(
        flipped, right, atol=0.1 * strength
    )  # triangles' diagonals are not mirrored; 0.05 was seen


def test_a_displacement_turns_and_grows_with_the_head():
    small = offsets(posed(), {"jaw": (1.0, 0.5), "smile": (0.3, 1.0), "eyes": (1.0, 1.0)}, 0.0)
    points = CENTRE + 3 * (posed() - CENTRE) @ np.array([[0, 1], [-1, 0]])
    large = offsets(points, {"jaw": (1.0, 0.5), "smile": (0.3, 1.0), "eyes": (1.0, 1.0)}, 0.0)
    np.testing.assert_allclose(large, 3 * small @ np.array([[0, 1], [-1, 0]]), atol=SAME)


def test_what_is_shut_stays_shut_and_what_is_open_scales():
    shut = posed(shut=True)
    shut[list(LIPS.top)] = shut[list(LIPS.bottom)]
    moved = offsets(shut, {"eyes": (0.0, 1.0)}, 1.0)
    assert not moved.any()
    talking = with_open_mouth(posed(), 12)
    for lips in (-1.0, 1.0):
        bent = talking + offsets(talking, {}, lips)
        gap, new_gap = (p[list(LIPS.bottom)] - p[list(LIPS.top)] for p in (talking, bent))
        np.testing.assert_allclose(new_gap, gap * (1 + LIPS.gain * lips), atol=SAME)


def test_a_jaw_that_slims_bends_the_background_little_and_never_past_the_rings():
    points = posed()
    field = field_of(points, {"jaw": (1.0, 1.0)})
    middle = points[list(OVAL)].mean(axis=0)
    rows, columns = np.mgrid[:256, :256] + 0.5
    reach = np.abs(np.stack([columns, rows], axis=-1) - middle) / np.abs(points[list(OVAL)] - middle).max(axis=0)
    far = reach.max(axis=-1) > RINGS[-1][0] + 0.08  # and the smoothing's kernel
    assert far.any()
    assert not field[far].any()


def test_a_face_that_looks_away_is_left_alone():
    assert not offsets(posed(80), {"jaw": (1.0, 1.0)}, 1.0).any()
