"""Trained models on disk, for the next training to start from: weights and a record of how they came to be.

``LIBRARY/NAME/weights.safetensors`` and, written last, ``LIBRARY/NAME/model.json``. A model is never changed; the same weights are
added once. What a record says is what the checkpoint's own notes say, so a model that is copied about keeps its history.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError, ConsentError, TrainError
from vfx_deepfake.files import hash_file, one_writer, read_json, sweep_parts, write_json, written_aside

SCHEMA = 1
RECORD = "model.json"
WEIGHTS = "weights.safetensors"
KEYFRAME = "keyframe"  # the family of refiners, whose checkpoints name none
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
BASES = Path(__file__).with_name("identity")  # what is shipped, by family


@dataclass(frozen=True, kw_only=True)
class Model:
    """One trained model on record."""

    name: str  # its folder's
    family: str  # "renderer", "autoencoder", or KEYFRAME
    design: Mapping[str, Any]
    sha256: str  # of the weights
    identities: tuple[str, ...] = ()  # whom it makes
    all_identities: tuple[str, ...] = ()  # whom it, or what it started from, has seen
    ages: tuple[float, ...] = ()
    releases: Mapping[str, str] = field(default_factory=dict)  # the id that covered each identity in training
    facesets: tuple[str, ...] = ()  # content hashes
    steps: int = 0
    seconds: float = 0.0  # of training, 0 where not known
    ancestors: tuple[str, ...] = ()  # hashes of the weights it started from, oldest first
    base: bool = False  # of drawn people only: anybody may start from it
    code: Mapping[str, str] = field(default_factory=dict)
    added_at: str = ""
    file: Path = Path()  # its weights; not part of the record


def add_model(
    library: Path,
    source: Path,
    name: str = "",
    *,
    require: Callable[[str], object] = str,
    actor: str = "",
    code: Mapping[str, str] | None = None,
    added_at: str = "",
) -> Model:
    """Put a checkpoint, or the newest one of a training run's folder, on record; weights that are there already stay one model.

    ``actor``: the person in the plate of a shot whose paintings were learnt; such weights do not name anybody themselves.
    ``require`` is called with every identity the weights have seen and raises ConsentError where the library may not hold it.
    Raises: TrainError for what is no checkpoint of a known kind, or a name that is taken; ConsentError; DeliveryError;
    BusyError.
    """
    from vfx_deepfake.model import checkpoint

    file = checkpoint.latest(source) if source.is_dir() else source
    if file is None:
        raise TrainError(f"{source}: holds no finished checkpoint; give a run's folder or a .safetensors file")
    notes = checkpoint.read(file).notes  # the numbers too: a damaged file must not get in
    model = replace(_model(notes, file, name), code=dict(code or {}), added_at=added_at)
    if actor and not (model.all_identities or model.base):
        model = replace(model, all_identities=(actor,))
    for identity in model.all_identities:
        require(identity)
    with one_writer(library, "vfx-deepfake library add"):
        for known in models(library):
            if known.sha256 == model.sha256:
                return known
        folder = library / model.name
        if (folder / RECORD).exists():
            raise TrainError(f"{folder}: that name is taken by other weights; give --name")
        sweep_parts(library)
        with written_aside(folder / WEIGHTS) as part:
            shutil.copyfile(file, part)
        write_json(folder / RECORD, _as_data(model))
    return _read(folder)


def _model(notes: Mapping[str, Any], file: Path, name: str) -> Model:
    digest = hash_file(file)
    try:
        identities = tuple(map(str, notes.get("identities", ())))
        model = Model(
            name=name or _name(str(notes.get("family", KEYFRAME)), identities, digest),
            family=str(notes.get("family", KEYFRAME)),
            design=dict(notes["design"]),
            sha256=digest,
            identities=identities,
            all_identities=tuple(map(str, notes.get("all_identities", identities))),
            ages=tuple(map(float, notes.get("ages", ()))),
            releases=dict(notes.get("releases", {})),
            facesets=tuple(map(str, notes.get("facesets", ()))),
            steps=int(notes["step"]),
            seconds=_seconds(file.parent),
            ancestors=tuple(map(str, notes.get("ancestors", ()))),
            base=bool(notes.get("base", False)),
            file=file,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TrainError(f"{file}: does not say how it was made ({error!r}); train again with this release") from error
    if not _NAME.fullmatch(model.name):
        raise TrainError(f"--name '{model.name}': use letters, digits, dash and underscore")
    return model


def _name(family: str, identities: tuple[str, ...], digest: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", "_".join((family, *identities[:2])))
    return f"{plain[:80]}_{digest[:8]}"


def _seconds(run: Path) -> float:
    try:
        return float(read_json(run / "run.json").get("seconds", 0.0))
    except (ArtistError, TypeError, ValueError):
        return 0.0


def _as_data(model: Model) -> dict[str, Any]:
    data = asdict(model)
    del data["file"]
    return {"schema": SCHEMA, **data}


def models(library: Path) -> list[Model]:
    """Every complete model of a library, by name; a folder that is not there holds none.

    Raises: TrainError naming a record that can't be read.
    """
    return [_read(record.parent) for record in sorted(library.glob(f"*/{RECORD}"))]


def find_model(library: Path, name: str) -> Model:
    """One model by its name.

    Raises: TrainError saying which there are.
    """
    known = {model.name: model for model in models(library)}
    if name not in known:
        raise TrainError(f"{library}: holds no model '{name}'; it has {', '.join(known) or 'none yet'}")
    return known[name]


def _read(folder: Path) -> Model:
    path = folder / RECORD
    try:
        data = read_json(path)
        known = {one.name for one in fields(Model)} - {"file"}
        if data.pop("schema", None) != SCHEMA or not data.keys() <= known:
            raise ValueError(f"it is not of schema {SCHEMA}")
        lists = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
        return Model(**{**data, **lists, "file": folder / WEIGHTS})
    except (ArtistError, TypeError, ValueError) as error:
        raise TrainError(f"{path}: can't be read as a model's record ({error}); remove it or restore it") from error


def shipped(family: str) -> Model | None:
    """The base that comes with this release: trained on drawn people, free for anybody to start from; None without one."""
    from vfx_deepfake.model import checkpoint

    file = BASES / f"{family}.safetensors"
    return _model(checkpoint.read_notes(file), file, f"{family}_base") if file.is_file() else None


@dataclass(frozen=True)
class Choice:
    """What a training may start from: the best model, why, and what was passed over for want of a release."""

    model: Model | None
    reason: str
    refused: tuple[str, ...] = ()


def choose_start(
    library: Path | None,
    family: str,
    identities: Iterable[str],
    design: Mapping[str, Any] | None = None,
    require: Callable[[str], object] = str,
) -> Choice:
    """The best start for a training: the same identity before the same design before a base; more steps before fewer.

    ``design`` of the network to train, where it is known: models that differ in it can lend only part of their weights.
    ``require`` is called with every identity that a model has seen and raises ConsentError where that is not released for this
    use: such models are passed over, and said.
    Raises: TrainError for a damaged library.
    """
    wanted, base = set(identities), shipped(family)
    candidates = [model for model in models(library) if model.family == family] if library else []
    candidates += [base] if base else []
    allowed, refused = [], []
    for model in candidates:
        try:
            for identity in model.all_identities:
                require(identity)
            allowed.append(model)
        except ConsentError as error:
            refused.append(f"{model.name}: {str(error).splitlines()[0]}")

    def worth(model: Model) -> tuple[Any, ...]:
        return (_shared(model, wanted), _likeness(model, design or {}), not model.base, model.steps, model.name)

    best = max(allowed, key=worth, default=None)
    return Choice(best, _reason(best, wanted, family), tuple(refused))


def _shared(model: Model, wanted: set[str]) -> float:
    """How much of a model's people are the wanted ones."""
    both = wanted | set(model.identities)
    return len(wanted & set(model.identities)) / len(both) if both else 0.0


def _likeness(model: Model, design: Mapping[str, Any]) -> float:
    """Share of a design's values that a model's has too."""
    wanted, theirs = dict(_values(design)), dict(_values(model.design))
    return sum(key in theirs and theirs[key] == value for key, value in wanted.items()) / max(len(wanted), 1)


def _values(design: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a design with its dotted name, tables within tables opened."""
    for key, value in design.items():
        if isinstance(value, Mapping):
            yield from _values(value, f"{under}{key}.")
        else:
            yield f"{under}{key}", value


def _reason(model: Model | None, wanted: set[str], family: str) -> str:
    if model is None:
        return f"no {family} on record; training starts from nothing"
    known = sorted(wanted & set(model.identities))
    if known:
        return f"{model.name}: knows {', '.join(known)} ({model.steps} steps)"
    kind = "a base of drawn people" if model.base else "of the same family"
    return f"{model.name}: {kind} ({model.steps} steps)"
