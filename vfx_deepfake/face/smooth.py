"""Paths of points over a whole shot from noisy positions, optical flow and the wish to move evenly.

One linear least-squares problem per point and coordinate, solved over all frames at once: what it smooths it smooths
in both directions, so nothing lags. It minimises

    sum_t  d_t |x_t - z_t|^2  +  f_t |x_{t+1} - x_t - v_t|^2  +  a_t |x_{t-1} - 2 x_t + x_{t+1} - b_t|^2

with detections z, flow v from frame to frame, and expected acceleration b. The matrix has five diagonals; it is
factored for all points together, frame by frame.
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
) -> np.ndarray:
    """The paths x of the problem above.

    Shapes: positions (T, P, 2), rows with weight 0 may be NaN; weight (T, P); flow (T-1, P, 2) and flow_weight (T-1,
    P); accel_weight and accel broadcast to (T-2, P) and (T-2, P, 2). Returns (T, P, 2) float64.
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
        a = np.broadcast_to(accel_weight, (count - 2, num_points))
        b = a[..., None] * np.broadcast_to(accel, (count - 2, num_points, 2))
        for offset, share in ((0, 1.0), (1, -2.0), (2, 1.0)):
            rows = slice(offset, count - 2 + offset)
            diagonal[rows] += share * share * a
            right[rows] += share * b
        first[: count - 2] -= 2 * a
        first[1 : count - 1] -= 2 * a
        second[: count - 2] += a
    return _solve_five_diagonals(diagonal, first, second, right)


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
        path = solve_paths(positions, weight, flow, flow_weight, accel_weight, accel)
        distance = np.where(trust > 0, np.linalg.norm(positions - path, axis=-1), np.nan)
        sigma = np.maximum(MAD_TO_SIGMA * np.nan_to_num(np.nanmedian(distance, axis=0)), noise.floor)
        excess = np.nan_to_num(distance / sigma) ** 2
        calm = excess if sudden.all() else excess[:, ~sudden]
        excess[:, sudden] = np.median(calm, axis=1, keepdims=True)
        weight = trust / ((noise.lasting * sigma) ** 2 * (1 + excess))
    return path
