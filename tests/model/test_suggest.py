"""Which frames to paint."""

from dataclasses import replace

import numpy as np
import pytest

from tests.model.scene import FIRST, disc_scene
from vfx_deepfake.model.predict import FaceModel
from vfx_deepfake.model.suggest import least_sure, suggest_frames


def test_frames_are_spread_where_only_time_differs():
    source = disc_scene(step_px=0).source([])
    frames = sorted(one.frame for one in suggest_frames(source, 3))
    assert frames == [FIRST, FIRST + 4, FIRST + 8]


def test_an_unusual_expression_is_asked_for():
    scene = disc_scene(step_px=0)
    points = scene.track.points.copy()
    points[5, 7:] *= np.float32([1.0, 1.1])  # the outer ring is pulled down on one frame
    odd = replace(scene, track=replace(scene.track, points=points))
    picked = suggest_frames(odd.source([]), 2)
    assert FIRST + 5 in [one.frame for one in picked]


def test_a_flash_is_asked_for():
    scene = disc_scene(step_px=0)
    lit = replace(scene, plates={**scene.plates, FIRST + 2: scene.plates[FIRST + 2] + 0.1})
    picked = suggest_frames(lit.source([]), 2)
    assert FIRST + 2 in [one.frame for one in picked]
    assert any("light" in one.reason for one in picked)


def test_painted_frames_are_not_proposed_again():
    source = disc_scene(step_px=0).source([FIRST])
    picked = [one.frame for one in suggest_frames(source, 2, painted=[FIRST])]
    assert picked[0] == FIRST + 8 and FIRST not in picked


def test_no_more_frames_than_there_are():
    source = disc_scene(step_px=0).source([])
    picked = [one.frame for one in suggest_frames(source, 99)]
    assert sorted(picked) == list(range(FIRST, FIRST + 9))


def test_none_is_refused():
    with pytest.raises(ValueError, match="count is 0"):
        suggest_frames(disc_scene().source([]), 0)


def test_the_frame_that_fits_least_is_least_sure():
    scene = disc_scene(step_px=0)
    noise = np.random.default_rng(1).normal(0, 0.05, scene.plates[FIRST + 5].shape).astype(np.float32)
    spoilt = replace(scene, plates={**scene.plates, FIRST + 5: scene.plates[FIRST + 5] + noise})
    heard: list[tuple[int, int]] = []
    picked = least_sure(
        FaceModel(spoilt.source([FIRST, FIRST + 8])), 2, lambda done, total: heard.append((done, total))
    )
    assert picked[0].frame == FIRST + 5
    assert abs(picked[1].frame - picked[0].frame) >= 3
    assert heard[-1] == (7, 7)
