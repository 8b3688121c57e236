"""Raw detections on disk, one small file a frame, so that a killed track goes on where it was."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from vfx_deepfake.face.landmarks import Detection
from vfx_deepfake.files import written_aside


class DetectionCache:
    """Detections of one shot under one key.

    ``key`` stands for everything a detection depends on (plate, settings, landmarker); a file of another key counts as
    absent.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key

    def has(self, frame: int) -> bool:
        """True where the frame was looked at before, face or none."""
        return self._read(frame) is not None

    def get(self, frame: int) -> Detection | None:
        """The face of a frame; None where there is none or the frame was not looked at."""
        stored = self._read(frame)
        if stored is None or not len(stored[0]):
            return None
        return Detection(*stored)

    def put(self, frame: int, face: Detection | None) -> None:
        """Remember a frame's face, or that it has none; the file appears whole or not at all."""
        points = np.zeros((0, 2)) if face is None else face.points
        with written_aside(self._path(frame)) as part, part.open("wb") as handle:
            np.savez(handle, points=points, score=np.array(face.score if face else 0.0), key=np.array(self.key))

    def _path(self, frame: int) -> Path:
        return self.folder / f"{frame:08d}.npz"

    def _read(self, frame: int) -> tuple[np.ndarray, float] | None:
        try:
            with np.load(self._path(frame), allow_pickle=False) as data:
                if str(data["key"]) != self.key:
                    return None
                return data["points"].astype(np.float64), float(data["score"])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None  # absent or damaged: looked at again


class NoCache(DetectionCache):
    """Remembers in memory only; for tests and short tools."""

    def __init__(self) -> None:
        super().__init__(Path(), "")
        self._kept: dict[int, Detection | None] = {}

    def has(self, frame: int) -> bool:
        """True where the frame was looked at before."""
        return frame in self._kept

    def get(self, frame: int) -> Detection | None:
        """The face of a frame, or None."""
        return self._kept.get(frame)

    def put(self, frame: int, face: Detection | None) -> None:
        """Remember a frame's face, or that it has none."""
        self._kept[frame] = face
