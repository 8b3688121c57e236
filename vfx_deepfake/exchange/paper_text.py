"""Text for PDF pages: any script that the fonts have, in the order in which it is read.

DejaVu (it comes with matplotlib, and its licence lets documents carry it) has Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian, Georgian
and many signs. A studio adds TrueType files for others. A letter that no font has becomes a box.
"""

from __future__ import annotations

import itertools
import unicodedata
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from vfx_deepfake.errors import ReviewError

REGULAR, BOLD, ITALIC = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"
MISSING = "\u25af"
_RIGHT_TO_LEFT = ("R", "AL")


class Fonts:
    """The fonts of one document, asked in order for each letter; ``missing`` collects the letters that none of them has."""

    def __init__(self, more: tuple[Path, ...] = ()) -> None:
        self._names = [REGULAR, *(_registered(file) for file in more)]
        self.missing: set[str] = set()
        for name in (REGULAR, BOLD, ITALIC):
            _registered(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"))

    def markup(self, text: str, font: str = REGULAR) -> str:
        """Text as the markup of a paragraph: lines kept, nothing in it taken for markup, each letter in a font that has it."""
        return "<br/>".join(self._line(line, font) for line in text.splitlines())

    def _line(self, line: str, font: str) -> str:
        letters = [letter for letter in line.expandtabs(4) if unicodedata.category(letter) not in ("Cc", "Cf", "Cs")]
        runs = itertools.groupby(letters, key=lambda letter: self._font_of(letter, font))
        return "".join(self._run("".join(found), name, font) for name, found in runs)

    def _font_of(self, letter: str, font: str) -> str | None:
        return next((name for name in (font, *self._names) if _has(name, letter)), None)

    def _run(self, text: str, name: str | None, font: str) -> str:
        if name is None:
            self.missing.update(text)
            text, name = MISSING * len(text), REGULAR
        return escape(text) if name == font else f'<font name="{name}">{escape(text)}</font>'


def is_right_to_left(text: str) -> bool:
    """Whether a text has letters that are read from the right, such as Hebrew and Arabic."""
    return any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text)


def begins_right(line: str) -> bool:
    """Whether a line is read from the right as a whole: its first letter that has a direction says so."""
    strong = (unicodedata.bidirectional(letter) for letter in line)
    return next((found for found in strong if found in ("L", *_RIGHT_TO_LEFT)), "L") in _RIGHT_TO_LEFT


@lru_cache(maxsize=64)
def _registered(file: Path) -> str:
    """Make a font known to the PDF library, once; returns its name."""
    try:
        pdfmetrics.registerFont(TTFont(file.stem, str(file)))
    except (TTFError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ReviewError(
            f"[paper].fonts: {file}: can't be used ({reason}); name TrueType files (.ttf) with outlines"
        ) from error
    return file.stem


@lru_cache(maxsize=65_536)
def _has(name: str, letter: str) -> bool:
    return ord(letter) in pdfmetrics.getFont(name).face.charToGlyph
