"""The identity model of a shot: what its training is made from, one run of it, and the model that render opens afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import FacesetError, ShotError, TrainError
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.files import hash_file
from vfx_deepfake.model.identity.drive import Driving, Take
from vfx_deepfake.model.identity.predictor import IdentityModel
from vfx_deepfake.model.identity.views import PlateViews
from vfx_deepfake.steps.identity_sources import driving_take, faceset_hashes, open_facesets
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.shot_crops import ShotCrops
from vfx_deepfake.steps.track import GRAIN, load_track

# keys of [identity] that decide weights; the others are dialled in afterwards
TRAINED = ("crop_px", "real_crops", "capacity", "adversary", "likeness")
SHOWN = (
    "mix", "mix_skin", "mix_eyes", "mix_brows", "mix_nose", "mix_mouth", "age",
    "region", "drive_offset", "expression", "correct",
)  # fmt: skip
AUTO, NONE = "auto", "none"


def identity_inputs(opened: OpenShot) -> dict[str, Any]:
    """Everything that decides an identity run's weights.

    A start that the library chooses is chosen when a run begins and is in its record: a library that grows makes no finished
    training stale. Raises: TrackError without an up-to-date track; ShotError for a start that is not there.
    """
    load_track(opened)
    spec = asdict(opened.settings.identity)
    start = named_start(opened)
    return {
        "method": opened.settings.model.method,
        "plate": opened.plate_hash(),
        "reading": opened.plate_reading(),
        "track": opened.hashes.of(opened.shot.paths.track_file),
        "grain": opened.hashes.of(opened.shot.paths.track / GRAIN),
        "facesets": faceset_hashes(opened),
        "identity": {key: spec[key] for key in TRAINED},
        "start": opened.hashes.of(start) if start else spec["warm_start"],
        "settings": asdict(opened.settings.train),
    }


def named_start(opened: OpenShot) -> Path | None:
    """The checkpoint that [identity].warm_start names; None for a word.

    Raises: ShotError when it is not there.
    """
    text = opened.settings.identity.warm_start
    if text in (AUTO, NONE):
        return None
    path = opened.source(text)
    if not path.is_file():
        raise ShotError(
            f"{opened.shot.file.name} [identity].warm_start: {path} is not there; give a checkpoint's path, auto or none"
        )
    return path


def driving_track(opened: OpenShot) -> FaceTrack | None:
    """The track of the driving take; None for the plate's own performance.

    Raises: ShotError; TrackError when the take is not tracked.
    """
    take = driving_take(opened)
    return None if take is None else load_track(take)


def identity_render_inputs(opened: OpenShot) -> dict[str, Any]:
    """What decides an identity's pixels beside its weights.

    Raises: TrackError, ShotError for a driving take that can't be used.
    """
    take = driving_take(opened)
    if take is not None:
        load_track(take)
    track = "" if take is None else opened.hashes.of(take.shot.paths.track_file)
    spec = asdict(opened.settings.identity)
    return {"identity": {key: spec[key] for key in SHOWN}, "facesets": faceset_hashes(opened), "driving_track": track}


def train_identity_run(
    opened: OpenShot, crops: ShotCrops, folder: Path, begun: Mapping[str, Any], on_step: Callable[[int, float], None]
) -> Path:
    """Train in a run's folder, or go on there; ``begun`` is what :func:`begin_identity_run` gave. Returns the checkpoint.

    Raises: TrainError; FacesetError; ShotError.
    """
    from vfx_deepfake.model.identity.method import Options
    from vfx_deepfake.model.identity.parallel import processes
    from vfx_deepfake.model.identity.registry import prepare
    from vfx_deepfake.model.identity.trainer import train_identity

    settings, spec = opened.settings.train, opened.settings.identity
    mine, others = open_facesets(opened)
    shot = plate_views(opened, crops).shot()
    with processes(settings.device) as device:
        options = Options(
            size=spec.crop_px, batch_size=settings.batch_size, seed=settings.seed, device=str(device),
            capacity=spec.capacity, real_crops=spec.real_crops, checkpointing=spec.checkpointing,
            adversary=spec.adversary, likeness=spec.likeness,
        )  # fmt: skip
        method = prepare(opened.settings.model.method, mine, others, shot, options)
        start = Path(begun["start"]["file"]) if begun["start"] else None
        if start is not None and (not start.is_file() or hash_file(start) != begun["start"]["hash"]):
            raise TrainError(f"{start}: the start of this run is gone or changed; put it back, or remove {folder}")
        return train_identity(
            method,
            settings,
            folder,
            start=start,
            shot=shot,
            notes=_notes(begun),
            on_step=on_step,
            compiled=spec.compiled,
        )


def begin_identity_run(opened: OpenShot, releases: Mapping[str, str]) -> dict[str, Any]:
    """What a run's record says beside its inputs, fixed when it begins: start, identities, releases, ancestors.

    ``releases``: id of the release that covers each identity. Raises: what opening facesets raises.
    """
    mine, others = open_facesets(opened)
    start = _chosen_start(opened)
    ancestry = _ancestry(start) if start else {"identities": [], "ancestors": []}
    own = sorted({each.identity for each in (*mine, *others)})
    return {
        "family": opened.settings.model.method,
        "identities": own,
        "all_identities": sorted({*own, *ancestry["identities"]}),
        "releases": {name: releases[name] for name in sorted(releases)},
        "facesets": {str(each.folder): each.hash for each in (*mine, *others)},
        "ages": sorted({each.age for each in (*mine, *others) if each.age is not None}),
        "start": {"file": str(start), "hash": hash_file(start)} if start else None,
        "ancestors": ancestry["ancestors"],
    }


def _notes(begun: Mapping[str, Any]) -> dict[str, Any]:
    """What the checkpoint says of its making; no path of this host."""
    kept = {key: begun[key] for key in ("family", "identities", "all_identities", "releases", "ages", "ancestors")}
    start = begun["start"]["hash"] if begun["start"] else ""
    return {**kept, "facesets": sorted(begun["facesets"].values()), "start": start}


def _chosen_start(opened: OpenShot) -> Path | None:
    """The named start, or the library's best one for [identity].warm_start = auto."""
    named = named_start(opened)
    spec = opened.settings.identity
    if named is not None or spec.warm_start == NONE or not spec.library:
        return named
    return None


