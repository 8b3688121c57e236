"""A shot file on disk to settings and paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ShotError
from vfx_deepfake.naming import ShotPaths, load_naming, load_rules
from vfx_deepfake.settings import SCHEMA, Settings
from vfx_deepfake.tables import as_table, build, parse_override, read_toml, with_override

SHOT_FILE = "shot.toml"  # in the shot's folder


def _roto_has_its_own_table(table: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 had the holdout's roto in [render]."""
    render = table.get("render")
    if not isinstance(render, Mapping):
        return table
    moved = {key: render[key] for key in ("holdout", "holdout_channel") if key in render}
    rest = {key: value for key, value in render.items() if key not in moved}
    mattes = table.get("mattes", {})
    return {**table, "render": rest, "mattes": {**moved, **mattes}} if moved else table


# One step a schema: _UPGRADES[1] turns a table of schema 1 into schema 2, and so on.
_UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _roto_has_its_own_table}


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot: what its file says and where its files lie."""

    file: Path
    settings: Settings
    paths: ShotPaths

    @property
    def name(self) -> str:
        """The shot's name, e.g. sh0010."""
        return self.settings.shot.name

    def as_data(self) -> dict[str, Any]:
        """Every setting, defaults included, as a shot file says it; settings of a record can be built from it again."""
        return as_table(self.settings)


def upgraded(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Bring a table of an older schema to the present one, one step at a time."""
    current = dict(table)
    schema = current.get("schema", SCHEMA)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ShotError(f"{where}.schema: is {schema!r}; want a whole number, at present {SCHEMA}")
    if schema > SCHEMA:
        raise ShotError(f"{where}.schema: is {schema}; this release knows up to {SCHEMA}; install a newer one")
    while schema < SCHEMA:
        current = _UPGRADES[schema](current)
        schema += 1
    return {**current, "schema": SCHEMA}


def load_shot(file: Path | str, overrides: Iterable[str] = ()) -> Shot:
    """Read a shot file.

    ``overrides`` are texts such as ``train.steps=800`` that win over the file.
    Raises: ShotError with one line for every problem found.
    """
    path = Path(file).absolute()
    if path.is_dir():
        path = path / SHOT_FILE
    table = read_toml(path)
    for text in overrides:
        table = with_override(table, *parse_override(text))
    settings = build(Settings, upgraded(table, path.name), path.name)
    return Shot(path, settings, ShotPaths(path.parent, settings.shot.name, load_naming(path.parent), load_rules()))
