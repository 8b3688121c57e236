"""Playlists: versions of one show in the order in which dailies look at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from vfx_deepfake.errors import NotThereError, ReviewError
from vfx_deepfake.review import words
from vfx_deepfake.review.effects import take_effect
from vfx_deepfake.review.find import VersionName, find_version
from vfx_deepfake.review.ledger import append
from vfx_deepfake.review.models import Playlist
from vfx_deepfake.review.people import require
from vfx_deepfake.review.store import Store

Pairs = Sequence[tuple[str, str]]


def set_playlist(store: Store, who: str, show: str, name: str, versions: Pairs) -> dict[str, Any]:
    """Make a playlist, or give it this content: pairs of shot and version (``("sh0010", "v003")``).

    Raises: ReviewError for a version that is not registered, one that is listed twice, or without the right to.
    """
    return edit_playlist(store, who, show, name, lambda _there: versions, make=True)


def edit_playlist(
    store: Store, who: str, show: str, name: str, edit: Callable[[Pairs], Pairs], *, make: bool = False
) -> dict[str, Any]:
    """Change what a playlist holds from what it holds at that moment, so that two people who edit it lose nothing of each other.

    Raises: as :func:`set_playlist`; NotThereError where there is none of that name and ``make`` does not ask for one.
    """
    words.title(name, "playlist")
    if show:
        words.name(show, "show")
    with store.writing() as session:
        require(session, who, "playlist")
        there = session.scalar(select(Playlist).where(Playlist.show == show, Playlist.name == name))
        if there is None and not make:
            raise missing(show, name)
        before = _content(there) if there else []
        found = [find_version(session, VersionName(show, shot, version)) for shot, version in edit(before)]
        content = [(version.shot.name, version.name) for version in found]
        twice = sorted({version.label for version in found if found.count(version) > 1})
        if twice:
            raise ReviewError(f"playlist '{name}': {', '.join(twice)} is in it twice; leave one out")
        if there is None or before != content:
            data = {"name": name, "versions": [list(pair) for pair in content]}
            take_effect(session, append(session, "playlist_set", who, show=show, data=data))
    return {"name": name, "versions": [list(pair) for pair in content]}


def remove_playlist(store: Store, who: str, show: str, name: str) -> None:
    """Remove a playlist; its events stay.

    Raises: ReviewError where there is none of that name, or without the right to.
    """
    with store.writing() as session:
        require(session, who, "playlist")
        if session.scalar(select(Playlist.id).where(Playlist.show == show, Playlist.name == name)) is None:
            raise missing(show, name)
        take_effect(session, append(session, "playlist_removed", who, show=show, data={"name": name}))


def missing(show: str, name: str) -> NotThereError:
    """The error that says that a show has no such playlist."""
    line = f"there is no playlist {ascii(name)[:80]} in show {ascii(show)[:80]}"
    return NotThereError(f"{line}; 'vfx-deepfake review playlist list' shows them")


def list_playlists(store: Store, show: str) -> list[dict[str, Any]]:
    """The playlists of a show with their content, by name."""
    with store.reading() as session:
        found = session.scalars(select(Playlist).where(Playlist.show == show).order_by(Playlist.name))
        return [{"name": playlist.name, "versions": [list(pair) for pair in _content(playlist)]} for playlist in found]


def _content(playlist: Playlist) -> list[tuple[str, str]]:
    return [(item.version.shot.name, item.version.name) for item in playlist.items]