def _ancestry(start: Path) -> dict[str, list[str]]:
    """Whose faces a start has seen, and the hashes of it and of what it started from."""
    from vfx_deepfake.model import checkpoint

    notes = checkpoint.read(start).notes
    seen = notes.get("all_identities", notes.get("identities", []))
    return {"identities": list(seen), "ancestors": [*notes.get("ancestors", []), hash_file(start)]}


def plate_views(opened: OpenShot, crops: ShotCrops) -> PlateViews:
    """The plate's own face, aligned as facesets are.

    Raises: TrackError for an artist's points.
    """
    return PlateViews(crops.source, opened.settings.identity.crop_px, opened.plate.data_window)


def open_identity_model(opened: OpenShot, crops: ShotCrops, checkpoint: Path) -> IdentityModel:
    """The trained identity as what makes the face of every frame.

    Raises: TrainError for a checkpoint that can't be used; FacesetError; TrackError; ShotError.
    """
    from vfx_deepfake.model.identity.registry import restore

    try:
        mine, _ = open_facesets(opened)
    except FacesetError as error:
        raise FacesetError(f"{error}; rendering looks at the faceset's crops too") from error
    spec, views = opened.settings.identity, plate_views(opened, crops)
    driver = driving_track(opened)
    driving = Driving(spec, Take(crops.track), None if driver is None else Take(driver))
    return IdentityModel(views, restore(checkpoint, opened.settings.train.device, mine), driving, spec.region)
