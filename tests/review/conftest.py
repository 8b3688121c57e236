"""The store on both engines: every test that asks for ``place`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed (extra: dailies)")
pytest.importorskip("alembic", reason="Alembic is not installed (extra: dailies)")
pytest.importorskip("argon2", reason="argon2-cffi is not installed (extra: dailies)")

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from vfx_deepfake.review.people import set_user
from vfx_deepfake.review.place import VARIABLE, find_place
from vfx_deepfake.review.registering import make_store

SERVER_VARIABLE = "VFX_DEEPFAKE_TEST_POSTGRESQL"
SERVER = "postgresql+pg8000://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def server():
    """An engine on a PostgreSQL server where databases may be made and dropped."""
    pytest.importorskip("pg8000", reason="pg8000 is not installed (extra: dailies)")
    engine = sa.create_engine(os.environ.get(SERVER_VARIABLE, SERVER), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect():
            pass
    except (DBAPIError, OSError) as error:
        pytest.skip(
            f"no PostgreSQL answers at {engine.url}; {SERVER_VARIABLE} names another one ({type(error).__name__})"
        )
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request):
    return request.param


@pytest.fixture
def place(engine_name, tmp_path, monkeypatch, request):
    """An empty place for a database, in a show's folder."""
    root = tmp_path / "show"
    root.mkdir()
    monkeypatch.delenv(VARIABLE, raising=False)
    if engine_name == "sqlite":
        yield find_place(root)
        return
    engine = request.getfixturevalue("server")
    name = f"vfx_deepfake_test_{uuid.uuid4().hex[:12]}"
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0"))
    monkeypatch.setenv(VARIABLE, engine.url.set(database=name).render_as_string(hide_password=False))
    yield find_place(root)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def store(place):
    """A store whose people are ``boss`` (admin), ``ana`` and ``sam`` (supervisors), ``art`` (artist)."""
    with make_store(place, "boss") as opened:
        for name, role in (("ana", "supervisor"), ("sam", "supervisor"), ("art", "artist")):
            set_user(opened, "boss", name, role=role)
        yield opened


@pytest.fixture
def root(place) -> Path:
    return place.root
