"""The face of a shot: where its points are on every frame, how sure that is, and how the head is turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.topology import MEDIAPIPE, TOPOLOGIES, Mesh, canonical_vertices_cm, face_mesh, fit_similarity
from vfx_deepfake.files import written_aside
from vfx_deepfake.image.crop import Window

SCHEMA = 1
_ARRAYS = ("frames", "points", "confidence", "pose", "topology", "schema")


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face over the frames of a shot.

    frames (N,) int64, rising. points (N, P, 2) float32 plate pixels, NaN on frames without a face. confidence (N,)
    float32 0..1, 0 exactly where there is no face, low where a gap was bridged. pose (N, 3) float32 yaw, pitch, roll in
    degrees: the face turned to image right, up, and clockwise on the screen are positive; NaN where unknown.
    topology names what the points mean (see topology.py).

    Raises: TrackError naming every array that does not fit.
    """

    frames: np.ndarray
    points: np.ndarray
    confidence: np.ndarray
    pose: np.ndarray
    topology: str = MEDIAPIPE

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise TrackError("face track: " + "; ".join(problems))

    @classmethod
    def empty(cls, frames: Sequence[int], topology: str = MEDIAPIPE, num_points: int | None = None) -> FaceTrack:
        """A track that holds no face on any frame."""
        count = len(frames)
        num_points = len(canonical_vertices_cm()) if num_points is None else num_points
        return cls(
            np.asarray(frames, np.int64),
            np.full((count, num_points, 2), np.nan, np.float32),
            np.zeros(count, np.float32),
            np.full((count, 3), np.nan, np.float32),
            topology,
        )

    def index_of(self, frame: int) -> int:
        """Row of a frame.

        Raises: TrackError for a frame outside the track.
        """
        index = int(np.searchsorted(self.frames, frame))
        if index == len(self.frames) or self.frames[index] != frame:
            raise TrackError(f"face track: frame {frame} is not in it; track the shot again over its whole range")
        return index

    def has_face(self, frame: int) -> bool:
        """True where the frame is in the track and shows the face."""
        index = int(np.searchsorted(self.frames, frame))
        return index < len(self.frames) and self.frames[index] == frame and bool(self.confidence[index] > 0)

    def points_at(self, frame: int) -> np.ndarray:
        """(P, 2) float32 plate pixels.

        Raises: TrackError where the frame has no face.
        """
        if not self.has_face(frame):
            raise TrackError(f"face track: frame {frame} has no face")
        return np.asarray(self.points[self.index_of(frame)])

    def confidence_at(self, frame: int) -> float:
        """0..1; 0 for a frame without a face or outside the track."""
        return float(self.confidence[self.index_of(frame)]) if self.has_face(frame) else 0.0

    def box_at(self, frame: int) -> Window:
        """The smallest window round the face's points; empty where there is no face."""
        return Window.around(self.points_at(frame)) if self.has_face(frame) else Window(0, 0, 0, 0)

    @property
    def face_frames(self) -> np.ndarray:
        """The frame numbers that show the face."""
        return self.frames[self.confidence > 0]

    def mean_shape(self) -> np.ndarray:
        """(P, 2) float64: every frame's points moved, turned and scaled onto the first face, then averaged.

        Raises: TrackError for a track without a face.
        """
        shapes = self.points[self.confidence > 0].astype(np.float64)
        if not len(shapes):
            raise TrackError("face track: it holds no face")
        aligned = [shapes[0]]
        for shape in shapes[1:]:
            move = fit_similarity(shape, shapes[0])
            aligned.append(shape @ move[:, :2].T + move[:, 2])
        return np.asarray(np.mean(aligned, axis=0))

    def mesh(self) -> Mesh:
        """The mesh over the track's points; an artist's own points are triangulated over their mean shape."""
        return face_mesh(self.topology, None if self.topology == MEDIAPIPE else self.mean_shape())

    def save(self, path: Path) -> None:
        """Write as .npz, whole or not at all; equal tracks give equal bytes."""
        with written_aside(path) as part, part.open("wb") as handle:
            np.savez_compressed(
                handle,
                frames=self.frames,
                points=self.points,
                confidence=self.confidence,
                pose=self.pose,
                topology=np.array(self.topology),
                schema=np.array(SCHEMA),
            )

    @classmethod
    def load(cls, path: Path) -> FaceTrack:
        """Read what :meth:`save` wrote.

        Raises: TrackError naming the file when it is missing, damaged, or from another version.
        """
        try:
            with np.load(path, allow_pickle=False) as data:
                arrays = {name: data[name] for name in _ARRAYS}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise TrackError(f"{path}: can't be read as a face track ({error}); track the shot again") from error
        if int(arrays["schema"]) != SCHEMA:
            raise TrackError(f"{path}: has track format {arrays['schema']}, this version reads {SCHEMA}; track again")
        try:
            return cls(
                arrays["frames"], arrays["points"], arrays["confidence"], arrays["pose"], str(arrays["topology"])
            )
        except TrackError as error:
            raise TrackError(f"{path}: {error}") from error


def _problems(track: FaceTrack) -> list[str]:
    """What is wrong with the arrays of a track, one phrase each."""
    count = len(track.frames)
    checks = (
        ("frames", track.frames, np.int64, (count,)),
        ("points", track.points, np.float32, (count, track.points.shape[1] if track.points.ndim == 3 else -1, 2)),
        ("confidence", track.confidence, np.float32, (count,)),
        ("pose", track.pose, np.float32, (count, 3)),
    )
    out = [
        f"{name} is {array.dtype} {array.shape}, expected {np.dtype(kind)} {shape}"
        for name, array, kind, shape in checks
        if array.dtype != kind or array.shape != shape
    ]
    if track.topology not in TOPOLOGIES:
        out.append(f"topology '{track.topology}' is unknown; known: {', '.join(TOPOLOGIES)}")
    if out:
        return out
    if np.any(np.diff(track.frames) <= 0):
        out.append("frames do not rise")
    if not np.all((track.confidence >= 0) & (track.confidence <= 1)):
        out.append("confidence leaves 0..1")
    shown = track.confidence > 0
    if not np.isfinite(track.points[shown]).all():
        out.append("a frame with confidence above 0 has points that are not finite")
    if not np.isnan(track.points[~shown]).all():
        out.append("a frame with confidence 0 has points")
    return out
