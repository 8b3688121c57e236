"""Lists of versions and everything about one, as plain data for the command line and the page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.decisions import as_data as standing
from vfx_deepfake.review.find import VersionName, find_version
from vfx_deepfake.review.ledger import history
from vfx_deepfake.review.models import STATES, Note, QcValue, Shot, Version
from vfx_deepfake.review.notes import notes_of
from vfx_deepfake.review.store import Store

MOST_ROWS = 500  # of one list; the next ones come with ``offset``


def list_versions(store: Store, *, show: str | None = None, shot: str | None = None, state: str = "", search: str = "",
                  newest_only: bool = False, limit: int = MOST_ROWS, offset: int = 0) -> list[dict[str, Any]]:  # fmt: skip
    """Versions by show, shot and falling number. What is None or empty does not narrow the list.

    search: part of a shot's name or of an author's; newest_only: one version a shot, whatever the other conditions say of older ones.
    Raises: ReviewError for a state that does not exist.
    """
    if state and state not in STATES:
        raise ReviewError(f"state: is {ascii(state)[:40]}; choose one of {', '.join(STATES)}")
    of = _columns().order_by(Shot.show, Shot.name, Version.number.desc()).limit(min(limit, MOST_ROWS)).offset(offset)
    if show is not None:
        of = of.where(Shot.show == show)
    if shot is not None:
        of = of.where(Shot.name == shot)
    if state:
        of = of.where(Version.state == state)
    if search:
        of = of.where(Shot.name.icontains(search, autoescape=True) | Version.author.icontains(search, autoescape=True))
    if newest_only:
        newest = select(func.max(Version.number)).where(Version.shot_id == Shot.id).correlate(Shot).scalar_subquery()
        of = of.where(Version.number == newest)
    with store.reading() as session:
        return [_row(*row) for row in session.execute(of)]


def _columns() -> Select[Any]:
    open_notes = (
        select(func.count())
        .where(Note.version_id == Version.id, Note.resolved_by == "")
        .correlate(Version)
        .scalar_subquery()
    )
    return select(Version, Shot, open_notes).join(Shot, Version.shot_id == Shot.id)


def _row(version: Version, shot: Shot, open_notes: int) -> dict[str, Any]:
    fields = ("frames", "made_at", "author", "qc_verdict", "state", "revision", "decided_by", "decided_at", "reason")
    return {"show": shot.show, "shot": shot.name, "version": version.name,
            **{field: getattr(version, field) for field in fields}, "open_notes": open_notes}  # fmt: skip


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
