"""Menu entries and the panel's place in Nuke's panes."""

from __future__ import annotations

import sys

import nuke

from vfx_deepfake_nuke.config import load_config
from vfx_deepfake_nuke.talk import reported

TITLE, PANEL_ID = "VFX Deepfake", "vfx_deepfake.panel"
# Nuke evaluates this text when the panel is opened: Qt and the panel load then, and not at start-up
WIDGET = "__import__('vfx_deepfake_nuke.panel', fromlist=['Panel']).Panel"
ON_SELECTED = (
    ("Version/Newest", "choose_version", "'newest'"),
    ("Version/Approved", "choose_version", "'approved'"),
    ("Version/Any...", "choose_version", "'any'"),
    ("Version/Refresh status", "refresh", ""),
    ("Key frames/Add this frame", "add_keyframe", ""),
    ("Key frames/Suggest", "suggest_keyframes", ""),
    ("Notes/Show", "show_notes", ""),
    ("Notes/Write...", "write_note", ""),
    ("Run here/Everything", "run", "'run'"),
    ("Run here/Track", "run", "'track'"),
    ("Run here/Train", "run", "'train'"),
    ("Run here/Render", "run", "'render'"),
    ("Send to the farm", "submit", ""),
    ("New shot from the plate...", "new_shot", ""),
    ("Check", "check", ""),
)


def install() -> None:
    """Add the menus and register the panel; a config that is not right is one line."""
    from nukescripts import panels

    bar = nuke.menu("Nodes").addMenu("VFX Deepfake")
    bar.addCommand("VFXDeepfake", "nuke.createNode('VFXDeepfake')")
    for title, action, more in ON_SELECTED:
        bar.addCommand(
            title, "from vfx_deepfake_nuke import menus; menus.on_selected({!r}{})".format(action, more and ", " + more)
        )
    bar.addCommand("Panel", "from vfx_deepfake_nuke import actions; actions.open_panel()")
    panels.registerWidgetAsPanel(WIDGET, TITLE, PANEL_ID)
    problem = load_config().problem
    if problem:
        sys.stderr.write("vfx_deepfake: {}\n".format(" ".join(problem.split())))


@reported
def on_selected(action: str, *more: str) -> None:
    """Do an action on the selected node."""
    from vfx_deepfake_nuke import actions, nodes

    getattr(actions, action)(nodes.selected_gizmo(), *more)
