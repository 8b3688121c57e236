"""One function per subcommand: from parsed arguments to the stage and back to plain data."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vfx_deepfake.cli import delivery, models, nuke
from vfx_deepfake.cli.faceset import faceset
from vfx_deepfake.cli.mark import detect_mark
from vfx_deepfake.cli.release import release
from vfx_deepfake.cli.review import review
from vfx_deepfake.progress import Progress

Command = Callable[[argparse.Namespace, Progress], Any]


def init(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Make a shot folder from a template."""
    from vfx_deepfake.steps.init import InitRequest, init_shot

    request = InitRequest(folder=Path(args.folder), template=args.template, plate=args.plate, colorspace=args.colorspace,
                          frames=args.frames, name=args.name, overrides=tuple(args.set))  # fmt: skip
    file = init_shot(request)
    return {"shot": str(file), "lines": [f"next: vfx-deepfake check {file}"]}


def check(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Every problem at once, and what the shot will cost."""
    from vfx_deepfake.steps.check import check_shot

    return check_shot(args.shot, args.set).as_result()


def track(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Find and follow the face."""
    from vfx_deepfake.steps.opened import open_shot
    from vfx_deepfake.steps.track import track_stage

    return track_stage(open_shot(args.shot, args.set), progress)


def suggest(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Which frames to paint."""
    from vfx_deepfake.steps.opened import open_shot
    from vfx_deepfake.steps.suggest import suggest_stage

    return suggest_stage(open_shot(args.shot, args.set), args.count, progress)


def facesets(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Facesets up to date, and what they lack."""
    from vfx_deepfake.steps.identity_facesets import facesets_stage
    from vfx_deepfake.steps.opened import open_shot

    return facesets_stage(open_shot(args.shot, args.set), progress)


def train(args: argparse.Namespace, progress: Progress) -> dict[str, Any] | int:
    """Train, or go on training; the exit code in a process of torchrun that only helps."""
    from vfx_deepfake.steps.train_together import train_together

    return train_together(args.shot, args.set, progress)


def sweep(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """One dial of an identity at several values."""
    from vfx_deepfake.steps.sweep import sweep as make_sweep

    named = next((f"{name}={text}" for name, text in (("mix", args.mix), ("age", args.age)) if text), args.dial or "")
    dial, _, values = named.partition("=")
    chosen = [value.strip() for value in values.split(",") if value.strip()]
    return make_sweep(args.shot, args.set, dial.strip(), chosen, progress, frames=args.frames, to=args.to)


def mattes(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Mattes of an occluder from a few painted ones."""
    from vfx_deepfake.steps.mattes import mattes_stage
    from vfx_deepfake.steps.opened import open_shot

    return mattes_stage(open_shot(args.shot, args.set), progress)


def render(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Render frames of the next version."""
    from vfx_deepfake.steps.opened import open_shot
    from vfx_deepfake.steps.render_stage import render_stage

    return render_stage(open_shot(args.shot, args.set), progress, frames=args.frames)


def qc(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Measure a version."""
    from vfx_deepfake.steps.opened import open_shot
    from vfx_deepfake.steps.qc_stage import qc_stage

    return qc_stage(open_shot(args.shot, args.set), progress, frames=args.frames, version=args.of_version)


def detect(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Forensic evidence for any sequence."""
    from vfx_deepfake.steps import detect as steps_detect

    return steps_detect.detect(args.pattern, progress, plate=args.plate, colorspace=args.colorspace, frames=args.frames,
                               report=args.report)  # fmt: skip


def version(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Publish the rendered frames."""
    from vfx_deepfake.steps.opened import open_shot
    from vfx_deepfake.steps.version import version_stage

    return version_stage(open_shot(args.shot, args.set), progress)


def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Every stage, skipping what is up to date."""
    from vfx_deepfake.steps.pipeline import plan_shot, run_shot

    if args.dry_run:
        return plan_shot(args.shot, args.set)
    return run_shot(args.shot, args.set, progress)


def submit(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Send the shot's stages to a farm."""
    from vfx_deepfake.farm.job import submit_shot

    submitted = submit_shot(args.shot, args.set, farm=args.farm, frames=args.frames, hold=args.hold, dry_run=args.dry_run,
                            progress=progress)  # fmt: skip
    return submitted.as_result()


def batch(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Send a list of shots to a farm."""
    from vfx_deepfake.cli.main import report_bug
    from vfx_deepfake.errors import EXIT_BUG
    from vfx_deepfake.farm.batch import submit_batch, summary
    from vfx_deepfake.farm.shotlist import read_shotlist

    sent = submit_batch(read_shotlist(args.list), farm=args.farm, hold=args.hold, dry_run=args.dry_run,
                        rerun_failed=args.rerun_failed, progress=progress)  # fmt: skip
    for one in sent:
        if one.error and one.exit_code == EXIT_BUG:
            report_bug(f"batch: {one.listed.label}", one.error)
    return summary(sent)


def status(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """How shots stand."""
    from vfx_deepfake.farm.shotlist import shots_of
    from vfx_deepfake.farm.status import shot_status, summary

    shots = [each for path in args.shots for each in shots_of(path)]
    return summary([shot_status(each.file, each.overrides) for each in shots])


def info(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """What shots have."""
    from vfx_deepfake.cli.info import info

    return info(args)


def work(args: argparse.Namespace, progress: Progress) -> int:
    """One task of a farm job; the exit code is the stage's."""
    from vfx_deepfake.farm.worker import Limits, work

    return work(args.task, Limits(args.timeout, args.retries), path_mapping=args.path_mapping).code


def demo(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """A whole shot with the procedural performer."""
    from vfx_deepfake.demo.run import run_demo

    return run_demo(Path(args.folder), args.size, args.num_frames, progress)


COMMANDS: dict[str, Command] = {
    "deliver": delivery.deliver,
    "verify": delivery.verify,
    "reproduce": delivery.reproduce,
    "keys": delivery.keys,
    "export": models.export,
    "library": models.library,
    "nuke-script": nuke.nuke_script,
    "init": init,
    "check": check,
    "track": track,
    "suggest-keyframes": suggest,
    "facesets": facesets,
    "faceset": faceset,
    "train": train,
    "sweep": sweep,
    "mattes": mattes,
    "render": render,
    "review": review,
    "qc": qc,
    "version": version,
    "run": run,
    "submit": submit,
    "batch": batch,
    "status": status,
    "info": info,
    "work": work,
    "release": release,
    "detect": detect,
    "detect-mark": detect_mark,
    "demo": demo,
}
