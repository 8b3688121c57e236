"""The wall: every shot with its newest version; and what changed from version to version of one shot."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from vfx_deepfake.review.find import find_shot
from vfx_deepfake.review.lineage import differences
from vfx_deepfake.review.listing import conditions, rows
from vfx_deepfake.review.models import APPROVED, AREAS, STATES, Part, Shot, Version, VersionPart, number_word
from vfx_deepfake.review.store import Store

SHOTS_A_PAGE = 120


def wall(store: Store, *, show: str | None = None, state: str = "", qc: str = "", search: str = "", page: int = 1,
         per_page: int = SHOTS_A_PAGE) -> dict[str, Any]:  # fmt: skip
    """One page of the wall: the newest version of each shot that is meant (see :func:`.listing.conditions`).

    Returns: ``shots`` (rows of :func:`.listing.rows` with ``num_versions`` and ``approved``, the version that is, or empty), ``total`` of
    all pages, ``page``, ``pages``, and ``counts``: shots by their newest version's state, with the other conditions as they are.
    Raises: ReviewError for a state or a QC verdict that does not exist.
    """
    # counting needs every shot's newest version, so they are found all at once; a page's few are quicker one by one
    with_state = conditions(show=show, state=state, qc=qc, search=search, newest_only=True)
    newest = select(Version.shot_id, func.max(Version.number).label("number")).group_by(Version.shot_id).subquery()
    is_newest = (newest.c.shot_id == Version.shot_id) & (newest.c.number == Version.number)
    with store.reading() as session:
        by_state = select(Version.state, func.count()).join(newest, is_newest).join(Shot, Version.shot_id == Shot.id)
        by_state = by_state.where(*conditions(show=show, qc=qc, search=search)).group_by(Version.state)
        counted: dict[str, int] = {found: number for found, number in session.execute(by_state)}
        total = counted.get(state, 0) if state else sum(counted.values())
        pages = max(1, -(-total // per_page))
        page = min(max(1, page), pages)
        of = select(Version.id).join(Shot).where(*with_state).order_by(Shot.show, Shot.name)
        ids = session.scalars(of.limit(per_page).offset((page - 1) * per_page)).all()
        return {
            "shots": _with_the_shots_versions(session, rows(session, ids), list(ids)),
            "total": total, "page": page, "pages": pages, "counts": {each: counted.get(each, 0) for each in STATES},
        }  # fmt: skip


def _with_the_shots_versions(session: Session, found: list[dict[str, Any]], ids: list[int]) -> list[dict[str, Any]]:
    """Rows with what the other versions of their shots say."""
    other = aliased(Version)
    approved = func.max(case((other.state == APPROVED, other.number)))
    of = (
        select(Version.id, func.count(), approved)
        .join(other, other.shot_id == Version.shot_id)
        .where(Version.id.in_(ids))
    )
    told = {version: (number, best) for version, number, best in session.execute(of.group_by(Version.id))}
    return [
        {**row, "num_versions": told[each][0], "approved": number_word(told[each][1]) if told[each][1] else ""}
        for row, each in zip(found, ids, strict=True)
    ]


def changes_of_shot(store: Store, show: str, shot: str) -> dict[str, dict[str, Any]]:
    """What changed from version to version of a shot, by the later one: areas as :func:`.lineage.changed_since` has them.

    The oldest version has nothing before it and isn't there; nor is a shot that is not on record. Only parts that differ are read.
    """
    with store.reading() as session:
        found = find_shot(session, show, shot)
        if found is None:
            return {}
        digests = _digests(session, found)
        steps = list(zip(found.versions, found.versions[1:], strict=False))
        pairs = {
            (area, before.id, after.id): (digests.get((before.id, area)), digests.get((after.id, area)))
            for before, after in steps
            for area in AREAS
        }
        wanted = {digest for pair in pairs.values() if pair[0] != pair[1] for digest in pair if digest}
        parts = {
            part.digest: part.data for part in session.scalars(select(Part).where(Part.digest.in_(sorted(wanted))))
        }
        return {
            after.name: {
                "since": before.name,
                **{area: _different(parts, pairs[area, before.id, after.id]) for area in AREAS},
            }
            for before, after in steps
        }


def _digests(session: Session, shot: Shot) -> dict[tuple[int, str], str]:
    of = select(VersionPart).join(Version, VersionPart.version_id == Version.id).where(Version.shot_id == shot.id)
    return {(each.version_id, each.area): each.digest for each in session.scalars(of)}


def _different(parts: dict[str, dict[str, Any]], pair: tuple[str | None, str | None]) -> list[dict[str, Any]]:
    if pair[0] == pair[1]:
        return []
    before, after = (parts.get(digest, {}) if digest else {} for digest in pair)
    return differences(before, after)
