"""Pictures of the panel: read and scaled by another thread, shown when they are there."""

from __future__ import annotations

from typing import Any

from vfx_deepfake_nuke.qt import QtCore, QtGui, QtWidgets

LONGEST_PX = 1600  # a contact sheet of a long shot is larger than any pane


class _Loaded(QtCore.QObject):
    """Carries a picture from the thread that read it to the window."""

    done = QtCore.Signal(str, QtGui.QImage)


class _Reading(QtCore.QRunnable):
    def __init__(self, file: str, loaded: _Loaded) -> None:
        super().__init__()
        self._file, self._loaded = file, loaded

    def run(self) -> None:
        """Read, at most LONGEST_PX long."""
        reader = QtGui.QImageReader(self._file)
        size = reader.size()
        if max(size.width(), size.height()) > LONGEST_PX:
            reader.setScaledSize(size.scaled(LONGEST_PX, LONGEST_PX, QtCore.Qt.KeepAspectRatio))
        image = reader.read()
        try:
            self._loaded.done.emit(self._file, image)
        except RuntimeError:  # the panel was closed meanwhile
            pass


class Picture(QtWidgets.QWidget):
    """One picture, as large as there is room; a line of text where there is none."""

    def __init__(self, empty: str, parent: Any = None) -> None:
        super().__init__(parent)
        self._empty, self._file, self._image = empty, "", QtGui.QImage()
        self._loaded = _Loaded(self)
        self._loaded.done.connect(self._show)
        self.setMinimumHeight(60)
        self.setToolTip("double click opens the picture in full size")
        self.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding)

    @property
    def shown(self) -> str:
        """The file whose picture is on the screen; empty for none."""
        return "" if self._image.isNull() else self._file

    def show_file(self, file: str) -> None:
        """Show a file; empty for none."""
        if file == self._file:
            return
        self._file, self._image = file, QtGui.QImage()
        self.update()
        if file:
            QtCore.QThreadPool.globalInstance().start(_Reading(file, self._loaded))

    def mouseDoubleClickEvent(self, _event: Any) -> None:
        """Open it whole, with what the desktop opens pictures with."""
        if self.shown:
            QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(self.shown))

    def _show(self, file: str, image: Any) -> None:
        if file == self._file:  # else another one was chosen meanwhile
            self._image = image
            self.update()

    def paintEvent(self, _event: Any) -> None:
        """The picture in the middle, never enlarged."""
        painter = QtGui.QPainter(self)
        if self._image.isNull():
            painter.setPen(self.palette().color(QtGui.QPalette.Disabled, QtGui.QPalette.WindowText))
            painter.drawText(self.rect(), QtCore.Qt.AlignCenter, "loading" if self._file else self._empty)
        else:
            size = self._image.size()
            if size.width() > self.width() or size.height() > self.height():
                size = size.scaled(self.size(), QtCore.Qt.KeepAspectRatio)
            painter.setRenderHint(QtGui.QPainter.SmoothPixmapTransform)
            place = QtCore.QRect(QtCore.QPoint(0, 0), size)
            place.moveCenter(self.rect().center())
            painter.drawImage(place, self._image)
        painter.end()
