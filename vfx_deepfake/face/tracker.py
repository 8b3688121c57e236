"""Tracking a whole shot: detections, paths, optical flow, pose. Frames are read one after the other; two are held at
most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vfx_deepfake.face.cache import DetectionCache, NoCache
from vfx_deepfake.face.follow import Follower
from vfx_deepfake.face.fuse import bridged_confidence, final_paths, first_paths, pairs, segments
from vfx_deepfake.face.landmarks import Detector, ReadDisplay, default_detector
from vfx_deepfake.face.pose import head_pose
from vfx_deepfake.face.refine import Step, luma_codes, measure_step, outline_share
from vfx_deepfake.face.topology import MEDIAPIPE, Mesh, face_mesh
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window
from vfx_deepfake.settings import TrackSpec

OnProgress = Callable[[int, int, str], None]  # frames done, frames in all passes, what is going on


@dataclass(frozen=True, eq=False)
class TrackStats:
    """What tracking did, for the report and the version's record.

    raw_points (N, P, 2) are the detections before smoothing, NaN where there were none; raw_confidence (N,) theirs.
    """

    detector: str
    raw_points: np.ndarray
    raw_confidence: np.ndarray
    bridged: np.ndarray
    jitter_raw: np.ndarray
    jitter: np.ndarray

    def summary(self) -> dict[str, Any]:
        """Plain numbers for a record. Jitter is the second difference of the points, in percent of the face's size."""
        return {
            "detector": self.detector,
            "frames_detected": int((self.raw_confidence > 0).sum()),
            "frames_bridged": int(self.bridged.sum()),
            "frames_without_face": int((self.raw_confidence == 0).sum() - self.bridged.sum()),
            "jitter_raw_percent": _typical(self.jitter_raw),
            "jitter_percent": _typical(self.jitter),
        }


def track_shot(
    frames: Sequence[int],
    read_display: ReadDisplay,
    spec: TrackSpec,
    on_progress: OnProgress = lambda done, total, what: None,
    *,
    cache: DetectionCache | None = None,
    detector: Detector | None = None,
) -> tuple[FaceTrack, TrackStats]:
    """The face of a shot on every frame.

    ``read_display`` gives a frame as display-encoded RGB (H, W, 3) float32 0..1 with its window of plate pixels (see
    :func:`~vfx_deepfake.face.landmarks.auto_display`). Raw detections go through ``cache``, so that a killed run goes
    on. A shot without a face gives a track without a face; saying so is the caller's business.
    Raises: TrackError where no landmarker is installed.
    """
    detector = detector or default_detector()
    cache = cache or NoCache()
    total = len(frames) * (2 if spec.refine else 1)
    raw, score, plate = _detect(
        frames, read_display, spec, lambda done: on_progress(done, total, "faces"), cache, detector
    )
    numbers = np.asarray(frames, np.int64)
    if not score.any():
        return FaceTrack.empty(frames, detector.topology), _stats(detector.name, numbers, raw, score, raw, score)
    found = segments(score > 0, numbers, spec.max_gap_frames)
    points = np.full(raw.shape, np.nan)
    confidence = np.zeros(len(frames))
    for segment in found:
        points[segment] = first_paths(raw[segment], score[segment], numbers[segment], spec.smoothing, detector.topology)
        confidence[segment] = bridged_confidence(score[segment])
    if spec.refine:
        mesh = face_mesh(detector.topology, raw[score > 0].mean(axis=0) if detector.topology != MEDIAPIPE else None)
        steps = _flow_steps(
            frames,
            read_display,
            points,
            found,
            mesh,
            lambda done: on_progress(len(frames) + done, total, "optical flow"),
        )
        for segment in found:
            inside = [steps[index] for index in pairs([segment])]
            points[segment] = final_paths(
                raw[segment], score[segment], numbers[segment], inside, spec.smoothing, detector.topology
            )
    pose = np.array([head_pose(frame, plate, detector.topology) for frame in points])
    track = FaceTrack(numbers, points.astype(np.float32), confidence.astype(np.float32), pose, detector.topology)
    return track, _stats(detector.name, numbers, raw, score, points, confidence)


def _detect(
    frames: Sequence[int],
    read_display: ReadDisplay,
    spec: TrackSpec,
    report: Callable[[int], None],
    cache: DetectionCache,
    detector: Detector,
) -> tuple[np.ndarray, np.ndarray, Window]:
    """Raw points (N, P, 2) with NaN, scores (N,) with 0 where there is no face, and the plate's window."""
    follower = Follower(detector, spec.box, spec.min_confidence)
    faces, plate = [], None
    for index, frame in enumerate(frames):
        if index:
            follower.skip(frame - frames[index - 1] - 1)
        if cache.has(frame):
            face = cache.get(frame)
            follower.remember(face)
        else:
            picture = read_display(frame)
            plate = picture[1]
            face = follower.look(picture)
            cache.put(frame, face)
        faces.append(face)
        report(index + 1)
    plate = plate or read_display(frames[0])[1]
    num_points = len(face_mesh(MEDIAPIPE).uv) if detector.topology == MEDIAPIPE else 0
    num_points = next((len(face.points) for face in faces if face is not None), num_points)
    raw = np.full((len(frames), num_points, 2), np.nan)
    for index, face in enumerate(faces):
        if face is not None:
            raw[index] = face.points
    return raw, np.array([face.score if face else 0.0 for face in faces]), plate


def _flow_steps(
    frames: Sequence[int],
    read_display: ReadDisplay,
    points: np.ndarray,
    found: Sequence[slice],
    mesh: Mesh,
    report: Callable[[int], None],
) -> dict[int, Step]:
    """The motion from every frame to the next asked for of its segment, by index of the first."""
    outline = outline_share(mesh)
    steps: dict[int, Step] = {}
    held: dict[int, tuple[np.ndarray, Window]] = {}
    for index in pairs(found):
        for wanted in (index, index + 1):
            if wanted not in held:
                display, window = read_display(frames[wanted])
                held[wanted] = luma_codes(display), window
        gap = frames[index + 1] - frames[index]
        steps[index] = measure_step(held.pop(index), held[index + 1], points[index], points[index + 1], outline, gap)
        held = {index + 1: held[index + 1]}
        report(index + 2)
    return steps


def jitter(points: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(N,) RMS second difference of the points in time, in percent of the face's size; NaN at ends and gaps.

    Shapes: points (N, P, 2), NaN rows without a face; frames (N,) their numbers. Over a step it would be motion, so it is NaN.
    """
    out = np.full(len(points), np.nan)
    if len(points) > 2:
        second = points[2:] - 2 * points[1:-1] + points[:-2]
        size = np.ptp(points[1:-1], axis=1).max(axis=1)
        shiver = 100 * np.sqrt((second**2).sum(axis=-1).mean(axis=1)) / size
        out[1:-1] = np.where(frames[2:] - frames[:-2] == 2, shiver, np.nan)
    return out


def _stats(
    name: str, frames: np.ndarray, raw: np.ndarray, score: np.ndarray, points: np.ndarray, confidence: np.ndarray
) -> TrackStats:
    bridged = (confidence > 0) & (score == 0)
    return TrackStats(name, raw, score, bridged, jitter(raw, frames), jitter(points, frames))


def _typical(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return round(float(np.sqrt((known**2).mean())), 4) if len(known) else None
