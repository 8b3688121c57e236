"""A list of shots, TOML or CSV: which shots a batch is made of, and how shots that are not there yet are to be made.

TOML: a ``[defaults]`` table and one ``[[shot]]`` table a shot. CSV: one line a shot under a line of column names; further columns
named like settings (``shot.show``, ``train.steps``) are overrides too. The keys are the fields of :class:`Entry`::

    [defaults]
    template = "keyframe_deage"
    colorspace = "ACEScg"
    model = "sh0010"                     # trained once, taken over by the others
    set = ["shot.show=northern_light"]

    [[shot]]
    shot = "sh0010"                      # a shot that is there

    [[shot]]
    shot = "sh0020"                      # a shot to be made
    plate = "/plates/sh0020/sh0020.####.exr"
    set = ["train.seed=2"]               # comes after the defaults' and wins

Paths are relative to the list.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ShotError
from vfx_deepfake.shot import SHOT_FILE
from vfx_deepfake.tables import build, read_toml

SEPARATOR = ";"  # between the overrides of one CSV cell


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One shot of a list."""

    shot: str  # its folder, or its shot file
    plate: str = ""  # for a shot that is not there yet: its plate frames, e.g. /plates/sh0020/sh0020.####.exr
    template: str = "keyframe_deage"  # for a shot that is not there yet
    colorspace: str = ""  # for a shot that is not there yet: OCIO name of the plate's encoding
    frames: str = ""  # for a shot that is not there yet: range to deliver
    name: str = ""  # for a shot that is not there yet; empty takes the folder's
    model: str = ""  # the shot whose trained network this one takes over; the model shot itself may name itself
    set: tuple[str, ...] = ()  # overrides such as train.steps=800

    def __post_init__(self) -> None:
        if not self.shot.strip():
            raise ValueError("shot is empty; name the shot's folder or its shot file")
        if self.plate and not self.colorspace:
            raise ValueError("plate needs a colorspace: the OCIO name of its encoding, e.g. ACEScg")


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry with its paths: ``file`` is the shot file, there already or to be made."""

    entry: Entry
    file: Path
    folder: Path  # of the list, which its paths are relative to

    @property
    def label(self) -> str:
        """How messages call the shot: as the list does."""
        return self.entry.shot

    @property
    def plate(self) -> str:
        """Pattern of the plate of a shot to be made, absolute; empty where the list names none."""
        return os.path.normpath(self.folder / self.entry.plate) if self.entry.plate else ""

    @property
    def model_file(self) -> Path | None:
        """The shot file of the model shot; None where the list names none, or this shot is it."""
        if not self.entry.model:
            return None
        file = shot_file(self.folder, self.entry.model)
        return None if file == self.file else file

    @property
    def overrides(self) -> tuple[str, ...]:
        """What wins over the shot file, the model shot among it."""
        if self.model_file is None:
            return self.entry.set
        return (*self.entry.set, f"model.shared={os.path.relpath(self.model_file.parent, self.file.parent)}")


def read_shotlist(path: Path | str) -> tuple[Listed, ...]:
    """The shots of a list, in its order.

    Raises: ShotError with every problem of the list, one a line.
    """
    file = Path(path).absolute()
    tables = _csv_tables(file) if file.suffix.lower() == ".csv" else _toml_tables(file)
    return listed(tables, file.parent, file.name)


def list_shots(entries: Iterable[Entry], folder: Path | str = ".") -> tuple[Listed, ...]:
    """A list made in Python; ``folder`` is what its paths are relative to.

    Raises: ShotError for a shot that is listed twice, or no shot.
    """
    tables = {f"entry {number}": asdict(entry) for number, entry in enumerate(entries, 1)}
    return listed(
        {place: {**table, "set": list(table["set"])} for place, table in tables.items()},
        Path(folder).absolute(),
        "list",
    )


def shots_of(path: Path | str) -> tuple[Listed, ...]:
    """The shots of a list, or the one shot that a folder or shot file is.

    Raises: ShotError with every problem of the list.
    """
    file = Path(path).absolute()
    is_list = file.suffix.lower() == ".csv" or (file.is_file() and isinstance(read_toml(file).get("shot"), list))
    if is_list:
        return read_shotlist(file)
    return (Listed(Entry(shot=str(path)), shot_file(file.parent, file.name), file.parent),)


def listed(tables: Mapping[str, Mapping[str, Any]], folder: Path, name: str) -> tuple[Listed, ...]:
    """Entries from tables by their place in the list (``[[shot]] 3``, ``line 4``); ``name`` is the list as messages call it."""
    problems: list[str] = []
    found: dict[Path, Listed] = {}
    for place, table in tables.items():
        try:
            entry = build(Entry, table, f"{name} {place}")
        except ShotError as error:
            problems.append(str(error))
            continue
        file = shot_file(folder, entry.shot)
        if file in found:
            problems.append(f"{name} {place}: {entry.shot} is listed twice; leave one of them out")
        found.setdefault(file, Listed(entry, file, folder))
    if not tables:
        problems.append(f"{name}: lists no shot; add one [[shot]] table, or one line, a shot")
    if problems:
        raise ShotError("\n".join(problems))
    return tuple(found.values())


def shot_file(folder: Path, text: str) -> Path:
    """The shot file that a list in ``folder`` means by ``text``: a folder's own one, or a .toml by name."""
    path = Path(os.path.normpath(folder / text))
    return path if path.suffix == ".toml" else path / SHOT_FILE


