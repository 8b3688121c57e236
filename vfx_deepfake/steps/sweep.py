"""``sweep``: one dial of a trained identity at several values, side by side, to choose an in-between or an age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import ShotError, located
from vfx_deepfake.image.blend import clean_comp
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.media.exr import Frame
from vfx_deepfake.media.grid import labelled_grid
from vfx_deepfake.media.sheet import square_around, write_png
from vfx_deepfake.model.identity.predictor import IdentityModel
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.faces import FaceSource, open_faces
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.render_stage import chosen_frames, require_render_release

PLATE = "plate"
MOST_FRAMES = 8  # rows of a sheet where no frames are named


def sweep(
    file: str, overrides: Sequence[str], dial: str, values: Sequence[str], progress: Progress, *, frames: str = "",
    to: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Write a sheet: a row a frame, the plate and then a column a value of ``[identity].DIAL``.

    ``to`` names the PNG; empty puts it into the shot's work folder. Grain is left out: it would hide small differences.
    Raises: ShotError for another method, a dial or values that can't be; ConsentError; TrainError where nothing is trained.
    """
    opened = open_shot(file, overrides)
    if not opened.settings.model.swaps:
        raise ShotError(
            f"sweep: model.method is '{opened.settings.model.method}'; only renderer and autoencoder have such dials"
        )
    if not values:
        raise ShotError(f"sweep: no value of {dial}; give some, e.g. 0,0.5,1")
    specs = [open_shot(file, [*overrides, f"identity.{dial}={value}"]).settings.identity for value in values]
    with located(opened.name):
        require_render_release(opened)
        faces = open_faces(opened)
        model = faces.model
        if not isinstance(model, IdentityModel):
            raise TypeError(f"a sweep turns the dials of an identity, not of {type(model).__name__}")
        models = [
            replace(model, driving=replace(model.driving, spec=spec), region=spec.region, forehead_cm=spec.forehead_cm)
            for spec in specs
        ]
        rows = _rows(opened, faces, models, _frames(opened, faces, frames), progress)
    path = Path(to) if to else opened.shot.paths.work / f"sweep_{dial}.png"
    headings = [PLATE, *(f"{dial} {value}" for value in values)]
    write_png(path, labelled_grid(rows, headings, f"{opened.name}: {opened.settings.model.method}, {dial}"))
    return {"sheet": str(path)}


def _frames(opened: OpenShot, faces: FaceSource, frames: str) -> list[int]:
    """The named frames that show the face; a few of the shot where none are named."""
    found = [frame for frame in chosen_frames(opened, frames) if faces.crops.track.has_face(frame)]
    if not found:
        raise ShotError(f"--frames {frames}: the face is on none of them; name others")
    if frames or len(found) <= MOST_FRAMES:
        return found
    return [found[index] for index in np.linspace(0, len(found) - 1, MOST_FRAMES).round().astype(int)]


def _rows(
    opened: OpenShot, faces: FaceSource, models: Sequence[IdentityModel], frames: Sequence[int], progress: Progress
) -> list[tuple[str, list[np.ndarray]]]:
    rows = []
    progress.start("sweep", len(frames), "frames")
    for done, frame in enumerate(frames, 1):
        plate = faces.read(frame)
        shown = square_around(faces.crops.track.box_at(frame), plate.data_window)
        cells = [_displayed(opened, faces.spaces.working(_cut(plate, shown)))]
        cells += [_displayed(opened, _comp(replace(faces, model=model), frame, plate, shown)) for model in models]
        rows.append((str(frame), cells))
        progress.advance(done)
    progress.finish()
    return rows


def _cut(plate: Frame, window: Window) -> np.ndarray:
    return np.ascontiguousarray(cut(plate.pixels[..., :3], plate.data_window, window))


def _comp(faces: FaceSource, frame: int, plate: Frame, shown: Window) -> np.ndarray:
    """The clean comp of a frame over a part of it, (h, w, 3) scene-linear."""
    picture = faces.spaces.working(_cut(plate, shown)).copy()
    layers = faces.layers(frame, plate)
    if layers is None:
        return picture
    both = layers.window.intersect(shown)
    comp = clean_comp(layers.degrained_lin, layers.face_lin, layers.matte)
    picture[both.slices(shown)] = comp[both.slices(layers.window)]
    return picture


def _displayed(opened: OpenShot, picture_lin: np.ndarray) -> np.ndarray:
    """(h, w, 3) 0..1 through the show's view."""
    spec = opened.settings.color
    finite = np.nan_to_num(np.ascontiguousarray(picture_lin, np.float32), posinf=0.0, neginf=0.0)
    return opened.color.display_encode(finite, spec.working, spec.display, spec.view)
