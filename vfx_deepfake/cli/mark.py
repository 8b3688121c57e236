"""``detect-mark`` and ``keys new-mark``: the invisible mark of review movies."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vfx_deepfake.progress import Progress


def add_mark(stages: Any, common: Callable[..., None]) -> None:
    """Add ``detect-mark``."""
    parser = stages.add_parser("detect-mark", help="which version's review movie is this a copy of?")
    parser.add_argument("source", help="a movie, a picture, or pictures such as /in/grab.####.png")
    parser.add_argument("--key", default="", metavar="FILE", help="the mark's key (default: VFX_DEEPFAKE_MARK_KEY)")
    parser.add_argument("--frames", default="", help="some of them, e.g. 1-48 (default: up to 240, evenly spread)")
    parser.add_argument(
        "--among", default=[], action="append", metavar="DIR", help="a shot's or show's folder whose versions to name"
    )
    common(parser)


def add_new_mark(actions: Any, common: Callable[..., None]) -> None:
    """Add ``new-mark`` to the ``keys`` actions."""
    parser = actions.add_parser("new-mark", help="make a key for the invisible mark of review movies")
    parser.add_argument("file", help="where; only its owner will be able to read it")
    common(parser)


def detect_mark(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Read a mark."""
    from vfx_deepfake.steps.review_mark import detect_mark as read

    return read(args.source, progress, key_file=args.key, frames=args.frames, among=args.among)


def new_mark(args: argparse.Namespace) -> dict[str, Any]:
    """Make a key file."""
    from vfx_deepfake.provenance.mark_key import new_mark_key

    new_mark_key(Path(args.file))
    return {"file": args.file}
