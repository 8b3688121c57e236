"""``run``: every stage of a shot in order, each skipped where its output is up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import TrainError
from vfx_deepfake.files import one_writer
from vfx_deepfake.model.identity.launch import processes_started
from vfx_deepfake.progress import SILENT, Progress
from vfx_deepfake.qc.verdict import FAIL, LOOK
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.identity_facesets import facesets_are_fresh, facesets_stage
from vfx_deepfake.steps.mattes import mattes_are_fresh, mattes_stage
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.qc_stage import qc_stage
from vfx_deepfake.steps.render_stage import published_version, render_stage
from vfx_deepfake.steps.review import review_stage
from vfx_deepfake.steps.track import track_is_fresh, track_stage
from vfx_deepfake.steps.train import finished_run, train_stage
from vfx_deepfake.steps.version import version_stage


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: is its output up to date, what makes it, and what a farm needs to know.

    name: the subcommand that does it. after: stages whose output it reads. in_chunks: takes ``--frames``, so that several hosts can share
    it. on_gpu: is faster with a GPU.
    """

    name: str
    is_fresh: Callable[[OpenShot], bool]
    work: Callable[[OpenShot, Progress], dict[str, Any]]
    after: tuple[str, ...] = ()
    in_chunks: bool = False
    on_gpu: bool = False


def _is_published(opened: OpenShot) -> bool:
    return published_version(opened) is not None


def _qc(opened: OpenShot, progress: Progress) -> dict[str, Any]:
    """Measure, and say what stands out; a bad figure is no reason to stop here."""
    result = qc_stage(opened, progress, locked=True)
    result.pop("qc_page", "")  # moves when the version gets its name
    for line in result.pop("lines", ()):
        if line.startswith((FAIL, LOOK)):
            progress.say(f"warning: qc: {line}")
    return result


def stages(opened: OpenShot) -> list[Stage]:
    """The stages that this shot needs, in order. ``after`` may name stages that the shot does not need."""
    model = opened.settings.model
    needed = []
    if model.method != "passthrough":
        needed.append(Stage("track", track_is_fresh, lambda o, p: track_stage(o, p, locked=True)))
    if model.swaps:
        needed.append(
            Stage("facesets", facesets_are_fresh, lambda o, p: facesets_stage(o, p, locked=True), after=("track",))
        )
    if model.trains:
        needed.append(
            Stage("train", lambda o: finished_run(o) is not None, lambda o, p: train_stage(o, p, locked=True),
                  after=("track", "facesets"), on_gpu=True)
        )  # fmt: skip
    if model.method != "passthrough" and opened.settings.mattes.roto:
        needed.append(
            Stage(
                "mattes", mattes_are_fresh, lambda o, p: mattes_stage(o, p, locked=True), after=("track",), on_gpu=True
            )
        )
    measured = (
        [Stage("qc", _is_published, _qc, after=("render",), in_chunks=True)] if opened.settings.qc.enabled else []
    )
    return [
        *needed,
        Stage("render", _is_published, lambda o, p: render_stage(o, p, locked=True), after=("track", "train", "mattes"),
              in_chunks=True, on_gpu=True),
        Stage("review", _is_published, lambda o, p: review_stage(o, p, locked=True), after=("render",)),
        *measured,
        Stage("version", _is_published, lambda o, p: version_stage(o, p, locked=True), after=("render", "review", "qc")),
    ]  # fmt: skip


def plan_shot(file: str, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """What ``run`` would do now, without doing it. A stage after one that will run is listed as to be run too."""
    opened = open_shot(file, overrides)
    plan, stale = {}, False
    for stage in stages(opened):
        stale = stale or not stage.is_fresh(opened)
        plan[stage.name] = "to be made" if stale else "up to date"
    return plan


def run_shot(file: str | Path, overrides: Iterable[str] = (), progress: Progress = SILENT) -> dict[str, Any]:
    """Check, then every stage that is not up to date; returns what was made and how long each stage took, seconds.

    Raises: ShotError with every problem of the check; BusyError when another run holds the shot; TrainError under torchrun;
    what the stages raise.
    """
    if processes_started() > 1:
        raise TrainError(
            "torchrun started several processes and only 'train' works on several; run the stages before it one by one, "
            "then 'torchrun ... -m vfx_deepfake train', then 'vfx-deepfake run' for the rest"
        )
    report = check_shot(file, overrides)
    report.raise_problems()
    for warning in report.warnings:
        progress.say(f"warning: {warning}")
    opened = open_shot(file, overrides)
    result: dict[str, Any] = {}
    with one_writer(opened.shot.paths.work, f"vfx-deepfake run of {opened.shot.name}"):
        for stage in stages(opened):
            began = time.monotonic()
            if stage.is_fresh(opened):
                result[stage.name] = "up to date"
                continue
            result.update(stage.work(opened, progress))
            opened.hashes.save()
            result[f"{stage.name}_s"] = round(time.monotonic() - began, 1)
    published = published_version(opened)
    if published:
        result["version"] = str(published.folder)
    return result
