"""The identity model of a shot: what its training is made from, one run of it, and the model that render opens afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfx_deepfake.errors import ArtistError, FacesetError, ShotError, TrackError, TrainError
from vfx_deepfake.face.landmarks import default_detector
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.files import hash_data, hash_file, read_json, write_json
from vfx_deepfake.model.identity.drive import Driving, Take
from vfx_deepfake.model.identity.performance import FORMAT as DRIFT_FORMAT
from vfx_deepfake.model.identity.performance import Corrector, ShotDrift, solve_drift
from vfx_deepfake.model.identity.predictor import IdentityModel
from vfx_deepfake.model.identity.views import PlateViews
from vfx_deepfake.settings.identity import IdentitySpec
from vfx_deepfake.steps.consent import require_ancestors
from vfx_deepfake.steps.identity_sources import driving_take, faceset_hashes, open_facesets
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.shot_crops import ShotCrops
from vfx_deepfake.steps.track import GRAIN, load_track

if TYPE_CHECKING:
    from vfx_deepfake.faceset.data import Faceset
    from vfx_deepfake.model.identity.method import Method

# keys of [identity] that decide weights; the others are dialled in afterwards
TRAINED = ("crop_px", "real_crops", "capacity", "adversary", "likeness")
SHOWN = (
    "mix", "mix_skin", "mix_eyes", "mix_brows", "mix_nose", "mix_mouth", "age",
    "region", "drive_offset", "expression", "correct", "write_partner",
    "forehead_cm",
    "level",
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
    return {"identity": _shown(opened.settings.identity), "facesets": faceset_hashes(opened), "driving_track": track}


def _shown(spec: IdentitySpec) -> dict[str, Any]:
    values = asdict(spec)
    return {key: values[key] for key in SHOWN}


def train_identity_run(
    opened: OpenShot, crops: ShotCrops, folder: Path, releases: Mapping[str, str],
    begun: Callable[[], Mapping[str, Any] | None], begin: Callable[[Mapping[str, Any]], None], on_step: Callable[[int, float], None],
) -> Path:  # fmt: skip
    """Train in a run's folder, or go on there. Returns the checkpoint.

    releases: id of the release that covers each identity. begun: gives what the record of a run that was stopped says of its
    making; None for a new run. begin: is handed that before the first step, to be written down.
    Raises: TrainError; FacesetError; ShotError; ConsentError for people whom the start has seen.
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
            adversary=spec.adversary, likeness=spec.likeness, performer=opened.settings.consent.identity,
        )  # fmt: skip
        method = prepare(opened.settings.model.method, mine, others, shot, options)
        made_of = dict(begun() or ()) or _made_of(opened, method, [*mine, *others], releases)
        require_ancestors(opened.shot, made_of["all_identities"], "train")
        begin(made_of)
        return train_identity(
            method, settings, folder, start=_start_of(made_of, folder), shot=shot, notes=_notes(made_of), on_step=on_step,
            compiled=spec.compiled,
        )  # fmt: skip


def _made_of(
    opened: OpenShot, method: Method, facesets: Sequence[Faceset], releases: Mapping[str, str]
) -> dict[str, Any]:
    """What a run's record says beside its inputs, fixed when it begins: start, identities, releases, ancestors."""
    own, plate = sorted({each.identity for each in facesets}), opened.settings.consent.identity
    start, why = _chosen_start(opened, method, own)
    ancestry = _ancestry(start) if start else {"identities": [], "ancestors": []}
    return {
        "family": opened.settings.model.method,
        "identities": own,
        "all_identities": sorted({*own, plate, *ancestry["identities"]}),  # methods may learn from the plate's face
        "releases": {name: releases[name] for name in sorted(releases)},
        "facesets": {str(each.folder): each.hash for each in facesets},
        "ages": sorted({age for each in facesets for age in _ages(each)}),
        "start": {"file": str(start), "hash": hash_file(start), "why": why} if start else None,
        "ancestors": ancestry["ancestors"],
    }


def _ages(faceset: Faceset) -> set[float]:
    found = {crop.age for crop in faceset.crops} | {faceset.age}
    return {age for age in found if age is not None}


def _start_of(made_of: Mapping[str, Any], folder: Path) -> Path | None:
    """The start that a run's record names.

    Raises: TrainError when it is gone or changed.
    """
    if made_of["start"] is None:
        return None
    start = Path(made_of["start"]["file"])
    if not start.is_file() or hash_file(start) != made_of["start"]["hash"]:
        raise TrainError(f"{start}: the start of this run is gone or changed; put it back, or remove {folder}")
    return start


