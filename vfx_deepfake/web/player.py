"""The player's page of one version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from vfx_deepfake.frames import parse_frames
from vfx_deepfake.review.dailies import dailies as waiting
from vfx_deepfake.review.decisions import as_data as standing_of
from vfx_deepfake.review.find import VersionName, find_version
from vfx_deepfake.review.lineage import as_lines, changed_since, made_from
from vfx_deepfake.review.listing import list_versions, qc_of
from vfx_deepfake.review.notes import notes_of
from vfx_deepfake.web.qc_values import figures
from vfx_deepfake.web.visit import Visit, Visitor, media_url, render, version_name, version_url
from vfx_deepfake.web.wording import STATE_WORDS, WORDS, dailies_of, show_word

router = APIRouter(include_in_schema=False)
SCRIPTS = Path(__file__).parent / "static" / "player"
MODULES = tuple(sorted(path.name for path in SCRIPTS.glob("*.js")))  # fetched at once, not one after another
MOST_LINES = 40  # of what changed, in the panel; the page behind it has all
Word = Annotated[str, Query(max_length=200)]


@router.get("/versions/{show}/{shot}/{version}")
def player_page(
    request: Request, visit: Visitor, show: str, shot: str, version: str, dailies: Word = "", frame: Word = ""
) -> HTMLResponse:
    """The player; without scripts a still of one frame, the notes and a form to decide."""
    name = version_name(show, shot, version)
    with visit.store.reading() as session:
        found = find_version(session, name)
        standing, frames = standing_of(found), parse_frames(found.frames)
    made, numbers = made_from(visit.store, name), _numbers(visit, name)
    notes = notes_of(visit.store, name)
    return render(
        request, visit, "version.html", words=WORDS, standing=standing, made=made, notes=notes, numbers=numbers,
        changes=_changes(visit, name, numbers), figures=figures(qc_of(visit.store, name)["measures"], {}, {}),
        still=_still(frame, frames), frames=frames, round=_round(visit, name, dailies), dailies=dailies,
        here=_url(name.show, name.shot, name.version, dailies), modules=MODULES, page=_page(visit, name, standing, notes, numbers),
    )  # fmt: skip


def _url(show: str, shot: str, version: str, dailies: str) -> str:
    return version_url(show, shot, version) + (f"?dailies={quote(dailies, safe='')}" if dailies else "")


def _numbers(visit: Visit, name: VersionName) -> list[str]:
    """All versions of the shot, the newest first."""
    return [row["version"] for row in list_versions(visit.store, show=name.show, shot=name.shot)]


def _changes(visit: Visit, name: VersionName, numbers: Sequence[str]) -> dict[str, Any] | None:
    """What changed since the version before; None for the first."""
    older = [each for each in numbers if VersionName(name.show, name.shot, each).number < name.number]
    if not older:
        return None
    lines = as_lines(changed_since(visit.store, name, VersionName(name.show, name.shot, older[0])))
    return {"since": older[0], "lines": lines[:MOST_LINES], "more": max(0, len(lines) - MOST_LINES)}


def _still(frame: str, frames: Sequence[int]) -> int:
    """The frame of the still: the one that is asked for, else the first."""
    return int(frame) if frame.isascii() and frame.isdigit() and int(frame) in frames else frames[0]


def _round(visit: Visit, name: VersionName, dailies: str) -> dict[str, Any] | None:
    """Where the version stands in dailies: its position, how many there are, and the addresses before and after; None outside them.

    Raises: ReviewError for a playlist that is not there.
    """
    if not dailies:
        return None
    show, playlist = dailies_of(dailies)
    rows = waiting(visit.store, show, playlist, name)
    urls = [_url(row["show"], row["shot"], row["version"], dailies) for row in rows]
    here = _url(name.show, name.shot, name.version, dailies)
    at = urls.index(here) if here in urls else -1
    return {
        "position": at + 1, "count": len(urls), "name": playlist or ("all shows" if show is None else show_word(show)),
        "prev": urls[at - 1] if at > 0 else "", "next": urls[at + 1] if at + 1 < len(urls) else "",
    }  # fmt: skip


def _page(visit: Visit, name: VersionName, standing: Mapping[str, Any], notes: Sequence[Mapping[str, Any]],
          numbers: Sequence[str]) -> dict[str, Any]:  # fmt: skip
    """What the scripts start from."""
    media = media_url(name.show, name.shot, name.version, "").rstrip("/")
    return {
        "show": name.show, "shot": name.shot, "version": name.version, "user": visit.user, "standing": standing, "notes": notes,
        "words": STATE_WORDS, "versions": numbers, "media": media, "shotMedia": media.rsplit("/", 1)[0],
        "api": f"/api{version_url(name.show, name.shot, name.version)}",
        "shotPage": version_url(name.show, name.shot, name.version).rsplit("/", 1)[0],
    }  # fmt: skip
