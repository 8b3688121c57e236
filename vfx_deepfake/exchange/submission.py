"""The list that goes along with versions: one line each, with the columns that the client wants."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from vfx_deepfake.exchange.sheet_text import Cell, csv_text
from vfx_deepfake.exchange.versions import Described
from vfx_deepfake.settings.outside import SubmissionSpec


def submission_csv(versions: Sequence[Described], spec: SubmissionSpec, today: dt.date) -> str:
    """The list as CSV text; ``today`` is the date of submission."""
    columns = spec.headed()
    rows = [[_field(field, version, spec, today) for _, field in columns] for version in versions]
    return csv_text([heading for heading, _ in columns], rows, byte_order_mark=spec.byte_order_mark)


def _field(field: str, version: Described, spec: SubmissionSpec, today: dt.date) -> Cell:
    if field == "date":
        return today.isoformat()
    if field == "vendor" and spec.vendor:
        return spec.vendor
    return _FIELDS[field](version)


def _frame_rate(version: Described) -> Cell:
    return version.rate.numerator if version.rate.denominator == 1 else str(version.rate)


def _movie(version: Described) -> Cell:
    return str(version.paths.movie) if version.paths.movie.is_file() else ""


def _frame_files(version: Described) -> str:
    """What is handed over: the delivery's codes, or the EXRs where there are none."""
    return version.paths.dpx if version.has_dpx else version.paths.exr


def _colour(version: Described) -> Cell:
    return version.setting("delivery", "colorspace") if version.has_dpx else version.setting("plate", "colorspace")


_FIELDS: dict[str, Callable[[Described], Cell]] = {
    "vendor": lambda version: version.setting("shot", "vendor"),
    "show": lambda version: version.name.show,
    "sequence": lambda version: version.setting("shot", "sequence"),
    "shot": lambda version: version.name.shot,
    "version": lambda version: version.name.number,
    "version_name": lambda version: version.title,
    "filename": lambda version: _frame_files(version).rpartition("/")[2],
    "path": _frame_files,
    "movie": _movie,
    "source_id": lambda version: version.source_id,
    "scope": lambda version: version.setting("shot", "note"),
    "submitting_for": lambda version: version.setting("review", "submitting_for") or "WIP",
    "first_frame": lambda version: version.frames[0],
    "last_frame": lambda version: version.frames[-1],
    "duration": lambda version: len(version.frames),
    "frames": lambda version: version.standing["frames"],
    "frame_rate": _frame_rate,
    "status": lambda version: version.standing["state"].replace("_", " "),
    "note": lambda version: version.setting("review", "note"),
    "colour": _colour,
    "author": lambda version: version.origin["author"],
    "date_authored": lambda version: version.origin["made_at"],
    "decided_by": lambda version: version.standing["decided_by"],
    "qc": lambda version: version.standing["qc_verdict"],
    "release": lambda version: version.origin["release"],
    "record_hash": lambda version: version.standing["record_hash"],
}
