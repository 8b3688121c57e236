"""``suggest-keyframes``: which frames to paint, before painting and after a run."""

from __future__ import annotations

from typing import Any

from vfx_deepfake.errors import ShotError
from vfx_deepfake.frames import format_frames
from vfx_deepfake.model.suggest import least_sure, suggest_frames
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.shot_crops import open_crops
from vfx_deepfake.steps.track import track_is_fresh, track_stage
from vfx_deepfake.steps.train import open_model
