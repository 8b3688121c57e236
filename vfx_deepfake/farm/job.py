"""``submit``: a shot's job to a farm engine, and what was submitted on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import VfxError
from vfx_deepfake.farm.backends import Backend, Submitted, backend_named
from vfx_deepfake.farm.decoded import Decoded, decode
from vfx_deepfake.farm.plan import job_parameters, plan_job
from vfx_deepfake.files import disk_error, write_json
from vfx_deepfake.naming import ShotPaths, mapped
from vfx_deepfake.progress import SILENT, Progress
from vfx_deepfake.provenance.record import host_identity, now
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.opened import OpenShot, open_shot

RECORD, RULES = "job.json", "path_mapping.json"


def submit_shot(
    file: str | Path,
    overrides: Iterable[str] = (),
    *,
    farm: str = "local",
    frames: str = "",
    hold: bool = False,
    dry_run: bool = False,
    after: Mapping[str, tuple[str, ...]] | None = None,
    checked: bool = False,
    progress: Progress = SILENT,
) -> Submitted:
    """Check the shot, plan its job and hand it to the engine ``farm``.

    frames: part of the range, which is rendered and not published. With ``dry_run`` nothing is written or sent. after: step -> ids of
    steps of other jobs on the same engine that it waits for too. checked: the caller has checked the shot.
    Raises: FarmError for an engine that is unknown, missing or refuses; ShotError with every problem of the check.
    """
    overrides = list(overrides)
    backend = backend_named(farm)
    if not checked:
        report = check_shot(file, overrides)
        report.raise_problems()
        for warning in report.warnings:
            progress.say(f"warning: {warning}")
    opened = open_shot(file, overrides)
    folder = next_folder(opened.shot.paths) if dry_run else claim_folder(opened.shot.paths)
    decoded = decoded_for(backend, opened, folder, frames=frames, overrides=overrides, dry_run=dry_run)
    known = {step.name for step in decoded.steps}
    decoded = replace(decoded, outside={step: ids for step, ids in (after or {}).items() if step in known})
    if dry_run:
        submitted = backend.submit(decoded, hold=hold, dry_run=True, folder=folder, progress=progress)
        return Submitted(submitted.job_ids, submitted.files, (*described(decoded), *submitted.notes))
    record = {"engine": farm, "shot": opened.name, "name": decoded.name, "frames": frames, "overrides": overrides, "hold": hold,
              "tasks": {step.name: len(step.tasks) for step in decoded.steps}, "submitted_at": now(),
              "submitted_by": host_identity()}  # fmt: skip
    write_json(folder / RECORD, {**record, "job_ids": {}})
    try:
        submitted = backend.submit(decoded, hold=hold, dry_run=False, folder=folder, progress=progress)
    except VfxError as error:
        write_json(folder / RECORD, {**record, "job_ids": {}, "why": str(error)})
        raise
    write_json(folder / RECORD, {**record, "job_ids": submitted.job_ids})
    return submitted


def decoded_for(
    backend: Backend,
    opened: OpenShot,
    folder: Path,
    *,
    frames: str = "",
    overrides: Iterable[str] = (),
    dry_run: bool = False,
) -> Decoded:
    """The shot's job as one engine gets it: with ``[farm].path_map`` applied where the engine maps no paths itself."""
    template = plan_job(opened, frames=frames, overrides=overrides)
    rules: Mapping[str, str] = (
        {} if backend.maps_paths else dict(pair.split("=", 1) for pair in opened.settings.farm.path_map)
    )
    rules_file = folder / RULES
    if rules and not dry_run:
        write_json(rules_file, openjd_rules(rules))
    return decode(
        template, job_parameters(opened), rules=rules, rules_file=mapped(str(rules_file), rules) if rules else ""
    )


def openjd_rules(rules: Mapping[str, str]) -> dict[str, Any]:
    """Path-mapping rules as Open Job Description writes them."""
    listed = [
        {"source_path_format": "POSIX", "source_path": here, "destination_path": there} for here, there in rules.items()
    ]
    return {"version": "pathmapping-1.0", "path_mapping_rules": listed}


def described(decoded: Decoded) -> list[str]:
    """One line a step: how many tasks after what."""
    return [
        f"{step.name}: {len(step.tasks)} task{'s' if len(step.tasks) != 1 else ''}"
        + (f" after {' and '.join(step.after)}" if step.after else "")
        for step in decoded.steps
    ]


def next_folder(paths: ShotPaths) -> Path:
    """Where the next submission would lie."""
    return paths.job(max(paths.job_numbers(), default=0) + 1)


def claim_folder(paths: ShotPaths) -> Path:
    """A new folder for a submission; two hosts never get the same one.

    Raises: DeliveryError when the disk refuses.
    """
    while True:
        folder = next_folder(paths)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
        except OSError as error:
            raise disk_error(folder, error) from error
