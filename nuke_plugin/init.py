"""Nuke runs this file at start-up, in the render and terminal modes too: it makes the gizmo and the Python package findable, no more."""

import nuke

nuke.pluginAddPath("./gizmos")
