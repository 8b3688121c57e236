"""``train``: the shot's network, from its painted frames or from facesets; and the model that render opens afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError, KeyframeError, ShotError, TrainError, located
from vfx_deepfake.files import hash_data, hash_file, one_writer, read_json, sweep_parts, write_json
from vfx_deepfake.model.predict import FaceModel, Predictor
from vfx_deepfake.model.sliders import SliderModel
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.record import code_identity, host_identity, now
from vfx_deepfake.steps.consent import Watch, require_releases
from vfx_deepfake.steps.identity_model import identity_inputs, open_identity_model, train_identity_run
from vfx_deepfake.steps.opened import OpenShot, open_shot, unlocked
from vfx_deepfake.steps.shot_crops import ShotCrops, open_crops
from vfx_deepfake.steps.track import GRAIN, load_track, track_is_fresh

RECORD = "run.json"
MIN_KEYS = 2  # each painted frame is learnt from the others

Tell = Callable[[Mapping[str, Any]], None]


def train_inputs(opened: OpenShot) -> dict[str, Any]:
    """Everything that decides a run's weights; of a shared network its checkpoint, empty before it is trained.

    Raises: TrackError without an up-to-date track; ShotError for a model shot that can't be used.
    """
    if opened.settings.model.swaps:
        return identity_inputs(opened)
    load_track(opened)
    lent = lent_checkpoint(opened)
    shared = {"shared": opened.hashes.of(lent) if lent else ""} if opened.settings.model.shared else {}
    return {
        "plate": opened.plate_hash(),
        "reading": opened.plate_reading(),
        "track": opened.hashes.of(opened.shot.paths.track_file),
        "grain": opened.hashes.of(opened.shot.paths.track / GRAIN),
        "keyframes": opened.hashes.of_all(opened.keyframe_files().values()),
        "keyframe_space": opened.settings.keyframes.colorspace,
        "target": opened.settings.model.target,
        "settings": asdict(opened.settings.train),
        **shared,
    }


def model_shot(opened: OpenShot) -> OpenShot | None:
    """The shot whose trained network this one takes over; None where it trains its own.

    Raises: ShotError when that shot can't be read or trains no network itself.
    """
    if not opened.settings.model.shared:
        return None
    where = f"{opened.shot.file.name} [model].shared"
    with located(where):
        lender = open_shot(os.path.normpath(opened.source(opened.settings.model.shared)))
    if lender.settings.model.method != "keyframe" or lender.settings.model.shared:
        raise ShotError(f"{where}: {lender.name} trains no network of its own; name the shot that does")
    return lender


def lent_checkpoint(opened: OpenShot) -> Path | None:
    """The shared network's checkpoint; None where the shot trains its own, or the model shot is not trained yet."""
    lender = model_shot(opened)
    return trained_checkpoint(lender) if lender and track_is_fresh(lender) and finished_run(lender) else None


def finished_run(opened: OpenShot) -> int | None:
    """The newest run that was trained to its end from the present inputs, its checkpoint untouched; None without one."""
    wanted = hash_data(train_inputs(opened))
    for number in reversed(opened.shot.paths.run_numbers()):
        record = _record(opened.shot.paths.run(number))
        if record.get("inputs_hash") == wanted and record.get("checkpoint"):
            checkpoint = opened.shot.paths.run(number) / record["checkpoint"]
            if checkpoint.is_file() and hash_file(checkpoint) == record["checkpoint_hash"]:
                return number
    return None


def trained_checkpoint(opened: OpenShot) -> Path:
    """The weights that render uses.

    Raises: TrainError when the shot is not trained on the present inputs.
    """
    number = finished_run(opened)
    if number is None:
        raise TrainError(f"not trained on the present {_material(opened)} and settings; run 'vfx-deepfake train' first")
    folder = opened.shot.paths.run(number)
    return folder / str(_record(folder)["checkpoint"])


def seen_identities(opened: OpenShot) -> list[str]:
    """Whose faces the shot's trained network has seen, those of the networks it started from too.

    Raises: TrainError when the shot is not trained on the present inputs.
    """
    record = _record(trained_checkpoint(opened).parent)
    return list(record.get("made_of", {}).get("all_identities", ()))


def train_stage(
    opened: OpenShot, progress: Progress, *, locked: bool = False, tell: Tell = lambda message: None
) -> dict[str, Any]:
    """Train, or continue the run that these inputs began, or take over the network of [model].shared; nothing to do where that
    is finished.

    tell: takes what other processes need to train an identity along: first "folder", then what it is "made_of".
    Raises: ConsentError without a release; KeyframeError for too few painted frames; FacesetError; TrackError; TrainError.
    """
    paths = opened.shot.paths
    lock = one_writer(paths.work, f"vfx-deepfake train of {opened.name}")
    with unlocked() if locked else lock, located(opened.name):
        releases = require_releases(opened.shot, "render" if opened.settings.model.shared else "train")
        number = finished_run(opened)
        if number is None:
            number = _run_to_continue(opened) or max(paths.run_numbers(), default=0) + 1
            _train(opened, number, {name: release.id for name, release in releases.items()}, progress, tell)
            opened.hashes.save()
    folder = paths.run(number)
    return {"run": str(folder), "checkpoint": _record(folder)["checkpoint"]}


