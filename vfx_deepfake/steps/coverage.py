"""What facesets lack for a shot: the plate's needs read off its own track, held against the crops, written as a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import located
from vfx_deepfake.faceset.align import aligned_pose, source_scale
from vfx_deepfake.faceset.coverage import Coverage, coverage
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.faceset.measures import PICTURE_NAMES, measure, measure_points
from vfx_deepfake.model.identity.views import PlateViews
from vfx_deepfake.progress import Progress
from vfx_deepfake.qc.coverage_page import write_coverage
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.shot_crops import ShotCrops, open_crops

MOST_PICTURES = 200  # frames whose pixels are read; light and sharpness change slowly, points are known on every frame


def coverage_stage(
    opened: OpenShot, folders: Sequence[Path], progress: Progress, to: Path | None = None
) -> dict[str, Any]:
    """Hold facesets against a tracked shot and write the report into ``to``, or the first faceset's ``coverage/SHOT/``.

    Raises: FacesetError; TrackError without an up-to-date track; PlateError.
    """
    facesets = [load_faceset(folder) for folder in folders]
    with located(opened.name):
        found = shot_coverage(opened, open_crops(opened), facesets, progress)
    names = ", ".join(each.name for each in facesets)
    folder = to or facesets[0].folder / "coverage" / opened.name
    files = write_coverage(folder, found, f"{opened.name}: coverage by faceset {names}")
    return {
        "report": str(files[1]), "covered_share": round(found.covered_share, 4), "lines": found.lines(),
        "gaps": [gap.to_data() for gap in found.gaps],
    }  # fmt: skip


def shot_coverage(opened: OpenShot, crops: ShotCrops, facesets: Sequence[Faceset], progress: Progress) -> Coverage:
    """The facesets against the frames of the shot that show its face.

    Raises: TrackError for an artist's points; FacesetError where there is nothing to compare.
    """
    views = PlateViews(crops.source, max(each.size for each in facesets), opened.plate.data_window)
    frames = [frame for frame in crops.source.frames if frame in set(opened.frames)]
    named = [(f"{each.name} {crop.number}", crop.measures) for each in facesets for crop in each.crops]
    needs = plate_measures(views, frames, progress)
    return coverage([measures for _, measures in named], frames, needs, [name for name, _ in named])


def plate_measures(views: PlateViews, frames: Sequence[int], progress: Progress) -> list[dict[str, float]]:
    """Measures of every frame. Of a long shot only some pictures are read; the frames between take the nearest one's.

    Raises: what reading the plate raises.
    """
    if not frames:
        return []
    looked = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOST_PICTURES)).round().astype(int))
    progress.start("coverage", len(looked), "frames")
    pictures = []
    for done, index in enumerate(looked, 1):
        view, scale = views.view(frames[index]), source_scale(views.matrix(frames[index]))
        pictures.append(measure(view.image_log, view.points, view.pose, view.valid, scale))
        progress.advance(done)
    progress.finish()
    rows = []
    for index, frame in enumerate(frames):
        points = views.source.track.points_at(frame)
        picture = pictures[int(np.abs(looked - index).argmin())]
        seen = {name: picture[name] for name in PICTURE_NAMES if name in picture}
        rows.append(measure_points(points, aligned_pose(points)) | seen)
    return rows
