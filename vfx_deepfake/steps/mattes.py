"""``mattes``: the matte of an occluder on every frame, from a few frames of the artist's roto.

The mattes are ordinary EXR files, one a frame with a face, in a folder named by what they are made from: a stage that
was killed goes on with the frames that are missing, and changed roto makes new ones.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vfx_deepfake.errors import KeyframeError, TrainError, located
from vfx_deepfake.face.appearance import (
    APPEARANCE_FORMAT,
    REFERENCES,
    Appearance,
    Comparison,
    SmallFace,
    compare,
    enlarged,
    foreign,
)
from vfx_deepfake.files import hash_data, one_writer, read_json, sweep_parts
from vfx_deepfake.frames import format_frames
from vfx_deepfake.image.denoise import spread
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.naming import frame_path
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.consent import require_release
from vfx_deepfake.steps.face_mattes import open_appearance, shot_small_face
from vfx_deepfake.steps.freshness import is_fresh, write_record
from vfx_deepfake.steps.opened import OpenShot, unlocked
from vfx_deepfake.steps.roto import cut_roto
from vfx_deepfake.steps.shot_crops import ShotCrops, open_crops
from vfx_deepfake.steps.track import load_track

if TYPE_CHECKING:
    from vfx_deepfake.model.occluder import OccluderNet, Painted

FORMAT = "occluder/1"  # of what model/occluder.py makes; it stands here because that module loads torch
RECORD = "mattes.json"
CHANNEL = "A"


def mattes_inputs(opened: OpenShot) -> dict[str, Any]:
    """Everything that decides the mattes.

    Raises: TrackError without an up-to-date track.
    """
    load_track(opened)
    spec = opened.settings.mattes
    return {
        "formats": [FORMAT, APPEARANCE_FORMAT],
        "plate": opened.plate_hash(),
        "reading": opened.plate_reading(),
        "track": opened.hashes.of(opened.shot.paths.track_file),
        "roto": opened.hashes.of_all(opened.roto_files(spec.roto).values()),
        "channel": spec.roto_channel,
        "seed": opened.settings.train.seed,
    }


def mattes_record(opened: OpenShot) -> Path:
    """The record of the mattes that these inputs give; they lie beside it."""
    return opened.shot.paths.mattes(hash_data(mattes_inputs(opened))) / RECORD


def mattes_are_fresh(opened: OpenShot) -> bool:
    """True when every matte is there and is what was made."""
    return is_fresh(mattes_record(opened), mattes_inputs(opened))


def mattes_pattern(opened: OpenShot) -> str:
    """Where the mattes lie, #### for the frame.

    Raises: TrainError when they are not made from the present inputs.
    """
    if not mattes_are_fresh(opened):
        raise TrainError("the mattes are not made from the present track and roto; run 'vfx-deepfake mattes' first")
    return _pattern(opened, mattes_record(opened).parent)


def made_mattes(opened: OpenShot) -> dict[str, str]:
    """Content hashes of the mattes by file name.

    Raises: TrainError when they are not made from the present inputs.
    """
    mattes_pattern(opened)
    return dict(read_json(mattes_record(opened))["outputs"])


def _pattern(opened: OpenShot, folder: Path) -> str:
    return str(folder / f"{opened.name}_matte.####.exr")


def mattes_stage(opened: OpenShot, progress: Progress, *, locked: bool = False) -> dict[str, Any]:
    """Learn the occluder from the painted frames and write its matte for every frame with a face.

    Raises: ConsentError without a release; KeyframeError without roto; TrackError; TrainError; PlateError.
    """
    if not opened.settings.mattes.roto:
        return {"mattes": "no [mattes].roto to learn from"}
    lock = one_writer(opened.shot.paths.work, f"vfx-deepfake mattes of {opened.name}")
    with unlocked() if locked else lock, located(opened.name):
        require_release(opened.shot, "train")
        if not mattes_are_fresh(opened):
            _make(opened, progress)
            opened.hashes.save()
    return {"mattes": mattes_pattern(opened)}


def _make(opened: OpenShot, progress: Progress) -> None:
    """Train, write what is missing, and last the record that makes it count."""
    began, inputs, crops = time.monotonic(), mattes_inputs(opened), open_crops(opened)
    spec, painted = opened.settings.mattes, painted_frames(opened, crops)
    record = mattes_record(opened)
    if record.parent.is_dir():
        sweep_parts(record.parent)
    files = {frame: frame_path(_pattern(opened, record.parent), frame) for frame in crops.source.frames}
    missing = [frame for frame, file in files.items() if not file.is_file()]
    if missing:
        from vfx_deepfake.model.loop import pick_device
        from vfx_deepfake.model.occluder import train_occluder  # torch is loaded where mattes are made, not asked after

        appearance = open_appearance(opened, crops)
        device = str(pick_device(opened.settings.train.device))
        net = train_occluder(_lessons(opened, crops, appearance, painted), opened.settings.train.seed, device)
        progress.start("mattes", len(missing), "frames")
        for done, frame in enumerate(missing, 1):
            roto = cut_roto(opened, spec.roto, spec.roto_channel, frame, crops.source.window(frame))
            _write(opened, crops, frame, files[frame], _made(net, crops, appearance, frame) if roto is None else roto)
            progress.advance(done, f"frame {frame}")
        progress.finish()
    write_record(record, inputs, files.values(), painted=format_frames(painted),
                 seconds=round(time.monotonic() - began, 2))  # fmt: skip


def painted_frames(opened: OpenShot, crops: ShotCrops) -> list[int]:
    """The frames with roto and a face.

    Raises: KeyframeError where there is none.
    """
    pattern = opened.settings.mattes.roto
    found = [frame for frame in opened.roto_files(pattern) if crops.track.has_face(frame)]
    if not found:
        raise KeyframeError(f"[mattes].roto: no painted frame with a face at {opened.source_text(pattern)}; "
                            "paint a few frames in which the occluder covers the face, or leave roto out")  # fmt: skip
    return found


def _lessons(opened: OpenShot, crops: ShotCrops, appearance: Appearance, painted: list[int]) -> list[Painted]:
    """The painted frames, and references in which nothing is foreign as frames without an occluder."""
    from vfx_deepfake.model.occluder import painted_frame

    spec, lessons = opened.settings.mattes, []
    for frame in painted:
        matte = cut_roto(opened, spec.roto, spec.roto_channel, frame, crops.source.window(frame))
        if matte is not None:
            lessons.append(painted_frame(*_seen(crops, appearance, frame), matte))
    for frame in spread(crops.source.frames, REFERENCES):
        face, seen = _seen(crops, appearance, frame)
        if frame not in painted and not foreign(face, seen).any():
            lessons.append(painted_frame(face, seen, np.zeros(face.window.shape, np.float32)))
    return lessons


def _seen(crops: ShotCrops, appearance: Appearance, frame: int) -> tuple[SmallFace, Comparison]:
    face = shot_small_face(crops, frame)
    return face, compare(face, appearance, crops.source.mesh)


def _made(net: OccluderNet, crops: ShotCrops, appearance: Appearance, frame: int) -> np.ndarray:
    """The learnt matte over the frame's crop."""
    from vfx_deepfake.model.occluder import occluder_of

    return enlarged(occluder_of(net, *_seen(crops, appearance, frame)), crops.source.window(frame))


def _write(opened: OpenShot, crops: ShotCrops, frame: int, file: Path, matte: np.ndarray) -> None:
    part = Part("matte", matte[..., None], (CHANNEL,), crops.source.window(frame))
    write_exr(file, [part], opened.plate.display_window)
