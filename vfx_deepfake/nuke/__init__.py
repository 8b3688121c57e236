"""Nuke scripts as text: the gizmo that rebuilds a version from its layers, and the comp script of a version."""
