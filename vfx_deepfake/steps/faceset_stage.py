"""``faceset``: make, build, judge and look at facesets; they belong to no shot."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import EXIT_ARTIST, ConsentError, FacesetError, located
from vfx_deepfake.faceset.build import Built, build_faceset, is_up_to_date
from vfx_deepfake.faceset.cull import Culled, cull_faceset, decide, kind_of, read_likenesses
from vfx_deepfake.faceset.data import RECORD_FILE, Faceset, load_faceset, read_record
from vfx_deepfake.faceset.sheets import write_sheets
from vfx_deepfake.faceset.sort import SIMILARITY, sorted_crops
from vfx_deepfake.faceset.spec import SPEC_FILE, FacesetSpec, SourceSpec, load_spec, write_spec
from vfx_deepfake.frames import format_frames, parse_frames
from vfx_deepfake.progress import SILENT, Progress
from vfx_deepfake.provenance.gate import Use, refusals, require
from vfx_deepfake.provenance.register import load_releases
from vfx_deepfake.provenance.release import Release

SHEETS = "sheets"
RANGES = (("yaw", "degrees to image right"), ("pitch", "degrees up"), ("exposure", "stops over 18 % grey"),
          ("sharpness", "px"), ("face_px", "px"), ("mouth_open", "cm"))  # fmt: skip


def new_faceset(folder: Path, spec: FacesetSpec, sources: Sequence[SourceSpec]) -> dict[str, Any]:
    """Write ``faceset.toml``; nothing is read yet."""
    path = write_spec(folder, spec, sources)
    return {"faceset": str(path), "lines": [f"next: vfx-deepfake faceset build {folder}"]}


def faceset_is_fresh(folder: Path) -> bool:
    """True where :func:`faceset_stage` would do nothing. A faceset without ``faceset.toml`` was made elsewhere and is fresh.

    Raises: FacesetError for one that can't be used.
    """
    if not (folder / SPEC_FILE).is_file():
        read_record(folder)
        return True
    spec, sources = load_spec(folder)
    if not is_up_to_date(folder, spec, sources):
        return False
    return bool(read_record(folder).get("cull") == asdict(spec.cull))


def faceset_stage(folder: Path, progress: Progress = SILENT, *, show: str = "", shot: str = "") -> dict[str, Any]:
    """Build a faceset from its ``faceset.toml`` and judge its crops; what is up to date is left alone.

    ``show`` and ``shot`` are whose release is asked for, where a shot builds it; else any that trains the identity will do.
    Sources that could not be read are told under ``problems``; the others are built.
    Raises: ConsentError without a release; FacesetError; TrackError without a landmarker.
    """
    if faceset_is_fresh(folder):
        return _summary(folder)
    spec, sources = load_spec(folder)
    with located(str(folder)):
        covering_release(folder, spec, show, shot)
        built = build_faceset(folder, spec, sources, progress)
        culled = cull_faceset(folder, spec.cull, progress)
    return _summary(folder, built, culled)


def covering_release(folder: Path, spec: FacesetSpec, show: str = "", shot: str = "") -> Release:
    """The release that lets a faceset be made today: the one that faceset.toml names, else any of the identity.

    Raises: ConsentError when it is not on record or does not cover training.
    """
    releases = load_releases(Path(os.path.normpath(folder.absolute() / spec.releases)))
    if spec.release:
        named = [each for each in releases if each.id == spec.release]
        if not named:
            known = ", ".join(each.id for each in releases) or "none"
            raise ConsentError(
                f"release '{spec.release}' is not on record in {spec.releases}; there: {known}; file it first"
            )
        releases = tuple(named)
    asked = Use(identity=spec.identity, operation="train", show=show or spec.show, shot=shot, date=dt.date.today())
    for each in releases:
        # a faceset belongs to no shot: what the release is limited to is asked for when a shot trains on it
        own = replace(asked, show=asked.show or each.shows[0], sequence=each.sequences[0], shot=shot or each.shots[0])
        if not refusals(each, own):
            return require([each], own)
    return require(releases, asked)


def cull(folder: Path, progress: Progress) -> dict[str, Any]:
    """Judge the crops anew by the thresholds of ``faceset.toml``."""
    spec = load_spec(folder)[0].cull
    return _summary(folder, culled=cull_faceset(folder, spec, progress))


def keep_or_drop(folder: Path, numbers: str, *, keep: bool | None, note: str = "") -> dict[str, Any]:
    """Overrule culling for crops such as ``12,40-47``."""
    changed = decide(folder, parse_frames(numbers, "crops"), keep=keep, note=note)
    return {"faceset": str(folder), "changed": changed}


def sheets(folder: Path, orders: Sequence[str], only: str, progress: Progress) -> dict[str, Any]:
    """Contact sheets of the crops in use (``only`` "used"), of those that are not ("culled"), or of all ("all")."""
    faceset = load_faceset(folder, culled=True)
    color = Color(_config(faceset))
    pages: list[Path] = []
    for order in orders:
        likes = read_likenesses(faceset, progress) if order == SIMILARITY else ()
        wanted = [index for index in sorted_crops(faceset, order, likes)
                  if only == "all" or bool(faceset.crops[index].culled) == (only == "culled")]  # fmt: skip
        title = order if only == "all" else f"{order}_{only}"
        pages += write_sheets(faceset, wanted, folder / SHEETS, title, color, progress)
    return {"faceset": str(folder), "pages": len(pages), "lines": [str(page) for page in pages]}


def _config(faceset: Faceset) -> str:
    config = str(faceset.record["config"])
    return config if config.startswith("ocio://") else os.path.normpath(faceset.folder.absolute() / config)


def listed(folder: Path) -> dict[str, Any]:
    """Every faceset below a folder."""
    found = sorted({path.parent for name in (SPEC_FILE, RECORD_FILE) for path in folder.rglob(name)})
    lines = []
    for each in found:
        try:
            faceset = load_faceset(each, culled=True) if (each / RECORD_FILE).is_file() else None
        except FacesetError as error:
            lines.append(str(error))
            continue
        if faceset is None:
            lines.append(f"{each}: not built yet")
            continue
        used = sum(not crop.culled for crop in faceset.crops)
        age = f", age {faceset.age:g}" if faceset.age else ""
        lines.append(f"{each}: '{faceset.identity}'{age}, {used} of {len(faceset)} crops in use, {faceset.size} px")
    return {"facesets": len(found), "lines": lines}


def info(folder: Path) -> dict[str, Any]:
    """What a faceset holds: sources, reasons, and the range of its measures."""
    return _summary(folder)


def _summary(folder: Path, built: Built | None = None, culled: Culled | None = None) -> dict[str, Any]:
    faceset = load_faceset(folder, culled=True)
    used = [crop for crop in faceset.crops if not crop.culled]
    result: dict[str, Any] = {
        "faceset": str(folder), "identity": faceset.identity, "release": faceset.release or "any of the identity",
        "crops": f"{len(used)} of {len(faceset)} in use", "size": f"{faceset.size} px", "working": faceset.working,
    }  # fmt: skip
    if used:
        result["hash"] = load_faceset(folder).hash
    if built is not None:
        result["new"] = built.num_new
    persons = culled.num_persons if culled else 0
    result["lines"] = [*_source_lines(faceset), *_reason_lines(faceset), *_range_lines(faceset)]
    if persons > 1:
        result["lines"].append(f"  {persons} persons or looks; the sheet in the order 'person' shows them side by side")
    if built is not None and built.problems:
        result["problems"] = list(built.problems)
        result["exit_code"] = EXIT_ARTIST
    return result


def _source_lines(faceset: Faceset) -> list[str]:
    by_source: dict[str, list[int]] = {}
    for crop in faceset.crops:
        by_source.setdefault(crop.source, []).append(crop.frame)
    return [f"  {name}: {len(frames)} crops of {format_frames(frames) if any(frames) else 'a still'}"
            for name, frames in list(by_source.items())[:40]]  # fmt: skip


def _reason_lines(faceset: Faceset) -> list[str]:
    counts: dict[str, int] = {}
    for crop in faceset.crops:
        if crop.culled:
            counts[kind_of(crop.culled)] = counts.get(kind_of(crop.culled), 0) + 1
    return [f"  not used: {count} {reason}" for reason, count in sorted(counts.items(), key=lambda item: -item[1])]


def _range_lines(faceset: Faceset) -> list[str]:
    lines = []
    for name, unit in RANGES:
        values = sorted(crop.measures[name] for crop in faceset.crops if name in crop.measures and not crop.culled)
        if values:
            lines.append(f"  {name}: {values[0]:.1f} to {values[-1]:.1f}, middle {values[len(values) // 2]:.1f} {unit}")
    return lines
