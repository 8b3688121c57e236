"""``review``: contact sheet and movie of the version that is being made, beside its frames."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import DeliveryError, located
from vfx_deepfake.files import one_writer, sweep_parts
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.movie import movie_problem
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.consent import needs_release, require_release
from vfx_deepfake.steps.credentials import credit_review
from vfx_deepfake.steps.freshness import is_fresh, write_record
from vfx_deepfake.steps.opened import OpenShot, unlocked
from vfx_deepfake.steps.render_stage import RenderPlan, frame_record, frame_records, plan_render, published_version
from vfx_deepfake.steps.review_pictures import make_movie, make_sheet


def review_record(plan: RenderPlan) -> Path:
    """The file that says that sheet and movie are finished; its content goes into ``version.json``."""
    return plan.paths.folder / ".review.json"


def review_inputs(opened: OpenShot, plan: RenderPlan, frames: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """What the pictures are made from; ``frames`` are the records of the rendered frames."""
    outputs = {str(frame): data["outputs"] for frame, data in frames.items()}
    return {"version": plan.identity, "settings": asdict(opened.settings.review), "frames": outputs}


def require_rendered(opened: OpenShot, plan: RenderPlan) -> dict[int, dict[str, Any]]:
    """The records of all frames of the shot.

    Raises: DeliveryError naming the frames that are not rendered.
    """
    missing = [frame for frame in opened.frames if not frame_record(plan.paths, frame).is_file()]
    if missing:
        raise DeliveryError(f"{format_frames(missing)} are not rendered; run 'vfx-deepfake render' for them first")
    return frame_records(plan, opened.frames)


def review_stage(opened: OpenShot, progress: Progress, *, locked: bool = False) -> dict[str, Any]:
    """Make the contact sheet and the movie of the rendered frames; nothing to do where both are up to date.

    Raises: DeliveryError naming the frames that are not rendered; ConsentError.
    """
    lock = one_writer(opened.shot.paths.work, f"vfx-deepfake review of {opened.name}")
    with unlocked() if locked else lock, located(opened.name):
        published = published_version(opened)
        if published:
            return {"sheet": str(published.sheet), "review_state": "up to date"}
        release = require_release(opened.shot, "render").id if needs_release(opened.shot) else ""
        plan = plan_render(opened)
        frames = require_rendered(opened, plan)
        inputs = review_inputs(opened, plan, frames)
        if not is_fresh(review_record(plan), inputs):
            _make(opened, plan, frames, inputs, release, progress)
    paths = plan.paths
    movies = [str(movie) for movie in paths.movies()]
    return {"sheet": str(paths.sheet), **({"movie": ", ".join(movies)} if movies else {})}


def _make(opened: OpenShot, plan: RenderPlan, frames: Mapping[int, Mapping[str, Any]], inputs: Mapping[str, Any],
          release: str, progress: Progress) -> None:  # fmt: skip
    """Sheet, movie, and last the record that makes them count. Without an encoder the movie is left out, with a warning."""
    paths, began = plan.paths, time.monotonic()
    sweep_parts(paths.sheet.parent)
    make_sheet(opened, paths, [frame for frame, data in frames.items() if data["counts"].get("changed_px", 0)])
    sheet_s, began = time.monotonic() - began, time.monotonic()
    wanted = opened.settings.review
    problem = movie_problem(wanted.codecs) if wanted.movie else "switched off in the shot file"
    for old in paths.movies():  # of another codec, perhaps
        old.unlink()
    if problem:
        progress.say(f"warning: {problem}")
    else:
        make_movie(opened, paths, release, progress)
    made = [paths.sheet, *paths.movies()]
    timings = {"sheet": round(sheet_s, 3), "movie": round(time.monotonic() - began, 3)}
    credentials = credit_review(opened, plan, frames, made, progress)
    pictures = {"movie": not problem, "movie_problem": problem, "credentials": credentials}
    write_record(review_record(plan), inputs, made, **pictures, timings_s=timings)
