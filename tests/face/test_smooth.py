from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.face.fuse import bridged_confidence, final_paths, first_paths, segments
from vfx_deepfake.face.refine import Step
from vfx_deepfake.face.smooth import Noise, robust_paths, solve_paths
from vfx_deepfake.face.topology import MEDIAPIPE, canonical_uv

NO_SUDDEN = np.zeros(1, bool)


def test_the_solver_agrees_with_a_dense_least_squares() -> None:
    """Oracle: numpy's solver on the written-out equations."""
    random = np.random.default_rng(1)
    count = 9
    z, d = random.normal(size=(count, 1, 2)), random.uniform(0.1, 2, (count, 1))
    v, f = random.normal(size=(count - 1, 1, 2)), random.uniform(0.1, 2, (count - 1, 1))
    a, b = random.uniform(0.1, 2, (count - 2, 1)), random.normal(size=(count - 2, 1, 2))
    eye = np.eye(count)
    rows = np.concatenate([
        eye * np.sqrt(d), np.diff(eye, axis=0) * np.sqrt(f), np.diff(eye, 2, axis=0) * np.sqrt(a)
    ])  # fmt: skip
    right = np.concatenate([z[:, 0] * np.sqrt(d), v[:, 0] * np.sqrt(f), b[:, 0] * np.sqrt(a)])
    expected = np.linalg.lstsq(rows, right, rcond=None)[0]
    found = solve_paths(z, d, v, f, a, b)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)  # the solver adds 1e-9 to the diagonal


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_paths(count: int) -> None:
    z = np.arange(count * 2.0).reshape(count, 1, 2)
    np.testing.assert_allclose(solve_paths(z, np.ones((count, 1)), accel_weight=1.0), z, atol=1e-6)  # a straight line


def test_a_gap_is_bridged_by_flow_and_by_even_motion() -> None:
    z = np.arange(10.0)[:, None, None] * np.ones(2)
    weight = np.ones((10, 1))
    z[4:7], weight[4:7] = np.nan, 0
    for given in ({"accel_weight": 1.0}, {"flow": np.ones((9, 1, 2)), "flow_weight": np.ones((9, 1))}):
        np.testing.assert_allclose(solve_paths(z, weight, **given)[:, 0, 0], np.arange(10.0), atol=1e-6)


def test_smoothing_is_the_same_backwards() -> None:
    z = np.random.default_rng(2).normal(size=(30, 1, 2)).cumsum(axis=0)
    noise = Noise(0.1, 0.1)
    forward = robust_paths(z, np.ones((30, 1)), noise, NO_SUDDEN, accel_weight=4.0)
    backward = robust_paths(z[::-1], np.ones((30, 1)), noise, NO_SUDDEN, accel_weight=4.0)[::-1]
    np.testing.assert_allclose(forward, backward, atol=1e-6)  # no lag can hide in a path that has no direction


def test_one_wild_detection_is_left_out() -> None:
    z = np.random.default_rng(3).normal(0, 0.1, (40, 1, 2))
    z[20] += 30
    path = robust_paths(z, np.ones((40, 1)), Noise(0.1, 0.1), NO_SUDDEN, accel_weight=100.0)
    assert np.abs(path[20]).max() < 0.5  # a mean over its neighbourhood would be off by several


def test_segments_bridge_short_gaps_only() -> None:
    seen = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0], bool)
    assert segments(seen, 2) == [slice(1, 6), slice(9, 10)]
    assert segments(seen, 3) == [slice(1, 10)]
    assert segments(seen, 0) == [slice(1, 3), slice(5, 6), slice(9, 10)]
    assert segments(np.zeros(4, bool), 5) == []


def test_bridged_frames_are_less_sure_but_not_lost() -> None:
    np.testing.assert_allclose(bridged_confidence(np.array([0.9, 0, 0, 0.6])), [0.9, 0.18, 0.18, 0.6])


def shot(count: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Exact and shivering points of a face that moves on an arc; the face is 300 px."""
    t = np.arange(count)
    middle = np.stack([100 + 3 * t, 200 + 20 * np.sin(t / 9)], axis=1)
    exact = canonical_uv().astype(np.float64) * 300 + middle[:, None]
    return exact, exact + np.random.default_rng(4).normal(0, noise, exact.shape)


def rms(error: np.ndarray) -> float:
    return float(np.sqrt((error**2).sum(axis=-1).mean()))


def test_detections_alone_become_steadier_and_nearer() -> None:
    exact, noisy = shot(60, 1.0)
    path = first_paths(noisy, np.ones(60), 1.0, MEDIAPIPE)
    jitter = [rms(np.diff(p - exact, 2, axis=0)) for p in (noisy, path)]
    assert jitter[1] < 0.4 * jitter[0]  # measured 0.25; lids and lips are smoothed less on purpose
    assert rms(path - exact) < 0.75 * rms(noisy - exact)  # measured 0.6
    np.testing.assert_array_equal(first_paths(noisy, np.ones(60), 0.0, MEDIAPIPE), noisy)


def test_a_blink_is_not_smoothed_away() -> None:
    exact, noisy = shot(60, 0.3)
    upper_lid = 159
    exact[30:34, upper_lid, 1] += (6, 12, 12, 6)  # px: shut within two frames
    noisy[30:34, upper_lid, 1] += (6, 12, 12, 6)
    path = first_paths(noisy, np.ones(60), 1.0, MEDIAPIPE)
    assert np.abs(path[30:34, upper_lid] - exact[30:34, upper_lid]).max() < 0.2 * 12  # four fifths of it stay, on time


def test_flow_brings_the_truth_where_detections_shiver() -> None:
    exact, noisy = shot(60, 2.0)
    flow = np.diff(exact, axis=0) + np.random.default_rng(5).normal(0, 0.05, (59, 478, 2))
    steps = [Step(step, np.full(478, 1 / 0.1**2)) for step in flow]
    path = final_paths(noisy, np.ones(60), steps, 1.0, MEDIAPIPE)
    assert rms(path - exact) < 0.5 * rms(noisy - exact)
    assert rms(np.diff(path - exact, 2, axis=0)) < 0.05 * rms(np.diff(noisy - exact, 2, axis=0))
