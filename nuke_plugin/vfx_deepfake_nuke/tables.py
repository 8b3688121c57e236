"""Tables of the panel: one model over plain rows, one view without widgets in its cells, so that length costs nothing."""

from __future__ import annotations

import functools
from typing import Any, Sequence

from vfx_deepfake_nuke.qt import QtCore, QtGui, QtWidgets
from vfx_deepfake_nuke.versions import COLOURS, words

Columns = Sequence[tuple]  # (key of the row, title, width in pixels)
ROW_PX, PATCH_PX = 20, 10
STATES = {
    **COLOURS,
    "done": 0x3C7A3CFF, "finished": 0x3C7A3CFF, "pass": 0x3C7A3CFF,
    "failed": 0x9A4632FF, "fail": 0x9A4632FF, "problem": 0x9A4632FF,
    "running": 0x2F6A92FF, "waiting": 0x8F7A2EFF, "look": 0x8F7A2EFF, "unfinished": 0x8F7A2EFF,
}  # fmt: skip
COLOURED = ("status", "state", "qc", "review")


class Rows(QtCore.QAbstractTableModel):
    """Rows of plain data; ``columns`` say which of it is shown."""

    def __init__(self, columns: Columns, parent: Any = None) -> None:
        super().__init__(parent)
        self.columns, self._rows = columns, []  # type: ignore[var-annotated]

    def fill(self, rows: Sequence[dict]) -> None:
        """Show other rows; does nothing where they are the same, so that a refresh keeps the place and the selection."""
        if list(rows) == self._rows:
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def row(self, index: Any) -> dict[str, Any]:
        """The row behind an index; empty for none."""
        return self._rows[index.row()] if index.isValid() else {}

    def rowCount(self, parent: Any = QtCore.QModelIndex()) -> int:  # noqa: B008, D102  # Qt's names
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Any = QtCore.QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Any, role: int = QtCore.Qt.DisplayRole) -> Any:  # noqa: D102
        if role == QtCore.Qt.DisplayRole and orientation == QtCore.Qt.Horizontal:
            return self.columns[section][1]
        return None

    def data(self, index: Any, role: int = QtCore.Qt.DisplayRole) -> Any:
        """Text, a patch in the colour of a state, and as tool tip the whole text."""
        if role not in (QtCore.Qt.DisplayRole, QtCore.Qt.DecorationRole, QtCore.Qt.ToolTipRole):
            return None
        key = self.columns[index.column()][0]
        value = self._rows[index.row()].get(key, "")
        if role == QtCore.Qt.DecorationRole:
            return _patch(STATES[value]) if key in COLOURED and value in STATES else None
        return _text(key, value)


@functools.lru_cache(maxsize=None)
def _patch(colour: int) -> Any:
    """A square of a colour, the same in a selected row."""
    square = QtGui.QPixmap(PATCH_PX, PATCH_PX)
    square.fill(QtGui.QColor(colour >> 24, colour >> 16 & 255, colour >> 8 & 255))
    icon = QtGui.QIcon(square)
    icon.addPixmap(square, QtGui.QIcon.Selected)
    return icon


def _text(key: str, value: Any) -> str:
    """A value as people read it."""
    if key.endswith("_at"):
        return str(value)[:16].replace("T", " ")
    if key == "seconds":
        return f"{value / 60:.0f} min" if value >= 120 else f"{value:.0f} s"
    if key in COLOURED:
        return words(str(value))
    return str(value) if value not in (0, None) else ""


class Table(QtWidgets.QTableView):
    """A dense read-only table with a filter; ``chosen`` and ``opened`` tell the row that was clicked or double-clicked."""

    chosen = QtCore.Signal(dict)
    opened = QtCore.Signal(dict)

    def __init__(self, columns: Columns, parent: Any = None) -> None:
        super().__init__(parent)
        self.rows = Rows(columns, self)
        self.filtered = QtCore.QSortFilterProxyModel(self)
        self.filtered.setSourceModel(self.rows)
        self.filtered.setFilterKeyColumn(-1)
        self.filtered.setFilterCaseSensitivity(QtCore.Qt.CaseInsensitive)
        self.setModel(self.filtered)
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectRows)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SingleSelection)
        self.setEditTriggers(QtWidgets.QAbstractItemView.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setIconSize(QtCore.QSize(PATCH_PX, PATCH_PX))
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, QtCore.Qt.AscendingOrder)  # as they come: newest first
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(QtCore.Qt.AlignLeft | QtCore.Qt.AlignVCenter)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QtWidgets.QHeaderView.Fixed)  # measuring each row would visit all of them
        rows.setMinimumSectionSize(ROW_PX)
        rows.setDefaultSectionSize(ROW_PX)
        for column, (_, _, width) in enumerate(columns):
            self.setColumnWidth(column, width)
        self.horizontalHeader().setStretchLastSection(True)
        self.selectionModel().currentRowChanged.connect(lambda now, _before: self.chosen.emit(self.at(now)))
        self.doubleClicked.connect(lambda index: self.opened.emit(self.at(index)))

    def at(self, index: Any) -> dict[str, Any]:
        """The row behind an index of the view."""
        return self.rows.row(self.filtered.mapToSource(index))

    def current(self) -> dict[str, Any]:
        """The row that is selected; empty for none."""
        return self.at(self.currentIndex())

    def fill(self, rows: Sequence[dict], key: str) -> None:
        """Show rows; the one whose ``key`` was selected stays selected, else the first one is."""
        kept = self.current().get(key)
        self.rows.fill(rows)
        numbers = range(self.filtered.rowCount())
        names = [self.at(self.filtered.index(number, 0)).get(key) for number in numbers]
        if names:
            self.selectRow(names.index(kept) if kept in names else 0)
        self.chosen.emit(self.current())  # the same row may hold other things now
