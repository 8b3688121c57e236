"""The QC of a version: the summary as it was registered, each frame's values from its files where they are there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import read_json
from vfx_deepfake.naming import ShotPaths, load_naming
from vfx_deepfake.qc.verdict import FAIL, LOOK, MEASURES, UNKNOWN, Measure
from vfx_deepfake.review.find import VersionName

SUMMARY, FRAMES = "qc.json", "frames"  # in a version's qc folder: the report, and the folder of each frame's figures
_ORDER = {FAIL: 0, LOOK: 1, UNKNOWN: 3}  # what needs eyes comes first


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of a version. ``values`` by frame; empty where the files are not there or it is measured over the whole shot."""

    name: str
    measure: Measure
    verdict: str
    worst: float | None
    worst_frame: int | None
    median: float | None
    limits: tuple[float, float] | None
    note: str
    frames: Mapping[str, Sequence[int]] = field(default_factory=dict)  # by verdict, look and fail
    why_not: tuple[str, ...] = ()
    values: Mapping[int, float] = field(default_factory=dict)

    def said(self, value: float | None) -> str:
        """A value of this measure as text."""
        if value is None:
            return "–"
        digits = self.measure.digits
        return f"{value:.{digits}f}" if not value or abs(value) >= 10**-digits else f"{value:.1e}"


def figures(
    registered: Mapping[str, Any], report: Mapping[str, Any], values: Mapping[str, Mapping[int, float]]
) -> list[Figure]:
    """Every measure that was registered, those that need eyes first.

    report: what the version's own report says beyond that (limits, medians, frames); where they differ, what was registered counts.
    values: by measure and frame.
    """
    found = [
        _figure(name, {**_table(report.get(name)), **said}, values.get(name, {})) for name, said in registered.items()
    ]
    return sorted(found, key=lambda figure: _ORDER.get(figure.verdict, 2))


def _figure(name: str, said: Mapping[str, Any], values: Mapping[int, float]) -> Figure:
    limits, note, why = said.get("limits"), said.get("note"), said.get("not_measured")
    return Figure(
        name, MEASURES.get(name) or Measure(name, "", "", ""), str(said.get("verdict") or UNKNOWN), number(said.get("value")),
        said.get("worst_frame"), number(said.get("median")), _pair(limits), note if isinstance(note, str) else "",
        {word: [each for each in said.get(word) or () if isinstance(each, int)] for word in (LOOK, FAIL)},
        tuple(_table(why)), values,
    )  # fmt: skip


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _pair(limits: Any) -> tuple[float, float] | None:
    found = [number(each) for each in limits] if isinstance(limits, list) and len(limits) == 2 else []
    return (found[0], found[1]) if len(found) == 2 and found[0] is not None and found[1] is not None else None


def number(value: Any) -> float | None:
    """A finite number, or None."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_one else None


def read_report(
    folder: Path, name: VersionName, frames: Sequence[int]
) -> tuple[Mapping[str, Any], dict[str, dict[int, float]]]:
    """The report in a version's folder: its measures, and values by measure and frame. What is gone or damaged is left out."""
    place = ShotPaths(folder, name.shot, load_naming(folder)).version(name.number, folder).qc
    found: dict[str, dict[int, float]] = {}
    for frame in frames:
        for measure, value in _table(_read(place / FRAMES / f"{frame}.json").get("values")).items():
            known = number(value)
            if known is not None:
                found.setdefault(measure, {})[frame] = known
    return _table(_read(place / SUMMARY).get("measures")), found


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return read_json(file)
    except ArtistError:
        return {}
