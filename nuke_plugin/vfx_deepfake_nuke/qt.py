"""Nuke's own Qt: PySide6 from Nuke 16 on, PySide2 before. Imported late, because render and terminal mode may have none."""

from __future__ import annotations

try:
    from PySide6 import QtCore, QtGui, QtWidgets
except ImportError:
    from PySide2 import QtCore, QtGui, QtWidgets  # type: ignore[no-redef]

__all__ = ["QtCore", "QtGui", "QtWidgets"]
