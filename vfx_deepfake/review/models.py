"""The tables of the review store as typed classes. Times are ISO 8601 texts in UTC, hashes SHA-256 in hex.

The migrations make these tables; a test compares the two. What is not obvious:

- ``Version.revision`` counts changes of state; SQLAlchemy refuses to write a row whose count has moved on.
- ``Part`` holds what made a version, once for all versions that share it: a plate's hashes are the same in every version of a shot.
- ``Head`` has one row, the last event. Whoever writes takes this row first, so that events have one order on every engine.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, Double, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

PENDING, APPROVED, CHANGES, SUPERSEDED = "pending_review", "approved", "changes_requested", "superseded"
STATES = (PENDING, APPROVED, CHANGES, SUPERSEDED)
ROLES = ("artist", "supervisor", "admin")  # each may do what the ones before may
OUTCOMES = ("login", "logout", "refused", "too_many")  # of an attempt to log in
AREAS = ("settings", "key_frames", "plate", "data", "code")


def _one_of(column: str, allowed: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in allowed)})"


def number_word(number: int) -> str:
    """A version's number as the folder and the record say it: ``v003``."""
    return f"v{number:03d}"


class Base(DeclarativeBase):
    """Base of all tables; plain data is JSON."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012 - read by SQLAlchemy


class User(Base):
    """A person or a farm account. Without a password hash (argon2) nobody can log in as it on the page."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint(_one_of("role", ROLES), name="users_role"),)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    added_at: Mapped[str] = mapped_column(String(32))


class Shot(Base):
    """One shot of one show, and where its folder is."""

    __tablename__ = "shots"
    __table_args__ = (UniqueConstraint("show", "name", name="shots_show_name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    show: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    folder: Mapped[str] = mapped_column(Text)
    versions: Mapped[list[Version]] = relationship(back_populates="shot", order_by="Version.number")


class Run(Base):
    """One training run, as its record says it."""

    __tablename__ = "runs"
    __table_args__ = (UniqueConstraint("shot_id", "number", name="runs_shot_number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    shot_id: Mapped[int] = mapped_column(ForeignKey("shots.id"))
    number: Mapped[int]
    checkpoint_hash: Mapped[str] = mapped_column(String(64), index=True)
    inputs_hash: Mapped[str] = mapped_column(String(64))
    finished_at: Mapped[str] = mapped_column(String(32))
    seconds: Mapped[float] = mapped_column(Double)
    release: Mapped[str] = mapped_column(String(128))
    made_from: Mapped[dict[str, Any]]


class Version(Base):
    """One published version: what it is, how it stands, who decided last."""

    __tablename__ = "versions"
    __table_args__ = (
        UniqueConstraint("shot_id", "number", name="versions_shot_number"),
        CheckConstraint(_one_of("state", STATES), name="versions_state"),
        Index("versions_state", "state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    shot_id: Mapped[int] = mapped_column(ForeignKey("shots.id"))
    number: Mapped[int]
    folder: Mapped[str] = mapped_column(Text)  # relative to the shot's
    state: Mapped[str] = mapped_column(String(32), default=PENDING)
    revision: Mapped[int] = mapped_column(default=1)
    record_hash: Mapped[str] = mapped_column(String(64))
    inputs_hash: Mapped[str] = mapped_column(String(64))
    frames_hash: Mapped[str] = mapped_column(String(64))
    frames: Mapped[str] = mapped_column(Text)  # range, 1001-1100
    made_at: Mapped[str] = mapped_column(String(32))
    author: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(String(255))
    release: Mapped[str] = mapped_column(String(128))
    registered_at: Mapped[str] = mapped_column(String(32))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    qc_verdict: Mapped[str] = mapped_column(String(16), default="")
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_at: Mapped[str] = mapped_column(String(32), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    shot: Mapped[Shot] = relationship(back_populates="versions")
    run: Mapped[Run | None] = relationship()
    parts: Mapped[list[VersionPart]] = relationship(cascade="all, delete-orphan")
    qc: Mapped[list[QcValue]] = relationship(cascade="all, delete-orphan", order_by="QcValue.measure")
    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012 - read by SQLAlchemy

    @property
    def label(self) -> str:
        """As people say it: ``sh0010 v003``."""
        return f"{self.shot.name} {self.name}"

    @property
    def name(self) -> str:
        """As the folder and the record say it: ``v003``."""
        return number_word(self.number)


class Part(Base):
    """Plain data that versions were made from, found by the hash of its content."""

    __tablename__ = "parts"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    data: Mapped[dict[str, Any]]


class VersionPart(Base):
    """Which part of which area a version was made from."""

    __tablename__ = "version_parts"
    __table_args__ = (CheckConstraint(_one_of("area", AREAS), name="version_parts_area"),)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), primary_key=True)
    area: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("parts.digest"), index=True)
    part: Mapped[Part] = relationship()


class QcValue(Base):
    """One measure of a version; ``value`` is empty where nothing was measured."""

    __tablename__ = "qc_values"
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), primary_key=True)
    measure: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float | None] = mapped_column(Double)
    verdict: Mapped[str] = mapped_column(String(16))
    worst_frame: Mapped[int | None]
    more: Mapped[dict[str, Any]]


class Event(Base):
    """One change: who, when, what, why. The database itself refuses to change or remove one.

    ``digest`` covers the event and the digest before it, so that the whole history hangs together.
    """

    __tablename__ = "events"
    __table_args__ = (Index("events_of", "show", "shot", "version"),)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    why: Mapped[str] = mapped_column(Text)
    show: Mapped[str] = mapped_column(String(64))
    shot: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(16))
    data: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))


