"""Playlists: the list of them, one of them, and changing it by forms; and dailies, which walk through what waits for a decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.choosing import shows_of
from vfx_deepfake.review.dailies import all_playlists, dailies, versions_of_playlist
from vfx_deepfake.review.listing import MOST_ROWS
from vfx_deepfake.review.playlists import Pairs, edit_playlist, remove_playlist, set_playlist
from vfx_deepfake.web.visit import NO_SHOW, Visitor, render
from vfx_deepfake.web.wording import WORDS, dailies_name, show_of_query

router = APIRouter(include_in_schema=False)  # pages; the API describes what is for programs
Field = Annotated[str, Form(max_length=128)]
Lines = Annotated[str, Form(max_length=20_000)]
Word = Annotated[str, Query(max_length=128)]


def playlist_url(show: str, name: str) -> str:
    """Where a playlist's page is."""
    return f"/playlists/{quote(show, safe='') or NO_SHOW}/{quote(name, safe='')}"


@router.get("/playlists")
def playlists_page(request: Request, visit: Visitor) -> HTMLResponse:
    """Every playlist, and a form that makes one."""
    return render(request, visit, "playlists.html", words=WORDS, playlists=all_playlists(visit.store), shows=shows_of(visit.store),
                  playlist_url=playlist_url)  # fmt: skip


@router.post("/playlists")
def make_playlist(visit: Visitor, name: Field, show: Field = NO_SHOW, fill: Field = "") -> RedirectResponse:
    """Make a playlist, empty or of what is pending.

    Raises: ReviewError for a name that is taken, or without the right to.
    """
    of_show = show_of_query(show) or ""
    if any(each["name"] == name for each in all_playlists(visit.store, of_show)):
        raise ReviewError(f"playlist: {ascii(name)[:80]} is there already; open it, or choose another name")
    pending = dailies(visit.store, of_show) if fill == "pending" else []
    set_playlist(visit.store, visit.user, of_show, name, [(row["shot"], row["version"]) for row in pending])
    return RedirectResponse(playlist_url(of_show, name), 303)


@router.post("/playlists/add")
def add_to_playlist(visit: Visitor, show: Field, name: Field, shot: Field, version: Field) -> RedirectResponse:
    """Put one version at the end of a playlist that is there."""
    of_show = show_of_query(show) or ""
    edit_playlist(visit.store, visit.user, of_show, name, lambda there: [*there, (shot, version)])
    return RedirectResponse(playlist_url(of_show, name), 303)


@router.get("/playlists/{show}/{name}")
def playlist_page(request: Request, visit: Visitor, show: str, name: str) -> HTMLResponse:
    """The versions of a playlist in its order, and forms that change it."""
    of_show = show_of_query(show) or ""
    rows = versions_of_playlist(visit.store, of_show, name)
    return render(request, visit, "playlist.html", words=WORDS, show=of_show, name=name, versions=rows, dailies=dailies_name(of_show, name),
                  url=playlist_url(of_show, name))  # fmt: skip


@router.post("/playlists/{show}/{name}")
def change_playlist(visit: Visitor, show: str, name: str, action: Field, shot: Field = "", version: Field = "",
                    lines: Lines = "") -> RedirectResponse:  # fmt: skip
    """Move or take out one version, add several, or remove the whole playlist.

    Raises: ReviewError for what can't be done, or without the right to.
    """
    of_show = show_of_query(show) or ""
    if action == "remove":
        remove_playlist(visit.store, visit.user, of_show, name)
        return RedirectResponse("/playlists", 303)
    if action == "add":
        more = named_versions(lines)
        edit_playlist(visit.store, visit.user, of_show, name, lambda there: [*there, *more])
    elif action in MOVES:
        edit_playlist(visit.store, visit.user, of_show, name, lambda there: MOVES[action](there, (shot, version)))
    else:
        raise ReviewError(f"action: is {ascii(action)[:40]}; want add, remove, {', '.join(MOVES)}")
    return RedirectResponse(playlist_url(of_show, name), 303)


def named_versions(lines: str) -> list[tuple[str, str]]:
    """Shots and versions of lines such as ``sh0010 v003``.

    Raises: ReviewError naming the line that is none, or when there is none.
    """
    words = [line.split() for line in lines.splitlines() if line.strip()]
    wrong = next((line for line in words if len(line) != 2), None)
    if wrong is not None or not words:
        raise ReviewError(
            f"versions: {ascii(' '.join(wrong or []))[:80]} is no shot and version; want a line such as sh0010 v003"
        )
    return [(shot, version) for shot, version in words]


def _moved(there: Pairs, which: tuple[str, str], to: Callable[[int, int], int]) -> Pairs:
    """The list with one version elsewhere; as it is where somebody took it out meanwhile."""
    if which not in there:
        return there
    rest = [pair for pair in there if pair != which]
    place = min(max(0, to(list(there).index(which), len(rest))), len(rest))
    return [*rest[:place], which, *rest[place:]]


MOVES: dict[str, Callable[[Pairs, tuple[str, str]], Pairs]] = {
    "up": lambda there, which: _moved(there, which, lambda at, _: at - 1),
    "down": lambda there, which: _moved(there, which, lambda at, _: at + 1),
    "first": lambda there, which: _moved(there, which, lambda _at, _: 0),
    "last": lambda there, which: _moved(there, which, lambda _at, number: number),
    "out": lambda there, which: [pair for pair in there if pair != which],
}


@router.get("/dailies")
def dailies_page(request: Request, visit: Visitor, show: Word = "", playlist: Word = "") -> HTMLResponse:
    """What waits for a decision, in order; each leads to the player, which walks on from there."""
    of_show = show_of_query(show)
    rows = dailies(visit.store, of_show, playlist)
    return render(request, visit, "dailies.html", words=WORDS, show=show, playlist=playlist, versions=rows, shows=shows_of(visit.store),
                  playlists=all_playlists(visit.store), query=urlencode({"dailies": dailies_name(of_show, playlist)}),
                  playlist_url=playlist_url, most=MOST_ROWS)  # fmt: skip
