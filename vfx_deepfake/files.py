"""Files that appear whole or not at all, content hashes, and one writer per shot.

Everything published goes through :func:`written_aside`: written beside its place under a hidden name, flushed to the disk, renamed.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vfx_deepfake.errors import ArtistError, BusyError, DeliveryError

PART_MARK = ".part"
WAIT_VARIABLE = "VFX_DEEPFAKE_WAIT"
SECONDS_BETWEEN_TRIES = 0.5  # a lock on a file server is a message each time
_DISK_WORDS = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EROFS: "the disk is read-only; choose another folder or have it mounted for writing",
    errno.EACCES: "no permission to write there; ask for it or choose another folder",
    errno.EPERM: "no permission to write there; ask for it or choose another folder",
}


def disk_error(path: Path, error: OSError) -> DeliveryError:
    """The one line an artist gets when the disk refuses."""
    words = _DISK_WORDS.get(
        error.errno or 0, f"{error.strerror or error}; check the disk and run the same command again"
    )
    return DeliveryError(f"{path}: could not be written: {words}")


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a hidden path in the same folder to write to; on success it is flushed and renamed to ``path``, else removed.

    The hidden name keeps the suffix, because image libraries choose the format by it, and carries host and process, so that two
    hosts that write the same frame never share a file.
    Raises: DeliveryError with what to do when the disk refuses.
    """
    part = path.with_name(f".{path.stem}.{socket.gethostname()}-{os.getpid()}{PART_MARK}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        flush_to_disk(part)
        os.replace(part, path)
        flush_to_disk(path.parent)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        try:
            part.unlink(missing_ok=True)
        except OSError:
            pass  # a read-only disk: nothing was written, and the error above says so


def flush_to_disk(path: Path) -> None:
    """fsync a file or a folder, so that a power cut after the rename can't leave an empty file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    with written_aside(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a JSON object, sorted and indented so that two records can be compared by eye."""
    write_text(path, json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises: ArtistError naming the file when it is missing, unreadable or no object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtistError(f"{path}: can't be read as JSON ({error}); restore it or remove it and run again") from error
    if not isinstance(data, dict):
        raise ArtistError(f"{path}: holds no JSON object; restore it or remove it and run again")
    return data


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def hash_data(data: Any) -> str:
    """SHA-256 of plain data (dicts, lists, text, numbers), independent of key order."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def sweep_parts(folder: Path) -> None:
    """Remove half-written files that a killed process of this host left behind in ``folder`` and below."""
    _sweep(folder.rglob(f".*.{socket.gethostname()}-*{PART_MARK}*"))


def sweep_parts_of(path: Path) -> None:
    """As :func:`sweep_parts`, for one file in a folder that is not ours to search."""
    _sweep(path.parent.glob(f".{glob.escape(path.stem)}.{socket.gethostname()}-*{PART_MARK}{path.suffix}"))


def _sweep(parts: Iterable[Path]) -> None:
    host = socket.gethostname()
    for part in parts:
        pid = part.name.split(f".{host}-", 1)[1].split(PART_MARK)[0]
        if not (pid.isdigit() and Path(f"/proc/{pid}").exists()):
            part.unlink(missing_ok=True)


def _lock(handle: IO[str], kind: int) -> None:
    """Take the lock, at once or within the seconds that the environment grants."""
    until = time.monotonic() + float(os.environ.get(WAIT_VARIABLE, 0))
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
            time.sleep(SECONDS_BETWEEN_TRIES)


@contextmanager
def one_writer(folder: Path, what: str, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of ``folder`` while working in it; the kernel lets go when the process dies, however it dies.

    ``shared`` lets others that say so too work at the same time (hosts that render different frames), and nobody else.
    On a farm ``VFX_DEEPFAKE_WAIT`` is how many seconds to wait for another host, whose work then counts for both.
    Raises: BusyError naming host and process of the holder.
    """
    lock = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a+", encoding="utf-8")
    except OSError as error:
        raise disk_error(lock, error) from error
    with handle:
        try:
            _lock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        except OSError as error:
            handle.seek(0)
            holder = handle.read().strip() or "another process"
            raise BusyError(
                f"{folder}: {holder} works on it; wait until it is done, or stop it, then run this again"
            ) from error
        handle.truncate(0)
        handle.write(f"{what} (host {socket.gethostname()}, process {os.getpid()})")
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)
