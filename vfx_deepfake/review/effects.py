"""What each kind of event does to the tables. A live change and a rebuild take the same way through here."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.files import hash_data
from vfx_deepfake.review.evidence import Evidence
from vfx_deepfake.review.find import VersionName, find_shot, find_version
from vfx_deepfake.review.models import (
    APPROVED,
    CHANGES,
    SUPERSEDED,
    Event,
    Note,
    Part,
    Playlist,
    PlaylistItem,
    QcValue,
    Run,
    Shot,
    TrackerLink,
    User,
    Version,
    VersionPart,
)

Effect = Callable[[Session, Event], None]


def take_effect(session: Session, event: Event, evidence: Evidence | None = None) -> None:
    """Do to the tables what an event says.

    evidence: of a registered version, its files; without them its row says what the event knows and nothing of what made it.
    Raises: ReviewError for a kind that a newer release must have written.
    """
    if event.kind == "version_registered":
        _version_registered(session, event, evidence)
    elif event.kind in EFFECTS:
        EFFECTS[event.kind](session, event)
    else:
        raise ReviewError(f"event {event.seq}: this release does not know '{event.kind}'; install the newer one")
    session.flush()


def version_of(session: Session, event: Event) -> Version:
    """The version that an event is about."""
    return find_version(session, VersionName(event.show, event.shot, event.version))


def _version_registered(session: Session, event: Event, evidence: Evidence | None) -> None:
    facts = event.data
    shot = find_shot(session, event.show, event.shot)
    if shot is None:
        shot = Shot(show=event.show, name=event.shot, folder=facts["shot_folder"])
        session.add(shot)
        session.flush()
    columns = ("folder", "record_hash", "inputs_hash", "frames_hash", "frames", "made_at", "author", "host", "release")
    version = Version(
        shot_id=shot.id,
        number=VersionName(event.show, event.shot, event.version).number,
        registered_at=event.at,
        run_id=_add_runs(session, shot, evidence) if evidence else None,
        qc_verdict=evidence.qc_verdict if evidence else "",
        **{name: facts[name] for name in columns},
    )
    session.add(version)
    session.flush()
    if evidence:
        _add_parts(session, version, evidence)
        session.add_all(QcValue(version_id=version.id, **row) for row in evidence.qc)


def _add_runs(session: Session, shot: Shot, evidence: Evidence) -> int | None:
    """Put the shot's runs on record; returns the one whose weights rendered the version."""
    rendered_by = None
    for values in evidence.runs:
        of = select(Run).where(Run.shot_id == shot.id, Run.number == values["number"])
        run = session.scalar(of) or Run(shot_id=shot.id)
        for name, value in values.items():
            setattr(run, name, value)
        session.add(run)
        session.flush()
        if evidence.checkpoint and run.checkpoint_hash == evidence.checkpoint:
            rendered_by = run.id
    return rendered_by


def _add_parts(session: Session, version: Version, evidence: Evidence) -> None:
    for area, data in evidence.parts.items():
        digest = hash_data(data)
        if session.get(Part, digest) is None:
            session.add(Part(digest=digest, data=data))
            session.flush()
        session.add(VersionPart(version_id=version.id, area=area, digest=digest))


def _shot_moved(session: Session, event: Event) -> None:
    shot = find_shot(session, event.show, event.shot)
    if shot:
        shot.folder = event.data["folder"]


def _decided(session: Session, event: Event) -> None:
    version = version_of(session, event)
    version.state, version.reason = event.kind, event.why
    version.decided_by, version.decided_at = event.who, event.at


def _note_added(session: Session, event: Event) -> None:
    fields = ("id", "first_frame", "last_frame", "text", "drawing", "reply_to")
    session.add(
        Note(
            version_id=version_of(session, event).id,
            author=event.who,
            at=event.at,
            **{name: event.data[name] for name in fields},
        )
    )


def _note_resolved(session: Session, event: Event) -> None:
    note = session.get(Note, event.data["id"])
    if note:
        done = event.kind == "note_resolved"
        note.resolved_by, note.resolved_at = (event.who, event.at) if done else ("", "")


def _playlist_set(session: Session, event: Event) -> None:
    playlist = _playlist(session, event) or Playlist(show=event.show, name=event.data["name"])
    playlist.items = []
    session.add(playlist)
    session.flush()
    for position, (shot, version) in enumerate(event.data["versions"], 1):
        found = find_version(session, VersionName(event.show, shot, version))
        playlist.items.append(PlaylistItem(playlist_id=playlist.id, position=position, version_id=found.id))


def _playlist_removed(session: Session, event: Event) -> None:
    playlist = _playlist(session, event)
    if playlist:
        session.delete(playlist)


def _playlist(session: Session, event: Event) -> Playlist | None:
    return session.scalar(select(Playlist).where(Playlist.show == event.show, Playlist.name == event.data["name"]))


def _user_added(session: Session, event: Event) -> None:
    session.add(User(name=event.data["name"], role=event.data["role"], added_at=event.at, active=True))


def _user_changed(session: Session, event: Event) -> None:
    user = session.get(User, event.data["name"])
    if user:
        user.role, user.active = event.data["role"], event.data["active"]


def _tracker_linked(session: Session, event: Event) -> None:
    key = {name: event.data[name] for name in ("tracker", "kind", "theirs")}
    link = session.scalar(select(TrackerLink).filter_by(**key)) or TrackerLink(**key)
    link.version_id = version_of(session, event).id if event.version else None
    link.ours, link.direction, link.facts = (event.data[name] for name in ("ours", "direction", "facts"))
    link.at = event.at
    session.add(link)


def _nothing(session: Session, event: Event) -> None:
    """That it happened is all that the event keeps: no password, not even its hash, leaves the table of users."""


EFFECTS: dict[str, Effect] = {
    APPROVED: _decided,
    CHANGES: _decided,
    SUPERSEDED: _decided,
    "shot_moved": _shot_moved,
    "note_added": _note_added,
    "note_resolved": _note_resolved,
    "note_reopened": _note_resolved,
    "playlist_set": _playlist_set,
    "playlist_removed": _playlist_removed,
    "tracker_linked": _tracker_linked,
    "user_added": _user_added,
    "user_changed": _user_changed,
    "password_set": _nothing,
}
