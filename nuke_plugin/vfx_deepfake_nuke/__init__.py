"""vfx_deepfake inside Nuke: standard library, ``nuke`` and Nuke's own Qt only; all work is done by ``vfx-deepfake`` in another process.

``actions`` holds what the gizmo's buttons and the menus call. Syntax of Python 3.7, which Nuke 13 embeds.
"""
