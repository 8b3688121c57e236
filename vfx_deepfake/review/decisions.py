"""States of a version, the moves between them, and who may make them.

::

    pending_review ──> approved | changes_requested      a supervisor, with a reason; the first one counts
    any of these   ──> superseded                        by the approval of another version

A decision stands: what was decided by mistake is put right by the next version, and the history keeps both.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from vfx_deepfake.errors import ConflictError, ReviewError
from vfx_deepfake.review import words
from vfx_deepfake.review.effects import take_effect
from vfx_deepfake.review.find import VersionName, find_version
from vfx_deepfake.review.ledger import append
from vfx_deepfake.review.models import APPROVED, CHANGES, PENDING, SUPERSEDED, Version
from vfx_deepfake.review.people import require
from vfx_deepfake.review.store import Store

MOVES = {
    PENDING: (APPROVED, CHANGES, SUPERSEDED),
    APPROVED: (SUPERSEDED,),
    CHANGES: (SUPERSEDED,),
    SUPERSEDED: (),
}
DECISIONS = (APPROVED, CHANGES)  # what a person decides; the rest follows


def decide(
    store: Store, who: str, name: VersionName, state: str, why: str, *, seen: int | None = None
) -> dict[str, Any]:
    """Approve a version or request changes.

    seen: the version's ``revision`` that the person was looking at; None takes what is there now. The same decision by the same person
    again changes nothing, so that one whose answer was lost can be repeated.
    Raises: ReviewError naming who was first; for a move that does not exist; without a reason or the right to.
    """
    if state not in DECISIONS:
        raise ReviewError(f"{name}: '{state}' is no decision; choose one of {', '.join(DECISIONS)}")
    why = words.text(why, f"{name}: the reason")
    with store.writing() as session:
        require(session, who, "decide")
        version = find_version(session, name)
        if (version.state, version.decided_by) == (state, who):
            return as_data(version)
        if (seen is not None and seen != version.revision) or state not in MOVES[version.state]:
            raise ConflictError(_who_was_first(version))
        _move(session, version, state, who, why)
        if state == APPROVED:
            _supersede_others(session, version, who)
        return as_data(version)


def _move(session: Session, version: Version, state: str, who: str, why: str) -> None:
    event = append(session, state, who, why=why, show=version.shot.show, shot=version.shot.name, version=version.name,
                   data={"from": version.state, "record_hash": version.record_hash})  # fmt: skip
    take_effect(session, event)


def _supersede_others(session: Session, approved: Version, who: str) -> None:
    """Older versions are superseded, and whichever was approved before: a shot has one approved version."""
    for other in approved.shot.versions:
        is_behind = other.number < approved.number or other.state == APPROVED
        if other is not approved and is_behind and SUPERSEDED in MOVES[other.state]:
            _move(session, other, SUPERSEDED, who, f"{approved.name} is approved")


def _who_was_first(version: Version) -> str:
    found = version.state.replace("_", " ")
    if not version.decided_by:
        return f"{version.label}: has changed since you looked at it (now {found}); look again, then decide"
    return (
        f"{version.label}: {version.decided_by} was first: {found} at {version.decided_at}, because '{version.reason}'; "
        "that stands; talk to them, or publish the next version"
    )


def as_data(version: Version) -> dict[str, Any]:
    """How a version stands, as plain data."""
    return {
        "show": version.shot.show, "shot": version.shot.name, "version": version.name, "state": version.state, "revision": version.revision,
        "decided_by": version.decided_by, "decided_at": version.decided_at, "reason": version.reason,
    }  # fmt: skip
