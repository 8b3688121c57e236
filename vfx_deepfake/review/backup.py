"""A copy of the database while people work with it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.files import written_aside
from vfx_deepfake.review.place import Place


def backup(place: Place, target: Path) -> Path:
    """Copy an SQLite database to a file, whole and checked, while it is in use; the file appears when it is complete.

    Raises: ReviewError where the target exists, the database is not there or is damaged; for a server, with the command that does it.
    Source: sqlite.org/backup.html.
    """
    if place.file is None:
        url = place.url.set(drivername="postgresql", password=None).render_as_string()
        raise ReviewError(
            f"{place}: the server makes its own backups: pg_dump --format=custom --file='{target}' '{url}'"
        )
    if target.exists():
        raise ReviewError(f"{target}: exists already and stays as it is; give the backup another name")
    if not place.file.is_file():
        raise ReviewError(f"{place}: there is no review database yet; 'vfx-deepfake review register SHOT' makes it")
    with written_aside(target) as part:
        try:
            _copy(place.file, part)
        except sqlite3.Error as error:
            raise ReviewError(
                f"{place}: could not be copied ({error}); the last good backup and 'review rebuild' bring it back"
            ) from error
    return target


def _copy(source: Path, part: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(part)) as copy,
    ):
        live.backup(copy)  # in one step: one state of the database, and in WAL mode nobody waits for it
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)
