"""``library`` and ``export``: trained models kept for other trainings, and handed on to Nuke."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vfx_deepfake.progress import Progress
from vfx_deepfake.settings.model import IDENTITY_METHODS


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
    library = stages.add_parser(
        "library", help="trained models for other trainings to start from: add, list, show, pretrain"
    )
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
    pretrain = actions.add_parser(
        "pretrain", help="train a base on people drawn by this package, for others to start from"
    )
    pretrain.add_argument("out", help="folder for what is drawn, the run and the base; run it again after a kill")
    pretrain.add_argument("--method", choices=IDENTITY_METHODS, default="renderer", help="(default: renderer)")
    pretrain.add_argument("--people", type=int, default=24, help="how many (default: 24)")
    pretrain.add_argument("--crops", type=int, default=24, help="of each person (default: 24)")
    pretrain.add_argument(
        "--takes", type=int, default=3, help="of other people that each is drawn into, renderer only (default: 3)"
    )
    pretrain.add_argument("--size", type=int, default=256, help="side of the crops, px (default: 256)")
    pretrain.add_argument("--steps", type=int, default=6000, help="of training (default: 6000)")
    pretrain.add_argument("--batch", type=int, default=4, help="crops a step (default: 4)")
    pretrain.add_argument("--rate", type=float, default=1e-3, help="peak learning rate (default: 0.001)")
    pretrain.add_argument(
        "--capacity", choices=("small", "medium", "large"), default="medium", help="(default: medium)"
    )
    pretrain.add_argument("--device", default="auto", help="as [train].device (default: auto)")
    for action in (add, listed, show, pretrain):
        common(action)


def library(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Trained models on record."""
    from vfx_deepfake.steps import library as steps_library

    if args.action == "pretrain":
        return _pretrain(args, progress)
    folder = Path(args.library)
    if args.action == "add":
        return steps_library.add(folder, Path(args.source), args.shot, args.name)
    if args.action == "list":
        return steps_library.listed(folder)
    return steps_library.shown(folder, args.name)


def _pretrain(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    from vfx_deepfake.demo.pretrain import draw_people, draw_takes, pretrain
    from vfx_deepfake.model.identity.method import Options
    from vfx_deepfake.settings import TrainSpec

    out = Path(args.out)
    spec = TrainSpec(steps=args.steps, batch_size=args.batch, crop_px=args.size, learning_rate=args.rate,
                     save_every=max(args.steps // 20, 1), device=args.device)  # fmt: skip
    options = Options(size=args.size, batch_size=args.batch, device=args.device, capacity=args.capacity)
    facesets = draw_people(out / "facesets", args.people, args.crops, args.size, progress)
    many = args.takes if args.method == "renderer" else 0
    takes = draw_takes(out / "takes", args.people, many, args.size, progress) if many else []
    return {"base": str(pretrain(out, args.method, facesets, spec, options, progress, takes))}


def export(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """The trained model for Nuke."""
    from vfx_deepfake.steps.export import export_stage
    from vfx_deepfake.steps.opened import open_shot

    return export_stage(open_shot(args.shot, args.set), Path(args.to), progress, steps=args.steps)
