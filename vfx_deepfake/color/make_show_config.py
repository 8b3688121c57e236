"""Make a show's OCIO config: ``python -m vfx_deepfake.color.make_show_config FOLDER [--show NAME] [--log SPACE]
[--host 2.1]``.

The configs in ``ocio_configs/`` are what this script writes without options. A show copies the folder, or runs the
script with its own name, camera log and cameras, and keeps its CDLs in ``cdl/show.ccc``. A config holds little, so
that artists choose from few names: the working spaces, the camera logs, file rules that know mattes, a per-shot grade,
one display picture with it and one without.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import PyOpenColorIO as ocio

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.files import write_text

# hosts of an OCIO release to the ACES 1.3 studio config they can read: Nuke 13 to 14 read 2.1, Nuke 15 reads 2.3
BASES = {"2.1": "studio-config-v1.0.0_aces-v1.3_ocio-v2.1", "2.3": "studio-config-v2.1.0_aces-v1.3_ocio-v2.3"}
VERSION = "v1"  # of these configs; goes up with any change that moves a pixel or a name
CAMERA_LOGS = (
    "ARRI LogC3 (EI800)",
    "ARRI LogC4",
    "S-Log3 S-Gamut3",
    "S-Log3 S-Gamut3.Cine",
    "V-Log V-Gamut",
    "Log3G10 REDWideGamutRGB",
    "CanonLog3 CinemaGamut D55",
    "BMDFilm WideGamut Gen5",
    "DaVinci Intermediate WideGamut",
    "ADX10",
)
CORE = ("ACES2065-1", "ACEScg", "ACEScct", "Linear Rec.709 (sRGB)", "sRGB - Texture", "Raw")
DISPLAYS = ("sRGB - Display", "Rec.1886 Rec.709 - Display")
INTERCHANGE = "CIE-XYZ-D65"
TONE_SCALE = "ACES 1.0 - SDR Video"  # view transform of the ACES 1.3 studio configs
PLAIN_TRANSFORM = "Un-tone-mapped"  # what OCIO needs for conversions between scene and display spaces
GRADED_VIEW = "Show Film"
LOOK = "shot_grade"
CDL_FOLDER, CDL_FILE = "cdl", "show.ccc"
MATTE_WORDS = "([Mm]attes?|[Mm]asks?|[Rr]oto|[Hh]oldouts?|[Mm]otion|[Uu][Vv])"


def make_config(base: str, show: str, log: str, cameras: Sequence[str] = CAMERA_LOGS) -> Any:
    """A show config as an OCIO object.

    ``base``: "2.1" or "2.3"; ``log``: the show's camera log, one of ``cameras`` or ACEScct.
    """
    config = copy.deepcopy(ocio.Config.CreateFromBuiltinConfig(BASES[base]))
    config.setName(f"{show}_aces-v1.3_ocio-v{base}_{VERSION}")
    config.setDescription(f"Show config for OCIO {base} and newer, cut down from {BASES[base]}; camera log {log}.")
    _keep_spaces(config, {*CORE, *DISPLAYS, INTERCHANGE, log, *cameras})
    config.addEnvironmentVar("SHOT", "default")
    config.setSearchPath(CDL_FOLDER)
    config.setInactiveColorSpaces(INTERCHANGE)
    _set_roles(config, log)
    _add_grade(config)
    _set_views(config)
    config.setFileRules(_file_rules(log))
    config.validate()
    return config


def _keep_spaces(config: Any, names: set[str]) -> None:
    for name in tuple(config.getColorSpaceNames(ocio.SEARCH_REFERENCE_SPACE_ALL, ocio.COLORSPACE_ALL)):
        if name not in names:
            config.removeColorSpace(name)
    config.clearNamedTransforms()
    config.clearLooks()
    tone_scale, plain = (config.getViewTransform(name) for name in (TONE_SCALE, PLAIN_TRANSFORM))
    config.clearViewTransforms()
    config.addViewTransform(plain)
    config.addViewTransform(tone_scale)


def _set_roles(config: Any, log: str) -> None:
    roles = {
        "aces_interchange": "ACES2065-1",
        "cie_xyz_d65_interchange": INTERCHANGE,
        "scene_linear": "ACEScg",
        "compositing_log": log,
        "color_timing": log,
        "matte_paint": "sRGB - Texture",
        "texture_paint": "sRGB - Texture",
        "color_picking": "sRGB - Texture",
        "data": "Raw",
    }
    for role in config.getRoleNames():
        config.setRole(role, None)
    for role, space in roles.items():
        config.setRole(role, space)


def _add_grade(config: Any) -> None:
    """The look: the CDL that ``$SHOT`` names, applied in ACEScct."""
    grade = ocio.FileTransform(src=CDL_FILE, cccId="$SHOT", interpolation=ocio.INTERP_BEST)
    config.addLook(
        ocio.Look(name=LOOK, processSpace="ACEScct", transform=grade, description="CDL of the shot, from show.ccc")
    )


def _set_views(config: Any) -> None:
    config.clearDisplays()
    for view in tuple(config.getViews(ocio.VIEW_SHARED, "")):
        config.removeSharedView(view)
    config.clearActiveDisplays()
    config.clearActiveViews()
    for display in DISPLAYS:
        for view, look in ((GRADED_VIEW, LOOK), (TONE_SCALE, "")):
            config.addDisplayView(display, view, viewTransform=TONE_SCALE, displayColorSpaceName=display, looks=look)
        config.addDisplayView(display, "Raw", "Raw")


def _file_rules(log: str) -> Any:
    """Ordered rules, first match wins: mattes first, or the rule for .dpx and .exr would take them."""
    rules = ocio.FileRules()
    patterns = {
        "matte": ("Raw", rf"^(.*[/\\._-])?{MATTE_WORDS}[/\\._-].*$"),
        "log_dpx": (log, r"^.*\.(dpx|DPX)$"),
        "linear_exr": ("ACEScg", r"^.*\.(exr|EXR)$"),
        "picture": ("sRGB - Texture", r"^.*\.(png|PNG|jpe?g|JPE?G|tiff?|TIFF?)$"),
    }
    for index, (name, (space, pattern)) in enumerate(patterns.items()):
        rules.insertRule(index, name, space, pattern)
    rules.setDefaultRuleColorSpace("ACEScg")
    return rules


NEUTRAL_CDL = """<?xml version="1.0" encoding="UTF-8"?>
<!-- One ColorCorrection a shot; the id is the shot's name. "default" is what hosts use that set no SHOT. -->
<ColorCorrectionCollection xmlns="urn:ASC:CDL:v1.01">
  <ColorCorrection id="default">
    <SOPNode><Slope>1 1 1</Slope><Offset>0 0 0</Offset><Power>1 1 1</Power></SOPNode>
    <SatNode><Saturation>1</Saturation></SatNode>
  </ColorCorrection>
