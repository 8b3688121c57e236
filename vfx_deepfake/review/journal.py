"""The journal: every event once more, one JSON line each, in a file beside the database. A rebuild reads it.

It follows the database: after each change, what it lacks is appended, so that a kill between the two costs nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.ledger import FIELDS

BLOCK = 65_536  # bytes read at a time from the end
EventsAfter = Callable[[int], list[dict[str, Any]]]


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Every event of the file; a last line that a kill cut short does not count. No file holds none.

    Raises: ReviewError naming the line that is not an event.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    except OSError as error:
        raise ReviewError(f"{path}: can't be read ({error.strerror}); ask for permission, or restore it") from error
    return [_event(line, f"{path}: line {number}") for number, line in enumerate(lines, 1)]


def _event(line: bytes, where: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
        if isinstance(event, dict) and {*FIELDS, "digest"} <= event.keys() and isinstance(event["seq"], int):
            return event
    except ValueError:
        pass
    raise ReviewError(f"{where}: is no event; restore the file from a backup")


def last_event(path: Path) -> dict[str, Any] | None:
    """The last whole event of the file."""
    if not path.is_file():
        return None
    with path.open("rb") as handle:
        return _last(handle, path)


def _last(handle: IO[bytes], path: Path) -> dict[str, Any] | None:
    """Read from the end until one whole line is there."""
    size = handle.seek(0, os.SEEK_END)
    start, lines = size, [b""]
    while start > 0 and len(lines) < 3:  # what came before, the line, what a kill left after it
        start = max(0, start - BLOCK * len(lines))
        handle.seek(start)
        lines = handle.read(size - start).split(b"\n")
    return _event(lines[-2], f"{path}: last line") if len(lines) > 1 else None


def catch_up(path: Path, events_after: EventsAfter) -> int:
    """Append what the file lacks and flush it to the disk; returns how many events that were.

    Several processes may do so at once. Raises: ReviewError when the disk refuses; the database has the change then.
    """
    with _locked(path) as handle:
        last = _last(handle, path)
        missing = events_after(last["seq"] if last else 0)
        text = b"".join(_line(event) for event in missing)
        handle.truncate(_end_of_lines(handle))  # what a kill cut short is among the missing ones
        handle.seek(0, os.SEEK_END)
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    return len(missing)


def require_writable(path: Path) -> None:
    """Raises: ReviewError where the journal can't be written, before anything is decided."""
    with _locked(path):
        pass


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("a+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
    except OSError as error:
        raise ReviewError(
            f"{path}: the journal could not be written ({error.strerror}); what the database has is safe and goes into the journal "
            "with the next change; free the disk or ask for permission"
        ) from error


def _end_of_lines(handle: IO[bytes]) -> int:
    """Where the last whole line ends, in bytes."""
    size = handle.seek(0, os.SEEK_END)
    start = size
    while start > 0:
        start = max(0, start - BLOCK)
        handle.seek(start)
        found = handle.read(size - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
    return 0


def _line(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
