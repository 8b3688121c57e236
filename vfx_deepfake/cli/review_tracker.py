"""``review publish`` and ``review pull``: versions, notes and decisions to the studio's tracker, and back."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.progress import Progress
from vfx_deepfake.shot import Shot, load_shot

if TYPE_CHECKING:
    from vfx_deepfake.review.find import VersionName
    from vfx_deepfake.review.store import Store

Result = dict[str, Any]
PUBLISH, PULL = "publish", "pull"


def add_tracker(parsers: Any) -> None:
    """Add the actions of this file to ``review``."""
    publish = parsers.add_parser(PUBLISH, help="versions with notes and decisions to the studio's tracker")
    publish.add_argument("shot", nargs="?", default="", help="shot.toml, or the folder that holds it")
    publish.add_argument("versions", nargs="*", metavar="VERSION", help="e.g. v003")
    publish.add_argument(
        "--all-pending",
        action="store_true",
        help="of every shot: pending versions, and what was said since on those that are there",
    )
    publish.add_argument("--folder", default=".", help="with --all-pending: the show's folder (default: here)")
    pull = parsers.add_parser(PULL, help="notes and decisions from the studio's tracker")
    pull.add_argument("folder", nargs="?", default=".", help="the show's folder, or a shot's (default: here)")
    for parser in (publish, pull):
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def _publish(args: argparse.Namespace, progress: Progress) -> Result:
    from vfx_deepfake.exchange.desk import open_desk
    from vfx_deepfake.exchange.publish import publish
    from vfx_deepfake.review.people import this_account
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.store import open_store

    if args.all_pending == bool(args.shot or args.versions):
        raise ReviewError("publish: name a shot and its versions, or give --all-pending")
    if args.shot and not args.versions:
        raise ReviewError(
            f"publish {args.shot}: which versions? Name them, e.g. v003; 'vfx-deepfake review list' shows them"
        )
    shot = load_shot(args.shot) if args.shot else None
    rows: list[Result] = []
    with open_store(find_place(shot.paths.folder if shot else Path(args.folder))) as store:
        for show, names in _chosen(args, store, shot).items():
            if names:
                with open_desk(store, this_account(), show, PUBLISH) as desk:
                    rows += publish(desk, names, dry_run=args.dry_run, progress=progress)
    return {"dry_run": args.dry_run, "versions": rows, "lines": list(_publish_lines(rows)) or ["nothing new"]}


def _chosen(args: argparse.Namespace, store: Store, shot: Shot | None) -> dict[str, list[VersionName]]:
    """The versions that the command means, by show."""
    from vfx_deepfake.exchange.desk import place_of, require_tracker
    from vfx_deepfake.review.choosing import shows_of
    from vfx_deepfake.review.find import VersionName
    from vfx_deepfake.review.links import to_send
    from vfx_deepfake.review.place import find_settings

    if shot:
        show = shot.settings.shot.show
        return {show: [VersionName(show, shot.name, text) for text in args.versions]}
    spec = find_settings(store.place.root).tracker
    require_tracker(spec, store.place.root)
    return {show: to_send(store, place_of(spec, show), show) for show in shows_of(store)}


def _publish_lines(rows: Iterable[Result]) -> Iterator[str]:
    for row in rows:
        for line in row["did"] or ([] if row["conflicts"] else ["nothing new"]):
            yield f"{row['shot']} {row['version']}  {line}"
        yield from (f"conflict: {line}" for line in row["conflicts"])


def _pull(args: argparse.Namespace, progress: Progress) -> Result:
    from vfx_deepfake.exchange.desk import open_desk, place_of, require_tracker
    from vfx_deepfake.exchange.pull import pull
    from vfx_deepfake.review.choosing import shows_of
    from vfx_deepfake.review.links import VERSION, links
    from vfx_deepfake.review.people import this_account
    from vfx_deepfake.review.place import find_place, find_settings
    from vfx_deepfake.review.store import open_store

    place = find_place(Path(args.folder))
    spec = find_settings(place.root).tracker
    require_tracker(spec, place.root)
    rows: list[Result] = []
    with open_store(place) as store:
        projects = {place_of(spec, show): show for show in shows_of(store)}  # several shows may be one project there
        for where, show in projects.items():
            if links(store, where, kind=VERSION):
                with open_desk(store, this_account(), show, PULL) as desk:
                    rows += pull(desk, dry_run=args.dry_run, progress=progress)
    lines = [f"{'conflict: ' if row['conflict'] else ''}{row['shot']} {row['version']}  {row['line']}" for row in rows]
    return {"dry_run": args.dry_run, "came": rows, "lines": lines or ["nothing new"]}


TRACKER: dict[str, Callable[[argparse.Namespace, Progress], Result]] = {PUBLISH: _publish, PULL: _pull}
