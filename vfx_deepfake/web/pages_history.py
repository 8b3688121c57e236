"""The audit: every change, who made it, when and why; and for admins, who tried to log in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from vfx_deepfake.errors import NoRightError
from vfx_deepfake.review.audit import kinds_and_people, list_events
from vfx_deepfake.review.logins import list_logins
from vfx_deepfake.web.api_common import Count
from vfx_deepfake.web.visit import Visitor, render
from vfx_deepfake.web.wording import WORDS, show_of_query

router = APIRouter(include_in_schema=False)
A_PAGE = 100
Word = Annotated[str, Query(max_length=128)]
OUTCOMES = {
    "login": "logged in",
    "logout": "logged out",
    "refused": "wrong name or password",
    "too_many": "had to wait",
}


@router.get("/history")
def history_page(request: Request, visit: Visitor, who: Word = "", kind: Word = "", show: Word = "", shot: Word = "", version: Word = "",
                 before: Count | None = None) -> HTMLResponse:  # fmt: skip
    """Every event, the newest first."""
    chosen = {"who": who, "kind": kind, "show": show, "shot": shot, "version": version}
    found = list_events(visit.store, who=who, kind=kind, show=show_of_query(show), shot=shot, version=version, before=before,
                        limit=A_PAGE + 1)  # fmt: skip
    kinds, people = kinds_and_people(visit.store)
    older = found[A_PAGE - 1]["seq"] if len(found) > A_PAGE else None
    narrowed = {name: value for name, value in chosen.items() if value}
    return render(
        request, visit, "history.html", words=WORDS, events=[{**event, "detail": detail(event)} for event in found[:A_PAGE]],
        kinds=kinds, people=people, chosen=chosen, newest=_url(narrowed) if before else "",
        older=_url({**narrowed, "before": older}) if older else "",
    )  # fmt: skip


def _url(query: Mapping[str, Any]) -> str:
    return f"/history?{urlencode(query)}"


@router.get("/history/logins")
def logins_page(request: Request, visit: Visitor, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> HTMLResponse:
    """Who tried to log in, from where.

    Raises: NoRightError for who is no admin.
    """
    if not visit.may("people"):
        raise NoRightError("logins: are for admins to see")
    found = list_logins(visit.store, limit=A_PAGE + 1, offset=(page - 1) * A_PAGE)
    return render(request, visit, "logins.html", words=WORDS, logins=found[:A_PAGE], outcomes=OUTCOMES, page=page,
                  has_more=len(found) > A_PAGE)  # fmt: skip


def detail(event: Mapping[str, Any]) -> str:
    """What an event says besides who, when and why, in a few words."""
    data = event["data"]
    kind = event["kind"]
    if kind == "note_added":
        frames = {data["first_frame"], data["last_frame"]} - {None}
        where = "-".join(str(frame) for frame in sorted(frames))
        return ": ".join(filter(None, [where, data["text"] or "a drawing"]))
    if kind in ("user_added", "user_changed"):
        state = "" if data.get("active", True) else ", switched off"
        return f"{data['name']}: {data['role']}{state}"
    if kind == "playlist_set":
        return f"{data['name']}: {len(data['versions'])} versions"
    if kind == "shot_moved":
        return f"{data['from']} to {data['folder']}"
    if "record_hash" in data:
        return f"record {data['record_hash'][:12]}"
    return str(data.get("name", ""))
