"""``nuke-script``: a version as a comp script."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from vfx_deepfake.progress import Progress


def add_nuke(stages: Any, shot: Callable[..., None]) -> None:
    """Add the command; ``shot`` adds the options that every stage has."""
    script = stages.add_parser("nuke-script", help="a comp script for Nuke: plate, gizmo and Writes of a version")
    shot(script)
    script.add_argument("--version", dest="of_version", default="", help="e.g. v003 (default: the newest)")
    script.add_argument("--to", default="", metavar="DIR", help="folder of the script (default: the shot's work/nuke)")


def nuke_script(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Write the comp script of a version."""
    from vfx_deepfake.steps.nuke_script import nuke_script
    from vfx_deepfake.steps.opened import open_shot

    return nuke_script(open_shot(args.shot, args.set), args.of_version, args.to)
