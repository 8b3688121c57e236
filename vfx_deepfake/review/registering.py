"""Putting published versions on record: once each, however often and from wherever it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from vfx_deepfake.errors import ConflictError, ReviewError
from vfx_deepfake.review import schema
from vfx_deepfake.review.effects import take_effect
from vfx_deepfake.review.evidence import RECORD, Evidence, read_evidence
from vfx_deepfake.review.find import VersionName, find_shot
from vfx_deepfake.review.journal import last_event
from vfx_deepfake.review.ledger import append
from vfx_deepfake.review.models import Event, Shot, Version
from vfx_deepfake.review.people import first_admin, require
from vfx_deepfake.review.place import Place, open_engine, translated
from vfx_deepfake.review.store import Store
from vfx_deepfake.shot import Shot as ShotOnDisk


def make_store(place: Place, who: str) -> Store:
    """Open a database, making an empty place one; whoever makes it becomes its first admin.

    Raises: ReviewError when it can't be reached, has another schema, or when its journal says that it is lost.
    """
    if place.file and not place.file.is_file() and last_event(place.journal):
        raise ReviewError(
            f"{place}: is gone, its journal {place.journal.name} is there; 'vfx-deepfake review rebuild {place.root}' brings it back"
        )
    engine = open_engine(place)
    with translated(place):
        with engine.connect() as connection:
            is_empty = not schema.revision(connection)
        if is_empty:
            schema.upgrade(engine)
        with engine.connect() as connection:
            schema.require_newest(connection, str(place))
    store = Store(place, engine)
    with store.reading() as session:
        has_events = session.scalar(select(Event.seq).limit(1))
    if not has_events:
        with store.writing() as session:
            first_admin(session, who)
    return store


def register_shot(store: Store, who: str, shot: ShotOnDisk, versions: list[int] | None = None) -> list[dict[str, Any]]:
    """Register published versions of a shot, all of them by default.

    Raises: ReviewError for one that is not published or not this shot's, or what :func:`register` refuses.
    """
    published = shot.paths.version_numbers()
    missing = [number for number in versions or [] if number not in published]
    if missing or not published:
        wanted = ", ".join(f"v{number:03d}" for number in missing) or "a version"
        raise ReviewError(f"{shot.name}: {wanted} is not published; 'vfx-deepfake run' publishes one")
    found = []
    for number in versions or published:
        evidence = read_evidence(shot.paths.version(number).record, shot.paths.folder, store.place.root)
        if (evidence.shot, evidence.version) != (shot.name, f"v{number:03d}"):
            raise ReviewError(
                f"{shot.paths.version(number).record}: says {evidence.shot} {evidence.version}; want {shot.name} v{number:03d}; "
                "put the folder back where it was published"
            )
        found.append(register(store, who, evidence))
    return found


def register(store: Store, who: str, evidence: Evidence) -> dict[str, Any]:
    """Put one version on record; one that is there already stays as it is.

    Returns: plain data with ``created``. Raises: ReviewError where another record has this number, or another folder this shot.
    """
    name = VersionName(evidence.show, evidence.shot, evidence.version)
    with store.writing() as session:
        require(session, who, "register")
        shot = find_shot(session, name.show, name.shot)
        there = _registered(session, shot, name)
        if there is None:
            if shot:
                _follow_folder(session, store.place.root, shot, who, evidence)
            event = append(
                session,
                "version_registered",
                who,
                show=name.show,
                shot=name.shot,
                version=name.version,
                data=evidence.facts,
            )
            take_effect(session, event, evidence)
        elif there.record_hash != evidence.facts["record_hash"]:
            raise ConflictError(
                f"{name}: another record is registered under this number (made {there.made_at} by {there.author}, registered "
                f"{there.registered_at}); a published version never changes; restore its {RECORD}, or publish the next version"
            )
        return {
            "shot": name.shot,
            "version": name.version,
            "state": there.state if there else "pending_review",
            "created": there is None,
        }


def _registered(session: Session, shot: Shot | None, name: VersionName) -> Version | None:
    if shot is None:
        return None
    return session.scalar(select(Version).where(Version.shot_id == shot.id, Version.number == name.number))


def _follow_folder(session: Session, root: Path, shot: Shot, who: str, evidence: Evidence) -> None:
    """A shot whose folder was moved is followed; two folders that both claim to be it are refused."""
    folder = evidence.facts["shot_folder"]
    if shot.folder == folder:
        return
    if any((root / shot.folder / version.folder / RECORD).is_file() for version in shot.versions):
        raise ReviewError(
            f"{shot.name}: is on record from {root / shot.folder}, whose versions are still there; {root / folder} says it is the same "
            "shot of the same show; give one of them another [shot].name"
        )
    take_effect(
        session,
        append(
            session, "shot_moved", who, show=shot.show, shot=shot.name, data={"folder": folder, "from": shot.folder}
        ),
    )
