"""Users, their roles, and what a role may do. Every change of the store asks here first."""

from __future__ import annotations

import os
import pwd
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vfx_deepfake.errors import NoRightError, NotThereError, ReviewError
from vfx_deepfake.review import words
from vfx_deepfake.review.effects import take_effect
from vfx_deepfake.review.ledger import append
from vfx_deepfake.review.logins import revoke
from vfx_deepfake.review.models import ROLES, User
from vfx_deepfake.review.store import Store

# the least role that may do it
NEEDS = {
    "register": "artist", "note": "artist", "publish": "artist",
    "decide": "supervisor", "playlist": "supervisor", "pull": "supervisor",  # what is pulled decides in the name of others
    "people": "admin",
}  # fmt: skip
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1024  # characters; the longest keeps hashing cheap
HASHER = PasswordHasher()  # argon2id with the library's present defaults (RFC 9106, low-memory)


def this_account() -> str:
    """The account that runs this process, from the kernel and not from an environment that anybody sets."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def may(role: str, action: str) -> bool:
    """Whether a role is enough for ``action``, one of NEEDS."""
    return ROLES.index(role) >= ROLES.index(NEEDS[action])


def require(session: Session, who: str, action: str) -> User:
    """The user, if they may do ``action``, one of NEEDS.

    Raises: ReviewError saying who may, or how to become known.
    """
    user = session.get(User, who)
    if user is None or not user.active:
        state = "is not known to the review database" if user is None else "is switched off"
        raise NoRightError(f"{who}: {state}; an admin changes that with 'vfx-deepfake review user {who} --role artist'")
    if not may(user.role, action):
        raise NoRightError(
            f"{who}: is {user.role}; to {action} takes {NEEDS[action]}; ask one, or an admin for the role"
        )
    return user


def first_admin(session: Session, who: str) -> None:
    """Whoever makes the database is its first admin; nothing where there are people already."""
    if not session.scalar(select(func.count()).select_from(User)):
        event = append(
            session, "user_added", who, why="made the database", data={"name": words.name(who, "user"), "role": "admin"}
        )
        take_effect(session, event)


def set_user(
    store: Store, who: str, name: str, *, role: str | None = None, active: bool | None = None
) -> dict[str, Any]:
    """Add a user, or change role or whether they are active; what is None stays (a new one: artist, active).

    Raises: ReviewError for an unknown role, without the right to, or where no active admin would be left.
    """
    if role is not None and role not in ROLES:
        raise ReviewError(f"role: is {ascii(role)[:40]}; choose one of {', '.join(ROLES)}")
    with store.writing() as session:
        require(session, who, "people")
        user = session.get(User, words.name(name, "user"))
        if user is None:
            take_effect(session, append(session, "user_added", who, data={"name": name, "role": role or "artist"}))
            user = session.get_one(User, name)
        wanted = (role or user.role, user.active if active is None else active)
        if wanted != (user.role, user.active):
            event = append(session, "user_changed", who, data={"name": name, "role": wanted[0], "active": wanted[1]})
            take_effect(session, event)
            revoke(session, name)
        _require_an_admin(session)
        return as_data(user)


def _require_an_admin(session: Session) -> None:
    of = select(func.count()).select_from(User).where(User.role == "admin", User.active)
    if not session.scalar(of):
        raise ReviewError("no active admin would be left; make somebody else admin first")


def set_password(store: Store, who: str, name: str, password: str) -> None:
    """Give a user the password of the page: your own, or anybody's as admin. It is kept as an argon2 hash, in the database alone.

    Raises: ReviewError for one too short or too long, or without the right to.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ReviewError(f"password: has {len(password)} characters; want {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}")
    hashed = HASHER.hash(password)  # slow on purpose, so outside of the turn to write
    with store.writing() as session:
        require(session, who, "register" if who == name else "people")
        user = session.get(User, name)
        if user is None:
            raise NotThereError(f"{name}: is not known to the review database; add them first")
        user.password_hash = hashed
        revoke(session, name)
        take_effect(session, append(session, "password_set", who, data={"name": name}))


def check_password(store: Store, name: str, password: str) -> dict[str, Any] | None:
    """The user of a name and password; None for a wrong pair, a user without password or one that is switched off.

    It takes as long for a name that nobody has.
    """
    with store.reading() as session:
        user = session.get(User, name)
        hashed = user.password_hash if user and user.active else None
        found = as_data(user) if user else None
    try:
        HASHER.verify(hashed or _nobody(), password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return found if hashed else None


@cache
def _nobody() -> str:
    """A hash that belongs to no account."""
    return HASHER.hash(os.urandom(16).hex())


def find_user(store: Store, name: str) -> dict[str, Any] | None:
    """The user of a name; None where there is none."""
    with store.reading() as session:
        user = session.get(User, name)
        return as_data(user) if user else None


def list_users(store: Store) -> list[dict[str, Any]]:
    """Everybody, by name."""
    with store.reading() as session:
        return [as_data(user) for user in session.scalars(select(User).order_by(User.name))]


def as_data(user: User) -> dict[str, Any]:
    """A user as plain data, without the hash."""
    return {"name": user.name, "role": user.role, "active": user.active, "has_password": user.password_hash is not None}
