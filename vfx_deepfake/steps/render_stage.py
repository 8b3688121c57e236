"""``render``: the shot's frames into the folder of the version that is being made."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError, ShotError, located
from vfx_deepfake.files import hash_data, one_writer, read_json, sweep_parts, write_json
from vfx_deepfake.frames import format_frames, parse_frames
from vfx_deepfake.image.regrain import Regrainer
from vfx_deepfake.media.delivery import profile_named
from vfx_deepfake.media.dpx import DpxHeader
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.record import code_identity
from vfx_deepfake.provenance.release import Release
from vfx_deepfake.steps.comp import PLATE_AS_IT_IS
from vfx_deepfake.steps.consent import Watch, needs_release, require_ancestors, require_releases
from vfx_deepfake.steps.faces import FaceSource, open_faces, plate_spaces, with_second_face
from vfx_deepfake.steps.identity_model import identity_render_inputs
from vfx_deepfake.steps.mattes import made_mattes
from vfx_deepfake.steps.opened import OpenShot, shot_rate, unlocked
from vfx_deepfake.steps.render import Output, RenderJob, dpx_output, exr_output, finished_frame, render_frames
from vfx_deepfake.steps.track import load_track
from vfx_deepfake.steps.train import seen_identities, trained_checkpoint

# tables that decide a version's pixels
SETTINGS = ("shot", "color", "model", "mattes", "texture", "colormatch", "blend", "render", "delivery")


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """What the next version is made from, and where it is being made."""

    inputs: dict[str, Any]
    identity: str
    paths: VersionPaths


def render_inputs(opened: OpenShot) -> dict[str, Any]:
    """Everything that decides the pixels of a version, as plain data.

    Raises: TrackError or TrainError when an earlier stage is not up to date.
    """
    settings = opened.settings
    inputs: dict[str, Any] = {
        "plate": opened.hashes.of_all(opened.plate_files()),
        "reading": opened.plate_reading(),
        "frames": format_frames(opened.frames),
        "code": code_identity(),
        "color_config": opened.color.config_id(),
        **{table: asdict(getattr(settings, table)) for table in SETTINGS},
    }
    if settings.model.method != "passthrough":
        load_track(opened)
        inputs["track"] = opened.hashes.of(opened.shot.paths.track_file)
        inputs["keyframes"] = opened.hashes.of_all(opened.keyframe_files().values())
        mattes = settings.mattes
        for pattern in filter(None, (mattes.holdout, mattes.garbage, mattes.roto, settings.texture.wrinkle_matte)):
            inputs[pattern] = opened.hashes.together(opened.roto_files(pattern).values())
        if settings.mattes.roto:
            inputs["learnt_mattes"] = made_mattes(opened)
    if settings.model.method == "sliders":
        inputs["beauty"] = asdict(settings.beauty)
    if settings.model.swaps:
        inputs.update(identity_render_inputs(opened))
    if settings.model.trains:
        inputs["checkpoint"] = opened.hashes.of(trained_checkpoint(opened))
    return inputs


def plan_render(opened: OpenShot) -> RenderPlan:
    """The version that these inputs make next."""
    inputs = render_inputs(opened)
    identity = hash_data(inputs)
    number = max(opened.shot.paths.version_numbers(), default=0) + 1
    return RenderPlan(inputs, identity, opened.shot.paths.making(number, identity))


def published_version(opened: OpenShot) -> VersionPaths | None:
    """The newest published version, when it was made from exactly the present inputs."""
    paths = opened.shot.paths
    numbers = paths.version_numbers()
    if not numbers:
        return None
    newest = paths.version(numbers[-1])
    try:
        made_from = read_json(newest.record)["inputs_hash"]
    except (ArtistError, KeyError):
        return None
    return newest if made_from == hash_data(render_inputs(opened)) else None


def frame_record(paths: VersionPaths, frame: int) -> Path:
    """The file that says that a frame of a version under way is finished."""
    return paths.folder / f".frame.{frame}.json"


def frame_records(plan: RenderPlan, frames: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The records of finished frames."""
    return {frame: read_json(frame_record(plan.paths, frame)) for frame in frames}


def is_finished(opened: OpenShot, plan: RenderPlan, frame: int) -> bool:
    """True when every file of the frame is there and is what its record says."""
    return finished_frame(_job(opened, plan, None), frame) is not None


