"""JSON: who asks, dailies, playlists, and the description of all this."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.openapi.utils import get_openapi
from pydantic import Field
from starlette.responses import JSONResponse, Response

from vfx_deepfake.review.dailies import dailies as waiting
from vfx_deepfake.review.playlists import list_playlists, remove_playlist, set_playlist
from vfx_deepfake.web.api_common import PRINTABLE, REFUSALS, Sent, Show
from vfx_deepfake.web.asking import API
from vfx_deepfake.web.csrf import give_cookie, visitor_token
from vfx_deepfake.web.visit import NO_SHOW, Visitor, version_name

router = APIRouter(prefix="/api", responses=REFUSALS, tags=["lists"])
MOST_ITEMS = 2000
Title = Annotated[str, Query(max_length=128, pattern=PRINTABLE)]
Current = Annotated[
    str | None,
    Query(max_length=150, pattern="^[^/]*/[^/]+/v[0-9]{1,6}$", description="show/shot/version that is looked at"),
]


class NewPlaylist(Sent):
    """A playlist's whole content: pairs of shot and version."""

    show: str = Field(max_length=64, pattern=PRINTABLE)
    name: str = Field(min_length=1, max_length=128)
    versions: list[tuple[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=16)]]] = Field(
        max_length=MOST_ITEMS
    )


@router.get("/me")
def me(request: Request, visit: Visitor) -> Response:
    """Who asks, and the token that goes with every change as header ``X-CSRF-Token``; programs begin here."""
    response = JSONResponse({"user": visit.user, "role": visit.role, "csrf": visit.csrf})
    if hasattr(request.state, "new_token"):
        give_cookie(request, response, visitor_token(request))
    return response


@router.get("/dailies")
def dailies(visit: Visitor, show: Show = None, playlist: Title = "", current: Current = None) -> list[dict[str, Any]]:
    """What waits for a decision, in order: of a playlist of the show, or of all its shots. ``current`` stays in it when it is decided."""
    return waiting(visit.store, _show(show), playlist, version_name(*current.split("/")) if current else None)


@router.get("/playlists")
def playlists(visit: Visitor, show: Show = None) -> list[dict[str, Any]]:
    """The playlists of a show, with their content."""
    return list_playlists(visit.store, _show(show) or "")


@router.post("/playlists")
def put_playlist(visit: Visitor, sent: NewPlaylist) -> dict[str, Any]:
    """Make a playlist, or give it this content."""
    return set_playlist(visit.store, visit.user, _show(sent.show) or "", sent.name, sent.versions)


@router.delete("/playlists")
def drop_playlist(visit: Visitor, name: Title, show: Show = None) -> dict[str, Any]:
    """Remove a playlist; its events stay."""
    remove_playlist(visit.store, visit.user, _show(show) or "", name)
    return {"removed": name}


@router.get("/openapi.json", include_in_schema=False)
def description(request: Request, visit: Visitor) -> dict[str, Any]:
    """All JSON routes by OpenAPI, for programs."""
    app = request.app
    if app.openapi_schema is None:
        whole = get_openapi(title=app.title, version=app.version, routes=app.routes)
        app.openapi_schema = {
            **whole,
            "paths": {path: each for path, each in whole["paths"].items() if path.startswith(API)},
        }
    found: dict[str, Any] = app.openapi_schema
    return found


def _show(given: str | None) -> str | None:
    return "" if given == NO_SHOW else given
