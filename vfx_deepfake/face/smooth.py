"""Paths of points over a whole shot from noisy positions, optical flow and the wish to move evenly.

One linear least-squares problem per point and coordinate, solved over all frames at once: what it smooths it smooths
in both directions, so nothing lags. It minimises

    sum_t  d_t |x_t - z_t|^2  +  f_t |x_{t+1} - x_t - v_t|^2  +  a_t |A_t x - b_t|^2

with detections z, flow v from frame to frame, and expected acceleration b. A_t x is x_{t-1} - 2 x_t + x_{t+1} where frames
follow each other; in a range with a step it is twice the change of speed over the time from t-1 to t+1, per frame and frame like b.
The matrix has five diagonals; it is factored for all points together, frame by frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TINY = 1e-9  # added to the diagonal: a point without any data stays where b and v put it instead of dividing by zero
MAD_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution over its standard deviation
ROBUST_ROUNDS = 5  # rounds of reweighting; the paths settle in three or four


@dataclass(frozen=True)
class Noise:
    """What is assumed of the errors of detections, in pixels.

    Their spread is never believed below ``floor`` and is taken as ``start`` before there is a path to compare with. Errors last
    for about ``lasting`` squared frames, so that each detection counts that much less against flow.
    """

    floor: float
    start: float
    lasting: float = 1.0


def solve_paths(
    positions: np.ndarray,
    weight: np.ndarray,
    flow: np.ndarray | None = None,
    flow_weight: np.ndarray | None = None,
    accel_weight: np.ndarray | float = 0.0,
    accel: np.ndarray | float = 0.0,
    times: np.ndarray | None = None,
) -> np.ndarray:
    """The paths x of the problem above.

    Shapes: positions (T, P, 2), rows with weight 0 may be NaN; weight (T, P); flow (T-1, P, 2) and flow_weight (T-1,
    P); accel_weight and accel broadcast to (T-2, P) and (T-2, P, 2); times (T,) frame numbers, one after the other by
    default. ``accel_weight`` is that of neighbouring frames: over wider gaps it is less, see :func:`evenness_over`.
    Returns (T, P, 2) float64.
    """
    count, num_points, _ = positions.shape
    known = np.where(weight[..., None] > 0, positions, 0.0)
    diagonal = weight + TINY
    first, second = np.zeros((count, num_points)), np.zeros((count, num_points))
    right = weight[..., None] * known
    if flow is not None and flow_weight is not None:
        diagonal[:-1] += flow_weight
        diagonal[1:] += flow_weight
        first[:-1] -= flow_weight
        right[:-1] -= flow_weight[..., None] * flow
        right[1:] += flow_weight[..., None] * flow
    if count > 2 and np.any(accel_weight):
        gaps = np.ones(count - 1) if times is None else np.diff(np.asarray(times, np.float64))
        a = np.broadcast_to(accel_weight, (count - 2, num_points)) * evenness_over(gaps)[:, None]
        b = a[..., None] * np.broadcast_to(accel, (count - 2, num_points, 2))
        before, middle, after = (share[:, None] for share in _shares(gaps))
        for offset, share in ((0, before), (1, middle), (2, after)):
            rows = slice(offset, count - 2 + offset)
            diagonal[rows] += share * share * a
            right[rows] += share[..., None] * b
        first[: count - 2] += before * middle * a
        first[1 : count - 1] += middle * after * a
        second[: count - 2] += before * after * a
    return _solve_five_diagonals(diagonal, first, second, right)


def evenness_over(gaps: np.ndarray) -> np.ndarray:
    """(T-2,) how much less uneven motion is seen in points that lie further apart; 1 where frames follow each other.

    Motion whose speed changes by independent amounts in every frame: the inverse variance of A_t x above, over that of
    neighbouring frames. A change inside a gap turns its mean speed by a part only. Shapes: gaps (T-1,) frames from each
    point to the next.
    """
    partial = (gaps - 1) * (2 * gaps - 1) / (6 * gaps)
    change_of_speed = 1 + partial[:-1] + partial[1:]
    return np.asarray((gaps[:-1] + gaps[1:]) ** 2 / (4 * change_of_speed))


def acceleration(moved: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(T-2, P, 2) per frame and frame: what motion from each time to the next says of the acceleration at the inner ones.

    Shapes: moved (T-1, P, 2); times (T,) frame numbers.
    """
    gaps = np.diff(np.asarray(times, np.float64))[:, None, None]
    return np.asarray(2 * np.diff(moved / gaps, axis=0) / (gaps[:-1] + gaps[1:]))


def _shares(gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the points before, at and after each inner time count for in the acceleration there: (T-2,) each."""
    left, right = gaps[:-1], gaps[1:]
    return 2 / (left * (left + right)), -2 / (left * right), 2 / (right * (left + right))


def _solve_five_diagonals(diagonal: np.ndarray, first: np.ndarray, second: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve P symmetric positive systems at once by L D L^T.

    Shapes: diagonal (T, P); first, second (T, P) the entries (t, t+1) and (t, t+2); right (T, P, 2).
    """
    count = len(diagonal)
    d, low, lower = diagonal.copy(), np.zeros_like(first), np.zeros_like(second)
    y = right.copy()
    for t in range(count):
        if t >= 1:
            low[t - 1] = first[t - 1] - (lower[t - 2] * d[t - 2] * low[t - 2] if t >= 2 else 0.0)
            low[t - 1] /= d[t - 1]
            d[t] -= low[t - 1] ** 2 * d[t - 1]
            y[t] -= low[t - 1][:, None] * y[t - 1]
        if t >= 2:
            d[t] -= lower[t - 2] ** 2 * d[t - 2]
            y[t] -= lower[t - 2][:, None] * y[t - 2]
        lower[t] = second[t] / d[t] if t + 2 < count else 0.0
    x = y / d[..., None]
    for t in range(count - 2, -1, -1):
        x[t] -= low[t][:, None] * x[t + 1]
        if t + 2 < count:
            x[t] -= lower[t][:, None] * x[t + 2]
    return x


def robust_paths(
    positions: np.ndarray,
    trust: np.ndarray,
    noise: Noise,
    sudden: np.ndarray,
    flow: np.ndarray | None = None,
    flow_weight: np.ndarray | None = None,
    accel_weight: np.ndarray | float = 0.0,
    accel: np.ndarray | float = 0.0,
    times: np.ndarray | None = None,
) -> np.ndarray:
    """:func:`solve_paths` with detections weighted by how well they agree with their path.

    Each point's noise is estimated from its own distances to the path, and single detections far outside it lose weight as
    in Cauchy's estimator. Points marked ``sudden`` (P,) bool keep theirs, because a blink looks just like an outlier; they
    lose weight only with the whole frame.
    Shapes: trust (T, P) 0..1, 0 where there is no detection.
    """
    weight = trust / (noise.start * noise.lasting) ** 2
    path = positions
    for _ in range(ROBUST_ROUNDS):
        path = solve_paths(positions, weight, flow, flow_weight, accel_weight, accel, times)
        distance = np.where(trust > 0, np.linalg.norm(positions - path, axis=-1), np.nan)
        sigma = np.maximum(MAD_TO_SIGMA * np.nan_to_num(np.nanmedian(distance, axis=0)), noise.floor)
        excess = np.nan_to_num(distance / sigma) ** 2
        calm = excess if sudden.all() else excess[:, ~sudden]
        excess[:, sudden] = np.median(calm, axis=1, keepdims=True)
        weight = trust / ((noise.lasting * sigma) ** 2 * (1 + excess))
    return path
