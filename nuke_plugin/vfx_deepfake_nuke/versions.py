"""Versions in the script: the newest, the approved or any one on a node, with its status and colour."""

from __future__ import annotations

import os
from typing import Any, Sequence

import nuke

from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.frames import first_and_last, percent_pattern
from vfx_deepfake_nuke.nodes import GIZMO, choose_space, gizmos, put, shot_file, shot_of, space_at_plate
from vfx_deepfake_nuke.talk import tell

APPROVED = "approved"
NO_STATUS = 0x4A5566FF
COLOURS = {
    "pending_review": 0x8F7A2EFF,
    APPROVED: 0x3C7A3CFF,
    "changes_requested": 0x9A4632FF,
    "superseded": 0x5A5A5AFF,
}  # of nodes and of the panel's rows, 0xRRGGBBAA


def colour_of(status: str) -> int:
    """The colour of a status."""
    return COLOURS.get(status, NO_STATUS)


def words(status: str) -> str:
    """``pending_review`` as people say it."""
    return status.replace("_", " ")


def pick(versions: Sequence[dict], which: str) -> dict[str, Any]:
    """One of the versions, newest first: ``newest``, ``approved`` (the newest of them) or a name such as v003.

    Raises: PluginError naming what there is.
    """
    wanted = {"newest": versions[:1], "approved": [each for each in versions if each["status"] == APPROVED]}
    found = wanted.get(which, [each for each in versions if each["version"] == which])
    if not found:
        there = (
            ", ".join("{} {}".format(each["version"], words(each["status"])) for each in versions[:8])
            or "no version is published"
        )
        raise PluginError(f"No version is {which}; {there}.")
    return found[0]


def choose_version(node: Any, which: str = "any") -> str:
    """Put a version on the node: ``newest``, ``approved``, a name, or ``any``, which asks. Returns its name, empty when cancelled."""
    if which == "any":
        versions = shot_of(node)["versions"]
        if not versions:
            raise PluginError("No version is published yet.")
        titles = ["   ".join((each["version"], words(each["status"]), each["made_at"][:16])) for each in versions]
        index = nuke.choice("Version", f"Version of {node.name()}", titles, 0)
        if index is None:
            return ""
        which = versions[index]["version"]
    shot = shot_of(node, "--gizmo", which)
    version = pick(shot["versions"], which)
    put_version(node, shot, version)
    return str(version["version"])


def put_version(node: Any, shot: dict[str, Any], version: dict[str, Any]) -> None:
    """Point the node at a version's files and show how it stands. What of the picture the artist has dialled stays."""
    first, last = first_and_last(version["frames"])
    inside = os.path.relpath(percent_pattern(version["exr"]), version["folder"])
    for name, value in (
        ("shot", shot["shot"]),
        ("version_dir", version["folder"].replace("\\", "/")),
        ("exr", inside.replace("\\", "/")),
        ("first_frame", first),
        ("last_frame", last),
        ("version", version["version"]),
        ("status", words(version["status"])),
        ("qc", words(version["qc"])),
    ):
        put(node, name, value)
    told = dict(version.get("gizmo", {}))
    if told:
        told["plate_colorspace"] = space_at_plate(node, told["plate_colorspace"], told["working_colorspace"])
    for name, value in told.items():
        knob = node.knob(name)
        if knob is None:
            continue  # an older gizmo
        if not name.endswith("_colorspace"):
            knob.setValue(value)
        elif not choose_space(knob, value):
            tell(f"This script's colour management has no '{value}' ({knob.label()} of {shot['shot']}); "
                 "set the show's OCIO config in Project Settings, then load the version again.")  # fmt: skip
    node["tile_color"].setValue(colour_of(version["status"]))


def refresh(node: Any) -> str:
    """Ask how the node's version stands, and say when there is a newer one. Returns the status."""
    name = node["version"].value()
    shot = shot_of(node, "--gizmo", name or "newest")
    versions = shot["versions"]
    version = pick(versions, name) if name else pick(versions, "newest")
    put_version(node, shot, version)
    newest = versions[0]["version"]
    if newest != version["version"]:
        put(node, "status", "{}, {} is newer".format(words(version["status"]), newest))
    return str(version["status"])


def load(shot: dict[str, Any], version: dict[str, Any]) -> Any:
    """Put a version, as ``info --gizmo`` tells it, on the selected node of its shot, else on one of its shot, else on a new one."""
    file = shot["file"]
    mine = [node for node in gizmos() if _is_of(node, file)]
    mine.sort(key=lambda node: not node["selected"].value())
    node = mine[0] if mine else nuke.createNode(GIZMO, inpanel=False)
    if not mine:
        put(node, "shot_file", file)
    put_version(node, shot, version)
    return node


def _is_of(node: Any, file: str) -> bool:
    try:
        return shot_file(node) == file
    except PluginError:
        return False
