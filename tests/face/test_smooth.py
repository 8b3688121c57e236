from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.face.fuse import bridged_confidence, final_paths, first_paths, segments
from vfx_deepfake.face.refine import Step
from vfx_deepfake.face.smooth import Noise, acceleration, evenness_over, robust_paths, solve_paths
from vfx_deepfake.face.topology import MEDIAPIPE, canonical_uv

NO_SUDDEN = np.zeros(1, bool)
FRAMES = np.arange(1001, 1061)


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


def test_a_range_with_a_step_is_solved_at_its_own_times() -> None:
    """Oracle: numpy's solver on the written-out equations; the acceleration is that of the parabola through three points."""
    random = np.random.default_rng(6)
    times = np.array([1001, 1002, 1003, 1008, 1010, 1017])
    count = len(times)
    z, d, a = (
        random.normal(size=(count, 1, 2)),
        random.uniform(0.1, 2, (count, 1)),
        random.uniform(0.1, 2, (count - 2, 1)),
    )
    bend = np.zeros((count - 2, count))
    for row in range(count - 2):
        for column in range(3):
            unit = np.eye(3)[column]
            bend[row, row + column] = 2 * np.polyfit(times[row : row + 3] - times[row + 1], unit, 2)[0]
    weights = np.sqrt(a * evenness_over(np.diff(times).astype(float))[:, None])
    rows = np.concatenate([np.eye(count) * np.sqrt(d), bend * weights])
    expected = np.linalg.lstsq(rows, np.concatenate([z[:, 0] * np.sqrt(d), np.zeros((count - 2, 2))]), rcond=None)[0]
    np.testing.assert_allclose(solve_paths(z, d, accel_weight=a, times=times)[:, 0], expected, rtol=0, atol=1e-7)
    curve = (times[:, None, None] - 1001.0) ** 2 * np.ones(2)  # acceleration 2 everywhere
    np.testing.assert_allclose(acceleration(np.diff(curve, axis=0), times), 2, rtol=1e-12)


def test_points_further_apart_weigh_as_independent_changes_of_speed_say() -> None:
    """Oracle: the motion that a change of speed in one frame makes, one frame after the other, seen at three times."""
    for left in range(1, 8):
        for right in range(1, 8):
            at = np.arange(left + right + 1)
            seen = np.maximum(at[None, :] - at[1:-1, None], 0)[:, [0, left, left + right]]  # a row for each change
            moved = np.diff(seen.T, axis=0)[..., None].astype(float)
            variance = (acceleration(moved, np.array([0, left, left + right])) ** 2).sum()
            expected = evenness_over(np.array([left, right], float))
            np.testing.assert_allclose(expected, 1 / variance, rtol=1e-12)


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
    frames = np.arange(1001, 1012)
    assert segments(seen, frames, 2) == [slice(1, 6), slice(9, 10)]
    assert segments(seen, frames, 3) == [slice(1, 10)]
    assert segments(seen, frames, 0) == [slice(1, 3), slice(5, 6), slice(9, 10)]
    assert segments(np.zeros(4, bool), frames[:4], 5) == []


def test_frames_that_nobody_asked_for_are_a_gap() -> None:
    every_fifth = np.arange(1001, 1032, 5)
    seen = np.ones(len(every_fifth), bool)
    assert segments(seen, every_fifth, 4) == [slice(0, 7)]
    assert segments(seen, every_fifth, 3) == [slice(index, index + 1) for index in range(7)]
    seen[3] = False  # nine frames from 1011 to 1021
    assert segments(seen, every_fifth, 8) == [slice(0, 3), slice(4, 7)]


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
    path = first_paths(noisy, np.ones(60), FRAMES, 1.0, MEDIAPIPE)
    jitter = [rms(np.diff(p - exact, 2, axis=0)) for p in (noisy, path)]
    assert jitter[1] < 0.4 * jitter[0]  # measured 0.25; lids and lips are smoothed less on purpose
    assert rms(path - exact) < 0.75 * rms(noisy - exact)  # measured 0.6
    np.testing.assert_array_equal(first_paths(noisy, np.ones(60), FRAMES, 0.0, MEDIAPIPE), noisy)


def turning(points: np.ndarray) -> np.ndarray:
    """The same face looking from side to side once a second: it is narrower then."""
    middle = points.mean(axis=1, keepdims=True)
    width = 1 - 0.06 * np.sin(np.arange(len(points)) / 3.8) ** 2
    return np.asarray(middle + (points - middle) * np.stack([width, np.ones_like(width)], axis=-1)[:, None])


@pytest.mark.parametrize("step", [2, 3, 5, 8])
def test_a_range_with_a_step_is_not_smoothed_as_if_its_frames_were_neighbours(step: int) -> None:
    exact, noisy = (turning(points)[::step] for points in shot(60, 1.0))
    path, blind = (
        first_paths(noisy, np.ones(len(noisy)), frames, 1.0, MEDIAPIPE)
        for frames in (FRAMES[::step], FRAMES[: len(noisy)])
    )
    raw = rms(noisy - exact)
    assert rms(path - exact) < 0.95 * raw  # measured 0.72, 0.79, 0.85, 0.90: the wider, the less there is to smooth
    assert step < 5 or rms(blind - exact) > 1.2 * raw  # the motion is such that it matters: measured 1.28 and 7.4


def test_a_blink_is_not_smoothed_away() -> None:
    exact, noisy = shot(60, 0.3)
    upper_lid = 159
    exact[30:34, upper_lid, 1] += (6, 12, 12, 6)  # px: shut within two frames
    noisy[30:34, upper_lid, 1] += (6, 12, 12, 6)
    path = first_paths(noisy, np.ones(60), FRAMES, 1.0, MEDIAPIPE)
    assert np.abs(path[30:34, upper_lid] - exact[30:34, upper_lid]).max() < 0.2 * 12  # four fifths of it stay, on time


def test_flow_brings_the_truth_where_detections_shiver() -> None:
    exact, noisy = shot(60, 2.0)
    flow = np.diff(exact, axis=0) + np.random.default_rng(5).normal(0, 0.05, (59, 478, 2))
    steps = [Step(step, np.full(478, 1 / 0.1**2)) for step in flow]
    path = final_paths(noisy, np.ones(60), FRAMES, steps, 1.0, MEDIAPIPE)
    assert rms(path - exact) < 0.5 * rms(noisy - exact)
    assert rms(np.diff(path - exact, 2, axis=0)) < 0.05 * rms(np.diff(noisy - exact, 2, axis=0))
