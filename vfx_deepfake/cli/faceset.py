"""``faceset``: new, build, cull, keep, drop, undo, sheets, list, info, coverage."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vfx_deepfake.cli.faceset_coverage import add_coverage, coverage
from vfx_deepfake.progress import Progress

ORDERS = (
    "number",
    "sharpness",
    "yaw",
    "pitch",
    "exposure",
    "size",
    "mouth",
    "source",
    "person",
    "reason",
    "similarity",
)


def add_faceset(stages: Any, common: Callable[[argparse.ArgumentParser], None]) -> None:
    """Put the commands on the command line; ``common`` adds the options that every command has."""
    faceset = stages.add_parser("faceset", help="aligned crops of one identity: build, judge, look at")
    actions = faceset.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = _action(actions, "new", "write a faceset.toml")
    new.add_argument("--identity", required=True, help="whose face it is, as releases name it")
    new.add_argument("--release", default="", help="id of the release (default: any that covers the identity)")
    new.add_argument("--releases", default="", help="their folder (default: releases, in the faceset)")
    new.add_argument(
        "--source", action="append", required=True, metavar="PATH", help="stills, a movie or frames (####)"
    )
    new.add_argument(
        "--colorspace", action="append", required=True, help="OCIO name of a source's encoding, or one for all"
    )
    new.add_argument(
        "--every", type=int, default=1, help="take one frame of so many of movies and sequences (default: 1)"
    )
    new.add_argument("--age", type=float, default=0.0, help="years, for age sliders")
    new.add_argument("--size", type=int, default=256, help="side of the crops in pixels (default: 256)")
    _action(actions, "build", "cut the crops and judge them, or go on where that stopped")
    _action(actions, "cull", "judge the crops anew by the thresholds of faceset.toml")
    for name, words in (("keep", "use crops whatever culling says"), ("drop", "do not use crops"),
                        ("undo", "leave crops to culling again")):  # fmt: skip
        action = _action(actions, name, words)
        action.add_argument("crops", help="their numbers, e.g. 12,40-47")
        if name == "drop":
            action.add_argument("--note", default="", help="why")
    sheets = _action(actions, "sheets", "contact sheets as PNG")
    sheets.add_argument("--order", action="append", choices=ORDERS, help="as often as wanted (default: number)")
    sheets.add_argument("--only", choices=("all", "used", "culled"), default="all", help="which crops (default: all)")
    _action(actions, "list", "every faceset below a folder")
    _action(actions, "info", "what a faceset holds")
    for action in set(actions.choices.values()):
        common(action)
    add_coverage(actions, common)


def _action(actions: Any, name: str, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=words)
    parser.add_argument("folder", help="the faceset's folder")
    return parser


def faceset(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """One action on a faceset."""
    if args.action == "coverage":
        return coverage(args, progress)
    from vfx_deepfake.steps import faceset_stage as stage

    folder = Path(args.folder)
    if args.action == "new":
        return _new(folder, args)
    if args.action in ("keep", "drop", "undo"):
        keep = {"keep": True, "drop": False, "undo": None}[args.action]
        return stage.keep_or_drop(folder, args.crops, keep=keep, note=getattr(args, "note", ""))
    if args.action == "build":
        return stage.faceset_stage(folder, progress)
    if args.action == "cull":
        return stage.cull(folder, progress)
    if args.action == "sheets":
        return stage.sheets(folder, args.order or ["number"], args.only, progress)
    return stage.listed(folder) if args.action == "list" else stage.info(folder)


def _new(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    from vfx_deepfake.errors import FacesetError
    from vfx_deepfake.faceset.spec import FacesetSpec, SourceSpec, from_folder
    from vfx_deepfake.steps.faceset_stage import new_faceset

    spaces = args.colorspace * len(args.source) if len(args.colorspace) == 1 else args.colorspace
    if len(spaces) != len(args.source):
        raise FacesetError(
            f"{len(args.source)} --source and {len(spaces)} --colorspace: give one for each, or one for all"
        )
    try:
        sources = [SourceSpec(path=from_folder(folder, path), colorspace=space, every=args.every)
                   for path, space in zip(args.source, spaces, strict=True)]  # fmt: skip
        releases = from_folder(folder, args.releases) if args.releases else "releases"
        spec = FacesetSpec(
            identity=args.identity, release=args.release, releases=releases, age=args.age, size_px=args.size
        )
    except ValueError as error:
        raise FacesetError(str(error)) from error
    return new_faceset(folder, spec, sources)
