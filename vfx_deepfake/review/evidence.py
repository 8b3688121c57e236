"""What ``version.json`` and ``run.json`` say, as rows for the store. Reads files; knows no database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError, ReviewError
from vfx_deepfake.files import hash_data, read_json
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.naming import ShotPaths, load_naming
from vfx_deepfake.review import words

RECORD = "version.json"
_VERSION = re.compile(r"v\d{3,6}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", re.ASCII)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One version as its files show it.

    facts: what its event says; parts: what made it, by area; qc: one row a measure; runs: the shot's finished runs.
    """

    show: str
    shot: str
    version: str
    facts: dict[str, str]
    parts: dict[str, dict[str, Any]]
    qc: list[dict[str, Any]]
    qc_verdict: str
    runs: list[dict[str, Any]]
    checkpoint: str


def read_evidence(record_file: Path, shot_folder: Path, root: Path) -> Evidence:
    """Read a version's record and its shot's runs.

    ``root`` is the folder that holds the shots; folders inside it are kept relative to it, so that the show can be mounted elsewhere.
    Raises: ReviewError when the record is not one of ours; ArtistError when it can't be read.
    """
    record = read_json(record_file)
    where = str(record_file)
    settings, inputs = _table(record, "settings", where), _table(record, "inputs", where)
    made_by, named = _table(record, "made_by", where), _table(settings, "shot", where)
    shot = words.name(record.get("shot"), f"{where}: shot")
    version = _matching(_VERSION, record.get("version"), f"{where}: version", "v001")
    if record_file.parent.name.startswith("."):
        raise ReviewError(f"{where}: is still being made; run 'vfx-deepfake version' first")
    show = named.get("show", "")
    facts = {
        "shot_folder": _relative(shot_folder, root),
        "folder": _relative(record_file.parent, shot_folder),
        "record_hash": hash_data(record),
        "inputs_hash": _matching(_HASH, record.get("inputs_hash"), f"{where}: inputs_hash", "a SHA-256"),
        "frames_hash": _matching(_HASH, record.get("frames_hash"), f"{where}: frames_hash", "a SHA-256"),
        "frames": _frames(inputs.get("frames"), where),
        "made_at": _matching(_TIME, record.get("made_at"), f"{where}: made_at", "2026-01-31T12:00:00+00:00"),
        "author": words.name(made_by.get("user"), f"{where}: made_by.user"),
        "host": words.text(made_by.get("host", ""), f"{where}: made_by.host", may_be_empty=True)[:255],
        "release": words.text(record.get("release", ""), f"{where}: release", may_be_empty=True)[:128],
    }
    qc = record.get("qc")
    return Evidence(
        show="" if show == "" else words.name(show, f"{where}: show"), shot=shot, version=version, facts=facts,
        parts=parts_of(record), qc=qc_rows(qc), qc_verdict=str(qc.get("verdict", ""))[:16] if isinstance(qc, Mapping) else "",
        runs=runs_of(ShotPaths(shot_folder, shot, load_naming(shot_folder))), checkpoint=str(inputs.get("checkpoint", "")),
    )  # fmt: skip


def parts_of(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What made a version, by area: settings, key frames, plate, other data, code.

    Tables that the inputs share with the settings are listed once.
    """
    inputs, settings = record["inputs"], record["settings"]
    own = ("plate", "keyframes", "code")
    data = {key: value for key, value in inputs.items() if key not in own and settings.get(key) != value}
    return {
        "settings": dict(settings),
        "key_frames": _hashes(inputs.get("keyframes", {})),
        "plate": _hashes(inputs.get("plate", {})),
        "data": {**data, "release": record.get("release", "")},
        "code": dict(inputs.get("code") or record.get("code") or {}),
    }


def qc_rows(summary: Any) -> list[dict[str, Any]]:
    """One row a measure of a QC summary: its worst value, verdict and frame; what else it says is kept as it is.

    A summary without ``measures`` is taken as a table of bare numbers. Anything that is neither holds no row.
    """
    if not isinstance(summary, Mapping):
        return []
    measures = summary.get("measures", summary)
    if not isinstance(measures, Mapping):
        return []
    rows = [_qc_row(str(measure)[:64], said) for measure, said in sorted(measures.items())]
    return [row for row in rows if row]


def _qc_row(measure: str, said: Any) -> dict[str, Any]:
    if isinstance(said, Mapping):
        frame = said.get("worst_frame")
        rest = {key: value for key, value in said.items() if key not in ("worst", "verdict", "worst_frame")}
        return {"measure": measure, "value": _number(said.get("worst")), "verdict": str(said.get("verdict", ""))[:16],
                "worst_frame": frame if isinstance(frame, int) else None, "more": rest}  # fmt: skip
    value = _number(said)
    return {} if value is None else {"measure": measure, "value": value, "verdict": "", "worst_frame": None, "more": {}}


def runs_of(paths: ShotPaths) -> list[dict[str, Any]]:
    """The finished training runs of a shot; a damaged record is no run."""
    found = []
    for number in paths.run_numbers():
        try:
            record = read_json(paths.run(number) / "run.json")
        except ArtistError:
            continue
        if _HASH.fullmatch(str(record.get("checkpoint_hash"))) and isinstance(record.get("inputs"), Mapping):
            found.append({
                "number": number, "checkpoint_hash": record["checkpoint_hash"], "inputs_hash": str(record.get("inputs_hash", ""))[:64],
                "finished_at": str(record.get("finished_at", ""))[:32], "seconds": _number(record.get("seconds")) or 0.0,
                "release": str(record.get("release", ""))[:128], "made_from": dict(record["inputs"]),
            })  # fmt: skip
    return found


def _table(record: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = record.get(key)
    if not isinstance(value, Mapping):
        raise ReviewError(f"{where}: has no table '{key}'; it is no record of a version, restore it")
    return value


def _matching(pattern: re.Pattern[str], value: Any, where: str, example: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise ReviewError(f"{where}: is {ascii(value)[:80]}; want {example}; restore the record")


def _frames(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ReviewError(
            f"{where}: frames: is {ascii(value)[:80]}; want a range such as 1001-1100; restore the record"
        )
    parse_frames(value, f"{where}: frames")
    return value


def _hashes(value: Any) -> dict[str, Any]:
    """Hashes by file name; one hash over many files stands under its own word."""
    return dict(value) if isinstance(value, Mapping) else {"all files": value}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _relative(folder: Path, base: Path) -> str:
    """A folder relative to another that holds it, else as it is."""
    return str(folder.relative_to(base)) if folder.is_relative_to(base) else str(folder)
