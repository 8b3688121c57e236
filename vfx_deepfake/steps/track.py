"""``track``: the face in every frame, and the report about it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from vfx_deepfake.errors import TrackError, located
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.files import one_writer, sweep_parts
from vfx_deepfake.frames import format_frames
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.freshness import is_fresh, write_record
from vfx_deepfake.steps.opened import OpenShot, unlocked

RECORD = "track.json"


def track_inputs(opened: OpenShot) -> dict[str, Any]:
    """What the track is made from."""
    spec = opened.settings.track
    imported = {"file": opened.hashes.of(opened.source(spec.file))} if spec.file else {}
    return {"plate": opened.plate_hash(), "reading": opened.plate_reading(), "settings": asdict(spec), **imported}


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
        raise TrackError(f"{opened.name}: the track was made from another plate or other settings; run 'vfx-deepfake track' again")
    return FaceTrack.load(opened.shot.paths.track_file)


def track_stage(opened: OpenShot, progress: Progress, *, locked: bool = False) -> dict[str, Any]:
    """Track the face over the whole shot and write ``track/``; nothing to do where it is up to date."""
    paths = opened.shot.paths
    with unlocked() if locked else one_writer(paths.work, f"vfx-deepfake track of {opened.name}"), located(opened.name):
        if track_is_fresh(opened):
            return {"track": "up to date"}
        sweep_parts(paths.track)
        began = time.monotonic()
        track, figures = _tracked(opened, progress)
        track.save(paths.track_file)
        pictures = _report(opened, track, figures)
        with_face = [int(f) for f in track.frames if track.has_face(int(f))]
        summary = {"frames_with_face": format_frames(with_face), "num_frames": len(track.frames), "num_with_face": len(with_face)}
        write_record(paths.track / RECORD, track_inputs(opened), [paths.track_file, *pictures],
                     figures=figures, seconds=round(time.monotonic() - began, 2), **summary)  # fmt: skip
        opened.hashes.save()
    if not with_face:
        raise TrackError(f"{opened.name}: no face was found in any of {len(track.frames)} frames; check the plate's colour space, "
                         "give [track].box around the face, or import a track")  # fmt: skip
    return {"track": str(paths.track_file), **summary}
