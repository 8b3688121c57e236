"""Nuke runs this file at start-up when it has a GUI: menus and the panel. Whatever goes wrong here is one line, and Nuke starts."""

try:
    from vfx_deepfake_nuke import menus

    menus.install()
except Exception as error:  # noqa: BLE001  # a plugin may never stop Nuke from starting
    import sys

    sys.stderr.write("vfx_deepfake: no menus: {}\n".format(" ".join(str(error).split()) or type(error).__name__))
