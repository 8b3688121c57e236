"""From raw detections to paths: gaps, a first smooth path, and the final one with optical flow.

Lengths are shares of the face's size, so that a face in HD and the same face in 4K get the same treatment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from vfx_deepfake.face.refine import Step
from vfx_deepfake.face.smooth import MAD_TO_SIGMA, Noise, acceleration, robust_paths
from vfx_deepfake.face.topology import (
    LEFT_EYE,
    LEFT_IRIS,
    LIPS_INNER,
    LIPS_OUTER,
    MEDIAPIPE,
    RIGHT_EYE,
    RIGHT_IRIS,
    fit_similarity,
)

NOISE_FLOOR = 0.003  # detections are never believed better than this; measured on frontal real faces: 0.003 to 0.006
NOISE_START = 0.02  # where the estimate of their noise begins when flow is known
LASTING = 1.5  # errors of detections last for two or three frames; measured 1 to 5 (docs/experiments.md)
WEAKEST_FLOW = 0.05  # strength 0 still bridges gaps by flow
HEAD_ACCEL = 0.01  # how unevenly a head moves, per frame and frame; assumed, lets a nod through
SHAPE_ACCEL = 0.0006  # how unevenly skin moves against the head; measured best of 0.0002 to 0.003 without flow
EXPRESSIVE = 8.0  # lids, lips and irises move this much less evenly: a blink lasts four frames
FLOW_ACCEL = 0.004  # unevenness allowed once flow is known; only points with bad flow feel it
JUMP = 2.0  # times the usual difference between detected and flown steps; more is a blink; measured 1.5 to 3
BRIDGED_CONFIDENCE = 0.3  # of a frame inside a gap, as a share of the detections at its ends; assumed


def segments(seen: np.ndarray, frames: np.ndarray, max_gap: int) -> list[slice]:
    """Runs of frames that hold a face, bridging at most ``max_gap`` frames without one.

    A frame that nobody asked for counts as one without. Shapes: seen (N,) bool; frames (N,) their numbers.
    """
    found: list[slice] = []
    for index in np.nonzero(seen)[0].tolist():
        if found and frames[index] - frames[found[-1].stop - 1] - 1 <= max_gap:
            found[-1] = slice(found[-1].start, index + 1)
        else:
            found.append(slice(index, index + 1))
    return found


def bridged_confidence(score: np.ndarray) -> np.ndarray:
    """(T,) scores of one segment with gaps filled low: by BRIDGED_CONFIDENCE of the lower end, never 0."""
    out = score.copy()
    known = np.nonzero(score > 0)[0]
    for before, after in pairwise(known):
        if after - before > 1:
            out[before + 1 : after] = BRIDGED_CONFIDENCE * min(score[before], score[after])
    return np.clip(out, 1e-3, 1.0)


def first_paths(
    positions: np.ndarray, score: np.ndarray, frames: np.ndarray, strength: float, topology: str
) -> np.ndarray:
    """Paths from detections alone: head motion and shape smoothed apart, gaps bridged.

    Shapes: positions (T, P, 2), NaN where ``score`` (T,) is 0; frames (T,) their numbers. ``strength`` 1 is the measured
    best, 0 leaves detections alone and only bridges gaps.
    """
    trust = np.repeat(score[:, None], positions.shape[1], axis=1)
    filled = _interpolated(positions, score, frames)
    if strength <= 0 or len(positions) < 3:
        return filled
    size = face_size(filled)
    anchors, mean = _head_motion(filled)
    head = robust_paths(
        anchors,
        trust[:, :2],
        Noise(NOISE_FLOOR * size, NOISE_FLOOR * size),
        np.ones(2, bool),
        accel_weight=(strength / (HEAD_ACCEL * size)) ** 2,
        times=frames,
    )
    rigid = _placed(mean, head)
    loose = looseness(positions.shape[1], topology)
    evenness = (strength / (SHAPE_ACCEL * size * loose)) ** 2
    expected = acceleration(np.diff(rigid, axis=0), frames)
    noise = Noise(NOISE_FLOOR * size, NOISE_FLOOR * size)
    return robust_paths(filled, trust, noise, loose > 1, accel_weight=evenness, accel=expected, times=frames)


def final_paths(
    positions: np.ndarray,
    score: np.ndarray,
    frames: np.ndarray,
    steps: Sequence[Step],
    strength: float,
    topology: str,
) -> np.ndarray:
    """Paths from detections and the flow from each frame to the next. ``steps`` holds one entry per pair of frames."""
    trust = np.repeat(score[:, None], positions.shape[1], axis=1)
    filled = _interpolated(positions, score, frames)
    if not steps:
        return filled
    size = face_size(filled)
    flow, weight = np.stack([step.flow for step in steps]), np.stack([step.weight for step in steps])
    loose = looseness(positions.shape[1], topology)
    evenness = (strength / (FLOW_ACCEL * size * loose)) ** 2
    noise = Noise(NOISE_FLOOR * size, NOISE_START * size, LASTING)
    expected = acceleration(flow, frames).mean(axis=1, keepdims=True)
    weight[:, loose > 1] = _doubted(weight, flow, filled, size)[:, loose > 1]
    weight = weight * max(strength, WEAKEST_FLOW) ** 2
    return robust_paths(filled, trust, noise, loose > 1, flow, weight, evenness, expected, frames)


def _doubted(weight: np.ndarray, flow: np.ndarray, positions: np.ndarray, size: float) -> np.ndarray:
    """Flow weights lowered where the landmarker sees a jump, far above its own shiver, that the flow does not.

    Flow can't close an eye: the eyeball vanishes under the lid and has no counterpart in the next frame.
    Shapes: weight (T-1, P), flow (T-1, P, 2), positions (T, P, 2).
    """
    jump = np.linalg.norm(np.diff(positions, axis=0) - flow, axis=-1)
    usual = np.maximum(MAD_TO_SIGMA * np.median(jump, axis=0), NOISE_FLOOR * size)
    return np.asarray(1 / (1 / weight + np.maximum(jump - JUMP * usual, 0) ** 2))


def face_size(points: np.ndarray) -> float:
    """Median over frames of the longer side of the face's box. Shapes: points (T, P, 2)."""
    return float(np.median(np.ptp(points, axis=1).max(axis=1)))