def _notes(made_of: Mapping[str, Any]) -> dict[str, Any]:
    """What the checkpoint says of its making; no path of this host."""
    kept = {key: made_of[key] for key in ("family", "identities", "all_identities", "releases", "ages", "ancestors")}
    start = made_of["start"]["hash"] if made_of["start"] else ""
    return {**kept, "facesets": sorted(made_of["facesets"].values()), "start": start}


def _chosen_start(opened: OpenShot, method: Method, identities: Sequence[str]) -> tuple[Path | None, str]:
    """The named start, or with [identity].warm_start = auto the best one on record that fits; and why."""
    from vfx_deepfake.model.library import choose_start

    named, spec = named_start(opened), opened.settings.identity
    if named is not None or spec.warm_start == NONE:
        return named, "named in the shot file" if named else ""
    choice = choose_start(
        opened.source(spec.library) if spec.library else None, opened.settings.model.method, identities, method.design(),
        lambda name: require_ancestors(opened.shot, [name], "train"),
    )  # fmt: skip
    model = choice.model
    return (
        (model.file, choice.reason)
        if model is not None and _fits(method, model.file, identities)
        else (None, choice.reason)
    )


def _fits(method: Method, start: Path, identities: Sequence[str]) -> bool:
    """Whether enough of a start's weights are the method's own: what was chosen for the artist must not stop the training."""
    from vfx_deepfake.model.identity.warm_start import LEAST_SHARE, fitting, shared_of

    return fitting(method.network, start, shared_of(method), identities).share >= LEAST_SHARE


def _ancestry(start: Path) -> dict[str, list[str]]:
    """Whose faces a start has seen, and the hashes of it and of what it started from."""
    from vfx_deepfake.model import checkpoint

    notes = checkpoint.read_notes(start)
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
        mine, others = open_facesets(opened)
    except FacesetError as error:
        raise FacesetError(f"{error}; rendering looks at the faceset's crops too") from error
    spec, views = opened.settings.identity, plate_views(opened, crops)
    driver = driving_track(opened)
    driving = Driving(spec, Take(crops.track), None if driver is None else Take(driver))
    model = IdentityModel(
        views,
        restore(checkpoint, opened.settings.train.device, [*mine, *others]),
        driving,
        spec.region,
        spec.forehead_cm,
    )
    return _corrected(opened, model, checkpoint)


def second_identity(opened: OpenShot, model: IdentityModel, checkpoint: Path) -> IdentityModel:
    """The partner's face alone, out of the network of ``model``: every share of the mix at 1.

    Raises: TrackError without a landmarker.
    """
    driving = replace(model.driving, spec=model.driving.spec.second())
    return _corrected(opened, replace(model, driving=driving, correct=None), checkpoint)


def _corrected(opened: OpenShot, model: IdentityModel, checkpoint: Path) -> IdentityModel:
    if not model.driving.spec.correct:
        return model
    return replace(model, correct=Corrector(_shot_drift(opened, model, checkpoint)))


def _shot_drift(opened: OpenShot, model: IdentityModel, checkpoint: Path) -> ShotDrift:
    """How the performance drifts in this shot, from the work folder where a host has measured it already.

    Raises: TrackError without a landmarker.
    """
    made_from = {
        "format": DRIFT_FORMAT,
        "checkpoint": opened.hashes.of(checkpoint),
        "plate": opened.plate_hash(),
        "reading": opened.plate_reading(),
        "track": opened.hashes.of(opened.shot.paths.track_file),
        **identity_render_inputs(opened),
        "identity": _shown(model.driving.spec),
    }
    file = opened.shot.paths.drift(hash_data(made_from))
    if file.is_file():
        try:
            return ShotDrift.from_data(read_json(file))
        except (ArtistError, KeyError, TypeError, ValueError):
            pass  # only a cache: measured again
    try:
        detector = default_detector()
    except TrackError as error:
        raise TrackError(f"{error}; or set [identity].correct = false, which leaves a drifting performance") from error
    frames = [frame for frame in model.source.frames if frame in set(opened.frames)]
    drift = solve_drift(frames, model.uncorrected, detector, driven=model.driving.drives(frames))
    write_json(file, drift.to_data())
    return drift
