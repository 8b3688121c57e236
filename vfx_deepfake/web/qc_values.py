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

FRAMES = "frames"  # folder of the frames' figures in a version's qc folder
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


def figures(registered: Mapping[str, Any], values: Mapping[str, Mapping[int, float]]) -> list[Figure]:
    """Every measure of a summary, those that need eyes first. What a summary holds that is none of our making is left out."""
    found = [_figure(name, said, values.get(name, {})) for name, said in registered.items()]
    return sorted(found, key=lambda figure: _ORDER.get(figure.verdict, 2))


def _figure(name: str, said: Mapping[str, Any], values: Mapping[int, float]) -> Figure:
    limits, note, why = said.get("limits"), said.get("note"), said.get("not_measured")
    return Figure(
        name, MEASURES.get(name) or Measure(name, "", "", ""), str(said.get("verdict") or UNKNOWN), number(said.get("value")),
        said.get("worst_frame"), number(said.get("median")), _pair(limits), note if isinstance(note, str) else "",
        {word: [each for each in said.get(word) or () if isinstance(each, int)] for word in (LOOK, FAIL)},
        tuple(map(str, why)) if isinstance(why, Mapping) else (), values,
    )  # fmt: skip


def _pair(limits: Any) -> tuple[float, float] | None:
    found = [number(each) for each in limits] if isinstance(limits, list) and len(limits) == 2 else []
    return (found[0], found[1]) if len(found) == 2 and found[0] is not None and found[1] is not None else None


def number(value: Any) -> float | None:
    """A finite number, or None."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_one else None


def frame_values(folder: Path, name: VersionName, frames: Sequence[int]) -> dict[str, dict[int, float]]:
    """Values by measure and frame from the files in a version's folder; a file that is gone or damaged leaves a gap."""
    place = ShotPaths(folder, name.shot, load_naming(folder)).version(name.number, folder).qc / FRAMES
    found: dict[str, dict[int, float]] = {}
    for frame in frames:
        try:
            values = read_json(place / f"{frame}.json").get("values")
        except ArtistError:
            continue
        for measure, value in values.items() if isinstance(values, Mapping) else ():
            known = number(value)
            if known is not None:
                found.setdefault(measure, {})[frame] = known
    return found
