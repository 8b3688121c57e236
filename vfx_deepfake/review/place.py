"""Where the review database of a folder is, and how to open it.

``VFX_DEEPFAKE_REVIEW_DB`` wins, then the nearest ``review.toml``, else it is ``review.sqlite`` in the show's folder, which holds the
shots' folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from vfx_deepfake.errors import ReviewError, UnavailableError
from vfx_deepfake.naming import review_file
from vfx_deepfake.settings.dailies import DailiesSpec
from vfx_deepfake.shot import SHOT_FILE
from vfx_deepfake.tables import build, read_toml

VARIABLE = "VFX_DEEPFAKE_REVIEW_DB"
DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+pg8000"}
BUSY_MS = (
    60_000  # assumed: a writer holds the database for milliseconds, so a minute of waiting means that something hangs
)
NETWORK_DISKS = ("nfs", "nfs4", "cifs", "smb3", "lustre", "beegfs", "gpfs", "fuse.sshfs", "9p", "afs", "ceph")
IMMEDIATE = "immediate"  # execution option: the transaction will write, so take the right to at its beginning


@dataclass(frozen=True, slots=True)
class Place:
    """One review database: its URL, the journal of its events, and the folder that holds its shots."""

    url: URL
    journal: Path
    root: Path

    def __str__(self) -> str:
        return self.url.database or "" if self.file else self.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a server."""
        return Path(self.url.database or "") if self.url.get_backend_name() == "sqlite" else None


def find_place(folder: Path) -> Place:
    """The review database of a show's folder, or of the show of a shot's folder.

    Raises: ReviewError or ShotError when the URL or ``review.toml`` can't be used.
    """
    folder = folder.absolute()
    said = review_file(folder)
    root = said.parent if said else folder.parent if (folder / SHOT_FILE).is_file() else folder
    spec = find_settings(folder)
    named = os.environ.get(VARIABLE, "")
    where = VARIABLE if named else str(said or root)
    return Place(_url(named or spec.database, root, where), root / spec.journal, root)


def find_settings(folder: Path) -> DailiesSpec:
    """What the nearest ``review.toml`` says for a folder, or the defaults.

    Raises: ShotError with every problem of the file.
    """
    said = review_file(folder.absolute())
    return build(DailiesSpec, read_toml(said), str(said)) if said else DailiesSpec()


def _url(text: str, root: Path, where: str) -> URL:
    """A file or a URL as SQLAlchemy wants it, with the driver that this package asks for."""
    if "://" not in text:
        return URL.create(DRIVERS["sqlite"], database=str(root / text))
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ReviewError(
            f"{where}: the database is no URL; want a file, or postgresql://user@host:5432/name"
        ) from error
    if url.get_backend_name() not in DRIVERS:
        raise ReviewError(
            f"{where}: the database is {url.get_backend_name()}; want a file, or postgresql://user@host:5432/name"
        )
    if url.get_backend_name() == "sqlite" and not url.database:
        raise ReviewError(f"{where}: the database has no file; want sqlite:////folder/review.sqlite or the file's path")
    return url if "+" in url.drivername else url.set(drivername=DRIVERS[url.drivername])


def open_engine(place: Place) -> Engine:
    """An engine whose transactions begin when they should and whose SQLite keeps what it acknowledged.

    Raises: ReviewError for an SQLite file on a network disk, where its locks can't be trusted.
    """
    if place.file is None:
        return create_engine(place.url, pool_pre_ping=True)
    kind = disk_kind(place.file.parent)
    if kind in NETWORK_DISKS:
        raise ReviewError(
            f"{place.file}: lies on a network disk ({kind}), where hosts damage an SQLite file; set 'database' in review.toml "
            "or VFX_DEEPFAKE_REVIEW_DB to a file on a local disk, or to postgresql://user@host/name"
        )
    engine = create_engine(place.url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Source: sqlite.org/wal.html, sqlite.org/pragma.html; transactions are begun by :func:`_begin_sqlite` and not by Python."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(IMMEDIATE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def disk_kind(folder: Path, mounts: str | None = None) -> str:
    """The type of the file system that holds ``folder``, as Linux names it; empty where it can't be told."""
    try:
        table = mounts if mounts is not None else Path("/proc/mounts").read_text(encoding="utf-8")
    except OSError:
        return ""
    entries = [line.split() for line in table.splitlines() if len(line.split()) >= 3]
    real = os.path.realpath(folder)
    holding = [(len(point), kind) for _, point, kind, *_ in entries if Path(real).is_relative_to(point)]
    return max(holding, default=(0, ""), key=lambda entry: entry[0])[1]


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """Turn what the database's driver reports into one line; what breaks a rule of the tables is our bug and stays as it is."""
    try:
        yield
    except DBAPIError as error:
        words = _words(error)
        if "append-only" in words or type(error).__name__ == "IntegrityError":
            raise
        raise UnavailableError(
            f"{place}: the review database can't be used ({words[:200]}); see that it is there, that you may write to it, "
            "and run the same command again"
        ) from error


def _words(error: DBAPIError) -> str:
    """What the driver says; pg8000 says it in a table whose entry M is the message."""
    said = error.orig.args[0] if error.orig and error.orig.args else error
    return " ".join(str(said.get("M", said) if isinstance(said, dict) else said).split())
