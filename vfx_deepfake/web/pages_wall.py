"""The wall: every shot with its newest version, narrowed by show, state, QC and words."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from vfx_deepfake.review.choosing import shows_of
from vfx_deepfake.review.wall import SHOTS_A_PAGE, wall
from vfx_deepfake.web.visit import Visitor, render
from vfx_deepfake.web.wording import WORDS, show_of_query

router = APIRouter(include_in_schema=False)  # pages; the API describes what is for programs
Word = Annotated[str, Query(max_length=64)]
LAST_PAGE, PER_PAGE = 100_000, SHOTS_A_PAGE


@router.get("/")
def wall_page(request: Request, visit: Visitor, show: Word = "", state: Word = "", qc: Word = "", search: Word = "",
              page: Annotated[int, Query(ge=1, le=LAST_PAGE)] = 1) -> HTMLResponse:  # fmt: skip
    """Shots as cards; the query narrows them."""
    found = wall(visit.store, show=show_of_query(show), state=state, qc=qc, search=search, page=page, per_page=PER_PAGE)
    asked = {"show": show, "state": state, "qc": qc, "search": search}

    def url(**other: Any) -> str:
        """This page with another question; a changed one starts at the first page."""
        query = {name: value for name, value in {**asked, **other}.items() if value and value != 1}
        return f"/?{urlencode(query)}" if query else "/"

    return render(request, visit, "wall.html", words=WORDS, url=url, shows=shows_of(visit.store), **found, **asked)
