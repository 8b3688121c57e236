"""Lists that spreadsheets open: CSV whose cells are text and never formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

Cell = str | int | float
MARK = "\ufeff"  # byte order mark: without it Excel takes UTF-8 for Windows-1252
# What Excel, LibreOffice and Google Sheets take for the beginning of a formula, wide forms included; blanks before it don't help.
# Source: OWASP, "CSV Injection".
_FORMULA = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]], *, byte_order_mark: bool = True) -> str:
    """A list as CSV (RFC 4180: commas, quotes doubled, lines end in CR LF; a cell may hold lines of its own).

    Text that a spreadsheet would run gets an apostrophe before it; numbers stay numbers.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([plain(cell) for cell in header])
    writer.writerows([plain(cell) for cell in row] for row in rows)
    return (MARK if byte_order_mark else "") + out.getvalue()


def plain(cell: Cell) -> Cell:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
