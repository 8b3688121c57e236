"""A shot folder from the script: plate, colour space and range of the Read that feeds the gizmo."""

from __future__ import annotations

import os
from typing import Any

import nuke

from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.nodes import choose_space, plate_read, put, space_name
from vfx_deepfake_nuke.process import ask

TEMPLATES = ("keyframe_deage", "beauty", "matte", "passthrough")
FOLDER, TEMPLATE, SPACE, FRAMES = "shot folder", "template", "plate colour space", "frames"


def new_shot(node: Any) -> str:
    """Ask where, make the shot folder with ``vfx-deepfake init``, and set the node to it. Returns the shot file, empty when cancelled."""
    read = plate_read(node)
    said = _ask(read)
    if said is None:
        return ""
    for name in (FOLDER, SPACE, FRAMES):
        if not said[name]:
            raise PluginError(f"'{name}' is empty; fill it in.")
    found = ask(["init", said[FOLDER], "--template", said[TEMPLATE], "--plate", plate_file(read), "--colorspace", said[SPACE],
                 "--frames", said[FRAMES]])  # fmt: skip
    put(node, "shot_file", found["shot"])
    if (
        read["raw"].value() and node.knob("plate_colorspace") is not None
    ):  # any other Read converts to the working space
        choose_space(node["plate_colorspace"], said[SPACE])
    return str(found["shot"])


def _ask(read: Any) -> dict[str, str] | None:
    """One dialog, filled from the Read; None when cancelled."""
    script = nuke.root().name()
    start = os.path.dirname(script) if os.path.isabs(script) else os.path.expanduser("~")
    panel = nuke.Panel("New shot for vfx_deepfake")
    panel.addFilenameSearch(FOLDER, os.path.join(start, "shot"))
    panel.addEnumerationPulldown(TEMPLATE, " ".join(TEMPLATES))
    panel.addSingleLineInput(SPACE, plate_space(read))
    panel.addSingleLineInput(FRAMES, "{:d}-{:d}".format(int(read["first"].value()), int(read["last"].value())))
    if not panel.show():
        return None
    return {name: str(panel.value(name)).strip().rstrip("/") for name in (FOLDER, TEMPLATE, SPACE, FRAMES)}


def plate_file(read: Any) -> str:
    """The Read's full-size pattern, its expressions filled in, the frame number still open.

    Raises: PluginError where it reads nothing.
    """
    proxies = bool(nuke.root()["proxy"].value())
    text = read["file"].value() if proxies else nuke.filename(read)
    if not text or "[" in text:
        raise PluginError("{}: its file can't be told{}.".format(read.name(), "; turn proxies off" if proxies else ""))
    return str(text)


def plate_space(read: Any) -> str:
    """The Read's colour space as OCIO names it; empty for raw pixels, whose space only the artist knows."""
    return "" if read["raw"].value() else space_name(str(read["colorspace"].value()))
