"""Lists of versions and everything about one, as plain data for the command line and the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.decisions import as_data as standing
from vfx_deepfake.review.find import VersionName, find_version
from vfx_deepfake.review.ledger import history
from vfx_deepfake.review.models import STATES, Note, QcValue, Shot, Version, number_word
from vfx_deepfake.review.notes import notes_of
from vfx_deepfake.review.store import Store

MOST_ROWS = 500  # of one list; the next ones come with ``offset``
FIELDS = ("frames", "made_at", "author", "qc_verdict", "state", "revision", "decided_by", "decided_at", "reason")
LIGHTS = ("pass", "look", "fail", "none")  # verdicts of QC as lists know them; none: not measured
_VERSION = re.compile(r"v(\d{1,6})", re.ASCII)


def list_versions(store: Store, *, show: str | None = None, shot: str | None = None, state: str = "", qc: str = "", search: str = "",
                  newest_only: bool = False, limit: int = MOST_ROWS, offset: int = 0) -> list[dict[str, Any]]:  # fmt: skip
    """Versions by show, shot and falling number. What is None or empty does not narrow the list.

    See :func:`conditions` for what the others mean.
    Raises: ReviewError for a state or a QC verdict that does not exist.
    """
    of = (
        select(Version.id)
        .join(Shot)
        .where(*conditions(show=show, shot=shot, state=state, qc=qc, search=search, newest_only=newest_only))
        .order_by(Shot.show, Shot.name, Version.number.desc())
        .limit(max(0, min(limit, MOST_ROWS)))
        .offset(max(0, offset))
    )
    with store.reading() as session:
        return rows(session, session.scalars(of).all())


def conditions(*, show: str | None = None, shot: str | None = None, state: str = "", qc: str = "", search: str = "",
               newest_only: bool = False) -> list[ColumnElement[bool]]:  # fmt: skip
    """What narrows a list of versions joined with their shots.

    qc: one of LIGHTS; search: words, each part of a shot's name or of an author's, or a version such as v003; newest_only: one version a
    shot, whatever the other conditions say of older ones.
    Raises: ReviewError for a state or a QC verdict that does not exist.
    """
    _require_one_of("state", state, STATES)
    _require_one_of("qc", qc, LIGHTS)
    found: list[ColumnElement[bool]] = []
    if show is not None:
        found.append(Shot.show == show)
    if shot is not None:
        found.append(Shot.name == shot)
    if state:
        found.append(Version.state == state)
    if qc:
        found.append(Version.qc_verdict.not_in(LIGHTS[:3]) if qc == LIGHTS[3] else Version.qc_verdict == qc)
    found += [_has(word) for word in search.split()]
    if newest_only:
        found.append(Version.number == newest_number())
    return found


def _require_one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    if value and value not in allowed:
        raise ReviewError(f"{what}: is {ascii(value)[:40]}; choose one of {', '.join(allowed)}")


def _has(word: str) -> ColumnElement[bool]:
    ways = [Shot.name.icontains(word, autoescape=True), Version.author.icontains(word, autoescape=True)]
    if match := _VERSION.fullmatch(word.lower()):
        ways.append(Version.number == int(match[1]))
    return or_(*ways)


def newest_number(state: str = "") -> Any:
    """The number of a shot's newest version, or of the newest that stands in ``state``; goes into a query that has the shot."""
    newer = aliased(Version)
    of = select(func.max(newer.number)).where(newer.shot_id == Shot.id)
    return (of.where(newer.state == state) if state else of).correlate(Shot).scalar_subquery()


def rows(session: Session, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What lists say of versions, in the order of ``ids``."""
    is_open = (
        Note.version_id == Version.id,
        Note.resolved_by == "",
        Note.reply_to.is_(None),
    )  # a reply is not one more to do
    open_notes = select(func.count()).where(*is_open).correlate(Version)
    columns = (Version.id, Shot.show, Shot.name, Version.number, *(getattr(Version, field) for field in FIELDS))
    of = (
        select(*columns, open_notes.scalar_subquery()).join(Shot, Version.shot_id == Shot.id).where(Version.id.in_(ids))
    )
    found = {row[0]: _row(row) for row in session.execute(of)}
    return [found[each] for each in ids]


def _row(columns: Sequence[Any]) -> dict[str, Any]:
    _, show, shot, number, *fields, open_notes = columns
    return {
        "show": show,
        "shot": shot,
        "version": number_word(number),
        **dict(zip(FIELDS, fields, strict=True)),
        "open_notes": open_notes,
    }


def about(store: Store, name: VersionName) -> dict[str, Any]:
    """How one version stands: state, QC numbers, notes and its whole history.

    Raises: ReviewError where it is not registered.
    """
    with store.reading() as session:
        version = find_version(session, name)
        folder = str(store.place.root / version.shot.folder / version.folder)
        found = {**standing(version), "folder": folder, "frames": version.frames, "record_hash": version.record_hash,
                 "qc_verdict": version.qc_verdict, "qc": [_qc(row) for row in version.qc]}  # fmt: skip
        events = history(session, show=name.show, shot=version.shot.name, version=version.name)
    return {**found, "notes": notes_of(store, name), "events": events}


def _qc(row: QcValue) -> dict[str, Any]:
    return {"measure": row.measure, "value": row.value, "verdict": row.verdict, "worst_frame": row.worst_frame}


def qc_of(store: Store, name: VersionName) -> dict[str, Any]:
    """The QC numbers of a version as they were registered: its verdict, and ``measures`` by name with all that their summary says.

    Raises: NotThereError where it is not registered.
    """
    with store.reading() as session:
        version = find_version(session, name)
        return {
            "verdict": version.qc_verdict,
            "measures": {row.measure: {**row.more, **_qc(row)} for row in version.qc},
        }
