"""The gate in front of training and rendering, and the ``release`` commands."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ConsentError, located
from vfx_deepfake.files import WAIT_VARIABLE, read_json
from vfx_deepfake.provenance.gate import DRIVING, OWN, REPLICA, Use, require, state
from vfx_deepfake.provenance.register import add_release, load_releases, revoke_release
from vfx_deepfake.provenance.release import OF_A_SHOT, Release
from vfx_deepfake.settings.keyed import curves
from vfx_deepfake.shot import Shot, load_shot
from vfx_deepfake.steps.identity_sources import identities, load_driving_shot
from vfx_deepfake.tables import parse_override, with_override

SECONDS_BETWEEN_LOOKS = 20.0  # assumed: a withdrawal may take this long to stop work under way


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
    found: dict[str, Release] = {}
    problems = []
    for use, where in uses_of(shot, operation):
        try:
            with located(where) if where else nullcontext():
                found[use.identity] = _require(shot, use)
        except ConsentError as error:
            problems.append(str(error))
    if problems:
        raise ConsentError("\n".join(problems))
    if shot.settings.model.shared:
        lender = load_shot(shot.paths.source(shot.settings.model.shared))
        with located(f"the network of {lender.name}"):
            identity = lender.settings.consent.identity
            covering(lender, identity, "train")
            covering(shot, identity, "render")
    return found


def require_on_a_farm(shot: Shot, operation: str) -> None:
    """Ask for a shot's releases where this process is a farm task.

    At a desk a shot may be tracked and measured while its papers are on their way; a farm does nothing without them.
    Raises: ConsentError.
    """
    if WAIT_VARIABLE in os.environ and needs_release(shot):
        require_releases(shot, operation)


class Watch:
    """Asks again while work goes on, so that a release withdrawn meanwhile stops it; call it at every step or frame."""

    def __init__(self, shot: Shot, operation: str, seconds: float = SECONDS_BETWEEN_LOOKS) -> None:
        self._shot, self._operation, self._seconds = shot, operation, seconds
        self._looked = time.monotonic()

    def __call__(self) -> None:
        """Look, if the last look is a while ago.

        Raises: ConsentError; what is finished until then stays.
        """
        if time.monotonic() - self._looked < self._seconds:
            return
        require_releases(self._shot, self._operation)
        self._looked = time.monotonic()


def uses_of(shot: Shot, operation: str) -> Iterator[tuple[Use, str]]:
    """What a shot does with whose likeness, the plate's actor first, and where the shot says so.

    Raises: FacesetError or ShotError where it can't be told whose face it is.
    """
    settings, shows = shot.settings, operation != "train"  # training changes nothing that anybody sees
    actor, spec = settings.consent.identity, settings.identity
    swaps = settings.model.swaps
    dubbed = ("dubbing",) if shows and swaps and spec.drive else ()
    aged = (settings.consent.apparent_age,) if shows and settings.consent.apparent_age else ()
    offsets = spec.expression if swaps else settings.beauty.expression if settings.model.method == "sliders" else None
    moved = ("expression",) if shows and offsets is not None and _is_set(offsets) else ()
    yield _use(shot, actor, operation, (*(("age",) if aged else ()), *moved, *dubbed), aged), ""
    if not swaps:
        return
    ages = tuple(spec.age.values) if shows and any(spec.age.values) else ()
    take = load_driving_shot(shot).settings.consent.identity if spec.drive else ""
    for identity, where in identities(shot, driving=shows):
        if identity == actor:
            continue
        if where.startswith("the driving take") and identity == take:
            yield _use(shot, identity, operation, dubbed, role=DRIVING), where
        else:
            yield _use(shot, identity, operation, (*(("age",) if ages else ()), *moved), ages, role=REPLICA), where


def _is_set(offsets: Any) -> bool:
    return any(value for _, curve in curves(offsets) for value in curve.values)


def _use(
    shot: Shot,
    identity: str,
    operation: str,
    changes: tuple[str, ...] = (),
    ages: tuple[float, ...] = (),
    *,
    role: str = OWN,
) -> Use:
    spec = shot.settings
    return Use(identity=identity, operation=operation, show=spec.shot.show, sequence=spec.shot.sequence, shot=shot.name,
               date=dt.date.today(), changes=changes, ages=ages, territory=spec.consent.territory, role=role)  # fmt: skip


def covering(shot: Shot, identity: str, operation: str) -> Release:
    """The release that covers an operation on one person's likeness in a shot today.

    Raises: ConsentError.
    """
    return _require(shot, _use(shot, identity, operation))


def _require(shot: Shot, use: Use) -> Release:
    _require_sane_clock(shot, use.date)
    return require(load_releases(Path(shot.paths.source(shot.settings.consent.releases))), use)


def _require_sane_clock(shot: Shot, today: dt.date) -> None:
    """A shot's newest version can't be of tomorrow: then this host's date, by which releases are judged, is wrong."""
    numbers = shot.paths.version_numbers()
    record = shot.paths.version(numbers[-1]).record if numbers else None
    if record is None or not record.is_file():
        return
    made = str(read_json(record).get("made_at", ""))[:10]
    # hosts a time zone apart may be a day apart
    if made > (today + dt.timedelta(days=1)).isoformat():
        raise ConsentError(
            f"this host says it is {today}, and v{numbers[-1]:03d} of {shot.name} was made on {made}; mend the host's clock"
        )


def require_ancestors(shot: Shot, names: Iterable[str], operation: str) -> dict[str, Release]:
    """The releases of people whom a network has seen before this shot's training, by identity.

    Raises: ConsentError naming the first one that no release covers.
    """
    with located("the network that training started from"):
        return {name: covering(shot, name, operation) for name in names}


def needs_release(shot: Shot) -> bool:
    """False only where nothing is made from anybody's face: the plate goes out as it is."""
    return shot.settings.model.method != "passthrough"


def add(folder: Path, assignments: Sequence[str]) -> dict[str, Any]:
    """File a release from ``key=value`` texts."""
    table: dict[str, Any] = {}
    for text in assignments:
        table = with_override(table, *parse_override(text))
    return {"release": str(add_release(folder, table))}


def revoke(folder: Path, name: str, on: str, by: str, why: str) -> dict[str, Any]:
    """Withdraw a release, from today or a day on.

    Raises: ConsentError.
    """
    try:
        day = dt.date.fromisoformat(on) if on else dt.date.today()
    except ValueError as error:
        raise ConsentError(f"--on: is '{on}'; want a date such as 2026-12-31") from error
    release = revoke_release(folder, name, on=day, by=by, why=why)
    return {"revoked": release.id, "identity": release.identity, "on": str(day),
            "lines": ["new work with it is refused from that day on; 'vfx-deepfake release report' lists what it touches"]}  # fmt: skip


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
