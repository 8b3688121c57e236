"""The database's schema: made and upgraded by Alembic from the migrations of this package, offline and whole or not at all."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.place import IMMEDIATE, Place, open_engine, translated

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_KEY = 7_120_431  # any number that nothing else on the server uses for its advisory locks


def newest() -> str:
    """The schema that this release works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def revision(connection: Connection) -> str:
    """The schema of a database; empty where there is none yet."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(engine: Engine, target: str = "head") -> tuple[str, str]:
    """Bring a database to a schema, an empty one too; everything in one transaction, one process at a time.

    Returns: the schema before and after.
    """
    with engine.connect().execution_options(**{IMMEDIATE: True}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        before = revision(connection)
        command.upgrade(_config(connection), target)
        return before, revision(connection)


def upgrade_place(place: Place) -> tuple[str, str]:
    """Upgrade the database of a place; see :func:`upgrade`.

    Raises: ReviewError where there is none, or when it can't be reached.
    """
    if place.file and not place.file.is_file():
        raise ReviewError(f"{place}: there is no review database yet; 'vfx-deepfake review register SHOT' makes it")
    engine = open_engine(place)
    with translated(place):
        return upgrade(engine)


def require_newest(connection: Connection, where: str) -> None:
    """Raises: ReviewError when the database has another schema than this release works with."""
    found, wanted = revision(connection), newest()
    if found == wanted:
        return
    if not found:
        raise ReviewError(f"{where}: there is no review database yet; 'vfx-deepfake review register SHOT' makes it")
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found not in known:
        raise ReviewError(
            f"{where}: was upgraded to schema {found} by a newer release; this one knows {wanted}; install the newer one"
        )
    raise ReviewError(
        f"{where}: has schema {found}, this release works with {wanted}; make a backup with 'vfx-deepfake review backup', then run "
        "'vfx-deepfake review upgrade'"
    )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
