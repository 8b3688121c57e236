"""``nuke-script``: the comp script of a published version, beside it in the work folder, with the show's OCIO config.

A published version never changes, so the script lies in ``work/nuke``. What made the version is read from its record and
not from the shot file, which may say something else by now.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.color.ocio import BUILTIN
from vfx_deepfake.errors import ShotError, located
from vfx_deepfake.files import read_json, write_text
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.image.grain import GrainModel
from vfx_deepfake.media.delivery import profile_named
from vfx_deepfake.media.header import Header, read_header
from vfx_deepfake.media.sequence import hash_pattern
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.nuke.comp import HERE, Comp, comp_text
from vfx_deepfake.nuke.script import Literal
from vfx_deepfake.settings import Settings
from vfx_deepfake.steps.elements import SECOND_FACE
from vfx_deepfake.steps.opened import OpenShot, shot_rate
from vfx_deepfake.steps.track import GRAIN, load_grain
from vfx_deepfake.tables import build

FOLDER = "nuke"  # in the shot's work folder
LIGHTS = np.exp2(np.linspace(-7, 2, 41))  # scene-linear light over which the grain's curve is fitted
OFFSETS = np.linspace(0, 0.1, 41)  # tried for the curve's offset


def nuke_script(opened: OpenShot, version: str = "", folder: str = "") -> dict[str, Any]:
    """Write the comp script of a version (empty: the newest) and, for a built-in OCIO config, the config beside it.

    ``folder``: where; empty takes ``work/nuke``.
    Raises: ShotError for a version that is not published; PlateError for frames that can't be read.
    """
    paths = _published(opened, version)
    with located(f"{opened.name} v{paths.number:03d}"):
        record = read_json(paths.record)
        then = replace(opened.shot, settings=build(Settings, record["settings"], "version.json [settings]"))
        target = Path(folder).absolute() if folder else then.paths.work / FOLDER
        script = target / f"{then.name}_v{paths.number:03d}.nk"
        write_text(script, comp_text(_comp(OpenShot(then), paths, record, script)))
    return {"script": str(script), "version": paths.folder.name, "lines": [f"open {script} in Nuke"]}


def _published(opened: OpenShot, version: str) -> VersionPaths:
    """The files of a version by name, the newest for none.

    Raises: ShotError naming what is published.
    """
    known = {f"v{number:03d}": number for number in opened.shot.paths.version_numbers()}
    wanted = version or next(reversed(known), "")
    if wanted not in known:
        on_disk = ", ".join(known) or "none yet; run 'vfx-deepfake run' first"
        raise ShotError(f"{opened.name}: no version '{version}' is published; there is {on_disk}")
    return opened.shot.paths.version(known[wanted])


def _comp(opened: OpenShot, paths: VersionPaths, record: Mapping[str, Any], script: Path) -> Comp:
    """What the script says, from the version's record and the header of its first frame."""
    settings, delivery = opened.settings, opened.settings.delivery
    frames = parse_frames(record["inputs"]["frames"], "version.json inputs.frames")
    header = read_header(paths.exr_frame(frames[0]), part="rgba")
    plate = hash_pattern(opened.source_text(settings.plate.pattern))
    return Comp(
        shot=opened.name,
        version=paths.folder.name,
        plate=_from(script, plate),
        plate_layer=_plate_layer(settings),
        plate_space=opened.color.require(settings.plate.colorspace, "version.json [plate].colorspace"),
        working_space=opened.color.require(settings.color.working, "version.json [color].working"),
        delivery_space=opened.color.require(delivery.colorspace, "version.json [delivery].colorspace"),
        bits=profile_named(delivery.profile).bits,
        transfer=delivery.transfer,
        half=header.half,
        alpha="A" in header.channels,
        first=frames[0],
        last=frames[-1],
        rate=round(float(shot_rate(opened)), 3),
        width=header.display_window.width,
        height=header.display_window.height,
        pixel_aspect=float(header.metadata.get("PixelAspectRatio", 1.0)),
        config=_config(opened, script),
        note=_note(opened, paths, record),
        gizmo={
            "shot": opened.name,
            "version": paths.folder.name,
            "status": str(record["status"]).replace("_", " "),
            "qc": str(record.get("qc", {}).get("verdict", "")),
            "version_dir": f"{HERE}/{_from(script, str(paths.folder))}",
            "exr": _percent(os.path.relpath(paths.exr, paths.folder)),
            "first_frame": frames[0],
            "last_frame": frames[-1],
            "shot_file": f"{HERE}/{_from(script, str(opened.shot.file))}",
            "has_face_b": _has_second_face(paths.exr_frame(frames[0])),
            **_synthetic(opened),
        },
    )


