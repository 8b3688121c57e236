"""What the gizmo's buttons and the menus call. Each ends in at most one message and never in a traceback.

A button on a machine without the plugin degrades politely: its script imports this module inside a ``try``.
"""

from __future__ import annotations

from typing import Any

import nuke

from vfx_deepfake_nuke import jobs, keyframes, notes, versions
from vfx_deepfake_nuke import new_shot as shots
from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.nodes import shot_file
from vfx_deepfake_nuke.process import ask
from vfx_deepfake_nuke.talk import reported, tell

new_shot = reported(shots.new_shot)
add_keyframe = reported(keyframes.add_keyframe)
suggest_keyframes = reported(keyframes.suggest_keyframes)
run = reported(jobs.run)
submit = reported(jobs.submit)
choose_version = reported(versions.choose_version)
refresh = reported(versions.refresh)
load = reported(versions.load)
show_notes = reported(notes.show_notes)
write_note = reported(notes.write_note)


@reported
def check(node: Any) -> None:
    """Every problem of the node's shot at once, and what it will cost."""
    found = ask(["check", shot_file(node)])
    tell("\n".join(str(line) for line in found.get("lines", ())) or "No problem found.")


@reported
def open_panel() -> Any:
    """The panel, in a pane of Nuke's window."""
    from nukescripts import panels

    from vfx_deepfake_nuke import menus

    if not nuke.GUI:
        raise PluginError("The panel needs Nuke's GUI.")
    panel = panels.registerWidgetAsPanel(menus.WIDGET, menus.TITLE, menus.PANEL_ID, True)
    return panel.addToPane(nuke.getPaneFor("Properties.1"))
