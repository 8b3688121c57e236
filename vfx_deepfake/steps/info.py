"""``info``: what a shot has, from the files in its folder alone: versions, runs, painted frames, releases. Read only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError, ShotError
from vfx_deepfake.files import read_json
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.sequence import hash_pattern
from vfx_deepfake.naming import ShotPaths
from vfx_deepfake.provenance.gate import state
from vfx_deepfake.provenance.register import load_releases
from vfx_deepfake.shot import SHOT_FILE
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.train import RECORD

DEPTH = 2  # folders between a show and its shots: SHOW/SHOT, SHOW/SEQUENCE/SHOT


def shots_below(path: Path | str) -> tuple[Path, ...]:
    """The shot file that ``path`` is or holds; else the shot files of the folders below it, by name, down to :data:`DEPTH`.

    Raises: ShotError where there is none.
    """
    place = Path(path).absolute()
    if place.is_file():
        return (place,)
    if (place / SHOT_FILE).is_file():
        return (place / SHOT_FILE,)
    found = [file for depth in range(1, DEPTH + 1) for file in place.glob("/".join(["*"] * depth + [SHOT_FILE]))]
    if not found:
        raise ShotError(f"{path}: holds no {SHOT_FILE}, nor do the folders below it; name a shot's or a show's folder")
    return tuple(sorted(found))


def about_shot(opened: OpenShot) -> dict[str, Any]:
    """Everything that the shot's folder knows, as plain data; newest versions and runs first.

    ``problems`` names what could not be read: the rest is told all the same.
    """
    problems: list[str] = []
    settings, paths = opened.settings, opened.shot.paths
    runs = [_run(paths, number) for number in reversed(paths.run_numbers())]
    by_checkpoint = {run["checkpoint_hash"]: run["run"] for run in runs if run["checkpoint_hash"]}
    versions = [_version(paths, number, by_checkpoint) for number in reversed(paths.version_numbers())]
    found: dict[str, Any] = {
        "shot": opened.name,
        "show": settings.shot.show,
        "file": str(opened.shot.file),
        "folder": str(paths.folder),
        "method": settings.model.method,
        "working_space": settings.color.working,
        "frames": "",
        "plate": {},
        "keyframes": {},
        "releases": [],
        "runs": runs,
        "versions": versions,
    }
    for key, read in _READ.items():
        try:
            found[key] = read(opened)
        except ArtistError as error:
            problems.extend(str(error).splitlines())
    return {**found, "problems": problems}


def _frames(opened: OpenShot) -> str:
    return format_frames(opened.frames)


def _plate(opened: OpenShot) -> dict[str, str]:
    spec = opened.settings.plate
    return {"pattern": hash_pattern(opened.source_text(spec.pattern)), "colorspace": spec.colorspace}


def _keyframes(opened: OpenShot) -> dict[str, Any]:
    """Where painted frames go, in which colour space, and which are there."""
    if not opened.settings.model.paints:
        return {}
    return {
        "pattern": hash_pattern(opened.source_text(opened.settings.keyframes.pattern)),
        "colorspace": opened.settings.keyframes.colorspace or opened.settings.plate.colorspace,
        "painted": sorted(opened.keyframe_files()),
    }


def _releases(opened: OpenShot) -> list[dict[str, str]]:
    """The releases on record, with how each stands today, and whether it is the one that the shot asks for."""
    today, wanted = dt.date.today(), opened.settings.consent
    return [
        {"release": each.id, "identity": each.identity, "kind": each.kind, "operations": ", ".join(each.operations),
         "state": state(each, today), "for_this_shot": "yes" if each.identity == wanted.identity else ""}
        for each in load_releases(Path(opened.shot.paths.source(wanted.releases)))
    ]  # fmt: skip


_READ = {"frames": _frames, "plate": _plate, "keyframes": _keyframes, "releases": _releases}


def _run(paths: ShotPaths, number: int) -> dict[str, Any]:
    """One training run; a file that is not there yet is an empty text."""
    folder = paths.run(number)
    record = _read(folder / RECORD)
    sheets = sorted((folder / "sheets").glob("sheet_*.png"))
    return {
        "run": folder.name,
        "folder": str(folder),
        "state": "finished" if record.get("checkpoint") else "unfinished",
        "began_at": str(record.get("began_at", "")),
        "seconds": float(record.get("seconds", 0.0)),
        "checkpoint": str(record.get("checkpoint", "")),
        "checkpoint_hash": str(record.get("checkpoint_hash", "")),
        "loss_plot": _there(folder / "loss.png"),
        "sheet": str(sheets[-1]) if sheets else "",
    }


def _version(paths: ShotPaths, number: int, by_checkpoint: Mapping[str, str]) -> dict[str, Any]:
    """One published version, as its record says it."""
    version = paths.version(number)
    record = _read(version.record)
    inputs, qc = record.get("inputs", {}), record.get("qc", {})
    return {
        "version": version.folder.name,
        "folder": str(version.folder),
        "exr": version.exr,
        "frames": str(inputs.get("frames", "")),
        "status": str(record.get("status", "unknown")),
        "qc": str(qc.get("verdict", "")),
        "made_at": str(record.get("made_at", "")),
        "made_by": str(record.get("made_by", {}).get("user", "")),
        "release": str(record.get("release", "")),
        "run": by_checkpoint.get(str(inputs.get("checkpoint", "")), ""),
        "sheet": _there(version.sheet),
        "movie": _there(version.movie),
        "open_notes": 0,
    }


def _read(file: Path) -> dict[str, Any]:
    """A record; empty where there is none or it is damaged."""
    try:
        return read_json(file)
    except ArtistError:
        return {}


def _there(file: Path) -> str:
    return str(file) if file.is_file() else ""
