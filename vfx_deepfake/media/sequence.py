"""Frame sequences on disk: which there are in a folder, which frames a pattern has, and which are missing.

Discovery is pyseq's. With its defaults pyseq 0.9.3 loses padding, groups ``a_01_b`` with ``a_02_b`` and reads
``-0003`` as 3; the three settings below put that right, and it reads them once, when it is imported: hence before the
import. A sequence whose numbers outgrow their padding (``0099`` to ``10000``, or no padding at all) comes back from it
in pieces and is joined here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

# a frame number is the last number before the extension, after a dot, underscore, letter or dash; only the first
# two let it be negative
FRAME_NUMBER = r"(?:(?<=[._])-?|(?<=[A-Za-z])|(?<=[A-Za-z0-9]-))\d+(?=\.[A-Za-z]\w*$)"
os.environ["PYSEQ_STRICT_PAD"] = "1"
os.environ["PYSEQ_ALLOW_NEGATIVE_FRAMES"] = "1"
os.environ["PYSEQ_FRAME_PATTERN"] = FRAME_NUMBER

import pyseq  # noqa: E402
import pyseq.config  # noqa: E402

from vfx_deepfake.errors import PlateError  # noqa: E402
from vfx_deepfake.frames import format_frames  # noqa: E402
from vfx_deepfake.naming import frame_path  # noqa: E402

if not pyseq.config.strict_pad or FRAME_NUMBER != pyseq.config.PYSEQ_FRAME_PATTERN:
    raise ImportError("pyseq was imported before vfx_deepfake.media.sequence could set it up; import this module first")

_NUMBER = re.compile(FRAME_NUMBER)
_FIELDS = re.compile(r"%0(\d)d|%(d)|\$F(\d)|(@+)|(#+)")


@dataclass(frozen=True, slots=True)
class FrameSequence:
    """Frames of one name in one folder; ``pattern`` has a ``#`` for each digit of the padding."""

    pattern: str
    frames: tuple[int, ...]

    def path(self, frame: int) -> Path:
        """The file of one frame."""
        return frame_path(self.pattern, frame)


def hash_pattern(text: str) -> str:
    """A pattern in the package's own spelling: ``%04d``, ``$F4``, ``@@@@`` and ``####`` all become ``####``, ``%d``
    becomes ``#``.

    Raises: PlateError where no or more than one frame number is marked in the file name.
    """
    folder, name = os.path.split(text)
    fields = list(_FIELDS.finditer(name))
    if len(fields) == 1:
        field = fields[0]
        digits = field[1] or field[3]
        width = int(digits) if digits else 1 if field[2] else len(field[0])
        return os.path.join(folder, name[: field.start()] + "#" * max(width, 1) + name[field.end() :])
    number = _NUMBER.search(name)
    if number and not fields:
        hint = name[: number.start()] + "#" * len(number[0].lstrip("-")) + name[number.end() :]
        raise PlateError(f"{text}: names one file; mark the frame number, e.g. {os.path.join(folder, hint)}")
    found = "no frame number is marked" if not fields else "more than one number is marked"
    raise PlateError(f"{text}: {found}; put #### (or %04d, @@@@) once where the digits stand, e.g. sh0010.####.exr")


def discover(folder: Path | str) -> list[FrameSequence]:
    """Every sequence in a folder, by name; single files with a frame number count as sequences of one frame.

    Raises: PlateError where there is no such folder.
    """
    pieces: dict[tuple[str, str], list[list[str]]] = {}
    for group in pyseq.get_sequences(_file_names(Path(folder))):
        names = [item.name for item in group]
        number = _NUMBER.search(names[0])
        if number:
            pieces.setdefault((names[0][: number.start()], names[0][number.end() :]), []).append(names)
    found = []
    for (head, tail), groups in pieces.items():
        for width, frames in _joined(head, tail, groups):
            found.append(FrameSequence(str(Path(folder) / f"{head}{'#' * width}{tail}"), frames))
    return sorted(found, key=lambda each: each.pattern)


def scan(pattern: str) -> FrameSequence:
    """The frames on disk that fit a pattern exactly: the folder, name, padding and extension.

    Raises: PlateError naming what lies in the folder when nothing fits.
    """
    pattern = hash_pattern(pattern)
    candidates = discover(Path(pattern).parent)
    frames: set[int] = set()
    for sequence in candidates:
        if _unpadded(sequence.pattern) == _unpadded(pattern):
            frames.update(frame for frame in sequence.frames if frame_path(pattern, frame) == sequence.path(frame))
    if not frames:
        others = [f"{Path(each.pattern).name} {format_frames(each.frames)}" for each in candidates[:4]]
        there = f"the folder holds {', '.join(others)}" if others else "the folder holds no numbered files"
        raise PlateError(f"{pattern}: no frame fits; {there}; correct the pattern")
    return FrameSequence(pattern, tuple(sorted(frames)))


def missing_frames(found: Iterable[int], wanted: Iterable[int]) -> tuple[int, ...]:
    """Wanted frames that were not found, sorted."""
    return tuple(sorted(set(wanted) - set(found)))


def holes(frames: Sequence[int]) -> tuple[int, ...]:
    """Frames missing between the first and the last of those found."""
    return missing_frames(frames, range(min(frames), max(frames) + 1)) if frames else ()


def _file_names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file())
    except OSError as error:
        raise PlateError(f"{folder}: {error.strerror}; a folder with frames was expected; check the path") from error


def _unpadded(pattern: str) -> str:
    return re.sub("#+", "#", pattern)


def _joined(head: str, tail: str, groups: list[list[str]]) -> list[tuple[int, tuple[int, ...]]]:
    """(padding, frames) of the sequences of one name, pieces whose numbers outgrew a smaller padding joined to it."""
    pieces: dict[int, set[int]] = {}
    for name in (name for names in groups for name in names):
        digits = name[len(head) : len(name) - len(tail)]
        pieces.setdefault(len(digits.lstrip("-")), set()).add(int(digits))
    joined: dict[int, set[int]] = {}
    for width in sorted(pieces):
        grown = all(len(str(abs(frame))) == width for frame in pieces[width])
        home = max(joined, default=None) if grown else None
        joined.setdefault(width if home is None else home, set()).update(pieces[width])
    return [(width, tuple(sorted(frames))) for width, frames in joined.items()]
