"""``export``: a shot's trained model as a file that Nuke can run, with the scripts that make a node of it."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import DeliveryError, TrainError, located
from vfx_deepfake.files import hash_data, hash_file, write_json, write_text, written_aside
from vfx_deepfake.nuke.cat import cattery_gizmo, cattery_record, creator_script
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.record import code_identity, now
from vfx_deepfake.settings import TrainSpec
from vfx_deepfake.steps.consent import require_ancestors, require_releases
from vfx_deepfake.steps.faces import FaceSource, open_faces
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.train import trained_checkpoint

OPERATION = "export"
STEPS = 3000  # about a quarter of an hour on two cores at HD; assumed
CROP_PX, BATCH = 256, 4
MOST_FRAMES = 32
MOST_BYTES = 1 << 30  # of frames kept while it learns
HELD_EVERY = 4  # every so manieth of the frames looked at is not learnt from, and judges
BYTES_A_PIXEL = 14  # plate, change, matte in half


def export_stage(opened: OpenShot, to: Path, progress: Progress, *, steps: int = 0) -> dict[str, Any]:
    """Teach a network what the shot's model made of its frames, and write it to ``to`` as TorchScript, with scripts beside it.

    A killed export goes on where it was. Raises: ConsentError without a release for "export" of everybody in the shot;
    TrainError where the shot is not trained; DeliveryError.
    """
    if to.suffix != ".pt":
        raise DeliveryError(f"--to {to}: give a file that ends in .pt; the other files take its name")
    from vfx_deepfake.model.checkpoint import read_notes  # here, as below: torch loads slowly

    with located(opened.name):
        releases = require_releases(opened.shot, OPERATION)
        made_from = trained_checkpoint(opened) if opened.settings.model.trains else None
        if made_from:
            releases |= require_ancestors(opened.shot, read_notes(made_from).get("all_identities", ()), OPERATION)
        faces = open_faces(opened)
        frames = [frame for frame in opened.frames if faces.crops.track.has_face(frame)]
        learnt, held = chosen_frames(frames, *faces.opened.plate.data_window.shape)
        spec = TrainSpec(
            steps=steps or STEPS, batch_size=BATCH, crop_px=CROP_PX, learning_rate=1e-3, seed=1,
            save_every=max((steps or STEPS) // 10, 1), device=opened.settings.train.device,
        )  # fmt: skip
        source = {"checkpoint": hash_file(made_from) if made_from else "", "settings": opened.shot.as_data()}
        folder = opened.shot.paths.work / f"export_{hash_data([source, learnt, asdict(spec)])[:12]}"
        from vfx_deepfake.model.export_network import CHANNELS_IN, CHANNELS_OUT, KNOBS, scripted

        student = _taught(faces, learnt, spec, folder, progress)
        figures = {
            "learnt": _psnr(student, faces, learnt[:: max(len(learnt) // 4, 1)]),
            "held": _psnr(student, faces, held),
        }
        with written_aside(to) as part:
            scripted(student.network).save(str(part))
    name = to.stem
    working = opened.settings.color.working
    note = _note(opened.name, working, figures)
    write_text(to.with_name(f"{name}_cat.nk"), creator_script(to.name, CHANNELS_IN, CHANNELS_OUT, KNOBS, note))
    cattery = to.parent / "Cattery" / name
    write_text(cattery / "cat.json", cattery_record(name, f"The face of {opened.name}, {working} in and out"))
    write_text(cattery / f"{name}.gizmo", cattery_gizmo(name, KNOBS))
    record = {
        "shot": opened.name, "made_from": source["checkpoint"], "method": opened.settings.model.method, "steps": spec.steps,
        "learnt_frames": learnt, "held_frames": held, "psnr_log_db": figures, "channels_in": CHANNELS_IN,
        "channels_out": CHANNELS_OUT, "knobs": KNOBS, "working_space": working, "code": code_identity(), "made_at": now(),
        "releases": {who: release.id for who, release in releases.items()}, "sha256": hash_file(to),
    }  # fmt: skip
    write_json(to.with_suffix(".json"), record)
    return {"model": str(to), "script": str(to.with_name(f"{name}_cat.nk")),
            **{f"psnr_{kind}": f"{value:.1f} dB" for kind, value in figures.items()}, "lines": note.splitlines()}  # fmt: skip


def chosen_frames(frames: list[int], height: int, width: int) -> tuple[list[int], list[int]]:
    """Frames to learn from, evenly over the shot and as many as memory holds, and those that judge.

    Raises: TrainError for fewer than two frames with a face.
    """
    if len(frames) < 2:
        raise TrainError(f"{len(frames)} frame with a face; a network to export learns from at least two")
    count = int(np.clip(MOST_BYTES // (height * width * BYTES_A_PIXEL), 2, MOST_FRAMES))
    picked = sorted({frames[round(i)] for i in np.linspace(0, len(frames) - 1, min(count, len(frames)))})
    held = picked[HELD_EVERY // 2 :: HELD_EVERY] if len(picked) > HELD_EVERY else picked[1:2]
    return [frame for frame in picked if frame not in held], held


def _pair(faces: FaceSource, frame: int) -> Any:
    """The whole plate of a frame with the model's change on it; None where the model makes nothing of it."""
    from vfx_deepfake.model.export_student import Pair

    plate = faces.read(frame)
    layers = faces.layers(frame, plate)
    if layers is None:
        return None
    own = faces.spaces.working(np.ascontiguousarray(plate.pixels[..., :3]))
    face_lin, clean_lin = own.copy(), own.copy()
    matte = np.zeros(own.shape[:2], np.float32)
    part = layers.window.slices(plate.data_window)
    face_lin[part], clean_lin[part], matte[part] = layers.face_lin, layers.degrained_lin, layers.matte
    return Pair.of(frame, own, face_lin, clean_lin, matte)