</ColorCorrectionCollection>
"""


def write_configs(
    folder: Path, show: str, log: str, hosts: Sequence[str], cameras: Sequence[str] = CAMERA_LOGS
) -> list[Path]:
    """Write one config a host release, and a neutral ``cdl/show.ccc`` where there is none yet.

    Raises: ColorError for a log space that the studio configs do not have; DeliveryError when the disk refuses.
    """
    written = []
    for host in hosts:
        known = Color(f"ocio://{BASES[host]}")
        log = known.require(log, "--log")
        path = folder / f"{show}_aces-v1.3_ocio-v{host}.ocio"
        write_text(
            path, make_config(host, show, log, [known.require(name, "--cameras") for name in cameras]).serialize()
        )
        written.append(path)
    grades = folder / CDL_FOLDER / CDL_FILE
    if not grades.exists():
        write_text(grades, NEUTRAL_CDL)
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vfx_deepfake.color.make_show_config", description="Write a show's OCIO configs."
    )
    parser.add_argument("folder", type=Path, help="where to write; cdl/show.ccc there is kept if it exists")
    parser.add_argument("--show", default="show", help="name of the show, first part of the file names")
    parser.add_argument(
        "--log", default=CAMERA_LOGS[0], help="the show's camera log: role compositing_log, and .dpx files"
    )
    parser.add_argument("--cameras", nargs="+", default=CAMERA_LOGS, help="camera log spaces to keep")
    parser.add_argument(
        "--host", choices=tuple(BASES), action="append", help="OCIO release of the oldest host; all by default"
    )
    args = parser.parse_args(arguments)
    for path in write_configs(args.folder, args.show, args.log, args.host or tuple(BASES), args.cameras):
        print(path)


if __name__ == "__main__":
    main()
