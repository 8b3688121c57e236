"""``library`` and ``export``: trained models kept for other trainings, and handed on to Nuke."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vfx_deepfake.progress import Progress


def add_models(stages: Any, shot: Callable[..., None], common: Callable[..., None]) -> None:
    """Put the commands on the command line; ``shot`` and ``common`` add the arguments that others have too."""
    export = stages.add_parser("export", help="the trained model as TorchScript for Nuke's Inference node")
    shot(export)
    export.add_argument(
        "--to", required=True, metavar="MODEL.pt", help="where; a script for CatFileCreator lands beside it"
    )
    export.add_argument(
        "--steps", type=int, default=0, help="training of the exported network (default: its own measure)"
    )
    library = stages.add_parser("library", help="trained models for other trainings to start from: add, list, show")
    actions = library.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="put a run or a checkpoint on record")
    add.add_argument("library", help="the library's folder")
    add.add_argument("source", help="a training run's folder, or a .safetensors checkpoint")
    add.add_argument("--shot", default="", help="the shot whose releases count (default: the one it lies in)")
    add.add_argument("--name", default="", help="what to call it (default: by method and identity)")
    listed = actions.add_parser("list", help="what is on record")
    listed.add_argument("library", help="the library's folder")
    show = actions.add_parser("show", help="everything about one model")
    show.add_argument("library", help="the library's folder")
    show.add_argument("name", help="its name, as list gives it")
    for action in (add, listed, show):
        common(action)


def library(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Trained models on record."""
    from vfx_deepfake.steps import library as steps_library

    folder = Path(args.library)
    if args.action == "add":
        return steps_library.add(folder, Path(args.source), args.shot, args.name)
    if args.action == "list":
        return steps_library.listed(folder)
    return steps_library.shown(folder, args.name)


def export(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """The trained model for Nuke."""
    from vfx_deepfake.steps.export import export_stage
    from vfx_deepfake.steps.opened import open_shot

    return export_stage(open_shot(args.shot, args.set), Path(args.to), progress, steps=args.steps)
