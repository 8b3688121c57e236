"""The gizmo's node: its knobs, what is connected to it, and the shot that it belongs to."""

from __future__ import annotations

import os
import re
from typing import Any

import nuke

from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.process import ask

GIZMO = "VFXDeepfake"
PLATE, PAINT = 0, 2  # inputs; 1 is the roto or holdout
MOST_NODES_UP = 200  # how far up the plate is looked for


def is_gizmo(node: Any) -> bool:
    """Is it ours? A gizmo of Group style is a Group to Nuke; its knobs tell."""
    return node is not None and all(node.knob(name) for name in ("shot_file", "version", "status"))


def gizmos() -> list[Any]:
    """Every one of ours in the script."""
    return [node for node in nuke.allNodes() if is_gizmo(node)]


def selected_gizmo() -> Any:
    """The one that is selected, else the only one.

    Raises: PluginError when it can't be told which is meant.
    """
    chosen = [node for node in nuke.selectedNodes() if is_gizmo(node)] or gizmos()
    if len(chosen) != 1:
        found = "none is in the script" if not chosen else f"{len(chosen)} could be meant"
        raise PluginError(f"Select one {GIZMO} node; {found}.")
    return chosen[0]


def put(node: Any, name: str, value: Any) -> None:
    """Set a knob that the node has; an older gizmo without it goes on without."""
    knob = node.knob(name)
    if knob is not None:
        knob.setValue(value)


def shot_file(node: Any) -> str:
    """The shot file that the node names; a relative one starts at the script's folder.

    Raises: PluginError where it names none, or one that is not there.
    """
    text = node["shot_file"].evaluate()
    if not text:
        raise PluginError(f"{node.name()}: no shot file yet; press 'new shot', or choose one.")
    script = nuke.root().name()
    folder = os.path.dirname(script) if os.path.isabs(script) else os.getcwd()
    file = os.path.normpath(os.path.join(folder, text))
    if not os.path.isfile(file):
        raise PluginError(f"{node.name()}: the shot file {file} is not there; choose another.")
    return file


def shot_of(node: Any, *more: str) -> dict[str, Any]:
    """What ``vfx-deepfake info`` says of the node's shot.

    Raises: PluginError where the shot can't be read.
    """
    shot = ask(["info", shot_file(node), "--brief", *more])["shots"][0]
    if "folder" not in shot:
        raise PluginError("\n".join(shot["problems"]))
    return shot


def plate_read(node: Any) -> Any:
    """The Read that feeds the plate input, however many nodes are between.

    Raises: PluginError where there is none.
    """
    waiting, seen = [node.input(PLATE)], 0
    while waiting and seen < MOST_NODES_UP:
        found, seen = waiting.pop(0), seen + 1
        if found is None:
            continue
        if found.Class() == "Read":
            return found
        waiting.extend(found.input(index) for index in range(found.inputs()))
    raise PluginError(f"{node.name()}: no Read feeds its plate input; connect the plate.")


def space_at_plate(node: Any, file_space: str, working_space: str) -> str:
    """Colour space of the pixels at the plate input: a Read converts them to the working space, unless it is raw.

    Without a Read the version's own picture stands in for the plate, and that is in the plate file's space.
    """
    try:
        read = plate_read(node)
    except PluginError:
        return file_space
    return file_space if read["raw"].value() else working_space


def space_name(text: str) -> str:
    """A colour space as OCIO names it, from what Nuke's menus show: ``scene_linear (ACES - ACEScg)`` for a role, ``ACES/ACEScg``."""
    text = text.split("\t")[0].strip()
    role = re.match(r"[a-z0-9_]+ \((.*)\)$", text)
    return (role.group(1) if role else text).rsplit("/", 1)[-1]


def choose_space(knob: Any, wanted: str) -> bool:
    """Set a colour space knob to the OCIO name ``wanted``; False where its menu has none such."""
    if isinstance(knob, nuke.Link_Knob):
        knob = knob.getLinkedKnob()
    for entry in knob.values():
        if wanted in (entry.split("\t")[0].strip(), space_name(entry)):
            knob.setValue(entry.split("\t")[0])
            return True
    return False
