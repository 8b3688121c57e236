"""What of ours is what of a tracker's: links between ids, so that nothing goes out or comes in twice. Knows no tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from vfx_deepfake.review.effects import take_effect
from vfx_deepfake.review.find import VersionName, find_version, name_of
from vfx_deepfake.review.ledger import append
from vfx_deepfake.review.models import APPROVED, CHANGES, PENDING, Event, Note, Shot, TrackerLink, Version
from vfx_deepfake.review.people import require
from vfx_deepfake.review.store import Store

VERSION, NOTE, DECISION, READ = "version", "note", "decision", "read"
OUT, IN = "out", "in"  # who had it first: we, or they
UNTIL = "until"  # stands for their id in the one link of kind READ


def link(store: Store, who: str, name: VersionName | None, *, tracker: str, kind: str, theirs: str, ours: str = "",
         direction: str = OUT, facts: Mapping[str, Any] | None = None) -> None:  # fmt: skip
    """Keep that something of theirs is something of ours; the same again changes nothing.

    name: the version that it belongs to; ours: a note's id or the digest of a decision's event, empty where nothing here became of it;
    tracker: names site and project, because ids mean something there only.
    Raises: ReviewError without the right to, or for a version that is not registered.
    """
    said = {
        "tracker": tracker,
        "kind": kind,
        "theirs": theirs,
        "ours": ours,
        "direction": direction,
        "facts": dict(facts or {}),
    }
    with store.writing() as session:
        require(session, who, "publish" if direction == OUT else "pull")
        where = find_version(session, name) if name else None
        of = select(TrackerLink).where(
            TrackerLink.tracker == tracker, TrackerLink.kind == kind, TrackerLink.theirs == theirs
        )
        there = session.scalar(of)
        if there is not None and as_data(there) == {**as_data(there), **said}:
            return
        about = name_of(where) if where else VersionName("", "", "")
        event = append(
            session, "tracker_linked", who, show=about.show, shot=about.shot, version=about.version, data=said
        )
        take_effect(session, event)


def links(store: Store, tracker: str, *, name: VersionName | None = None, kind: str = "") -> list[dict[str, Any]]:
    """The links to one tracker, oldest first; of one version or one kind where that is given."""
    of = select(TrackerLink).where(TrackerLink.tracker == tracker).order_by(TrackerLink.id)
    if kind:
        of = of.where(TrackerLink.kind == kind)
    with store.reading() as session:
        if name:
            of = of.where(TrackerLink.version_id == find_version(session, name).id)
        return [as_data(row) for row in session.scalars(of)]


def to_send(store: Store, tracker: str, show: str) -> list[VersionName]:
    """Versions of a show that a tracker lacks something of, by shot and rising number.

    Pending ones that it does not have; and of those that it has, the ones with a note or a decision that is linked to nothing there.
    """
    ours = select(TrackerLink.ours).where(TrackerLink.tracker == tracker)
    has = select(TrackerLink.version_id).where(TrackerLink.tracker == tracker, TrackerLink.kind == VERSION)
    noted = select(Note.version_id).where(Note.id.not_in(ours.where(TrackerLink.kind == NOTE)))
    of = select(Shot.name, Version.number).join(Shot, Version.shot_id == Shot.id).where(Shot.show == show)
    decided = select(Event.shot, Event.version).where(
        Event.show == show,
        Event.kind.in_((APPROVED, CHANGES)),
        Event.digest.not_in(ours.where(TrackerLink.kind == DECISION)),
    )
    with store.reading() as session:
        known = {(shot, f"v{number:03d}") for shot, number in session.execute(of.where(Version.id.in_(has)))}
        new = session.execute(of.where(Version.state == PENDING, Version.id.not_in(has)))
        spoken = session.execute(of.where(Version.id.in_(has), Version.id.in_(noted)))
        found = {(shot, f"v{number:03d}") for rows in (new, spoken) for shot, number in rows}
        found |= known & {(shot, version) for shot, version in session.execute(decided)}
    names = [VersionName(show, shot, version) for shot, version in found]
    return sorted(names, key=lambda name: (name.shot, name.number))


def as_data(row: TrackerLink) -> dict[str, Any]:
    """One link as plain data; ``name`` is the version that it belongs to."""
    fields = ("tracker", "kind", "theirs", "ours", "direction", "at", "facts")
    return {"name": name_of(row.version) if row.version else None, **{field: getattr(row, field) for field in fields}}
