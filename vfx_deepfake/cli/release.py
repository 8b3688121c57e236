"""``release``: agreements on record: add, show, check, revoke, report, purge."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.progress import Progress

USES = ("train", "render", "deliver", "export", "library")


def add_release_commands(stages: Any, common: Callable[..., None]) -> None:
    """Add ``release`` and its actions; ``common`` adds the options that every command has."""
    parser = stages.add_parser("release", help="releases of likeness: add, show, check, revoke, report, purge")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="put a signed release on record")
    add.add_argument("folder", help="the releases folder")
    field = "a field of the release, e.g. identity=performer_a"
    add.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", required=True, help=field)
    show = actions.add_parser("show", help="what is on record, and how it stands today")
    show.add_argument("folder", help="the releases folder")
    check = actions.add_parser("check", help="does a release cover this shot today?")
    check.add_argument("shot", help="shot.toml, or the folder that holds it")
    check.add_argument("--use", choices=USES, default="", help="one operation (default: train, render and deliver)")
    revoke = actions.add_parser("revoke", help="withdraw a release")
    revoke.add_argument("--on", default="", metavar="DATE", help="from this day on, YYYY-MM-DD (default: today)")
    revoke.add_argument("--by", required=True, help="who withdraws it, e.g. the performer, the guardian")
    revoke.add_argument("--why", default="", help="the reason, where one is given")
    report = actions.add_parser(
        "report", help="everything that a release touches: facesets, runs, models, versions, deliveries"
    )
    purge = actions.add_parser("purge", help="remove what must go once a release has ended, with a signed record of it")
    for action in (revoke, report, purge):
        action.add_argument("folder", help="the releases folder")
        action.add_argument("release", help="the release's id, as 'release show' lists it")
    for action in (report, purge):
        action.add_argument(
            "--show",
            default="",
            metavar="DIR",
            help="where shots and facesets lie (default: beside the releases)",
        )
        action.add_argument(
            "--library",
            action="append",
            default=[],
            metavar="DIR",
            help="a model library besides those that shots name",
        )
    purge.add_argument("--versions", action="store_true", help="versions and their deliveries on this disk too")
    purge.add_argument("--yes", action="store_true", help="do it; without this, only say what would go")
    purge.add_argument("--key", default="", metavar="FILE", help="signing key (default: VFX_DEEPFAKE_SIGNING_KEY)")
    for action in (add, show, check, revoke, report, purge):
        common(action)


def release(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """One of the actions."""
    from vfx_deepfake.steps import consent

    if args.action == "check":
        return consent.check(args.shot, args.use)
    folder = Path(args.folder)
    if args.action == "add":
        return consent.add(folder, args.set)
    if args.action == "show":
        return consent.show(folder)
    if args.action == "revoke":
        return consent.revoke(folder, args.release, args.on, args.by, args.why)
    where = Path(args.show) if args.show else folder.absolute().parent
    libraries = [Path(each) for each in args.library]
    if args.action == "report":
        from vfx_deepfake.steps.release_report import report

        return report(folder, args.release, where, libraries)
    from vfx_deepfake.provenance.keys import KEY_VARIABLE
    from vfx_deepfake.provenance.signing import open_signer
    from vfx_deepfake.steps.purge import purge

    key = args.key or os.environ.get(KEY_VARIABLE, "")
    if args.yes and not key:
        raise ArtistError(f"what is removed is put on a signed record: give --key FILE, or set {KEY_VARIABLE}")
    signer = open_signer(Path(key)) if args.yes else None
    return purge(folder, args.release, where, libraries, signer=signer, with_versions=args.versions, progress=progress)
