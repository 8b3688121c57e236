"""What dailies look at, in order: playlists, and the versions that wait for a decision."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, select

from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.listing import MOST_ROWS, newest_number, rows
from vfx_deepfake.review.models import PENDING, Playlist, PlaylistItem, Shot, Version
from vfx_deepfake.review.playlists import missing
from vfx_deepfake.review.store import Store

Row = dict[str, Any]


def all_playlists(store: Store, show: str | None = None) -> list[Row]:
    """Every playlist by show and name, with how many versions it has and how many of them are pending."""
    pending = func.coalesce(func.sum(case((Version.state == PENDING, 1), else_=0)), 0)
    of = (
        select(Playlist.show, Playlist.name, func.count(PlaylistItem.position), pending)
        .outerjoin(PlaylistItem, PlaylistItem.playlist_id == Playlist.id)
        .outerjoin(Version, Version.id == PlaylistItem.version_id)
        .group_by(Playlist.show, Playlist.name)
        .order_by(Playlist.show, Playlist.name)
    )
    if show is not None:
        of = of.where(Playlist.show == show)
    with store.reading() as session:
        return [
            {"show": of_show, "name": name, "num_versions": number, "pending": int(waiting)}
            for of_show, name, number, waiting in session.execute(of)
        ]


def versions_of_playlist(store: Store, show: str, name: str) -> list[Row]:
    """The versions of a playlist in its order, as :func:`.listing.rows` has them.

    Raises: NotThereError where there is no such playlist.
    """
    with store.reading() as session:
        playlist = session.scalar(select(Playlist).where(Playlist.show == show, Playlist.name == name))
        if playlist is None:
            raise missing(show, name)
        return rows(session, [item.version_id for item in playlist.items])


def dailies(store: Store, show: str | None = None, playlist: str = "", current: VersionName | None = None) -> list[Row]:
    """The versions that wait for a decision, in the order in which dailies look at them.

    Of a playlist: those in it that are pending, in its order. Else the newest pending version of each shot, by show and shot, of one
    show or of all. ``current`` stays in the list when it has just been decided, so that the next one is still the next.
    Raises: NotThereError where there is no such playlist.
    """
    if playlist:
        listed = versions_of_playlist(store, show or "", playlist)
        return [row for row in listed if row["state"] == PENDING or _is(row, current)]
    of = select(Version.id).join(Shot).order_by(Shot.show, Shot.name, Version.number)
    waits = (Version.state == PENDING) & (Version.number == newest_number(PENDING))
    if current:
        waits |= (Shot.show == current.show) & (Shot.name == current.shot) & (Version.number == current.number)
    of = of.where(waits)
    if show is not None:
        of = of.where(Shot.show == show)
    with store.reading() as session:
        return rows(session, session.scalars(of.limit(MOST_ROWS)).all())


def _is(row: Row, name: VersionName | None) -> bool:
    return name is not None and (row["show"], row["shot"], row["version"]) == (name.show, name.shot, name.version)