def _material(opened: OpenShot) -> str:
    return "track, facesets" if opened.settings.model.swaps else "track, key frames"


def _train(opened: OpenShot, number: int, releases: dict[str, str], progress: Progress, tell: Tell) -> None:
    """One run to its end, and last the record that makes it count. ``releases``: ids by identity, the plate's first."""
    folder, inputs, began = opened.shot.paths.run(number), train_inputs(opened), time.monotonic()
    lender, lent = model_shot(opened), lent_checkpoint(opened)
    if lender and not lent:
        raise TrainError(f"{lender.name}, whose network this shot takes over, is not trained on its present inputs; "
                         f"run 'vfx-deepfake run {lender.shot.file}' first")  # fmt: skip
    crops = open_crops(opened)
    swaps = opened.settings.model.swaps
    if not swaps and len(crops.source.keyframes) < MIN_KEYS:
        raise KeyframeError(
            f"{len(crops.source.keyframes)} painted frame with a face; training needs at least {MIN_KEYS}, "
            "or set model.method = 'propagate'"
        )
    record = {
        "inputs": inputs,
        "inputs_hash": hash_data(inputs),
        "release": next(iter(releases.values())),
        "code": code_identity(),
        "began_at": _record(folder).get("began_at", now()),
        "host": host_identity(),
        "shared_from": lender.name if lender else "",
    }
    begun = _record(folder).get("made_of")

    def begin(made_of: Mapping[str, Any] | None) -> None:
        if made_of:
            record["made_of"] = made_of
        write_json(folder / RECORD, record)

    def begin_together(made_of: Mapping[str, Any]) -> None:
        begin(made_of)
        tell({"made_of": made_of})

    begin(begun)
    sweep_parts(folder)
    spec, preparing = opened.settings.train, _telling(progress, "prepare", "frames")
    if lent:
        from vfx_deepfake.model.adopt import adopt_network  # here, as below: torch loads slowly

        checkpoint = adopt_network(lent, crops.source, spec, folder, preparing)
    elif swaps:
        training = _training(progress, spec.steps, Watch(opened.shot, "train"))
        tell({"folder": str(folder)})
        checkpoint = train_identity_run(opened, crops, folder, releases, lambda: begun, begin_together, training)
    else:
        from vfx_deepfake.model.train import train_network

        training = _training(progress, spec.steps, Watch(opened.shot, "train"))
        checkpoint = train_network(crops.source, spec, folder, on_frame=preparing, on_step=training)
    progress.finish()
    finished = {"checkpoint": checkpoint.name, "checkpoint_hash": hash_file(checkpoint), "finished_at": now()}
    write_json(folder / RECORD, {**record, **finished, "seconds": round(time.monotonic() - began, 2)})


def _telling(progress: Progress, stage: str, unit: str) -> Callable[[int, int], None]:
    """A callback of (done, total) that opens the stage at its first call and closes it at its last."""
    under_way = False

    def tell(done: int, total: int) -> None:
        nonlocal under_way
        if not under_way:
            progress.start(stage, total, unit)
            under_way = True
        progress.advance(done)
        if done >= total:
            progress.finish()

    return tell


def _training(progress: Progress, steps: int, watch: Watch) -> Callable[[int, float], None]:
    """A callback of (step, loss) that lets ``watch`` stop the training.

    The bar opens when the first step is done, so that preparing does not spoil its estimate.
    """
    under_way = False

    def tell(step: int, loss: float) -> None:
        nonlocal under_way
        if not under_way:
            progress.start("train", steps, "steps")
            under_way = True
        progress.advance(step, f"loss {loss:.5f}")
        watch()

    return tell


def _run_to_continue(opened: OpenShot) -> int | None:
    """The newest run of the present inputs that was not finished."""
    wanted = hash_data(train_inputs(opened))
    numbers = reversed(opened.shot.paths.run_numbers())
    return next((n for n in numbers if _record(opened.shot.paths.run(n)).get("inputs_hash") == wanted), None)


def _record(folder: Path) -> dict[str, Any]:
    """A run's record; empty where there is none or it is damaged."""
    try:
        return read_json(folder / RECORD)
    except ArtistError:
        return {}


def open_model(opened: OpenShot, crops: ShotCrops) -> Predictor:
    """What makes the face of every frame: sliders, bare propagation, that with the trained network, or another identity.

    Raises: TrackError for sliders or an identity on an artist's points; FacesetError; TrainError when the network is not
    trained on the present inputs.
    """
    method = opened.settings.model.method
    if opened.settings.model.swaps:
        return open_identity_model(opened, crops, trained_checkpoint(opened))
    if method == "sliders":
        return SliderModel(crops.source, opened.settings.beauty)
    if method == "propagate":
        return FaceModel(crops.source)
    from vfx_deepfake.model.train import load_network  # loads torch, which the other methods do without

    return FaceModel(crops.source, load_network(trained_checkpoint(opened), opened.settings.train.device))
