"""Decisions and notes by plain forms, for browsers without JavaScript; the player uses the JSON routes.

Fields are those of the JSON (:mod:`.api_versions`); ``next`` is the page to go to after it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse

from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.notes import add_note, resolve_note
from vfx_deepfake.review.words import LONGEST_TEXT
from vfx_deepfake.web.api_common import LARGEST_NUMBER, Part
from vfx_deepfake.web.visit import Visitor, inside, version_name, version_url

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=2 * LONGEST_TEXT)]
Short = Annotated[str, Form(max_length=200)]
Next = Annotated[str, Form(max_length=2000)]


@router.post("/versions/{show}/{shot}/{version}/decision")
def decision(visit: Visitor, show: Part, shot: Part, version: Part, state: Short, why: Text,
             seen: Annotated[int | None, Form(ge=0, le=LARGEST_NUMBER)] = None, next: Next = "") -> RedirectResponse:  # fmt: skip
    """Approve or request changes."""
    name = version_name(show, shot, version)
    decide(visit.store, visit.user, name, state, why, seen=seen)
    return RedirectResponse(inside(next) if next else version_url(name.show, shot, version), 303)


@router.post("/versions/{show}/{shot}/{version}/notes")
def note(visit: Visitor, show: Part, shot: Part, version: Part, text: Text, frames: Short = "",
         reply_to: Annotated[str, Form(pattern="^([0-9a-f]{32})?$")] = "", next: Next = "") -> RedirectResponse:  # fmt: skip
    """Write a note, without a drawing."""
    name = version_name(show, shot, version)
    add_note(visit.store, visit.user, name, text, frames=frames, reply_to=reply_to or None)
    return RedirectResponse(inside(next) if next else version_url(name.show, shot, version), 303)


@router.post("/notes/{id}/resolved")
def resolved(visit: Visitor, id: Part, done: Annotated[bool, Form()], next: Next = "/") -> RedirectResponse:
    """Mark a note as done, or as open again."""
    resolve_note(visit.store, visit.user, id, done=done)
    return RedirectResponse(inside(next), 303)
