"""Whether a file still is what a record says, asked once for each state of the file and remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from vfx_deepfake.errors import ConflictError, NotThereError
from vfx_deepfake.files import hash_file

KEEP = 100_000  # files; about 30 MiB at most
_known: OrderedDict[tuple[str, int, int, int], str] = OrderedDict()
_guard = threading.Lock()


def require_unchanged(path: Path, digest: str, whose: str) -> None:
    """Raise unless the file is there with this SHA-256. It is read once; size, time and inode tell whether it changed since.

    ``whose``: the version, for the message.
    Raises: NotThereError, ConflictError.
    """
    try:
        found = _digest_of(path)
    except OSError as error:
        raise NotThereError(
            f"{whose}: {path} can't be read ({error.strerror}); it is gone or not mounted on this host"
        ) from error
    if found != digest:
        raise ConflictError(
            f"{whose}: {path} is not the file that was registered (its hash is {found[:12]}, {digest[:12]} is on record); "
            "it is not shown; restore it"
        )


def _digest_of(path: Path) -> str:
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns, state.st_ino)
    with _guard:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    digest = hash_file(path)
    with _guard:
        _known[key] = digest
        while len(_known) > KEEP:
            _known.popitem(last=False)
    return digest
