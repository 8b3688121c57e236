"""The register of a releases folder: what was filed and withdrawn, in order, each line chained to the one before.

``register.jsonl`` makes a release that was changed, put there by hand, or whose withdrawal was undone stand out. A file that was taken
away can only take permission away with it. A withdrawal written into a release by hand counts, because withdrawing must be easy.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ConsentError, ShotError
from vfx_deepfake.files import hash_data, hash_file, one_writer, write_text
from vfx_deepfake.provenance.record import host_identity, now
from vfx_deepfake.provenance.release import (
    NEVER,
    SCHEMA,
    Release,
    check_document,
    release_from_table,
    release_text,
)
from vfx_deepfake.tables import read_toml

REGISTER = "register.jsonl"
FILED, WITHDRAWN = "filed", "withdrawn"


def load_releases(folder: Path) -> tuple[Release, ...]:
    """Every release of a folder, by name, as its register has it; a folder that is not there holds none.

    Raises: ConsentError with one line for every problem of every file, changed documents and changed releases included.
    """
    found, problems = [], []
    for path in sorted(folder.glob("*.toml")):
        try:
            release = release_from_table(read_toml(path), path.stem, str(path))
            check_document(release, folder)
            found.append(release)
        except (ShotError, ConsentError) as error:
            problems.append(str(error))
    if problems:
        raise ConsentError("\n".join(problems))
    return as_registered(folder, found)


def add_release(folder: Path, table: Mapping[str, Any]) -> Path:
    """File a release; ``table`` holds its fields, and ``id`` if it shall not be named by identity and day of signature.

    The hash of a document that lies on this disk is taken now. Returns the file, which is written whole or not at all.
    Raises: ConsentError with every problem of the fields, or when the id is taken.
    """
    values = {"schema": SCHEMA, **table}
    name = str(values.pop("id", "") or f"{values.get('identity', '')}_{values.get('signed', '')}")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise ConsentError(f"id '{name}' can't be a file name; give id=NAME of letters, digits, dash and underscore")
    if values.get("document") and "document_sha256" not in values and (folder / str(values["document"])).is_file():
        values["document_sha256"] = hash_file(folder / str(values["document"]))
    release = release_from_table(values, name, "release")
    check_document(release, folder)
    path = folder / f"{name}.toml"
    with one_writer(folder, "vfx-deepfake release add"):
        if path.exists():
            raise ConsentError(f"{path}: exists already and stays as it was signed; give the new release another id")
        # the register first: killed in between, it names a release that is not there, which permits nothing
        _append(folder, FILED, release, "")
        write_text(path, release_text(release))
    return path


def revoke_release(folder: Path, name: str, *, on: dt.date, by: str, why: str) -> Release:
    """Withdraw a release from a day on; its file says so from now on, and can't be made to forget it.

    Raises: ConsentError when it is not on record, or was withdrawn from an earlier day on.
    """
    path = folder / f"{name}.toml"
    known = sorted(each.stem for each in folder.glob("*.toml"))
    if name not in known:
        raise ConsentError(f"{folder}: no release '{name}'; on record: {', '.join(known) or 'none'}")
    if not by.strip():
        raise ConsentError("say who withdraws it with --by; the register keeps it")
    with one_writer(folder, "vfx-deepfake release revoke"):
        release = release_from_table(read_toml(path), name, str(path))
        if release.revoked <= on:
            raise ConsentError(f"{path}: was revoked on {release.revoked} already")
        revoked = replace(release, revoked=on, revoked_by=by, revoked_why=why)
        _append(folder, WITHDRAWN, revoked, why)
        write_text(path, release_text(revoked))
    return revoked


def as_registered(folder: Path, releases: Sequence[Release]) -> tuple[Release, ...]:
    """The releases of a folder as its register has them: unchanged, and withdrawn where it says so.

    Files of schema 1 without a register are taken as they are; they were filed before there was one.
    Raises: ConsentError with one line for every release that was changed or never filed, or when the register itself is damaged.
    """
    events = read_register(folder)
    if not events:
        if any((folder / f"{each.id}.toml").is_file() and _schema(folder, each) >= SCHEMA for each in releases):
            raise ConsentError(f"{folder / REGISTER}: is missing; restore it from its backup: without it nobody can tell whether releases "
                               "were changed or withdrawn")  # fmt: skip
        return tuple(releases)
    filed = {event["release"]: event for event in events if event["action"] == FILED}
    withdrawn: dict[str, dt.date] = {}
    for event in events:
        if event["action"] == WITHDRAWN:
            withdrawn[event["release"]] = min(
                withdrawn.get(event["release"], NEVER), dt.date.fromisoformat(event["on"])
            )
    problems = [problem for each in releases if (problem := _problem(folder, each, filed))]
    if problems:
        raise ConsentError("\n".join(problems))
    return tuple(replace(each, revoked=min(each.revoked, withdrawn.get(each.id, NEVER))) for each in releases)


def read_register(folder: Path) -> list[dict[str, Any]]:
    """The register's events in order; none where there is no register.

    Raises: ConsentError when its chain is broken.
    """
    path = folder / REGISTER
    if not path.is_file():
        return []
    events, previous = [], ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            event = json.loads(line)
            said = event.pop("hash")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConsentError(f"{path}: line {number} is damaged; restore the register from its backup") from error
        if event.get("previous") != previous or hash_data(event) != said:
            raise ConsentError(
                f"{path}: line {number} does not follow from the one before: the register was changed; restore it from its backup"
            )
        events.append(event)
        previous = said
    return events


def register_hash(events: Iterable[Mapping[str, Any]]) -> str:
    """Hash of the last line, for records that say how the register stood."""
    return next((hash_data(event) for event in reversed(list(events))), "")


def _schema(folder: Path, release: Release) -> int:
    said = read_toml(folder / f"{release.id}.toml").get("schema", SCHEMA)
    return said if isinstance(said, int) else SCHEMA


def _problem(folder: Path, release: Release, filed: Mapping[str, Mapping[str, Any]]) -> str:
    path = folder / f"{release.id}.toml"
    event = filed.get(release.id)
    if event is None:
        return f"{path}: was not filed with 'vfx-deepfake release add', so nobody knows who signed it; file it, and remove this one"
    if event["digest"] != release.digest:
        return f"{path}: was changed after it was filed on {event['at'][:10]} by {event['who']}; restore it, or file a new release"
    return ""


def _append(folder: Path, action: str, release: Release, why: str) -> None:
    path, events = folder / REGISTER, read_register(folder)
    event = {
        "seq": len(events) + 1, "at": now(), "who": host_identity()["user"], "action": action, "release": release.id,
        "identity": release.identity, "digest": release.digest, "why": why, "by": release.revoked_by,
        "on": release.revoked.isoformat() if action == WITHDRAWN else "", "previous": register_hash(events),
    }  # fmt: skip
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_text(
        path, before + json.dumps({**event, "hash": hash_data(event)}, sort_keys=True, ensure_ascii=False) + "\n"
    )
