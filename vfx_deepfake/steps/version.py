"""``version``: rendered frames become a published version, whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import DeliveryError, located
from vfx_deepfake.files import flush_to_disk, hash_file, one_writer, read_json, sweep_parts, write_json
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.movie import movie_problem
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.record import version_record
from vfx_deepfake.steps.consent import needs_release, require_release
from vfx_deepfake.steps.opened import OpenShot, unlocked
from vfx_deepfake.steps.render_stage import (
    RenderPlan,
    frame_records,
    is_finished,
    plan_render,
    published_version,
)
from vfx_deepfake.steps.review_pictures import make_movie, make_sheet


def version_stage(opened: OpenShot, progress: Progress, *, locked: bool = False) -> dict[str, Any]:
    """Publish the frames that were rendered as the shot's next version.

    Every frame is verified against its record; contact sheet, movie and ``version.json`` are made; then the whole folder gets its name.
    Raises: DeliveryError naming the frames that are not rendered; ConsentError.
    """
    with (
        unlocked() if locked else one_writer(opened.shot.paths.work, f"vfx-deepfake version of {opened.name}"),
        located(opened.name),
    ):
        published = published_version(opened)
        if published:
            return {"version": str(published.folder), "version_state": "up to date"}
        release = require_release(opened.shot, "render").id if needs_release(opened.shot) else ""
        plan = plan_render(opened)
        if plan.paths.record.is_file():  # killed between the record and the rename
            record = read_json(plan.paths.record)
        else:
            record = _made(opened, plan, release, progress)
        published = _publish(opened, plan.paths)
    return {
        "version": str(published.folder),
        "sheet": str(published.sheet),
        "movie": str(published.movie) if record["movie"] else "",
    }


def _made(opened: OpenShot, plan: RenderPlan, release: str, progress: Progress) -> dict[str, Any]:
    """Verify every frame, then make what belongs to a version beside them.

    Raises: DeliveryError naming the frames that are not rendered.
    """
    missing = [frame for frame in opened.frames if not is_finished(opened, plan, frame)]
    if missing:
        raise DeliveryError(f"{format_frames(missing)} are not rendered; run 'vfx-deepfake render' for them first")
    paths = plan.paths
    began = time.monotonic()
    records = frame_records(plan, opened.frames)
    with_face = [frame for frame, data in records.items() if data["counts"].get("changed_px", 0)]
    make_sheet(opened, paths, with_face)
    sheet_s, began = time.monotonic() - began, time.monotonic()
    problem = movie_problem() if opened.settings.review.movie else "switched off in the shot file"
    if problem:
        progress.say(f"warning: {problem}")
    else:
        make_movie(opened, paths, release, progress)
    frames = {str(frame): dict(data["outputs"]) for frame, data in records.items()}
    review = {path.name: hash_file(path) for path in (paths.sheet, paths.movie) if path.is_file()}
    record = version_record(
        shot=opened.name, version=paths.number, inputs=plan.inputs, settings=opened.shot.as_data(), frames=frames,
        timings_s={**_timings(opened), "sheet": sheet_s, "movie": time.monotonic() - began}, release=release, review=review,
        movie=not problem, movie_problem=problem, counts={str(frame): data["counts"] for frame, data in records.items()},
        digitally_altered=bool(with_face),
    )  # fmt: skip
    write_json(paths.record, record)
    return record


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


def _publish(opened: OpenShot, making: VersionPaths) -> VersionPaths:
    """Give the finished folder its name and take the right to write from its files.

    Raises: DeliveryError where a version of that number has appeared meanwhile.
    """
    final = opened.shot.paths.version(making.number)
    sweep_parts(making.folder)
    for note in making.folder.glob(".frame.*.json"):
        note.unlink()  # their content is in version.json
    for path in sorted(making.folder.rglob("*")):
        if path.is_file():
            _protect(path)
    try:
        os.rename(making.folder, final.folder)
    except OSError as error:
        raise DeliveryError(
            f"{final.folder}: exists already; it stays as it is; run again for the next version"
        ) from error
    flush_to_disk(final.folder.parent)
    for given_up in opened.shot.paths.unfinished():
        shutil.rmtree(given_up, ignore_errors=True)
    return final


def _protect(path: Path) -> None:
    path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
