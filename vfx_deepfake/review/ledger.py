"""Events: appended one after the other, never changed, each holding on to the one before by its digest."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.files import hash_data
from vfx_deepfake.review.models import Event, Head

FIELDS = ("seq", "at", "who", "kind", "why", "show", "shot", "version", "data")


def now() -> str:
    """The present moment, UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def take_turn(session: Session) -> Head:
    """The right to write, until the transaction ends: the last event, locked. Everybody takes it first, so nobody waits in a circle."""
    head = session.get(Head, 1, with_for_update=True)
    if head is None:
        raise ReviewError("the review database lacks its row of the last event; restore a backup")
    return head


def append(session: Session, kind: str, who: str, *, why: str = "", show: str = "", shot: str = "", version: str = "",
           data: Mapping[str, Any] | None = None) -> Event:  # fmt: skip
    """Add one event; its effect on the tables is a matter of its own (:mod:`.effects`)."""
    return insert(session, {"seq": _head(session).seq + 1, "at": now(), "who": who, "kind": kind, "why": why, "show": show,
                            "shot": shot, "version": version, "data": dict(data or {})})  # fmt: skip


def insert(session: Session, fields: Mapping[str, Any]) -> Event:
    """Add an event as it stands, live or from the journal."""
    head = _head(session)
    digest = digest_of(head.digest, fields)
    event = Event(**{name: fields[name] for name in FIELDS}, digest=digest)
    session.add(event)
    head.seq, head.digest = event.seq, digest
    return event


def _head(session: Session) -> Head:
    head = session.get(Head, 1)
    if head is None:
        raise ReviewError("the review database lacks its row of the last event; restore a backup")
    return head


def digest_of(previous: str, fields: Mapping[str, Any]) -> str:
    """The digest of an event: of its fields and of the digest before it."""
    return hash_data([previous, [fields[name] for name in FIELDS]])


def as_data(event: Event) -> dict[str, Any]:
    """One event as plain data."""
    return {**{name: getattr(event, name) for name in FIELDS}, "digest": event.digest}


def last_seq(session: Session) -> int:
    """The number of the last event; 0 before the first."""
    return session.scalar(select(Head.seq).where(Head.id == 1)) or 0


def events_after(session: Session, seq: int, limit: int | None = None) -> list[dict[str, Any]]:
    """Every event after number ``seq``, or the first ``limit`` of them, in order."""
    found = session.scalars(select(Event).where(Event.seq > seq).order_by(Event.seq).limit(limit))
    return [as_data(event) for event in found]


def history(session: Session, *, show: str, shot: str, version: str) -> list[dict[str, Any]]:
    """Every event of one version, in order."""
    of = select(Event).where(Event.show == show, Event.shot == shot, Event.version == version).order_by(Event.seq)
    return [as_data(event) for event in session.scalars(of)]


def check_chain(events: Iterable[Mapping[str, Any]], where: str) -> None:
    """Raises: ReviewError naming the first event that is not what was written, or that is missing."""
    digest, seq = "", 0
    for event in events:
        if event["seq"] != seq + 1:
            raise ReviewError(
                f"{where}: event {event['seq']} follows {seq}; events are missing; restore the file from a backup"
            )
        digest, seq = digest_of(digest, event), event["seq"]
        if digest != event["digest"]:
            raise ReviewError(f"{where}: event {seq} is not what was written; restore the file from a backup")
