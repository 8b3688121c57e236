"""Two versions side by side: what made them differs, and what QC measured of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vfx_deepfake.review.find import VersionName, find_version
from vfx_deepfake.review.lineage import as_lines, changed_since
from vfx_deepfake.review.store import Store

FIGURES = ("value", "verdict", "worst_frame")


def compared(store: Store, name: VersionName, before: VersionName) -> dict[str, Any]:
    """What :func:`changed_since` says, and under ``qc`` one row a measure: ``{"measure": "seam", "before": {...}, "after": {...}}``.

    A measure that one of the two lacks is None there.
    Raises: ReviewError where one of them is not registered.
    """
    changed = changed_since(store, name, before)
    old, new = _measured(store, before), _measured(store, name)
    rows = [
        {"measure": measure, "before": old.get(measure), "after": new.get(measure)} for measure in sorted(old | new)
    ]
    return {**changed, "qc": rows}


def _measured(store: Store, name: VersionName) -> dict[str, dict[str, Any]]:
    with store.reading() as session:
        return {row.measure: {key: getattr(row, key) for key in FIGURES} for row in find_version(session, name).qc}


def compared_lines(found: Mapping[str, Any]) -> list[str]:
    """The answer of :func:`compared` for a terminal."""
    heading = f"{'qc':18}{found['since']:>22}{found['version']:>22}"
    rows = [f"{row['measure']:18}{_cell(row['before']):>22}{_cell(row['after']):>22}" for row in found["qc"]]
    return [*as_lines(found), *([heading, *rows] if rows else [])]


def _cell(measured: Mapping[str, Any] | None) -> str:
    if measured is None:
        return "-"
    value = "" if measured["value"] is None else f"{measured['value']:.4g} "
    return f"{value}{measured['verdict']}".strip() or "-"
