"""Playlists: versions of one show in the order in which dailies look at them."""

from __future__ import annotations

from collections.abc import Sequence
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


def set_playlist(store: Store, who: str, show: str, name: str, versions: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Make a playlist, or give it this content: pairs of shot and version (``("sh0010", "v003")``).

    Raises: ReviewError for a version that is not registered, one that is listed twice, or without the right to.
    """
    words.title(name, "playlist")
    twice = sorted({f"{shot} {version}" for shot, version in versions if versions.count((shot, version)) > 1})
    if twice:
        raise ReviewError(f"playlist '{name}': {', '.join(twice)} is in it twice; leave one out")
    with store.writing() as session:
        require(session, who, "playlist")
        found = [find_version(session, VersionName(show, shot, version)) for shot, version in versions]
        content = [[version.shot.name, version.name] for version in found]
        there = session.scalar(select(Playlist).where(Playlist.show == show, Playlist.name == name))
        if there is None or [list(pair) for pair in _content(there)] != content:
            event = append(session, "playlist_set", who, show=show, data={"name": name, "versions": content})
            take_effect(session, event)
    return {"name": name, "versions": content}


def remove_playlist(store: Store, who: str, show: str, name: str) -> None:
    """Remove a playlist; its events stay.

    Raises: ReviewError where there is none of that name, or without the right to.
    """
    with store.writing() as session:
        require(session, who, "playlist")
        if session.scalar(select(Playlist.id).where(Playlist.show == show, Playlist.name == name)) is None:
            raise NotThereError(f"there is no playlist {ascii(name)[:80]} in show {ascii(show)[:80]}")
        take_effect(session, append(session, "playlist_removed", who, show=show, data={"name": name}))


def list_playlists(store: Store, show: str) -> list[dict[str, Any]]:
    """The playlists of a show with their content, by name."""
    with store.reading() as session:
        found = session.scalars(select(Playlist).where(Playlist.show == show).order_by(Playlist.name))
        return [{"name": playlist.name, "versions": [list(pair) for pair in _content(playlist)]} for playlist in found]


def _content(playlist: Playlist) -> list[tuple[str, str]]:
    return [(item.version.shot.name, item.version.name) for item in playlist.items]
