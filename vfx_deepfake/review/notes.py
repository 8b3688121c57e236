"""Notes on versions: on a frame, a range or the whole, with drawings, replies, and resolved when done."""

from __future__ import annotations

import re
import uuid
from typing import Any

from sqlalchemy import select

from vfx_deepfake.errors import ConflictError, NotThereError, ReviewError
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.review import words
from vfx_deepfake.review.effects import take_effect
from vfx_deepfake.review.find import VersionName, find_version, name_of
from vfx_deepfake.review.ledger import append
from vfx_deepfake.review.models import Note, Version
from vfx_deepfake.review.people import require
from vfx_deepfake.review.store import Store

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def add_note(store: Store, who: str, name: VersionName, text: str, *, frames: str = "", drawing: list[Any] | None = None,
             reply_to: str | None = None, note_id: str | None = None) -> dict[str, Any]:  # fmt: skip
    """Write a note.

    frames: ``1012`` or ``1012-1020``, empty for the whole version; drawing: see :func:`.words.drawing`, needs a frame. note_id: made by the
    caller (32 hex digits), so that sending the same note twice writes it once.
    Raises: ReviewError for frames outside the version, an empty note, a reply to a note of another version, or without the right to.
    """
    strokes = words.drawing(drawing or [])
    text = words.text(text, f"{name}: the note", may_be_empty=bool(strokes))
    if strokes and not frames:
        raise ReviewError(f"{name}: a drawing needs its frame; give one")
    note_id = note_id or uuid.uuid4().hex
    if not _ID.fullmatch(note_id):
        raise ReviewError(f"{name}: the note's id is {ascii(note_id)[:80]}; want 32 hex digits")
    with store.writing() as session:
        require(session, who, "note")
        version = find_version(session, name)
        first, last = _span(version, frames)
        there = session.get(Note, note_id)
        if there:
            return _same(there, who, version, (text, first, last, strokes))
        if reply_to:
            answered = session.get(Note, reply_to)
            if answered is None or answered.version_id != version.id:
                raise ReviewError(
                    f"{name}: has no note {ascii(reply_to)[:40]} to reply to; 'vfx-deepfake review show' lists them"
                )
        data = {
            "id": note_id,
            "first_frame": first,
            "last_frame": last,
            "text": text,
            "drawing": strokes,
            "reply_to": reply_to or None,
        }
        take_effect(
            session, append(session, "note_added", who, show=name.show, shot=name.shot, version=version.name, data=data)
        )
        return as_data(session.get_one(Note, note_id))


def _span(version: Version, frames: str) -> tuple[int | None, int | None]:
    """First and last frame of a note, both the version's own; None and None for the whole version."""
    if not frames:
        return None, None
    wanted, there = parse_frames(frames, "frames"), parse_frames(version.frames)
    outside = [frame for frame in wanted if frame not in there]
    if outside or not wanted:
        raise ReviewError(
            f"{version.label}: has frames {version.frames}; {frames} is outside; give frames of the version"
        )
    return min(wanted), max(wanted)


def _same(note: Note, who: str, version: Version, wanted: tuple[Any, ...]) -> dict[str, Any]:
    if (note.author, note.version_id, (note.text, note.first_frame, note.last_frame, note.drawing)) != (
        who,
        version.id,
        wanted,
    ):
        raise ConflictError(f"{version.label}: another note has the id {note.id}; give this one an id of its own")
    return as_data(note)


def resolve_note(store: Store, who: str, note_id: str, *, done: bool = True) -> dict[str, Any]:
    """Mark a note as done, or as open again; as it is already, nothing changes.

    Raises: ReviewError for a note that is not there, or without the right to.
    """
    with store.writing() as session:
        require(session, who, "note")
        note = session.get(Note, note_id)
        if note is None:
            raise NotThereError(f"there is no note {ascii(note_id)[:40]}; 'vfx-deepfake review show' lists them")
        if bool(note.resolved_by) != done:
            name = name_of(note.version)
            event = append(session, "note_resolved" if done else "note_reopened", who, show=name.show, shot=name.shot, version=name.version,
                           data={"id": note.id})  # fmt: skip
            take_effect(session, event)
        return as_data(note)


def notes_of(store: Store, name: VersionName) -> list[dict[str, Any]]:
    """The notes of a version: by frame, those on the whole first, then by time."""
    with store.reading() as session:
        of = select(Note).where(Note.version_id == find_version(session, name).id).order_by(Note.at)
        found = [as_data(note) for note in session.scalars(of)]
    return sorted(found, key=lambda note: (note["first_frame"] is not None, note["first_frame"] or 0, note["at"]))


def as_data(note: Note) -> dict[str, Any]:
    """One note as plain data."""
    fields = (
        "id",
        "author",
        "at",
        "first_frame",
        "last_frame",
        "text",
        "drawing",
        "reply_to",
        "resolved_by",
        "resolved_at",
    )
    return {name: getattr(note, name) for name in fields}