def _toml_tables(file: Path) -> dict[str, dict[str, Any]]:
    table = read_toml(file)
    defaults, shots = table.get("defaults", {}), table.get("shot", [])
    if not isinstance(defaults, dict) or not isinstance(shots, list) or not all(isinstance(one, dict) for one in shots):
        raise ShotError(f"{file.name}: write one [defaults] table and one [[shot]] table a shot")
    unknown = sorted(table.keys() - {"defaults", "shot"})
    if unknown:
        raise ShotError(f"{file.name}: knows [defaults] and [[shot]], not {', '.join(unknown)}")
    return {f"[[shot]] {number}": _over(defaults, shot) for number, shot in enumerate(shots, 1)}


def _over(defaults: Mapping[str, Any], shot: Mapping[str, Any]) -> dict[str, Any]:
    """The shot's keys over the defaults; overrides are joined, the shot's last."""
    merged = {**defaults, **shot}
    both = [table["set"] for table in (defaults, shot) if "set" in table]
    if len(both) == 2 and all(isinstance(part, list) for part in both):
        merged["set"] = both[0] + both[1]
    return merged


def _csv_tables(file: Path) -> dict[str, dict[str, Any]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:  # spreadsheets write a byte-order mark
            reader = csv.DictReader(handle, strict=True)
            return {f"line {reader.line_num}": _csv_table(row, file, reader.line_num) for row in reader}
    except FileNotFoundError as error:
        raise ShotError(f"{file}: no such file; give the path of a list of shots, TOML or CSV") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ShotError(f"{file}: can't be read as CSV ({error}); save it as UTF-8 with commas") from error


def _csv_table(row: Mapping[str | None, Any], file: Path, line: int) -> dict[str, Any]:
    """One line as a table: empty cells are left out, columns named like settings become overrides."""
    if None in row:
        raise ShotError(
            f"{file.name} line {line}: has more cells than the line of column names; put texts with commas in quotes"
        )
    cells = {str(key).strip(): (value or "").strip() for key, value in row.items()}
    overrides = [text.strip() for text in cells.pop("set", "").split(SEPARATOR) if text.strip()]
    overrides += [f"{key}={value}" for key, value in cells.items() if "." in key and value]
    known = {field.name for field in fields(Entry)}
    plain = {key: value for key, value in cells.items() if "." not in key and (value or key not in known)}
    return {**plain, "set": overrides} if overrides else plain
