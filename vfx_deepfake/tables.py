"""TOML text to frozen dataclasses, with every problem reported at once and unknown keys answered with the nearest known ones."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import GenericAlias
from typing import Any, TypeVar, get_type_hints

from vfx_deepfake.errors import ShotError

T = TypeVar("T")
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list"}


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises: ShotError naming file and line when it is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ShotError(
            f"{path}: no such file; give the path of an existing one, or make a shot with 'vfx-deepfake init'"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ShotError(f"{path}: can't be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise ShotError(f"{path}: not valid TOML: {error}; texts need quotes, lists need [ ]") from error


def parse_override(text: str) -> tuple[tuple[str, ...], Any]:
    """Split ``table.key=value``; the value is TOML, and a bare word is taken as text."""
    name, sign, value = text.partition("=")
    keys = tuple(part.strip() for part in name.split("."))
    if not sign or not all(keys):
        raise ShotError(f"--set {text}: want table.key=value, e.g. --set train.steps=800")
    try:
        return keys, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return keys, value.strip()


def with_override(table: Mapping[str, Any], keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy of nested tables in which ``keys`` has ``value``."""
    head, rest = keys[0], keys[1:]
    inner = table.get(head, {})
    new = with_override(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value
    return {**table, head: new}


def build(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """Build the dataclass ``cls`` from a table.

    ``where`` is file and table as the artist knows them. Raises: ShotError with one line a problem.
    """
    problems: list[str] = []
    made = _build(cls, table, where, "", problems)
    if problems:
        raise ShotError("\n".join(problems))
    return made


def as_table(made: Any) -> dict[str, Any]:
    """The table that :func:`build` makes the same dataclass of: plain values, every default written out."""
    return {spec.name: _plain(getattr(made, spec.name)) for spec in fields(made)}


def _plain(value: Any) -> Any:
    if hasattr(value, "as_value"):
        return value.as_value()
    if is_dataclass(value):
        return as_table(value)
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _build(cls: Any, table: Mapping[str, Any], where: str, prefix: str, problems: list[str]) -> Any:
    known = {f.name: f for f in fields(cls)}
    hints = get_type_hints(cls)
    label = f"{where} [{prefix}]" if prefix else where
    for key in sorted(table.keys() - known.keys()):
        problems.append(f"{label}.{key}: unknown key; {_hint(key, known)}")
    before = len(problems)  # an unknown key does not keep the known ones from being checked
    values = {}
    for key, value in table.items():
        if key not in known:
            continue
        kind = hints[key]
        if hasattr(kind, "from_value"):
            values[key] = _written_out(kind, value, f"{label}.{key}", problems)
        elif is_dataclass(kind):
            if isinstance(value, Mapping):
                values[key] = _build(kind, value, where, f"{prefix}.{key}" if prefix else key, problems)
            else:
                problems.append(f"{label}.{key}: is {value!r}; want a table, [{key}]")
        else:
            values[key] = _value(kind, value, f"{label}.{key}", problems)
    for key, spec in known.items():
        if key not in table and _is_required(spec):
            if is_dataclass(hints[key]):
                _build(hints[key], {}, where, key, problems)
            else:
                problems.append(f"{label}.{key}: missing; it has no default")
    if len(problems) > before:
        return None
    try:
        return cls(**values)
    except ValueError as error:
        problems.append(f"{label}: {error}")
        return None


def _is_required(spec: Field[Any]) -> bool:
    return spec.default is MISSING and spec.default_factory is MISSING


def _hint(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key.lower(), known, n=2, cutoff=0.55)
    return (
        f"did you mean {' or '.join(repr(name) for name in near)}?"
        if near
        else f"known keys: {', '.join(sorted(known))}"
    )


def _written_out(kind: Any, value: Any, label: str, problems: list[str]) -> Any:
    """A value of a class that reads its own notation through ``from_value``."""
    try:
        return kind.from_value(value)
    except ValueError as error:
        problems.append(f"{label}: {error}")
        return None


def _value(kind: Any, value: Any, label: str, problems: list[str]) -> Any:
    """Check one value against its declared type; a whole number may stand for a number, a list for a tuple."""
    if isinstance(kind, GenericAlias):
        item = kind.__args__[0]
        if isinstance(value, list):
            return tuple(_value(item, each, f"{label}[{i}]", problems) for i, each in enumerate(value))
        problems.append(f"{label}: is {value!r}; want a list")
    elif kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
        return value
    else:
        problems.append(f"{label}: is {value!r}; want {_WORDS.get(kind, kind.__name__)}")
    return None
