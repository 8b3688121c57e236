"""``suggest-keyframes``: which frames to paint, before painting and after a run."""

from __future__ import annotations

from typing import Any

from vfx_deepfake.errors import ShotError, located
from vfx_deepfake.frames import format_frames
from vfx_deepfake.model.suggest import Suggestion, least_sure, suggest_frames
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.shot_crops import open_crops
from vfx_deepfake.steps.track import track_stage
from vfx_deepfake.steps.train import finished_run, open_model


def suggest_stage(opened: OpenShot, count: int, progress: Progress) -> dict[str, Any]:
    """Propose ``count`` frames; the shot is tracked first where that was not done.

    Without a painted frame, or before training: the frames that cover the shot's poses, expressions and light besides those painted.
    After training, or with ``method = "propagate"``: the frames where the model is least sure.
    Raises: ShotError for a count below 1; TrackError.
    """
    if count < 1:
        raise ShotError(f"--count {count}: ask for at least one frame")
    with located(opened.name):
        track_stage(opened, progress)
        crops = open_crops(opened)
        painted = crops.source.keyframes
        method = opened.settings.model.method
        ready = bool(painted) and (method == "propagate" or (method == "keyframe" and finished_run(opened) is not None))
        if ready:
            progress.start("suggest", len(crops.source.frames) - len(painted), "frames")
            found = least_sure(open_model(opened, crops), count, lambda done, total: progress.advance(done))
            progress.finish()
        else:
            found = suggest_frames(crops.source, count, painted)
    frames = sorted(one.frame for one in found)
    return {
        "frames": format_frames(frames) or "none",
        "why": "least sure after the run" if ready else "to cover the shot",
        "painted": format_frames(painted) or "none yet",
        "lines": [_line(one) for one in sorted(found, key=lambda one: one.frame)],
        "suggestions": [{"frame": one.frame, "reason": one.reason, "score": round(one.score, 4)} for one in found],
    }


def _line(one: Suggestion) -> str:
    return f"  {one.frame}  {one.reason}"