def looseness(num_points: int, topology: str) -> np.ndarray:
    """(P,) 1 for skin, EXPRESSIVE for points that may move suddenly; unknown points are all expressive."""
    if topology != MEDIAPIPE:
        return np.full(num_points, EXPRESSIVE)
    loose = np.ones(num_points)
    for loop in (LEFT_EYE, RIGHT_EYE, LEFT_IRIS, RIGHT_IRIS, LIPS_INNER, LIPS_OUTER):
        loose[list(loop)] = EXPRESSIVE
    return loose


def pairs(found: Sequence[slice]) -> Iterator[int]:
    """Index of the first frame of every pair of frames that follow each other inside a segment."""
    for segment in found:
        yield from range(segment.start, segment.stop - 1)


def _interpolated(positions: np.ndarray, score: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Positions with frames of score 0 filled linearly in time."""
    known = np.nonzero(score > 0)[0]
    if len(known) == len(score):
        return positions
    flat = positions[known].reshape(len(known), -1)
    filled = np.stack([np.interp(frames, frames[known], column) for column in flat.T], axis=1)
    return filled.reshape(positions.shape)


def _head_motion(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two anchor points (T, 2, 2) that carry each frame's similarity, and the mean shape (P, 2) seen from them."""
    first = points[0]
    moves = [fit_similarity(first, frame) for frame in points]
    back = [fit_similarity(frame, first) for frame in points]
    mean = np.mean([frame @ m[:, :2].T + m[:, 2] for frame, m in zip(points, back, strict=True)], axis=0)
    middle = mean.mean(axis=0)
    arms = np.stack([middle, middle + (np.ptp(mean[:, 0]), 0.0)])
    anchors = np.stack([arms @ m[:, :2].T + m[:, 2] for m in moves])
    unit = (mean - middle) / np.ptp(mean[:, 0])
    return anchors, unit


def _placed(unit: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(T, P, 2) the mean shape put where the anchors are."""
    arm = (anchors[:, 1] - anchors[:, 0]) @ (1, 1j)
    turned = (unit @ (1, 1j))[None] * arm[:, None]
    return np.stack([turned.real, turned.imag], axis=-1) + anchors[:, :1]
