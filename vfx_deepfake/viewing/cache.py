"""Things made from published versions, kept on this host's disk: to be lost without harm, shared by processes, limited in size.

An entry is one file, written aside and renamed, whose name is a hash of all that decides its content; a version's record hash is part of
it. What was not used for longest goes first. "Used" is the file's modification time, set at every reading.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vfx_deepfake.errors import DeliveryError, ReviewError
from vfx_deepfake.files import hash_data, sweep_parts, written_aside

FOLDER_VARIABLE = "VFX_DEEPFAKE_REVIEW_CACHE"
SIZE_VARIABLE = "VFX_DEEPFAKE_REVIEW_CACHE_GIB"
DEFAULT_GIB = 20.0  # assumed: about 2,500 frames of full HD
LEFT = 0.8  # share of the limit that is left after making room, so that room is made seldom
_LOOK_AFTER = 0.05  # share of the limit that one process writes before it looks at the folder again
_SUFFIX = ".bin"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept: bytes, and small facts about them as text."""

    body: bytes
    facts: dict[str, str] = field(default_factory=dict)


def cache_folder() -> Path:
    """Where the cache of this host is: VFX_DEEPFAKE_REVIEW_CACHE, else in the user's folder for caches."""
    named = os.environ.get(FOLDER_VARIABLE)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base) / "vfx_deepfake" / "review"


def cache_limit() -> int:
    """Its largest size in bytes.

    Raises: ReviewError when VFX_DEEPFAKE_REVIEW_CACHE_GIB is no number over 0.
    """
    text = os.environ.get(SIZE_VARIABLE, "")
    try:
        gib = float(text or DEFAULT_GIB)
        if not 0 < gib < 1e6:
            raise ValueError
    except ValueError as error:
        raise ReviewError(
            f"{SIZE_VARIABLE}: is {ascii(text)[:40]}; want a number of GiB over 0; leave it out for {DEFAULT_GIB:g}"
        ) from error
    return int(gib * 2**30)


class Cache:
    """A folder of entries that together stay under ``limit`` bytes. Safe for threads and for several processes."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._guard = threading.Lock()
        self._making: dict[str, _Turn] = {}
        self._written = limit  # as if full: the first writing looks how much there is already

    def get(self, key: object) -> Entry | None:
        """The entry of a key, plain data that decides all of its content; None where it is not there, or not whole."""
        return self._read(hash_data(key))

    def get_or_make(self, key: object, make: Callable[[], Entry]) -> Entry:
        """The entry of a key, made where it is not there.

        Threads that ask for the same one wait for the first. A disk that refuses makes it slow, not wrong: nothing is kept.
        """
        found = self.get(key)
        if found is not None:
            return found
        name = hash_data(key)
        with self._turn(name):
            found = self._read(name)  # another thread may have made it meanwhile
            if found is None:
                found = make()
                self._write(name, found)
        return found

    def path(self, name: str) -> Path:
        """The file of an entry."""
        return self.folder / name[:2] / (name + _SUFFIX)

    def _read(self, name: str) -> Entry | None:
        path = self.path(name)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        head, _, body = data.partition(b"\n")
        try:
            said = json.loads(head)
            return Entry(body, said["facts"]) if said["length"] == len(body) else None
        except (ValueError, KeyError, TypeError):
            return None

    def _write(self, name: str, entry: Entry) -> None:
        head = json.dumps({"length": len(entry.body), "facts": entry.facts}).encode() + b"\n"
        try:
            with written_aside(self.path(name)) as part, part.open("wb") as handle:
                handle.write(head)
                handle.write(entry.body)
        except DeliveryError:
            return
        with self._guard:
            self._written += len(entry.body)
            look = self._written > _LOOK_AFTER * self.limit
            self._written = 0 if look else self._written
        if look:
            self.make_room()

    def make_room(self) -> None:
        """Remove what was not used for longest until LEFT of the limit is left, if there is more than the limit."""
        with contextlib.suppress(OSError):
            sweep_parts(self.folder)
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        if total <= self.limit:
            return
        for _, size, path in entries:
            with contextlib.suppress(OSError):
                path.unlink()  # another process may have been faster
            total -= size
            if total <= LEFT * self.limit:
                return

    def _entries(self) -> Iterator[tuple[int, int, Path]]:
        """When each was last used, its size, its file."""
        for path in self.folder.glob(f"??/[!.]*{_SUFFIX}"):
            with contextlib.suppress(OSError):
                state = path.stat()
                yield state.st_mtime_ns, state.st_size, path

    @contextlib.contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """One thread at a time for an entry."""
        with self._guard:
            turn = self._making.setdefault(name, _Turn())
            turn.waiting += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._guard:
                turn.waiting -= 1
                if not turn.waiting:
                    self._making.pop(name, None)


@dataclass(slots=True)
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0
