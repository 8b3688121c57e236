"""``run``: every stage of a shot in order, each skipped where its output is up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from vfx_deepfake.files import one_writer
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.render_stage import published_version, render_stage
from vfx_deepfake.steps.track import track_is_fresh, track_stage
from vfx_deepfake.steps.train import finished_run, train_stage
from vfx_deepfake.steps.version import version_stage


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: is its output up to date, and what makes it."""

    name: str
    is_fresh: Callable[[OpenShot], bool]
    work: Callable[[OpenShot, Progress], dict[str, Any]]


def _render_and_publish(opened: OpenShot, progress: Progress) -> dict[str, Any]:
    rendered = render_stage(opened, progress, locked=True)
    return {**rendered, **version_stage(opened, progress, locked=True)}


def _stages(opened: OpenShot) -> list[Stage]:
    """The stages that this shot needs."""
    model = opened.settings.model
    stages = []
    if model.method != "passthrough":
        stages.append(Stage("track", track_is_fresh, lambda o, p: track_stage(o, p, locked=True)))
    if model.method == "keyframe":
        stages.append(
            Stage("train", lambda o: finished_run(o) is not None, lambda o, p: train_stage(o, p, locked=True))
        )
    stages.append(Stage("version", lambda o: published_version(o) is not None, _render_and_publish))
    return stages


def plan_shot(file: str, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """What ``run`` would do now, without doing it. A stage after one that will run is listed as to be run too."""
    opened = open_shot(file, overrides)
    plan, stale = {}, False
    for stage in _stages(opened):
        stale = stale or not stage.is_fresh(opened)
        plan[stage.name] = "to be made" if stale else "up to date"
    return plan


def run_shot(file: str, overrides: Iterable[str], progress: Progress) -> dict[str, Any]:
    """Check, then every stage that is not up to date; returns what was made and how long each stage took, seconds.

    Raises: ShotError with every problem of the check; BusyError when another run holds the shot; what the stages raise.
    """
    report = check_shot(file, overrides)
    report.raise_problems()
    for warning in report.warnings:
        progress.say(f"warning: {warning}")
    opened = open_shot(file, overrides)
    result: dict[str, Any] = {}
    with one_writer(opened.shot.paths.work, f"vfx-deepfake run of {opened.shot.name}"):
        for stage in _stages(opened):
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
