"""What stands on every PDF page: the title above, the date and "page 2 of 7" below."""

from __future__ import annotations

from functools import partial
from typing import IO, Any

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from vfx_deepfake.exchange.paper_text import BOLD, REGULAR, Fonts

MARGIN_PT = 16 * mm
HEAD_PT, FOOT_PT = 7 * mm, 4 * mm
GREY, LINE = HexColor("#6a6a6a"), HexColor("#9a9a9a")
SMALL_PT = 8
TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=9, leading=11)


def paper(out: IO[bytes], size: tuple[float, float], title: str, fonts: Fonts) -> BaseDocTemplate:
    """A document whose pages have the title above their text; ``size``: width and height of the paper in points."""
    document = BaseDocTemplate(
        out, pagesize=size, title=title, author="vfx_deepfake", subject="Review notes", lang="en"
    )
    inner = (size[0] - 2 * MARGIN_PT, size[1] - 2 * MARGIN_PT - HEAD_PT - FOOT_PT)
    frame = Frame(MARGIN_PT, MARGIN_PT + FOOT_PT, *inner, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate("notes", [frame], onPage=partial(_head, title=title, fonts=fonts)))
    return document


def _head(page: Canvas, document: BaseDocTemplate, *, title: str, fonts: Fonts) -> None:
    """The title above the text, on one line."""
    width, height = document.pagesize
    line = Paragraph(fonts.markup(title, BOLD), TITLE)
    line.wrap(width - 2 * MARGIN_PT, TITLE.leading)
    line.drawOn(page, MARGIN_PT, height - MARGIN_PT)
    page.setStrokeColor(LINE)
    page.setLineWidth(0.6)
    page.line(MARGIN_PT, height - MARGIN_PT - 2 * mm, width - MARGIN_PT, height - MARGIN_PT - 2 * mm)


class NumberedPages(Canvas):
    """Pages that know how many there are: they are kept until the last one is done, and then get their numbers."""

    def __init__(self, *args: Any, printed: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self._kept: list[dict[str, Any]] = []
        self._printed = printed

    def showPage(self) -> None:
        """Keep the page and begin the next one."""
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Number the pages and finish the file."""
        for number, page in enumerate(self._kept, 1):
            self.__dict__.update(page)
            self._foot(number)
            super().showPage()
        super().save()

    def _foot(self, number: int) -> None:
        counted = f"page {number} of {len(self._kept)}"
        self.setFont(REGULAR, SMALL_PT)
        self.setFillColor(GREY)
        self.drawString(MARGIN_PT, MARGIN_PT - 4 * mm, self._printed)
        right = self._pagesize[0] - MARGIN_PT - stringWidth(counted, REGULAR, SMALL_PT)
        self.drawString(right, MARGIN_PT - 4 * mm, counted)
