"""Following one face through the frames of a shot: raw detections, one after the other."""

from __future__ import annotations

import numpy as np

from vfx_deepfake.face.landmarks import Detection, Detector
from vfx_deepfake.face.search import Picture, find_anywhere, find_near, measure, nearest


class Follower:
    """Decides which face of each frame is ours. State: where it was last seen, and how long ago.

    ``box`` (x, y, width, height) names the right face when there are several; without it the largest face of the first
    frame that shows one is followed. Detections whose views agree less than ``min_confidence`` are not believed.
    """

    def __init__(self, detector: Detector, box: tuple[float, ...] = (), min_confidence: float = 0.0) -> None:
        self._detector = detector
        self._wanted = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]], np.float64) if box else None
        self._min_confidence = min_confidence
        self._last: np.ndarray | None = None
        self._frames_ago = 0

    def skip(self, num_frames: int) -> None:
        """Take note of frames that nobody looks at, as in a range with a step."""
        self._frames_ago += num_frames

    def look(self, picture: Picture) -> Detection | None:
        """The face of the next frame in plate pixels, or None."""
        candidates: list[Detection] = []
        if self._last is not None:
            candidates = self._following(find_near(self._detector, picture, self._last))
        elif self._wanted is not None:
            candidates = self._wanted_first(find_near(self._detector, picture, self._wanted))
        face = self._first_good(candidates, picture)
        if face is None:
            everywhere = find_anywhere(self._detector, picture)
            candidates = self._following(everywhere) if self._last is not None else self._wanted_first(everywhere)
            face = self._first_good(candidates, picture)
        self.remember(face)
        return face

    def remember(self, face: Detection | None) -> None:
        """Take note of a frame's face without looking, as when it comes from the disk."""
        if face is None:
            self._frames_ago += 1
        else:
            self._last, self._frames_ago = face.box, 0

    def _following(self, faces: list[Detection]) -> list[Detection]:
        if self._last is None:
            return faces
        face = nearest(faces, self._last, self._frames_ago + 1)
        return [] if face is None else [face]

    def _wanted_first(self, faces: list[Detection]) -> list[Detection]:
        """Faces from the most to the least likely: those whose middle lies in the wanted box, else by size."""
        if self._wanted is not None:
            low, high = self._wanted[:2], self._wanted[2:]
            faces = [f for f in faces if np.all(_middle(f) >= low) and np.all(_middle(f) <= high)]
        return sorted(faces, key=lambda face: -face.size)

    def _first_good(self, faces: list[Detection], picture: Picture) -> Detection | None:
        for face in faces:
            measured = measure(self._detector, picture, face)
            if measured is not None and measured.score >= self._min_confidence:
                return measured
        return None


def _middle(face: Detection) -> np.ndarray:
    return np.asarray((face.box[:2] + face.box[2:]) / 2)
