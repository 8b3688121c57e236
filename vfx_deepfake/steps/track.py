"""``track``: the face in every frame, the plate's grain, and a report about both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.errors import TrackError, located
from vfx_deepfake.face.cache import DetectionCache
from vfx_deepfake.face.imports import import_track
from vfx_deepfake.face.landmarks import auto_display
from vfx_deepfake.face.report import write_report
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.face.tracker import TrackStats, track_shot
from vfx_deepfake.files import hash_data, one_writer, read_json, sweep_parts
from vfx_deepfake.frames import format_frames
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import measure_shot
from vfx_deepfake.image.grain import FORMAT, GrainModel
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.consent import require_on_a_farm
from vfx_deepfake.steps.freshness import is_fresh, write_record
from vfx_deepfake.steps.grain_report import RECORD_NAME, write_grain
from vfx_deepfake.steps.opened import OpenShot, unlocked

RECORD, GRAIN = "track.json", RECORD_NAME


def track_inputs(opened: OpenShot) -> dict[str, Any]:
    """What the track is made from."""
    spec = opened.settings.track
    imported = {"file": opened.hashes.of(opened.source(spec.file))} if spec.file else {}
    made = {"plate": opened.plate_hash(), "reading": opened.plate_reading(), "settings": asdict(spec), **imported}
    return {**made, "grain_format": FORMAT}


def track_is_fresh(opened: OpenShot) -> bool:
    """True when the track on disk is the one that these inputs give."""
    return is_fresh(opened.shot.paths.track / RECORD, track_inputs(opened))


def load_track(opened: OpenShot) -> FaceTrack:
    """The shot's track.

    Raises: TrackError when there is none, or when it was made from other inputs.
    """
    if not opened.shot.paths.track_file.is_file():
        raise TrackError(f"{opened.name}: not tracked yet; run 'vfx-deepfake track' first")
    if not track_is_fresh(opened):
        raise TrackError(
            f"{opened.name}: the track was made from another plate or other settings; run 'vfx-deepfake track' again"
        )
    return FaceTrack.load(opened.shot.paths.track_file)


def load_grain(opened: OpenShot) -> GrainModel:
    """The grain that was measured with the track."""
    return GrainModel.from_dict(read_json(opened.shot.paths.track / GRAIN))


def track_stage(opened: OpenShot, progress: Progress, *, locked: bool = False) -> dict[str, Any]:
    """Track the face over the whole shot, measure the grain there, and write ``track/``; nothing to do where it is up to date.

    Raises: TrackError where no frame shows a face; PlateError for frames that can't be read.
    """
    paths = opened.shot.paths
    with unlocked() if locked else one_writer(paths.work, f"vfx-deepfake track of {opened.name}"), located(opened.name):
        require_on_a_farm(opened.shot, "train" if opened.settings.model.trains else "render")
        if not track_is_fresh(opened):
            _make(opened, progress)
            opened.hashes.save()
        track = FaceTrack.load(paths.track_file)
        if not len(track.face_frames):
            raise TrackError(f"no face was found in any of {len(track.frames)} frames; check the plate's colour space, "
                             "give [track].box around the face, or import a track")  # fmt: skip
    shown = format_frames(int(frame) for frame in track.face_frames)
    return {"track": str(paths.track_file), "frames_with_face": shown, "report": str(paths.track)}


def _make(opened: OpenShot, progress: Progress) -> None:
    """Track, measure, report, and last the record that makes it count."""
    paths, began = opened.shot.paths, time.monotonic()
    inputs = track_inputs(opened)
    if paths.track.is_dir():
        sweep_parts(paths.track)
    read_display = partial(_display, opened)
    track, stats = _tracked(opened, inputs, read_display, progress)
    track.save(paths.track_file)
    grain = _grain(opened, track)
    pictures = [*write_grain(paths.track, grain), *write_report(paths.track, track, stats, read_display)]
    figures = {} if stats is None else stats.summary()
    write_record(paths.track / RECORD, inputs, [paths.track_file, *pictures], figures=figures,
                 grain="none" if grain.clean else "measured", seconds=round(time.monotonic() - began, 2))  # fmt: skip


def _tracked(opened: OpenShot, inputs: dict[str, Any], read_display: Callable[[int], tuple[np.ndarray, Window]],
             progress: Progress) -> tuple[FaceTrack, TrackStats | None]:  # fmt: skip
    spec = opened.settings.track
    if spec.method == "import":
        return import_track(opened.source(spec.file), opened.frames, opened.plate.display_window), None
    cache = DetectionCache(opened.shot.paths.detections, hash_data(inputs))
    num_frames = len(opened.frames)
    progress.start("track", num_frames * (2 if spec.refine else 1), "frames")
    made = track_shot(
        opened.frames, read_display, spec, lambda done, total, what: progress.advance(done, what), cache=cache
    )
    progress.finish()
    return made


def _display(opened: OpenShot, frame: int) -> tuple[np.ndarray, Window]:
    """A frame as the landmarker likes it, exposed by itself, with its place."""
    picture = opened.plate.read_working(frame)
    return auto_display(picture.pixels), picture.data_window


def _grain(opened: OpenShot, track: FaceTrack) -> GrainModel:
    """Grain measured in frames with a face; none where there is no face to degrain."""
    frames = [int(frame) for frame in track.face_frames]
    return measure_shot(partial(_log, opened), opened.frames, frames, opened.plate.data_window)


def _log(opened: OpenShot, frame: int, window: Window) -> np.ndarray:
    """A window of a frame in the model encoding; not kept, because whole frames are large."""
    picture = opened.plate.read_working(frame)
    return np.asarray(encode_log(cut(picture.pixels[..., :3], picture.data_window, window)), np.float32)
