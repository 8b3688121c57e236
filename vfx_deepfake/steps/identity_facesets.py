"""``facesets``: the shot's facesets built where they are not up to date, and what they lack for its plate."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import located
from vfx_deepfake.files import one_writer, sweep_parts
from vfx_deepfake.progress import Progress
from vfx_deepfake.qc.coverage_page import write_coverage
from vfx_deepfake.steps.consent import require_release
from vfx_deepfake.steps.coverage import shot_coverage
from vfx_deepfake.steps.faceset_stage import faceset_is_fresh, faceset_stage
from vfx_deepfake.steps.freshness import is_fresh, write_record
from vfx_deepfake.steps.identity_sources import faceset_folders, faceset_hashes, open_facesets
from vfx_deepfake.steps.opened import OpenShot, unlocked
from vfx_deepfake.steps.shot_crops import open_crops
from vfx_deepfake.steps.track import load_track

RECORD = "made.json"
FORMAT = 2  # of the measures and the report


def coverage_inputs(opened: OpenShot) -> dict[str, Any]:
    """What the report is made from.

    Raises: TrackError without an up-to-date track.
    """
    load_track(opened)
    return {
        "format": FORMAT,
        "plate": opened.plate_hash(),
        "reading": opened.plate_reading(),
        "track": opened.hashes.of(opened.shot.paths.track_file),
        "facesets": faceset_hashes(opened),
        "crop_px": opened.settings.identity.crop_px,
    }


def facesets_are_fresh(opened: OpenShot) -> bool:
    """True when every faceset is built from its present sources and the report is about these."""
    return all(map(faceset_is_fresh, _folders(opened))) and is_fresh(
        opened.shot.paths.coverage / RECORD, coverage_inputs(opened)
    )


def facesets_stage(opened: OpenShot, progress: Progress, *, locked: bool = False) -> dict[str, Any]:
    """Build what is not built, and write ``coverage/``; nothing to do where that is up to date.

    Raises: ConsentError without a release; FacesetError; TrackError; ShotError.
    """
    paths = opened.shot.paths
    lock = one_writer(paths.work, f"vfx-deepfake facesets of {opened.name}")
    with unlocked() if locked else lock, located(opened.name):
        require_release(opened.shot, "train")
        for folder in _folders(opened):
            built = faceset_stage(folder, progress, show=opened.settings.shot.show, shot=opened.name)
            for problem in built.get("problems", ()):
                progress.say(f"warning: {folder.name}: {problem}")
        if not facesets_are_fresh(opened):
            lines = _report(opened, progress)
            opened.hashes.save()
            for line in lines:
                progress.say(f"coverage: {line}")
    return {"coverage": str(paths.coverage)}


def _folders(opened: OpenShot) -> list[Path]:
    return [folder for folders in faceset_folders(opened.shot).values() for folder in folders]


def _report(opened: OpenShot, progress: Progress) -> list[str]:
    """Write the report and last the record that makes it count; returns it in words."""
    folder, began, inputs = opened.shot.paths.coverage, time.monotonic(), coverage_inputs(opened)
    if folder.is_dir():
        sweep_parts(folder)
    mine, _ = open_facesets(opened)
    found = shot_coverage(opened, open_crops(opened), mine, progress)
    files = write_coverage(folder, found, f"{opened.name}: coverage by faceset {', '.join(each.name for each in mine)}")
    write_record(folder / RECORD, inputs, files, seconds=round(time.monotonic() - began, 2))
    return found.lines()
