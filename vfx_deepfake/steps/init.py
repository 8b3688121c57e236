"""``init``: a shot folder from a template."""

from __future__ import annotations

import os
import tempfile
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from vfx_deepfake.errors import DeliveryError, ShotError
from vfx_deepfake.files import write_text
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.sequence import scan
from vfx_deepfake.naming import data_folder
from vfx_deepfake.shot import load_shot
from vfx_deepfake.tables import parse_override


@dataclass(frozen=True, kw_only=True, slots=True)
class InitRequest:
    """What ``init`` was asked for; texts as typed."""

    folder: Path
    template: str
    plate: str
    colorspace: str
    frames: str = ""
    name: str = ""
    overrides: tuple[str, ...] = ()


def init_shot(request: InitRequest) -> Path:
    """Write a filled shot.toml into a new folder and make the folders an artist fills.

    The template's comments are kept. Returns the shot file.
    Raises: ShotError when the template is unknown, a setting is wrong or the plate isn't there; DeliveryError when a shot exists.
    """
    file = request.folder / "shot.toml"
    if file.exists():
        raise DeliveryError(f"{file}: exists already; choose another folder, or edit this file")
    text = filled_template(request)
    _check(text, request.folder)
    shot = _write(file, text)
    if shot.settings.model.paints:
        Path(shot.paths.source(shot.settings.keyframes.pattern)).parent.mkdir(parents=True, exist_ok=True)
    if shot.settings.model.method != "passthrough":
        (request.folder / shot.settings.consent.releases).mkdir(parents=True, exist_ok=True)
    return file


def filled_template(request: InitRequest) -> str:
    """The template's text with the shot's own values in it."""
    document = tomlkit.parse(template_text(request.template))
    frames = request.frames or _frames_on_disk(request.plate)
    values = {
        "shot.name": request.name or request.folder.absolute().name,
        "plate.pattern": _from_folder(request.plate, request.folder),
        "plate.colorspace": request.colorspace,
        "plate.frames": frames,
    }
    for key, value in values.items():
        _put(document, tuple(key.split(".")), value)
    for override in request.overrides:
        _put(document, *parse_override(override))
    return tomlkit.dumps(document)


def template_text(name: str) -> str:
    """A template by name (shot_templates/) or by path.

    Raises: ShotError listing the known ones.
    """
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return path.read_text(encoding="utf-8")
    folder = data_folder("shot_templates")
    known = sorted(entry.stem for entry in folder.glob("*.toml"))
    if name not in known:
        raise ShotError(
            f"--template {name}: no such template; choose one of {', '.join(known)}, or give the path of a .toml file"
        )
    return (folder / f"{name}.toml").read_text(encoding="utf-8")


def _frames_on_disk(pattern: str) -> str:
    return format_frames(scan(pattern).frames)


def _from_folder(pattern: str, folder: Path) -> str:
    """The plate's pattern as the shot file should say it: relative when the plate lies in the shot's folder."""
    absolute = os.path.abspath(pattern)
    inside = os.path.relpath(absolute, folder.absolute())
    return absolute if inside.startswith("..") else inside


def _put(table: MutableMapping[str, Any], keys: tuple[str, ...], value: Any) -> None:
    if len(keys) > 1:
        if keys[0] not in table:
            table[keys[0]] = tomlkit.table()
        _put(table[keys[0]], keys[1:], value)
    else:
        table[keys[0]] = value


def _check(text: str, folder: Path) -> None:
    """Read the text as a shot before anything is written, so that a typing slip leaves no folder behind."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "shot.toml"
        path.write_text(text, encoding="utf-8")
        load_shot(path)


def _write(file: Path, text: str) -> Any:
    write_text(file, text)
    return load_shot(file)