def _from(script: Path, path: str) -> str:
    """A path as seen from the script's folder."""
    return Path(os.path.relpath(path, script.parent)).as_posix()


def _percent(pattern: str) -> str:
    """A pattern with #### as Nuke writes it."""
    digits = pattern.count("#")
    return Path(pattern.replace("#" * digits, f"%0{digits}d")).as_posix()


def _plate_layer(settings: Settings) -> str:
    """The layer that Nuke finds the plate's picture in; a part's name stands for a layer there."""
    name = settings.plate.layer or settings.plate.part
    return "" if name in ("", "rgba") else "_".join(name.split("."))


def _config(opened: OpenShot, script: Path) -> str:
    """The show's config as seen from the script; a built-in one is written beside it, because older Nukes have none."""
    config = opened.settings.color.config
    if not config.startswith(BUILTIN):
        return _from(script, opened.shot.paths.source(config))
    written = script.with_name(f"{config.removeprefix(BUILTIN)}.ocio")
    write_text(written, opened.color.serialized())
    return written.name


def _has_second_face(file: Path) -> bool:
    header: Header = read_header(file, part="elements", channels=("face.R",))
    return f"{SECOND_FACE}.R" in header.file_channels


def _synthetic(opened: OpenShot) -> dict[str, object]:
    """The gizmo's knobs for grain, fitted to the grain that was measured on the plate; none where it was not, or is clean."""
    found = _grain_curve(opened)
    if "synth_level" not in found:
        return {}
    return {**found, "synth_level": Literal("{" + " ".join(f"{each:.6g}" for each in found["synth_level"]) + "}")}


def _grain_curve(opened: OpenShot) -> dict[str, Any]:
    """Level, offset and power of the grain on the plate; empty where it was not measured, or is clean."""
    if not (opened.shot.paths.track / GRAIN).is_file():
        return {}
    model = load_grain(opened)
    if model.clean:
        return {}
    level, offset, power = fitted_curve(model)
    return {
        "synth_level": [float(each) for each in level],
        "synth_offset": round(offset, 4),
        "synth_power": round(power, 4),
    }


def gizmo_knobs(opened: OpenShot, version: str) -> dict[str, Any]:
    """What a gizmo in an open script is told when this version is loaded, besides where its files are: plain data by knob.

    Raises: ShotError for a version that is not published; PlateError for frames that can't be read.
    """
    paths = _published(opened, version)
    record = read_json(paths.record)
    settings = record["settings"]
    frames = parse_frames(record["inputs"]["frames"], "version.json inputs.frames")
    return {
        "plate_colorspace": settings["plate"]["colorspace"],
        "working_colorspace": settings["color"]["working"],
        "has_face_b": _has_second_face(paths.exr_frame(frames[0])),
        **_grain_curve(opened),
    }


def fitted_curve(model: GrainModel) -> tuple[np.ndarray, float, float]:
    """(level of R, G, B), offset, power of the curve level * (light + offset) ^ power that fits a grain's deviations best.

    Least squares of the logarithms over LIGHTS; the offset by trying OFFSETS.
    """
    wanted = np.log(np.maximum(model.sigma_lin(np.repeat(LIGHTS[:, None], 3, axis=1)), 1e-9)).T  # (3, lights)
    level_of = wanted.mean(axis=1)
    tried = []
    for offset in OFFSETS:
        light = np.log(LIGHTS + offset)
        centred = light - light.mean()
        power = float((wanted - level_of[:, None]).mean(axis=0) @ centred / (centred @ centred))
        level = level_of - power * light.mean()
        error = float(np.square(wanted - level[:, None] - power * light).sum())
        tried.append((error, np.exp(level), float(offset), power))
    return min(tried, key=lambda each: each[0])[1:]


def _note(opened: OpenShot, paths: VersionPaths, record: Mapping[str, Any]) -> str:
    """What stands beside the nodes."""
    lines = [
        f"{opened.name} {paths.folder.name}",
        str(record["status"]).replace("_", " "),
        f"plate {opened.settings.plate.colorspace}",
        f"elements {opened.settings.color.working}",
        f"made {record['made_at'][:10]}",
    ]
    return "\n".join(lines)
