"""Making a database again: from its journal and the ``version.json`` files; and a restored backup, of what came after it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from vfx_deepfake.errors import ArtistError, ReviewError
from vfx_deepfake.review import schema
from vfx_deepfake.review.effects import take_effect
from vfx_deepfake.review.evidence import RECORD, Evidence, read_evidence
from vfx_deepfake.review.find import VersionName, find_shot
from vfx_deepfake.review.journal import read_journal, require_writable
from vfx_deepfake.review.ledger import append, check_chain, insert
from vfx_deepfake.review.models import Event, Head
from vfx_deepfake.review.people import first_admin
from vfx_deepfake.review.place import Place, open_engine, translated
from vfx_deepfake.review.store import Store
from vfx_deepfake.shot import SHOT_FILE

WHY = "found by rebuild"


def rebuild(place: Place, who: str) -> dict[str, Any]:
    """Bring a database to what its journal and the versions on disk say, in one transaction; nothing that it has is changed.

    An empty place gets a new database. One that was restored from a backup gets the events that came after it. Versions that no event
    knows are registered as pending. Passwords are in the database and its backups alone.
    Returns: counts, and one line a thing that could not be brought back whole. Raises: ReviewError for a damaged journal, or one of another
    database.
    """
    events = read_journal(place.journal)
    check_chain(events, str(place.journal))
    require_writable(place.journal)
    engine = open_engine(place)
    problems: list[str] = []
    with translated(place):
        schema.upgrade(engine)
    with Store(place, engine) as store:
        with store.rebuilding() as session:
            replayed = _replay(session, events, place, problems)
            first_admin(session, who)
            found = _register_unknown(session, place.root, who, problems)
        store.follow()
    return {"events": replayed, "versions_found": found, "problems": problems}


def _replay(session: Session, events: Sequence[dict[str, Any]], place: Place, problems: list[str]) -> int:
    """Let the journal's events that the database lacks take effect, each as it was."""
    head = session.get_one(Head, 1)
    known = head.seq
    if known and len(events) >= known and events[known - 1]["digest"] != head.digest:
        raise ReviewError(
            f"{place.journal}: is the journal of another database than {place}; move the database away to make it from this journal"
        )
    for fields in events[known:]:
        event = insert(session, fields)
        evidence = _evidence_of(event, place.root, problems) if event.kind == "version_registered" else None
        take_effect(session, event, evidence)
    return len(events[known:])


def _evidence_of(event: Event, root: Path, problems: list[str]) -> Evidence | None:
    """The files of a version that was registered; None, with a line, when they are gone or are not what was registered."""
    shot_folder = root / event.data["shot_folder"]
    file = shot_folder / event.data["folder"] / RECORD
    name = VersionName(event.show, event.shot, event.version)
    try:
        evidence = read_evidence(file, shot_folder, root)
    except ArtistError as error:
        problems.append(f"{name}: decisions and notes are back, what made it is not ({error})")
        return None
    if evidence.facts["record_hash"] != event.data["record_hash"]:
        problems.append(
            f"{name}: {file} is not the record that was registered; decisions and notes are back, what made it is not"
        )
        return None
    return evidence


def _register_unknown(session: Session, root: Path, who: str, problems: list[str]) -> int:
    """Register the versions on disk that no event knows, oldest first."""
    found = []
    for file in published_records(root):
        try:
            found.append(read_evidence(file, shot_folder_of(file), root))
        except ArtistError as error:
            problems.append(f"{error}; left out")
    count = 0
    for evidence in sorted(found, key=lambda each: (each.facts["made_at"], each.show, each.shot, each.version)):
        name = VersionName(evidence.show, evidence.shot, evidence.version)
        shot = find_shot(session, name.show, name.shot)
        there = next((each for each in shot.versions if each.number == name.number), None) if shot else None
        if there is None:
            event = append(session, "version_registered", who, why=WHY, show=name.show, shot=name.shot, version=name.version,
                           data=evidence.facts)  # fmt: skip
            take_effect(session, event, evidence)
            session.expire_all()
            count += 1
        elif there.record_hash != evidence.facts["record_hash"]:
            problems.append(
                f"{name}: {root / evidence.facts['shot_folder']} holds another record under this number; left out"
            )
    return count


def published_records(root: Path) -> Iterator[Path]:
    """Every ``version.json`` below a folder, but for versions under way and the folders of frames beside a record."""
    for folder, folders, files in os.walk(root):
        folders[:] = [] if RECORD in files else sorted(name for name in folders if not name.startswith("."))
        if RECORD in files:
            yield Path(folder) / RECORD


def shot_folder_of(record: Path) -> Path:
    """The nearest folder above a record that holds a shot file; else where a shot has its folder by default."""
    above = list(record.parents)
    return next((folder for folder in above if (folder / SHOT_FILE).is_file()), above[min(2, len(above) - 1)])