def _taught(faces: FaceSource, frames: list[int], spec: TrainSpec, folder: Path, progress: Progress) -> Any:
    """The student after its training, or from where an earlier call was killed."""
    from vfx_deepfake.model.export_student import StudentMethod
    from vfx_deepfake.model.identity.trainer import train_identity
    from vfx_deepfake.model.loop import pick_device

    progress.start("look", len(frames), "frames")
    pairs = []
    for done, frame in enumerate(frames, 1):
        pairs += [pair] if (pair := _pair(faces, frame)) else []
        progress.advance(done)
    progress.finish()
    if not pairs:
        raise TrainError("the model changes no frame; there is nothing to export")
    method = StudentMethod(pairs, spec, pick_device(spec.device))
    progress.start("teach", spec.steps, "steps")
    train_identity(method, spec, folder, on_step=lambda step, loss: progress.advance(step, f"loss {loss:.5f}"))
    progress.finish()
    return method


def _psnr(student: Any, faces: FaceSource, frames: list[int]) -> float:
    """How near the student comes to the model, dB of log values in the matte, over the frames."""
    total, weight = 0.0, 0.0
    for pair in (_pair(faces, frame) for frame in frames):
        if pair is None:
            continue
        plate = pair.plate_log.astype(np.float32)
        height, width = (side // 16 * 16 for side in pair.matte.shape)
        made = student.apply(plate[:height, :width])
        off = made[..., :3] * made[..., 3:] - pair.change_log[:height, :width].astype(np.float32)
        matte = pair.matte[:height, :width].astype(np.float32)
        total += float(((off**2).mean(axis=-1) * matte).sum())
        weight += float(matte.sum())
    return -10 * math.log10(max(total / max(weight, 1e-9), 1e-12))


def _note(shot: str, working: str, figures: dict[str, float]) -> str:
    return (
        f"{shot}: open this script in NukeX or Nuke Studio, press 'Create .cat file and Inference' on CatFileCreator1.\n"
        f"Feed it the plate in {working}, scene-linear; alpha comes out as the matte of what it changed.\n"
        f"It has learnt what the shot's model made: {figures['held']:.1f} dB (log, in the matte) on frames it has not seen.\n"
        "It sees one frame at a time and no track: use it on this shot and its like, and render finals with vfx-deepfake."
    )
