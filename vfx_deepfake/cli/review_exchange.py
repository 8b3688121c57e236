"""``review diff``, ``review playlist`` and ``review export``: versions compared, in order, and out of the house."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.files import written_aside
from vfx_deepfake.shot import load_shot

if TYPE_CHECKING:
    from vfx_deepfake.review.store import Store

Result = dict[str, Any]
KINDS = ("otio", "submission", "notes-csv", "notes-pdf")
HELP = {
    "otio": "an OpenTimelineIO timeline",
    "submission": "the list that goes along with versions, as CSV",
    "notes-csv": "notes and decisions as CSV",
    "notes-pdf": "notes and decisions on paper",
}


def add_exchange(parsers: Any) -> None:
    """Add the actions of this file to ``review``."""
    diff = parsers.add_parser("diff", help="two versions side by side: settings, key frames, data, code, QC")
    diff.add_argument("shot", help="shot.toml, or the folder that holds it")
    diff.add_argument("of_version", metavar="VERSION", help="e.g. v003")
    diff.add_argument("before", metavar="BEFORE", help="the version to compare it with, e.g. v002")
    playlist = parsers.add_parser("playlist", help="versions in the order of dailies: list, set, remove")
    playlist.add_argument("what", choices=("list", "set", "remove"))
    playlist.add_argument("name", nargs="?", default="", help="the playlist's name")
    playlist.add_argument("versions", nargs="*", metavar="SHOT/VERSION", help="its versions in order, e.g. sh0010/v003")
    playlist.add_argument("--from-otio", default="", metavar="FILE", help="take the versions from a timeline instead")
    _where(playlist)
    export = parsers.add_parser("export", help="a playlist, a shot or the show as timeline, list or notes")
    export.add_argument("folder", nargs="?", default=".", help="the show's folder, or a shot's (default: here)")
    export.add_argument("--playlist", default="", metavar="NAME", help="the versions of a playlist, in its order")
    export.add_argument("--shot", default="", help="the versions of a shot")
    export.add_argument("--version", default="", metavar="VERSION", help="of the shot only this one")
    export.add_argument("--newest", action="store_true", help="of each shot only the newest version")
    export.add_argument("--show", default=None, help="the show, where the database has several")
    for kind in KINDS:
        export.add_argument(f"--{kind}", default="", metavar="FILE", help=HELP[kind])


def _where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", default=".", help="the show's folder, or a shot's (default: here)")
    parser.add_argument("--show", default=None, help="the show, where the database has several")


def _diff(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.compared import compared, compared_lines
    from vfx_deepfake.review.find import VersionName
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.store import open_store

    shot = load_shot(args.shot)
    after, before = (VersionName(shot.settings.shot.show, shot.name, text) for text in (args.of_version, args.before))
    with open_store(find_place(shot.paths.folder)) as store:
        found = compared(store, after, before)
    return found if args.json else {"lines": compared_lines(found)}


def _playlist(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.dailies import all_playlists
    from vfx_deepfake.review.people import this_account
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.playlists import remove_playlist, set_playlist
    from vfx_deepfake.review.store import open_store

    with open_store(find_place(Path(args.folder))) as store:
        if args.what == "list":
            found = all_playlists(store, args.show)
            lines = [f"{row['name']:24}  {row['num_versions']} versions, {row['pending']} pending" for row in found]
            return {"playlists": found} if args.json else {"lines": lines or ["there is no playlist yet"]}
        if not args.name:
            raise ReviewError(f"playlist {args.what}: which one is missing; name it, e.g. monday")
        show = _show(store, args.show)
        if args.what == "remove":
            remove_playlist(store, this_account(), show, args.name)
            return {"playlist": args.name, "removed": True}
        versions = _from_otio(store, show, args.from_otio) if args.from_otio else _pairs(args.versions)
        made = set_playlist(store, this_account(), show, args.name, versions)
    return (
        made
        if args.json
        else {"lines": [f"{number}  {shot} {version}" for number, (shot, version) in enumerate(versions, 1)]}
    )


def _show(store: Store, named: str | None) -> str:
    """The show that is meant: the one that is named, or the only one."""
    from vfx_deepfake.review.choosing import shows_of

    there = shows_of(store)
    if named is None and len(there) != 1:
        known = ", ".join(repr(show) for show in there) or "none"
        raise ReviewError(f"--show: is needed, because the database has several shows or none ({known})")
    return there[0] if named is None else named


def _pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [(shot, version) for shot, _, version in (text.rpartition("/") for text in texts)]
    wrong = [text for text, (shot, version) in zip(texts, pairs, strict=True) if not (shot and version)]
    if wrong or not pairs:
        raise ReviewError(
            f"{ascii(wrong[0])[:60] if wrong else 'the versions'}: want shot and version, e.g. sh0010/v003, or --from-otio"
        )
    return pairs


def _from_otio(store: Store, show: str, file: str) -> list[tuple[str, str]]:
    from vfx_deepfake.exchange.timeline_read import read_timeline, registered_versions

    names = registered_versions(store, show, read_timeline(Path(file)), file)
    return [(name.shot, name.version) for name in names]


def _export(args: argparse.Namespace) -> Result:
    from vfx_deepfake.exchange.export import Selection, export
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.store import open_store

    wanted = {kind: file for kind in KINDS if (file := getattr(args, kind.replace("-", "_")))}
    if not wanted:
        raise ReviewError(f"nothing to export is named; give one of {', '.join(f'--{kind} FILE' for kind in KINDS)}")
    selection = Selection(args.show, args.playlist, args.shot, args.version, args.newest)
    made = {}
    with open_store(find_place(Path(args.folder))) as store:
        for kind, file in wanted.items():
            content, num_versions = export(store, kind, selection)
            with written_aside(Path(file)) as aside:
                aside.write_bytes(content)
            made[kind] = {"file": file, "num_versions": num_versions}
    return (
        {"files": made}
        if args.json
        else {"lines": [f"{each['file']}  ({each['num_versions']} versions)" for each in made.values()]}
    )


EXCHANGE: dict[str, Callable[[argparse.Namespace], Result]] = {"diff": _diff, "playlist": _playlist, "export": _export}