class Head(Base):
    """The last event."""

    __tablename__ = "head"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))


class WebSession(Base):
    """Somebody who is logged in on the page. The token is in their browser alone, ``digest`` is its hash."""

    __tablename__ = "web_sessions"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user: Mapped[str] = mapped_column(String(64), index=True)
    opened_at: Mapped[str] = mapped_column(String(32))
    seen_at: Mapped[str] = mapped_column(String(32))


class Login(Base):
    """One attempt to log in on the page, or a logout. The database itself refuses to change or remove one.

    ``who`` is empty for a name that nobody has: people type passwords into the wrong field.
    """

    __tablename__ = "logins"
    __table_args__ = (CheckConstraint(_one_of("outcome", OUTCOMES), name="logins_outcome"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))


class Note(Base):
    """A note on a version: on a frame, a range of frames or the whole; with a drawing, or a reply to another."""

    __tablename__ = "notes"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), index=True)
    author: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(32))
    first_frame: Mapped[int | None]
    last_frame: Mapped[int | None]
    text: Mapped[str] = mapped_column(Text)
    drawing: Mapped[list[Any]]
    reply_to: Mapped[str | None] = mapped_column(ForeignKey("notes.id"))
    resolved_by: Mapped[str] = mapped_column(String(64), default="")
    resolved_at: Mapped[str] = mapped_column(String(32), default="")
    version: Mapped[Version] = relationship()


class Playlist(Base):
    """Versions in the order in which dailies look at them."""

    __tablename__ = "playlists"
    __table_args__ = (UniqueConstraint("show", "name", name="playlists_show_name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    show: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(128))
    items: Mapped[list[PlaylistItem]] = relationship(cascade="all, delete-orphan", order_by="PlaylistItem.position")


class PlaylistItem(Base):
    """One version's place in a playlist."""

    __tablename__ = "playlist_items"
    playlist_id: Mapped[int] = mapped_column(ForeignKey("playlists.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    version: Mapped[Version] = relationship()


class TrackerLink(Base):
    """What of ours is what of a tracker's. Without a version for what is about the tracker as a whole."""

    __tablename__ = "tracker_links"
    __table_args__ = (UniqueConstraint("tracker", "kind", "theirs", name="tracker_links_theirs"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    tracker: Mapped[str] = mapped_column(String(255))  # site and project
    kind: Mapped[str] = mapped_column(String(16))
    theirs: Mapped[str] = mapped_column(String(255))  # their id
    ours: Mapped[str] = mapped_column(String(64))  # a note's id, the digest of a decision's event, or empty
    direction: Mapped[str] = mapped_column(String(8))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"), index=True)
    at: Mapped[str] = mapped_column(String(32))
    facts: Mapped[dict[str, Any]]
    version: Mapped[Version | None] = relationship()
