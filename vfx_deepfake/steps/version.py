"""``version``: rendered and reviewed frames become a published version, whole or not at all, and only once."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import DeliveryError, located
from vfx_deepfake.files import flush_to_disk, one_writer, read_json, sweep_parts, write_json
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.delivery import profile_named
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.lineage import record_problems
from vfx_deepfake.provenance.record import version_record
from vfx_deepfake.qc.summary import short
from vfx_deepfake.qc.verdict import FAIL, UNKNOWN
from vfx_deepfake.steps.freshness import is_fresh
from vfx_deepfake.steps.opened import OpenShot, unlocked
from vfx_deepfake.steps.qc_stage import SUMMARY
from vfx_deepfake.steps.render_stage import (
    RenderPlan,
    is_finished,
    plan_render,
    published_version,
    require_render_release,
)
from vfx_deepfake.steps.review import require_rendered, review_inputs, review_record
from vfx_deepfake.steps.train import RECORD as RUN_RECORD
from vfx_deepfake.steps.train import trained_checkpoint

# assumed: a hidden version that nobody has written to for a day belongs to no job any more
GIVEN_UP_AFTER_S = 24 * 3600.0


def version_stage(opened: OpenShot, progress: Progress, *, locked: bool = False) -> dict[str, Any]:
    """Publish the frames that were rendered, and their review pictures, as the shot's next version.

    Every file is verified against its record; ``version.json`` is made; then the whole folder gets its name. Safe to run twice, and on two
    hosts at once: one of them publishes, the other finds it done.
    Raises: DeliveryError naming the frames that are not rendered, or when there are no review pictures; ConsentError.
    """
    with (
        unlocked() if locked else one_writer(opened.shot.paths.work, f"vfx-deepfake version of {opened.name}"),
        located(opened.name),
    ):
        published = published_version(opened)
        if published:
            return {"version": str(published.folder), "version_state": "up to date"}
        releases = {who: release.id for who, release in require_render_release(opened).items()}
        published = _publish_once(opened, plan_render(opened), releases)
    return {
        "version": str(published.folder),
        "sheet": str(published.sheet),
        "movie": str(published.movie) if published.movie.is_file() else "",
    }


def _publish_once(opened: OpenShot, plan: RenderPlan, releases: Mapping[str, str]) -> VersionPaths:
    """Record and publish, unless another host was a moment faster.

    The lock keeps hosts apart; where a file server does not carry locks, the rename decides who published.
    Raises: DeliveryError as :func:`version_stage` does.
    """
    try:
        if not plan.paths.record.is_file():  # else killed between the record and the rename
            write_json(plan.paths.record, _verified_record(opened, plan, releases))
        return _publish(opened, plan)
    except DeliveryError:
        published = published_version(opened)
        if published is None:
            raise
        # what is left there is at most our own version.json: the frames went with the rename
        shutil.rmtree(plan.paths.folder, ignore_errors=True)
        return published


def _verified_record(opened: OpenShot, plan: RenderPlan, releases: Mapping[str, str]) -> dict[str, Any]:
    """Verify every frame and the review pictures, and say what made them.

    Raises: DeliveryError naming what is missing and the stage that makes it.
    """
    records = require_rendered(opened, plan)
    damaged = [frame for frame in opened.frames if not is_finished(opened, plan, frame)]
    if damaged:
        raise DeliveryError(
            f"{format_frames(damaged)} are not what was rendered; run 'vfx-deepfake render' for them again"
        )
    if not is_fresh(review_record(plan), review_inputs(opened, plan, records)):
        raise DeliveryError("no review pictures of these frames; run 'vfx-deepfake review' first")
    review = read_json(review_record(plan))
    record = version_record(
        shot=opened.name, version=plan.paths.number, inputs=plan.inputs, settings=opened.shot.as_data(),
        release=next(iter(releases.values()), ""), releases=dict(releases), transforms=_transforms(opened), models=_models(opened),
        frames={str(frame): dict(data["outputs"]) for frame, data in records.items()},
        timings_s={**_timings(opened), **review["timings_s"]},
        review={Path(name).name: digest for name, digest in review["outputs"].items()},
        movie=review["movie"], movie_problem=review["movie_problem"], credentials=review["credentials"],
        counts={str(frame): data["counts"] for frame, data in records.items()},
        qc=_qc_summary(opened, plan),
        digitally_altered=any(data["counts"].get("changed_px", 0) for data in records.values()),
    )  # fmt: skip
    problems = record_problems(json.loads(json.dumps(record)))
    if problems:  # a fault of ours, found before it is published
        raise AssertionError(f"{opened.name}: the record does not keep to its schema: {'; '.join(problems)}")
    return record


def _transforms(opened: OpenShot) -> dict[str, str]:
    """What colours went through, as OCIO's cache ids, which change with the content of configs and LUTs."""
    color, spec, plate = opened.color, opened.settings.delivery, opened.plate
    found = {
        "config": color.config_id(),
        "plate_to_working": color.cache_id(plate.colorspace, plate.working),
        "working_to_plate": color.cache_id(plate.working, plate.colorspace),
    }
    return (
        {**found, "plate_to_delivery": color.cache_id(plate.colorspace, spec.colorspace)}
        if profile_named(spec.profile).bits
        else found
    )


