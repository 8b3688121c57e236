"""The ``library`` commands: trained models on record for the next training to start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ConsentError, ShotError
from vfx_deepfake.model.library import Model, add_model, find_model, models
from vfx_deepfake.provenance.record import code_identity, now
from vfx_deepfake.shot import Shot, load_shot
from vfx_deepfake.steps.consent import covering

OPERATION = "library"


def add(library: Path, source: Path, shot: str = "", name: str = "") -> dict[str, Any]:
    """Put a run or a checkpoint on record. Every identity it has seen needs a release for the operation "library".

    ``shot`` says whose releases count; empty for the shot in whose folder ``source`` lies.
    Raises: ConsentError; ShotError; TrainError; DeliveryError.
    """
    owner = load_shot(shot) if shot else _owner(source)

    def released(identity: str) -> object:
        if owner is None:
            raise ConsentError(
                f"{source}: has seen '{identity}' and lies in no shot; give the shot whose releases count with --shot"
            )
        return require_for_library(owner, identity)

    actor = owner.settings.consent.identity if owner else ""
    model = add_model(library, source, name, require=released, actor=actor, code=code_identity(), added_at=now())
    return {"model": model.name, "file": str(model.file), "family": model.family}


def _owner(source: Path) -> Shot | None:
    for folder in Path(os.path.abspath(source)).parents:
        try:
            if (folder / "shot.toml").is_file():
                return load_shot(folder)
        except ShotError as error:
            raise ShotError(f"{error}; or name another shot with --shot") from error
    return None


def require_for_library(shot: Shot, identity: str) -> object:
    """The release by which a library may hold an identity's weights.

    Raises: ConsentError without one.
    """
    return covering(shot, identity, OPERATION)


def listed(library: Path) -> dict[str, Any]:
    """Every model of a library, a line each."""
    found = models(library)
    return {"models": len(found), "lines": [_line(model) for model in found]}


def _line(model: Model) -> str:
    who = ", ".join(model.identities) or ("drawn people" if model.base else "a shot's painting")
    return f"{model.name}: {model.family} of {who}, {model.steps} steps in {model.seconds:.0f} s, added {model.added_at[:10]}"


def shown(library: Path, name: str) -> dict[str, Any]:
    """Everything on record about one model.

    Raises: TrainError for a name that is not there.
    """
    model = find_model(library, name)
    rows = {
        "family": model.family,
        "identities": ", ".join(model.identities) or "none",
        "has seen": ", ".join(model.all_identities) or "nobody: drawn people, or a shot's painting",
        "ages": ", ".join(f"{age:g}" for age in model.ages) or "not given",
        "releases": ", ".join(f"{who}: {which}" for who, which in sorted(model.releases.items())) or "none",
        "facesets": ", ".join(digest[:12] for digest in model.facesets) or "none",
        "training": f"{model.steps} steps, {model.seconds:.0f} s",
        "started from": " then ".join(digest[:12] for digest in model.ancestors) or "nothing",
        "design": ", ".join(f"{key} {value}" for key, value in sorted(model.design.items())),
        "code": f"{model.code.get('version', '?')}, torch {model.code.get('library.torch', '?')}",
        "weights": f"{model.file} (SHA-256 {model.sha256})",
    }
    return {"model": model.name, **rows}
