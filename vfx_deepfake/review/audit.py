"""The history of everything: every event, narrowed and paged, the newest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from vfx_deepfake.review.ledger import as_data
from vfx_deepfake.review.models import Event
from vfx_deepfake.review.store import Store


def list_events(store: Store, *, who: str = "", kind: str = "", show: str | None = None, shot: str = "", version: str = "",
                before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:  # fmt: skip
    """Events, the newest first; what is empty or None does not narrow the list. before: a number; only events ahead of it."""
    of = select(Event).order_by(Event.seq.desc()).limit(limit)
    wanted = ((Event.who, who), (Event.kind, kind), (Event.shot, shot), (Event.version, version))
    for column, value in wanted:
        if value:
            of = of.where(column == value)
    if show is not None:
        of = of.where(Event.show == show)
    if before is not None:
        of = of.where(Event.seq < before)
    with store.reading() as session:
        return [as_data(event) for event in session.scalars(of)]


def kinds_and_people(store: Store) -> tuple[list[str], list[str]]:
    """Which kinds of events there are, and who made any, both by name; for the filter of a page."""
    with store.reading() as session:
        kinds = list(session.scalars(select(Event.kind).distinct().order_by(Event.kind)))
        people = list(session.scalars(select(Event.who).distinct().order_by(Event.who)))
    return kinds, people
