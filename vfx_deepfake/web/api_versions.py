"""JSON: versions, decisions and notes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.listing import MOST_ROWS, about, list_versions
from vfx_deepfake.review.notes import add_note, notes_of, resolve_note
from vfx_deepfake.review.words import LONGEST_TEXT, MOST_STROKES
from vfx_deepfake.web.api_common import LARGEST_NUMBER, PRINTABLE, REFUSALS, Count, Part, Sent, Show
from vfx_deepfake.web.visit import Visitor, version_name

router = APIRouter(prefix="/api", responses=REFUSALS, tags=["versions"])
OF_VERSION = "/versions/{show}/{shot}/{version}"


class Decision(Sent):
    """Approve, or request changes."""

    state: Literal["approved", "changes_requested"]
    why: str = Field(min_length=1, max_length=LONGEST_TEXT, description="the reason, for the record")
    seen: int | None = Field(
        None,
        ge=0,
        le=LARGEST_NUMBER,
        description="the version's revision when it was looked at; refused if it has moved on",
    )


class Stroke(Sent):
    """One stroke of a drawing, in plate pixels."""

    colour: str = Field(pattern="^#[0-9a-f]{6}$")
    width_px: float = Field(gt=0, le=1000)
    points: list[Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(min_length=1)


class NewNote(Sent):
    """A note on a frame, a range of frames or the whole version."""

    text: str = Field("", max_length=LONGEST_TEXT)
    frames: str = Field(
        "", max_length=200, pattern=r"^[0-9,:xy -]*$", description="1012, or 1012-1020; empty: the whole version"
    )
    drawing: list[Stroke] = Field(default_factory=list, max_length=MOST_STROKES)
    reply_to: str | None = Field(None, pattern="^[0-9a-f]{32}$")
    id: str | None = Field(
        None, pattern="^[0-9a-f]{32}$", description="made by the sender, so that sending twice writes once"
    )


class Resolved(Sent):
    """Whether a note is done."""

    done: bool


@router.get("/versions")
def versions(
    visit: Visitor,
    show: Show = None,
    shot: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[str, Query(max_length=32)] = "",
    search: Annotated[str, Query(max_length=64, pattern=PRINTABLE)] = "",
    newest: bool = False,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = MOST_ROWS,
    offset: Count = 0,
) -> list[dict[str, Any]]:
    """Versions by show, shot and falling number; at most ``limit``, the next ones with ``offset``."""
    return list_versions(
        visit.store, show=show, shot=shot, state=state, search=search, newest_only=newest, limit=limit, offset=offset
    )


@router.get(OF_VERSION)
def version(visit: Visitor, show: Part, shot: Part, version: Part) -> dict[str, Any]:
    """State, QC, notes and history of one version."""
    return about(visit.store, version_name(show, shot, version))


@router.post(f"{OF_VERSION}/decision")
def decision(visit: Visitor, show: Part, shot: Part, version: Part, sent: Decision) -> dict[str, Any]:
    """Approve a version or request changes; 409 says who was first."""
    return decide(visit.store, visit.user, version_name(show, shot, version), sent.state, sent.why, seen=sent.seen)


@router.get(f"{OF_VERSION}/notes")
def notes(visit: Visitor, show: Part, shot: Part, version: Part) -> list[dict[str, Any]]:
    """The notes of a version by frame, those on the whole first."""
    return notes_of(visit.store, version_name(show, shot, version))


@router.post(f"{OF_VERSION}/notes", status_code=201)
def new_note(visit: Visitor, show: Part, shot: Part, version: Part, sent: NewNote) -> dict[str, Any]:
    """Write a note."""
    drawing = [stroke.model_dump() for stroke in sent.drawing]
    return add_note(visit.store, visit.user, version_name(show, shot, version), sent.text, frames=sent.frames, drawing=drawing,
                    reply_to=sent.reply_to, note_id=sent.id)  # fmt: skip


@router.post("/notes/{id}/resolved")
def resolved(visit: Visitor, id: Part, sent: Resolved) -> dict[str, Any]:
    """Mark a note as done, or as open again."""
    return resolve_note(visit.store, visit.user, id, done=sent.done)
