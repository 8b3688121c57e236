"""A window system without a screen, for the panel: one application a process, and a look at it as a picture."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui, QtWidgets

DARK = {"Window": 0x323232, "Base": 0x282828, "AlternateBase": 0x2D2D2D, "Button": 0x3F3F3F, "Text": 0xC8C8C8, "WindowText": 0xC8C8C8,
        "ButtonText": 0xC8C8C8, "Highlight": 0xC87823, "HighlightedText": 0x111111, "PlaceholderText": 0x7A7A7A}  # fmt: skip


def application() -> Any:
    """The application, dark as Nuke is."""
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["nuke"])
    app.setStyle("Fusion")
    palette = QtGui.QPalette()
    for role, colour in DARK.items():
        palette.setColor(getattr(QtGui.QPalette, role), QtGui.QColor(colour))
        if role.endswith("Text"):
            palette.setColor(QtGui.QPalette.Disabled, getattr(QtGui.QPalette, role), QtGui.QColor(0x707070))
    app.setPalette(palette)
    font = app.font()
    font.setPixelSize(12)
    app.setFont(font)
    return app


def wait(until: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let the window live until ``until()``; the limit only ends a test that hangs."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it never happened"
        QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.AllEvents, 50)
        time.sleep(0.01)
