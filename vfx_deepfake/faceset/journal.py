"""What a build has done so far: one line of JSON a frame, so that a killed build goes on where it was.

A line is written after the crops of its frame are on the disk; a torn last line counts as not written.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.data import NUM_POINTS, CropRecord
from vfx_deepfake.files import disk_error, written_aside

JOURNAL_FILE = "build.jsonl"
Place = tuple[str, str, int]


_PLAIN = ("settings", "origin", "source", "frame", "stamp", "problem")


@dataclass(frozen=True, eq=False)
class Cut:
    """One crop that was cut: its record, points (478, 2) crop px and pose (3,)."""

    record: CropRecord
    points: np.ndarray
    pose: np.ndarray


@dataclass(frozen=True, eq=False)
class Looked:
    """One frame that was looked at.

    ``settings`` stands for everything that its crops depend on besides its file, whose size and time ``stamp`` gives;
    ``origin`` is the path of its [[source]], ``source`` that of the file. ``problem`` says why there are no crops.
    """

    settings: str
    origin: str
    source: str
    frame: int
    stamp: tuple[int, ...]
    cuts: tuple[Cut, ...]
    problem: str = ""

    @property
    def place(self) -> Place:
        """What tells frames apart."""
        return self.settings, self.source, self.frame


class Journal:
    """The frames of a faceset that were looked at."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL_FILE
        self.entries: dict[Place, Looked] = {}
        self._read()

    def _read(self) -> None:
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise FacesetError(f"{self.path}: can't be read ({error.strerror}); remove it and build again") from error
        whole = raw[: raw.rfind(b"\n") + 1]
        for line in whole.splitlines():
            try:
                self._take(_decoded(line))
            except (ValueError, KeyError, TypeError):
                continue  # damaged: the frame is looked at again
        if len(whole) != len(raw):
            with self.path.open("r+b") as handle:
                handle.truncate(len(whole))

    def _take(self, looked: Looked) -> None:
        self.entries[looked.place] = looked

    def add(self, looked: Looked) -> None:
        """Remember a frame, on the disk before this returns."""
        try:
            with self.path.open("ab") as handle:
                handle.write(_encoded(looked))
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise disk_error(self.path, error) from error
        self._take(looked)

    def keep_only(self, wanted: Iterable[Place]) -> None:
        """Forget every other frame."""
        kept = {place: self.entries[place] for place in wanted if place in self.entries}
        if len(kept) != len(self.entries):
            with written_aside(self.path) as part:
                part.write_bytes(b"".join(_encoded(each) for each in kept.values()))
        self.entries = kept


def _encoded(looked: Looked) -> bytes:
    cuts = [{"record": asdict(cut.record), "points": _text(cut.points), "pose": _text(cut.pose)} for cut in looked.cuts]
    data = {**{name: getattr(looked, name) for name in _PLAIN}, "cuts": cuts}
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"


def _decoded(line: bytes) -> Looked:
    data: dict[str, Any] = json.loads(line)
    cuts = [
        Cut(
            CropRecord(**{**cut["record"], "matrix": tuple(map(tuple, cut["record"]["matrix"]))}),
            _array(cut["points"]).reshape(NUM_POINTS, 2),
            _array(cut["pose"]).reshape(3),
        )
        for cut in data["cuts"]
    ]
    return Looked(**{name: data[name] for name in _PLAIN} | {"stamp": tuple(data["stamp"])}, cuts=tuple(cuts))


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _array(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
