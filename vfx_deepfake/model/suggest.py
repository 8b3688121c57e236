"""Which frames to paint: before painting, to cover the shot; after a run, where the model is least sure.

A frame is described by its face's shape in canonical position (expression), its pose, and a small light-and-colour
picture of the face in canonical coordinates. Frames are chosen greedily, each time the one farthest from all chosen ones
(k-centre), so that no frame of the shot is far from a painted one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.mesh import rasterise
from vfx_deepfake.face.topology import Mesh, fit_similarity
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.predict import Predictor

LIGHT_CELLS = 8  # the face is looked at in LIGHT_CELLS x LIGHT_CELLS patches
# How much of each difference counts as "one step away"; assumed: half a face's usual jaw drop, a quarter stop, 10 degrees,
# and a long stretch of frames even where nothing else changes.
EXPRESSION_STEP = 0.01  # of the face's width, root mean square over the points
LIGHT_STEP = 0.015  # log
POSE_STEP = 10.0  # degrees
TIME_STEP = 24.0  # frames
UNSURE_APART_FRAMES = 3  # least sure frames are proposed at least this far apart


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A frame to paint, and why in a few words an artist understands."""

    frame: int
    reason: str
    score: float


def suggest_frames(source: CropSource, count: int, painted: Sequence[int] = ()) -> list[Suggestion]:
    """``count`` frames to paint besides those ``painted`` already, most useful first.

    Raises: ValueError for a count below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}; ask for at least one frame")
    frames = source.frames
    features, kinds = _features(source)
    chosen = [frames.index(frame) for frame in painted if frame in frames]
    out: list[Suggestion] = []
    if not chosen:
        first = int(np.argmin(((features - np.median(features, axis=0)) ** 2).sum(axis=1)))
        chosen.append(first)
        out.append(Suggestion(frames[first], "closest to the shot's middle in pose, expression and light", 0.0))
    distance = np.min([_distance(features, features[index]) for index in chosen], axis=0)
    while len(out) < min(count, len(frames) - len(chosen) + len(out)):
        index = int(np.argmax(distance))
        nearest = chosen[int(np.argmin([_distance(features[index : index + 1], features[c])[0] for c in chosen]))]
        out.append(
            Suggestion(frames[index], _reason(features[index] - features[nearest], kinds), float(distance[index]))
        )
        chosen.append(index)
        distance = np.minimum(distance, _distance(features, features[index]))
    return out


def least_sure(
    model: Predictor, count: int, on_frame: Callable[[int, int], None] = lambda done, total: None
) -> list[Suggestion]:
    """The unpainted frames where the model is least sure, worst first, no two of them close together.

    Looks at every frame once; ``on_frame`` hears how many of how many are done.
    """
    frames = [frame for frame in model.source.frames if frame not in model.source.keyframes]
    doubts = []
    for index, frame in enumerate(frames):
        doubts.append(_doubt(model, frame))
        on_frame(index + 1, len(frames))
    out: list[Suggestion] = []
    for index in np.argsort(doubts)[::-1]:
        frame = frames[int(index)]
        if len(out) < count and all(abs(frame - one.frame) >= UNSURE_APART_FRAMES for one in out):
            share = doubts[int(index)]
            out.append(Suggestion(frame, f"the model is unsure of {share:.0%} of the face", float(share)))
    return out


def _doubt(model: Predictor, frame: int) -> float:
    """1 - mean confidence on the face."""
    prediction = model.predict(frame)
    on_face = rasterise(model.source.track.points_at(frame), prediction.window, model.source.mesh)[1]
    return float(1 - prediction.confidence[on_face].mean()) if on_face.any() else 0.0


def _features(source: CropSource) -> tuple[np.ndarray, list[str]]:
    """(frames, F) in steps, so that distances of different kinds can be added; and the kind of each column."""
    track, frames = source.track, source.frames
    mesh = source.mesh
    rows = [track.index_of(frame) for frame in frames]
    shape = track.mean_shape()
    width = float(np.ptp(shape[:, 0]))
    groups = [
        ("expression", _expression(track, rows, shape, width) / EXPRESSION_STEP),
        ("pose", np.nan_to_num(track.pose[rows].astype(np.float64)) / POSE_STEP),
        ("light", np.stack([_light(source, frame, mesh) for frame in frames]) / LIGHT_STEP),
        ("time", np.asarray(frames, np.float64)[:, None] / TIME_STEP),
    ]
    kinds = [kind for kind, values in groups for _ in range(values.shape[1])]
    return np.concatenate([values for _, values in groups], axis=1), kinds


def _expression(track: FaceTrack, rows: Sequence[int], shape: np.ndarray, width: float) -> np.ndarray:
    """(frames, 2P): points moved onto the mean shape, in face widths, over the root of their number."""
    out = []
    for row in rows:
        points = track.points[row].astype(np.float64)
        move = fit_similarity(points, shape)
        out.append((points @ move[:, :2].T + move[:, 2] - shape).ravel() / width)
    return np.asarray(out) / np.sqrt(len(shape))


def _light(source: CropSource, frame: int, mesh: Mesh) -> np.ndarray:
    """(3 LIGHT_CELLS^2,): mean log colour in patches of the face, over the root of their number."""
    crop = source.crop(frame)
    uv, inside = rasterise(crop.points, crop.window, mesh)
    if not inside.any():
        raise TrackError(f"face track: frame {frame} draws no face; track the shot again")
    small = cv2.GaussianBlur(crop.image_log, (0, 0), 2.0 * crop.scale)[inside]
    cell = np.clip((uv[inside] * LIGHT_CELLS).astype(int), 0, LIGHT_CELLS - 1) @ np.array([1, LIGHT_CELLS])
    number = np.maximum(np.bincount(cell, minlength=LIGHT_CELLS**2), 1)
    sums = [np.bincount(cell, weights=small[:, channel], minlength=LIGHT_CELLS**2) for channel in range(3)]
    return np.asarray((np.stack(sums) / number).ravel() / LIGHT_CELLS)


def _distance(features: np.ndarray, one: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(((features - one) ** 2).sum(axis=1)))


def _reason(difference: np.ndarray, kinds: Sequence[str]) -> str:
    """Which kind of difference sets a frame apart from the nearest chosen one."""
    shares = {kind: float((difference[[k == kind for k in kinds]] ** 2).sum()) for kind in dict.fromkeys(kinds)}
    strongest = max(shares, key=lambda kind: shares[kind])
    return f"{strongest} differs most from the frames already chosen"
