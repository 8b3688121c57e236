"""Pages of one shot: all its versions; what made one of them and what changed; its contact sheet."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from vfx_deepfake.errors import NotThereError
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.review.dailies import all_playlists
from vfx_deepfake.review.lineage import changed_since, flat, in_a_line, made_from
from vfx_deepfake.review.listing import list_versions
from vfx_deepfake.review.models import AREAS
from vfx_deepfake.review.wall import changes_of_shot
from vfx_deepfake.web.visit import NO_SHOW, Visitor, render, version_name
from vfx_deepfake.web.wording import WORDS

router = APIRouter(include_in_schema=False)  # pages; the API describes what is for programs
Page = Annotated[str, Query(max_length=16)]
MOST_LINES = 2000  # of one area on a page; the command line has them all
SHEET_CELLS = 48  # of a contact sheet as it opens
MOST_CELLS = 2000


@router.get("/shots/{show}/{shot}")
def shot_page(request: Request, visit: Visitor, show: str, shot: str) -> HTMLResponse:
    """All versions of a shot, the newest first, each with what changed since the one before."""
    of_show = "" if show == NO_SHOW else show
    rows = list_versions(visit.store, show=of_show, shot=shot)
    if not rows:
        raise NotThereError(
            f"no version of shot {ascii(shot)[:80]} is on record; 'vfx-deepfake review register' puts published ones there"
        )
    changes = changes_of_shot(visit.store, of_show, shot)
    lines = {version: in_a_line(changed) for version, changed in changes.items()}
    playlists = all_playlists(visit.store, of_show) if visit.may("playlist") else []
    return render(request, visit, "shot.html", words=WORDS, show=of_show, shot=shot, versions=rows, changes=changes, lines=lines,
                  playlists=playlists)  # fmt: skip


@router.get("/versions/{show}/{shot}/{version}/made")
def made_page(request: Request, visit: Visitor, show: str, shot: str, version: str, since: Page = "") -> HTMLResponse:
    """What made a version; and what is not the same in another one (``since``)."""
    name = version_name(show, shot, version)
    made = made_from(visit.store, name)
    numbers = [row["version"] for row in list_versions(visit.store, show=name.show, shot=name.shot)]
    changed = changed_since(visit.store, name, version_name(show, shot, since)) if since else None
    before = next((each for each in numbers if version_name(show, shot, each).number < name.number), "")
    return render(
        request, visit, "made.html", words=WORDS, made=made, areas=AREAS, numbers=numbers, changed=changed, before=before, since=since,
        num_changed=sum(len(changed[area]) for area in AREAS) if changed else 0,
        value=value, flat=lambda table: list(flat(table)), most=MOST_LINES,
    )  # fmt: skip


def value(found: Any) -> str:
    """A setting or a hash as text; what is not there is a dash."""
    if found is None:
        return "–"
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, sort_keys=True)


@router.get("/versions/{show}/{shot}/{version}/sheet")
def sheet_page(request: Request, visit: Visitor, show: str, shot: str, version: str,
               every: Annotated[int, Query(ge=0, le=10_000)] = 0) -> HTMLResponse:  # fmt: skip
    """Every nth frame as a small picture that leads to the frame."""
    name = version_name(show, shot, version)
    row = made_from(visit.store, name)
    frames = parse_frames(row["frames"])
    fitting = -(-len(frames) // SHEET_CELLS)
    step = max(every or fitting, -(-len(frames) // MOST_CELLS))
    steps = sorted({1, 2, 5, 10, 25, fitting, step} & {*range(1, len(frames) + 1)})
    return render(
        request,
        visit,
        "sheet.html",
        words=WORDS,
        row=row,
        frames=frames[::step],
        num_frames=len(frames),
        step=step,
        steps=steps,
    )
