"""Notes with their replies, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Note = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Thread:
    """A note and all that was said to it, oldest first; a reply to a reply stands among them."""

    note: Note
    replies: tuple[Note, ...]


def threads_of(notes: Sequence[Note]) -> list[Thread]:
    """Notes as :func:`.notes.notes_of` gives them: those on the whole version first, then by frame and time."""
    by_id = {note["id"]: note for note in notes}
    replies: dict[str, list[Note]] = {}
    for note in sorted(notes, key=lambda each: each["at"]):
        if note["reply_to"] in by_id:
            replies.setdefault(_first_of(note, by_id), []).append(note)
    return [Thread(note, tuple(replies.get(note["id"], ()))) for note in notes if note["reply_to"] not in by_id]


def _first_of(note: Note, by_id: Mapping[str, Note]) -> str:
    """The id of the note at which a chain of replies begins."""
    while note["reply_to"] in by_id:
        note = by_id[note["reply_to"]]
    return str(note["id"])


def where(note: Note) -> str:
    """``1012``, ``1012-1020`` or ``whole version``."""
    first, last = note["first_frame"], note["last_frame"]
    return "whole version" if first is None else str(first) if first == last else f"{first}-{last}"
