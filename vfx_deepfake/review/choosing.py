"""Which versions a command means: those of a playlist, of a shot, or of a whole show."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from vfx_deepfake.errors import NotThereError, ReviewError
from vfx_deepfake.review.dailies import all_playlists, versions_of_playlist
from vfx_deepfake.review.find import VersionName, find_version
from vfx_deepfake.review.models import Note, Shot, Version
from vfx_deepfake.review.store import Store


def choose(store: Store, *, show: str | None = None, playlist: str = "", shot: str = "", version: str = "",
           newest: bool = False) -> list[VersionName]:  # fmt: skip
    """Versions in the order of their playlist; else by show, shot and rising number.

    show: needed only where several shows have such a playlist or shot; version: one of ``shot``; newest: of each shot only that.
    Raises: ReviewError for what can't go together; NotThereError naming what there is instead.
    """
    if playlist and shot:
        raise ReviewError("a playlist and a shot are both named; name one of them")
    if version and not shot:
        raise ReviewError(f"{ascii(version)[:40]}: its shot is not named; name it too")
    if playlist:
        return _of_playlist(store, show, playlist)
    if version:
        return [_the_version(store, show, shot, version)]
    found = _of_shots(store, show, shot)
    newest_ones = {(name.show, name.shot): name for name in found}
    return list(newest_ones.values()) if newest else found


def with_notes(store: Store, names: list[VersionName]) -> list[VersionName]:
    """Those of the versions that have a note, in the same order."""
    of = select(Shot.show, Shot.name, Version.number).join(Shot, Version.shot_id == Shot.id)
    with store.reading() as session:
        noted = {tuple(row) for row in session.execute(of.where(Version.id.in_(select(Note.version_id))))}
    return [name for name in names if (name.show, name.shot, name.number) in noted]


def shows_of(store: Store) -> list[str]:
    """The shows that have a shot on record, by name."""
    with store.reading() as session:
        return list(session.scalars(select(Shot.show).distinct().order_by(Shot.show)))


def _of_playlist(store: Store, show: str | None, title: str) -> list[VersionName]:
    there = all_playlists(store, show)
    shows = {each["show"] for each in there if each["name"] == title}
    what = f"playlist {ascii(title)[:80]}"
    _require_one_show(shows, what)
    if not shows:
        known = ", ".join(each["name"] for each in there[:20])
        raise NotThereError(f"{what}: is not there; {f'there are: {known}' if known else 'there is none yet'}")
    rows = versions_of_playlist(store, shows.pop(), title)
    return [VersionName(row["show"], row["shot"], row["version"]) for row in rows]


def _of_shots(store: Store, show: str | None, shot: str) -> list[VersionName]:
    of = select(Shot.show, Shot.name, Version.number).join(Shot, Version.shot_id == Shot.id)
    of = _in_show(of, Shot.show, show).order_by(Shot.show, Shot.name, Version.number)
    if shot:
        of = of.where(Shot.name == shot)
    with store.reading() as session:
        found = [VersionName(at, called, f"v{number:03d}") for at, called, number in session.execute(of)]
    _require_one_show({name.show for name in found}, f"shot {ascii(shot)[:80]}" if shot else "the database")
    if not found:
        where = f"shot {ascii(shot)[:80]}" if shot else "the show"
        raise NotThereError(f"{where}: no version is registered; 'vfx-deepfake review list' shows those that are")
    return found


def _the_version(store: Store, show: str | None, shot: str, version: str) -> VersionName:
    shows = {name.show for name in _of_shots(store, show, shot)}
    name = VersionName(shows.pop(), shot, version)
    with store.reading() as session:
        return VersionName(name.show, shot, find_version(session, name).name)


def _in_show(of: Any, column: Any, show: str | None) -> Any:
    return of if show is None else of.where(column == show)


def _require_one_show(shows: set[str], what: str) -> None:
    if len(shows) > 1:
        raise ReviewError(f"{what}: is in several shows ({', '.join(sorted(shows))}); say which with --show")
