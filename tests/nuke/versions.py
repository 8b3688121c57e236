"""Versions on disk for tests of the gizmo, and a way to look through the gizmo at them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.nuke.evaluate import Evaluator, canvas_of, read_picture
from tests.nuke.images import Picture
from tests.nuke.tcl import parse
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.demo.shot import IDENTITY, SHOW, DemoShot
from vfx_deepfake.naming import frame_path
from vfx_deepfake.nuke.gizmo import gizmo_text
from vfx_deepfake.progress import Silent
from vfx_deepfake.settings import DEFAULT_CONFIG
from vfx_deepfake.steps.init import InitRequest, init_shot
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.render_stage import render_stage
from vfx_deepfake.steps.review import review_stage
from vfx_deepfake.steps.track import track_stage
from vfx_deepfake.steps.version import version_stage

# a face that differs from its plate in shape, tone and light, under a matte with a soft edge
DIALLED = (
    "beauty.wrinkles.face=0.8",
    "beauty.folds.eye_bags={ left = 0.6 }",
    "beauty.lift.jaw=0.5",
    "beauty.light.key=0.3",
    "render.matte_feather_px=3",
    "review.movie=false",
)
# layers of a version as planes of its EXR
F, D, GRAIN = (tuple(f"{layer}.{c}" for c in ("red", "green", "blue")) for layer in ("face", "clean", "grain"))


def publish(small_shot: DemoShot, folder: Path, frames: str, plate: str, space: str, *overrides: str) -> Path:
    """A shot of sliders with one published version; returns its shot file."""
    named = (f"shot.show={SHOW}", f"consent.identity={IDENTITY}", *DIALLED, *overrides)
    request = InitRequest(
        folder=folder, template="beauty", plate=plate, colorspace=space, frames=frames, overrides=named
    )
    file = init_shot(request)
    shutil.copytree(small_shot.folder / "releases", folder / "releases", dirs_exist_ok=True)
    opened = open_shot(file)
    for stage in (track_stage, render_stage, review_stage, version_stage):
        stage(opened, Silent())
    return file


@dataclass
class Shown:
    """A version seen through the gizmo. ``exr`` and ``plate``: patterns with ####; ``space``: of the plate input."""

    exr: str
    plate: str
    space: str = "ACEScg"
    scale: float = 1.0
    frames: tuple[int, int] = (1001, 1003)
    color: Color = field(default_factory=lambda: Color(DEFAULT_CONFIG))

    def picture(self, pattern: str, frame: int) -> Picture:
        """A file as a Read gives it."""
        path = frame_path(pattern, frame)
        return read_picture(path, canvas_of(frame_path(self.plate, frame), self.scale), self.scale)

    def version(self, frame: int) -> Picture:
        """The version's own file."""
        return self.picture(self.exr, frame)

    def plate_of(self, frame: int) -> Picture:
        """The plate's file."""
        return self.picture(self.plate, frame)

    def look(self, frame: int, inputs: Mapping[int, Picture | None] | None = None, **dialled: Any) -> Picture:
        """What leaves the gizmo with some knobs dialled; ``inputs`` beside the plate or in its place."""
        folder, _, name = self.exr.rpartition("/")
        first, last = self.frames
        knobs = {"version_dir": folder, "exr": name, "first_frame": first, "last_frame": last, **dialled}
        (group,) = parse(gizmo_text(values=knobs, spaces=(self.space, "ACEScg"))).children
        given = {0: self.plate_of(frame), **(inputs or {})}
        canvas = canvas_of(frame_path(self.plate, frame), self.scale)
        return Evaluator(group, frame, canvas, self.color, given, scale=self.scale).output()


def planes(picture: Picture, names: tuple[str, ...]) -> np.ndarray:
    """Channels side by side, (H, W, C)."""
    return np.stack([picture.get(name) for name in names], -1)


def half_bound(version: Picture) -> np.ndarray:
    """How far a rebuild from half floats may be from the delivered half pixel, (H, W, 3).

    Each stored value is within 2^-11 of itself (half has 11 significant bits) and no closer to 0 than half's smallest
    step; D enters with 1 - M, F and F - D with M, N(C) whole, the delivered value once. A millionth for float32 sums.
    """
    d, f, n = (np.abs(planes(version, names)) for names in (D, F, GRAIN))
    m = version.get("matte.applied")[..., None]
    terms = [(1 - m) * d, m * f, n, m * np.abs(planes(version, F) - planes(version, D)), np.abs(version.rgb())]
    return sum(2.0**-11 * term + 2.0**-25 for term in terms) + 1e-6 * (d + f + n)
