"""``faceset coverage``: what facesets lack for a shot."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vfx_deepfake.progress import Progress


def add_coverage(commands: Any, common: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the subcommand to ``faceset``'s; ``common`` adds the options that every command has."""
    parser = commands.add_parser("coverage", help="what facesets lack for a tracked shot, in words, frames and plots")
    parser.add_argument("faceset", nargs="+", help="folder(s) of one identity")
    parser.add_argument("--shot", required=True, help="shot.toml, or the folder that holds it; it must be tracked")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="win over the shot file")
    parser.add_argument("--to", default="", help="folder of the report (default: coverage/SHOT in the first faceset)")
    common(parser)


def coverage(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Hold facesets against a shot."""
    from vfx_deepfake.steps.coverage import coverage_stage
    from vfx_deepfake.steps.opened import open_shot

    folders = [Path(text) for text in args.faceset]
    return coverage_stage(open_shot(args.shot, args.set), folders, progress, Path(args.to) if args.to else None)
