"""Who is logged in on the page, and the record of who tried to. Neither is a change of what is reviewed, so neither is an event."""

from __future__ import annotations

import datetime
import secrets
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from vfx_deepfake.files import hash_data
from vfx_deepfake.review.ledger import now
from vfx_deepfake.review.models import Login, User, WebSession
from vfx_deepfake.review.store import Store

IDLE, LIFETIME = datetime.timedelta(hours=12), datetime.timedelta(days=7)  # assumed: a working day, a working week
SEEN_EVERY = datetime.timedelta(minutes=5)  # how exactly idleness is known; each time costs a write
TOKEN_BYTES = 32


def open_session(store: Store, user: str) -> str:
    """Log somebody in who has shown that they are ``user``; returns the token that their browser keeps.

    Those that nobody can use any more are removed on the way.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with store.aside() as session:
        session.execute(
            delete(WebSession).where((WebSession.opened_at < _ago(LIFETIME)) | (WebSession.seen_at < _ago(IDLE)))
        )
        session.add(WebSession(digest=hash_data(token), user=user, opened_at=now(), seen_at=now()))
    return token


def session_user(store: Store, token: str) -> dict[str, Any] | None:
    """The user whose session a token is, with today's role; None where it has ended or the user is switched off."""
    digest = hash_data(token)
    of = select(User.name, User.role, WebSession.seen_at).join(WebSession, WebSession.user == User.name).where(
        WebSession.digest == digest, User.active, WebSession.opened_at >= _ago(LIFETIME), WebSession.seen_at >= _ago(IDLE)
    )  # fmt: skip
    with store.reading() as session:
        found = session.execute(of).one_or_none()
    if found is None:
        return None
    if found.seen_at < _ago(SEEN_EVERY):
        with store.aside() as session:
            session.execute(update(WebSession).where(WebSession.digest == digest).values(seen_at=now()))
    return {"name": found.name, "role": found.role, "active": True}


def close_session(store: Store, token: str) -> None:
    """Log out: the token is worth nothing any more."""
    with store.aside() as session:
        session.execute(delete(WebSession).where(WebSession.digest == hash_data(token)))


def revoke(session: Session, user: str) -> None:
    """End every session of a user, in the transaction that changes what they may do."""
    session.execute(delete(WebSession).where(WebSession.user == user))


def note_login(store: Store, who: str, address: str, outcome: str) -> None:
    """Put an attempt to log in on record; outcome: one of ``models.OUTCOMES``. A name that nobody has is not kept."""
    with store.aside() as session:
        known = session.get(User, who) is not None
        session.add(Login(at=now(), who=who if known else "", address=address[:64], outcome=outcome))


def list_logins(store: Store, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Attempts to log in, the newest first."""
    of = select(Login).order_by(Login.id.desc()).limit(limit).offset(offset)
    with store.reading() as session:
        return [
            {name: getattr(login, name) for name in ("at", "who", "address", "outcome")}
            for login in session.scalars(of)
        ]


def _ago(span: datetime.timedelta) -> str:
    return (datetime.datetime.now(datetime.UTC) - span).isoformat(timespec="milliseconds")
