"""An opened review store: sessions that read, sessions that write, and the journal that follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review import journal, schema
from vfx_deepfake.review.ledger import events_after, take_turn
from vfx_deepfake.review.models import Event
from vfx_deepfake.review.place import IMMEDIATE, Place, open_engine, translated


class Store:
    """One review database. Close it, or use it as a context."""

    def __init__(self, place: Place, engine: Engine) -> None:
        self.place = place
        self._engine = engine
        self._writing = engine.execution_options(**{IMMEDIATE: True})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database."""
        with translated(self.place), Session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes become one transaction, after every earlier one and before every later one; then the journal follows.

        Raises: ReviewError when the journal can't be written or belongs to another database: before anything is changed.
        """
        journal.require_writable(self.place.journal)
        with translated(self.place), Session(self._writing) as session, session.begin():
            take_turn(session)
            self._require_our_journal(session)
            yield session
        self.follow()

    @contextmanager
    def rebuilding(self) -> Iterator[Session]:
        """A session that writes what the journal knows already."""
        with translated(self.place), Session(self._writing) as session, session.begin():
            take_turn(session)
            yield session

    @contextmanager
    def aside(self) -> Iterator[Session]:
        """A session that writes what is no part of the record, such as who is logged in: no event, no turn, no journal."""
        with translated(self.place), Session(self._writing) as session, session.begin():
            yield session

    def follow(self) -> int:
        """Write into the journal what it lacks; returns how many events."""

        def missing(seq: int) -> list[dict[str, object]]:
            with self.reading() as session:
                return events_after(session, seq)

        return journal.catch_up(self.place.journal, missing)

    def _require_our_journal(self, session: Session) -> None:
        last = journal.last_event(self.place.journal)
        if last is None:
            return
        event = session.get(Event, last["seq"])
        if event is None:
            raise ReviewError(
                f"{self.place.journal}: knows of events that {self.place} lacks; 'vfx-deepfake review rebuild' brings them back"
            )
        if event.digest != last["digest"]:
            raise ReviewError(
                f"{self.place.journal}: is the journal of another database than {self.place}; name another 'journal' in review.toml, or "
                "move the database away and run 'vfx-deepfake review rebuild'"
            )


def open_store(place: Place) -> Store:
    """Open a database that is there and has this release's schema.

    Raises: ReviewError when it isn't there, can't be reached, or has another schema.
    """
    if place.file and not place.file.is_file():
        raise ReviewError(f"{place}: there is no review database yet; 'vfx-deepfake review register SHOT' makes it")
    engine = open_engine(place)
    with translated(place), engine.connect() as connection:
        schema.require_newest(connection, str(place))
    return Store(place, engine)