def render_stage(opened: OpenShot, progress: Progress, *, frames: str = "", locked: bool = False) -> dict[str, Any]:
    """Render ``frames`` (empty: all) of the next version; finished frames are verified and kept.

    Several hosts may render parts of one version at the same time.
    Raises: ConsentError without a release; TrackError or TrainError when an earlier stage is missing; PlateError; DeliveryError.
    """
    shared = one_writer(opened.shot.paths.work, f"vfx-deepfake render of {opened.name}", shared=True)
    with unlocked() if locked else shared, located(opened.name):
        require_render_release(opened)
        wanted = chosen_frames(opened, frames)
        plan = plan_render(opened)
        opened.hashes.save()
        sweep_parts(plan.paths.folder)
        began = time.monotonic()
        counts = render_planned(opened, plan, wanted, progress)
        seconds = round(time.monotonic() - began, 2)
        write_json(opened.shot.paths.work / "render.json", {"seconds": seconds, "frames": format_frames(wanted)})
    changed = [frame for frame, count in counts.items() if count.get("changed_px", 0)]
    return {"rendered": format_frames(wanted), "changed": format_frames(changed), "folder": str(plan.paths.folder)}


def require_render_release(opened: OpenShot) -> dict[str, Release]:
    """The releases of everybody whose face is in play, by identity, the plate's actor first; none for a plate passed through.

    Raises: ConsentError; TrainError when the shot is not trained on its present inputs.
    """
    if not needs_release(opened.shot):
        return {}
    found = require_releases(opened.shot, "render")
    seen = require_ancestors(opened.shot, seen_identities(opened), "render") if opened.settings.model.swaps else {}
    return {**found, **{who: each for who, each in seen.items() if who not in found}}


def render_planned(
    opened: OpenShot, plan: RenderPlan, frames: Iterable[int], progress: Progress
) -> dict[int, dict[str, Any]]:
    """Render frames of a planned version to where the plan says; returns the counts of each frame.

    Raises: TrackError or TrainError when an earlier stage is missing; PlateError; DeliveryError.
    """
    wanted = list(frames)
    progress.start("render", len(wanted), "frames")
    source = (
        with_second_face(open_faces(opened, plan.identity), plan.identity)
        if opened.settings.model.method != "passthrough"
        else None
    )
    job = _job(opened, plan, source)
    watch = Watch(opened.shot, "render") if needs_release(opened.shot) else None

    def on_frame(done: int, total: int, frame: int) -> None:
        progress.advance(done, f"frame {frame}")
        if watch:
            watch()

    counts = render_frames(job, wanted, on_frame)
    progress.finish()
    return counts


def chosen_frames(opened: OpenShot, frames: str) -> tuple[int, ...]:
    """``--frames`` as numbers; empty takes the whole shot.

    Raises: ShotError for frames outside the shot's range.
    """
    if not frames:
        return opened.frames
    wanted = parse_frames(frames, "--frames")
    strange = sorted(set(wanted) - set(opened.frames))
    if strange:
        raise ShotError(
            f"--frames: {format_frames(strange)} are not in the shot's range {format_frames(opened.frames)}"
        )
    return wanted


def _job(opened: OpenShot, plan: RenderPlan, source: FaceSource | None) -> RenderJob:
    """The render loop's view of the shot."""
    return RenderJob(
        read=opened.plate.read if source is None else source.read,
        face=(lambda frame, plate: None) if source is None else source.layers,
        outputs=_outputs(opened, plan),
        record=partial(frame_record, plan.paths),
        identity=lambda frame: {"version": plan.identity, "frame": frame},
        spaces=plate_spaces(opened),
        regrainer=PLATE_AS_IT_IS if source is None else _regrainer(opened, source),
    )


def _regrainer(opened: OpenShot, source: FaceSource) -> Regrainer:
    """How grain returns. An identity's face was never in the plate; every other one is a change laid on degrained plates."""
    spec = opened.settings.render
    red, green, blue = spec.grain_gain
    return Regrainer(
        source.grain, spec.grain, (red, green, blue), opened.name, of_plate=not opened.settings.model.swaps
    )


def _outputs(opened: OpenShot, plan: RenderPlan) -> list[Output]:
    """The EXR with its layers, and the delivery's DPX where the profile has one."""
    notes = {
        "shot": opened.name,
        "version": f"v{plan.paths.number:03d}",
        "inputs": plan.identity,
        "rgba_space": opened.plate.colorspace,
        "elements_space": opened.plate.working,
    }
    layers = (
        opened.settings.mattes.cryptomatte,
        opened.settings.model.swaps and opened.settings.identity.has_second_face,
    )
    outputs = [exr_output(plan.paths.exr_frame, opened.settings.render.compression, notes, *layers)]
    spec = opened.settings.delivery
    bits = profile_named(spec.profile).bits
    if bits:
        spaces = opened.plate.colorspace, spec.colorspace
        header = partial(dpx_header, opened)
        outputs.append(dpx_output(plan.paths.dpx_frame, opened.color, *spaces, bits, header))
    return outputs


def dpx_header(opened: OpenShot, frame: int) -> DpxHeader:
    """What the header of a delivered DPX says beside the plate's own metadata."""
    spec, frames = opened.settings.delivery, opened.frames
    return DpxHeader(
        transfer=spec.transfer,
        colorimetric=spec.colorimetric,
        rate=shot_rate(opened),
        reel=spec.reel,
        project=opened.settings.shot.show,
        position=frames.index(frame),
        length=len(frames),
    )
