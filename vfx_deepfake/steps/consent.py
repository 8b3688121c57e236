"""The gate in front of training and rendering, and the ``release`` commands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ConsentError, located
from vfx_deepfake.provenance.release import OF_A_SHOT, Release, Use, add_release, load_releases, require, state
from vfx_deepfake.shot import Shot, load_shot
from vfx_deepfake.steps.identity_sources import identities
from vfx_deepfake.tables import parse_override, with_override


def require_release(shot: Shot, operation: str) -> Release:
    """The release that covers ``operation`` (train or render) on this shot today.

    A shot that takes over another's network also needs that shot's training to be covered still, and the person it was
    trained on to be released for this shot. One with facesets needs a release of everybody in it: the actor in the
    plate, the identities of the facesets, and the actor of the take that drives it.
    Raises: ConsentError with what was asked, what is on record, and what to do; FacesetError or ShotError where it can't be
    told whose face it is.
    """
    return next(iter(require_releases(shot, operation).values()))


def require_releases(shot: Shot, operation: str) -> dict[str, Release]:
    """The release of everybody in a shot by identity, the plate's actor first; as :func:`require_release`."""
    asked = {shot.settings.consent.identity: ""}
    if shot.settings.model.swaps:
        for identity, where in identities(shot, driving=operation != "train"):
            asked.setdefault(identity, where)
    found, problems = {}, []
    for identity, where in asked.items():
        try:
            with located(where) if where else nullcontext():
                found[identity] = _covering(shot, identity, operation)
        except ConsentError as error:
            problems.append(str(error))
    if problems:
        raise ConsentError("\n".join(problems))
    if shot.settings.model.shared:
        lender = load_shot(shot.paths.source(shot.settings.model.shared))
        with located(f"the network of {lender.name}"):
            identity = lender.settings.consent.identity
            _covering(lender, identity, "train")
            _covering(shot, identity, "render")
    return found


def require_ancestors(shot: Shot, names: Iterable[str], operation: str) -> dict[str, Release]:
    """The releases of people whom a network has seen before this shot's training, by identity.

    Raises: ConsentError naming the first one that no release covers.
    """
    with located("the network that training started from"):
        return {name: _covering(shot, name, operation) for name in names}


def _covering(shot: Shot, identity: str, operation: str) -> Release:
    show = shot.settings.shot.show
    use = Use(identity=identity, operation=operation, show=show, shot=shot.name, date=dt.date.today())
    return require(load_releases(Path(shot.paths.source(shot.settings.consent.releases))), use)


def needs_release(shot: Shot) -> bool:
    """False only where nothing is made from anybody's face: the plate goes out as it is."""
    return shot.settings.model.method != "passthrough"


def add(folder: Path, assignments: Sequence[str]) -> dict[str, Any]:
    """File a release from ``key=value`` texts."""
    table: dict[str, Any] = {}
    for text in assignments:
        table = with_override(table, *parse_override(text))
    return {"release": str(add_release(folder, table))}


def show(folder: Path) -> dict[str, Any]:
    """Every release of a folder, with how it stands today."""
    today = dt.date.today()
    lines = [f"{r.id}: '{r.identity}' ({r.kind}), {' and '.join(r.operations)}, shows {', '.join(r.shows)}, "
             f"shots {', '.join(r.shots)}; {state(r, today)}" for r in load_releases(folder)]  # fmt: skip
    return {"releases": len(lines), "lines": lines}


def check(file: str, operation: str) -> dict[str, Any]:
    """Which release covers a shot today, for one operation or for all.

    Raises: ConsentError when none does.
    """
    shot = load_shot(file)
    return {name: require_release(shot, name).id for name in ([operation] if operation else OF_A_SHOT)}
