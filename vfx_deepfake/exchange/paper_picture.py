"""Pictures on PDF pages: a frame with what was drawn over it, and text that is read from the right."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from reportlab.lib.colors import HexColor
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable

from vfx_deepfake.exchange.paper_text import begins_right
from vfx_deepfake.media.text import font, line_height, text_width, wrapped
from vfx_deepfake.viewing.stills import jpeg

THINNEST_PT = 0.7  # a line of one plate pixel would not print
TEXT_PX_PER_PT = 4  # 288 dots an inch
INK = 34  # dark grey, as the paragraphs
LONGEST_WORD = 60  # letters; breaking one word of thousands by its width takes minutes
LEADING = 1.36  # height of a line over that of its letters


class DrawnFrame(Flowable):
    """A frame's picture with strokes over it; the strokes stay lines, so that they print sharp at any size.

    picture: (h, w, 3) uint8, any size; strokes in pixels of a plate of ``plate_px`` (width, height), pixel centres at half numbers.
    """

    def __init__(
        self, picture: np.ndarray, strokes: Sequence[Mapping[str, Any]], plate_px: tuple[int, int], width_pt: float
    ) -> None:
        super().__init__()
        self.width, self.height = width_pt, width_pt * plate_px[1] / plate_px[0]
        self._picture = ImageReader(io.BytesIO(jpeg(picture)))
        self._strokes, self._scale = strokes, width_pt / plate_px[0]

    def draw(self) -> None:
        """Called by the page, its origin at the lower left corner."""
        page = self.canv
        page.drawImage(self._picture, 0, 0, self.width, self.height)
        page.saveState()
        outline = page.beginPath()
        outline.rect(0, 0, self.width, self.height)
        page.clipPath(outline, stroke=0, fill=0)
        page.setLineCap(1)
        page.setLineJoin(1)
        for stroke in self._strokes:
            self._draw(stroke)
        page.restoreState()

    def _draw(self, stroke: Mapping[str, Any]) -> None:
        page, path = self.canv, self.canv.beginPath()
        points = [(x * self._scale, self.height - y * self._scale) for x, y in stroke["points"]]
        path.moveTo(*points[0])
        for point in points[1:] or points:  # a single point is a dot: a line of no length with round ends
            path.lineTo(*point)
        page.setStrokeColor(HexColor(stroke["colour"]))
        page.setLineWidth(max(stroke["width_px"] * self._scale, THINNEST_PT))
        page.drawPath(path, stroke=1, fill=0)


class DrawnLine(Flowable):
    """One line of text that is read from the right, drawn by a library that knows how: letters joined, numbers in their order."""

    def __init__(self, line: str, size_pt: float, width_pt: float) -> None:
        super().__init__()
        face = font(round(size_pt * TEXT_PX_PER_PT))
        size = (max(text_width(line, face), 1), line_height(face))
        mask = Image.new("L", size, 255)
        ImageDraw.Draw(mask).text((0, 0), line, fill=INK, font=face)
        drawn_pt = size[0] / TEXT_PX_PER_PT
        self._picture, self._size = ImageReader(mask), (drawn_pt, size[1] / TEXT_PX_PER_PT)
        self._left = width_pt - drawn_pt if begins_right(line) else 0.0
        self.width, self.height = width_pt, LEADING * size_pt

    def draw(self) -> None:
        """Called by the page, its origin at the lower left corner."""
        self.canv.drawImage(self._picture, self._left, 0, *self._size)


def drawn_lines(text: str, size_pt: float, width_pt: float) -> list[Flowable]:
    """Text that is read from the right, broken into lines no wider than ``width_pt``."""
    face = font(round(size_pt * TEXT_PX_PER_PT))
    paragraphs = re.sub(rf"(\S{{{LONGEST_WORD}}})", r"\1 ", text).splitlines()
    lines = [line for each in paragraphs for line in wrapped(each, face, int(width_pt * TEXT_PX_PER_PT)) or [""]]
    return [DrawnLine(line, size_pt, width_pt) for line in lines]