def _models(opened: OpenShot) -> list[dict[str, Any]]:
    """The trained networks that made pixels, each with what it was made from and what it started from."""
    if not opened.settings.model.trains:
        return []
    checkpoint = trained_checkpoint(opened)
    run = read_json(checkpoint.parent / RUN_RECORD)
    made_of = run.get("made_of") or {}
    kept = {name: made_of[name] for name in ("identities", "facesets", "releases") if name in made_of}
    return [{"run": checkpoint.parent.name, "checkpoint": checkpoint.name, "checkpoint_hash": run["checkpoint_hash"],
             "inputs_hash": run["inputs_hash"], "ancestors": list(made_of.get("ancestors", ())), "code": run["code"], **kept}]  # fmt: skip


def _qc_summary(opened: OpenShot, plan: RenderPlan) -> dict[str, Any]:
    """What QC found, for the record: the verdict, and per measure verdict, worst value and frame.

    Raises: DeliveryError where the shot file says that a failing version is not published.
    """
    spec = opened.settings.qc
    file = plan.paths.qc / SUMMARY
    if not spec.enabled or not file.is_file():
        found: dict[str, Any] = {
            "verdict": UNKNOWN,
            "why": "no figures" if spec.enabled else "switched off in the shot file",
        }
    else:
        found = short(read_json(file))
    if spec.enabled and spec.stop_on_fail and found["verdict"] in (FAIL, UNKNOWN):
        raise DeliveryError(f"QC says '{found['verdict']}', and [qc].stop_on_fail is set; see {plan.paths.qc}; run 'vfx-deepfake qc', "
                            "correct what is wrong, or change the limits in the shot file")  # fmt: skip
    return found


def _timings(opened: OpenShot) -> dict[str, float]:
    """How long the earlier stages took, as their records say."""
    found = {}
    for name, file in (
        ("track", opened.shot.paths.track / "track.json"),
        ("render", opened.shot.paths.work / "render.json"),
    ):
        if file.is_file():
            found[name] = float(read_json(file).get("seconds", 0.0))
    return found


def _publish(opened: OpenShot, plan: RenderPlan) -> VersionPaths:
    """Give the finished folder its name and take the right to write from its files.

    Raises: DeliveryError where a version of that number has appeared meanwhile.
    """
    making = plan.paths
    final = opened.shot.paths.version(making.number)
    try:
        sweep_parts(making.folder)
        for note in (*making.folder.glob(".frame.*.json"), review_record(plan)):
            note.unlink(missing_ok=True)  # their content is in version.json
        for path in sorted(making.folder.rglob("*")):
            if path.is_file():
                _protect(path)
        os.rename(making.folder, final.folder)
    except OSError as error:
        raise DeliveryError(
            f"{final.folder}: exists already; it stays as it is; run again for the next version"
        ) from error
    flush_to_disk(final.folder.parent)
    _remove_given_up(opened.shot.paths.unfinished())
    return final


def _remove_given_up(folders: list[Path]) -> None:
    """Remove hidden versions that nobody works on; those of another job on the farm stay."""
    for folder in folders:
        newest = max((_modified(path) for path in (folder, *folder.rglob("*"))), default=0.0)
        if time.time() - newest > GIVEN_UP_AFTER_S:
            shutil.rmtree(folder, ignore_errors=True)


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # renamed while we looked
        return time.time()


def _protect(path: Path) -> None:
    path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
