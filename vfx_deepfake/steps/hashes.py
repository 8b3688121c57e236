"""Content hashes of many files, remembered by size and time so that a plate is read once for its hash, not at every run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from vfx_deepfake.errors import PlateError
from vfx_deepfake.files import hash_data, hash_file, write_json


class ContentHashes:
    """SHA-256 by path; ``file`` keeps what is known between runs and may be lost without harm."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._known: dict[str, list[object]] = {}
        self._changed = False
        if file.is_file():
            try:
                self._known = json.loads(file.read_text(encoding="utf-8"))["files"]
            except (OSError, ValueError, KeyError, TypeError):
                self._known = {}  # only a cache: made again

    def of(self, path: Path) -> str:
        """The hash of one file.

        Raises: PlateError when it is missing or unreadable.
        """
        try:
            state = path.stat()
            stamp: list[object] = [state.st_size, state.st_mtime_ns, state.st_ino]
            entry = self._known.get(str(path))
            if entry and entry[:3] == stamp:
                return str(entry[3])
            digest = hash_file(path)
        except OSError as error:
            raise PlateError(
                f"{path}: can't be read ({error.strerror}); put the file back or change the frame range"
            ) from error
        self._known[str(path)] = [*stamp, digest]
        self._changed = True
        return digest

    def of_all(self, paths: Iterable[Path]) -> dict[str, str]:
        """Hashes by file name, for records; names within one sequence are distinct."""
        return {path.name: self.of(path) for path in paths}

    def together(self, paths: Iterable[Path]) -> str:
        """One hash over many files and their names."""
        return hash_data(self.of_all(paths))

    def save(self) -> None:
        """Remember for the next run."""
        if self._changed:
            write_json(self.file, {"files": self._known})
            self._changed = False
