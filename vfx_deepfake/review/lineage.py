"""What made a version, and what changed since another: one query each, answered as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.find import VersionName, find_version
from vfx_deepfake.review.models import AREAS, Part, Run, Shot, Version, VersionPart
from vfx_deepfake.review.store import Store


def made_from(store: Store, name: VersionName) -> dict[str, Any]:
    """What made a version: settings, key frames, plate, data, code; who, when, where; the training run behind it.

    Raises: ReviewError where it is not registered.
    """
    return _lineage(store, (name,))[0]


def changed_since(store: Store, name: VersionName, before: VersionName) -> dict[str, Any]:
    """What differs between two versions, by area: ``{"key": "render.strength", "before": 1.0, "after": 0.8}``; None is "not there".

    Raises: ReviewError where one of them is not registered.
    """
    new, old = _lineage(store, (name, before))
    return {
        "version": new["version"], "since": old["version"],
        **{area: differences(old["made_from"].get(area, {}), new["made_from"].get(area, {})) for area in AREAS},
    }  # fmt: skip


def _lineage(store: Store, names: tuple[VersionName, ...]) -> list[dict[str, Any]]:
    """One query for all of them; a version is several rows, one an area."""
    of = (
        select(Version, Shot, Run, VersionPart.area, Part.data)
        .join(Shot, Version.shot_id == Shot.id)
        .outerjoin(Run, Version.run_id == Run.id)
        .outerjoin(VersionPart, VersionPart.version_id == Version.id)
        .outerjoin(Part, Part.digest == VersionPart.digest)
        .where(_is_one_of(names))
    )
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    with store.reading() as session:
        for version, shot, run, area, data in session.execute(of):
            key = (shot.show, shot.name, version.number)
            one = found.setdefault(key, _as_data(version, shot, run))
            if area:
                one["made_from"][area] = data
        for name in names:
            if (name.show, name.shot, name.number) not in found:
                find_version(session, name)  # says what is on record
    return [found[name.show, name.shot, name.number] for name in names]


def _is_one_of(names: tuple[VersionName, ...]) -> Any:
    clauses = [(Shot.show == name.show) & (Shot.name == name.shot) & (Version.number == name.number) for name in names]
    if not clauses:
        raise ReviewError("no version is named; name one, such as v003")
    wanted = clauses[0]
    for clause in clauses[1:]:
        wanted = wanted | clause
    return wanted


def _as_data(version: Version, shot: Shot, run: Run | None) -> dict[str, Any]:
    fields = (
        "state",
        "frames",
        "made_at",
        "author",
        "host",
        "release",
        "registered_at",
        "record_hash",
        "inputs_hash",
        "frames_hash",
    )
    about_run = ("number", "checkpoint_hash", "inputs_hash", "finished_at", "seconds", "release", "made_from")
    return {
        "show": shot.show, "shot": shot.name, "version": version.name, **{field: getattr(version, field) for field in fields},
        "run": {field: getattr(run, field) for field in about_run} if run else None, "made_from": {},
    }  # fmt: skip


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every value that is not the same in two nested tables, by its dotted key."""
    old, new = dict(flat(before)), dict(flat(after))
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return [{"key": key, "before": old.get(key), "after": new.get(key)} for key in keys]


def flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested tables; an empty table counts as a value."""
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def as_lines(changed: Mapping[str, Any]) -> list[str]:
    """The answer of :func:`changed_since` for a terminal; files by their number, because a plate has thousands."""
    lines = []
    for area in AREAS:
        rows = changed[area]
        if area == "plate":
            lines += [f"plate: {len(rows)} files differ, from {rows[0]['key']} to {rows[-1]['key']}"] if rows else []
        elif area == "key_frames":
            lines += [f"key frames: {row['key']} {_happened(row)}" for row in rows]
        else:
            lines += [f"{area}: {row['key']} {_said(row['before'])} -> {_said(row['after'])}" for row in rows]
    return lines or [f"nothing: {changed['version']} and {changed['since']} were made from the same"]


def in_a_line(changed: Mapping[str, Any], most: int = 3) -> list[str]:
    """The same for a list of versions, a few words an area: values as far as there are no more than ``most`` of them, else how many."""
    found = []
    for area in AREAS:
        rows = changed[area]
        if area == "key_frames" and rows:
            kinds = Counter(_happened(row).removeprefix("is ").removeprefix("was ") for row in rows)
            found.append("key frames: " + ", ".join(f"{number} {kind}" for kind, number in kinds.items()))
        elif area == "plate" and rows:
            found.append(f"plate: {len(rows)} files differ")
        elif rows:
            said = [f"{row['key']} {_said(row['before'])} → {_said(row['after'])}" for row in rows[:most]]
            more = [f"{len(rows) - most} more"] if len(rows) > most else []
            found.append(f"{area}: " + ", ".join([*said, *more]))
    return found


def _happened(row: Mapping[str, Any]) -> str:
    return "is new" if row["before"] is None else "was taken out" if row["after"] is None else "was painted over"


def _said(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:12]}..."
