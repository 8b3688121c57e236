"""Notes on paper: by shot, version and frame, with replies, decisions, and the frame below each drawing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4, letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    HRFlowable,
    Indenter,
    KeepTogether,
    Paragraph,
    Spacer,
)

from vfx_deepfake.exchange.paper_page import MARGIN_PT, NumberedPages, paper
from vfx_deepfake.exchange.paper_picture import LEADING, DrawnFrame, drawn_lines
from vfx_deepfake.exchange.paper_text import BOLD, ITALIC, REGULAR, Fonts, is_right_to_left
from vfx_deepfake.exchange.threads import Note, Thread, threads_of, where
from vfx_deepfake.settings.outside import PaperSpec

SIZES = {"A4": A4, "letter": letter}
TEXT_PT = 9.5
PICTURE_PT = 118 * mm  # width of a frame with a drawing: two of them fit on a page with their text
GREY, DARK = HexColor("#6a6a6a"), HexColor("#222222")
STATE_COLOURS = {
    "approved": HexColor("#2c7a3f"), "changes_requested": HexColor("#b3261e"), "pending_review": HexColor("#8a6100"),
    "superseded": GREY,
}  # fmt: skip
DECISIONS = ("approved", "changes_requested", "superseded")  # kinds of events
LONG_TEXT = 1000  # characters; a longer note may go over to the next page
Standing = Mapping[str, Any]
Picture = tuple[np.ndarray, tuple[int, int]]  # (h, w, 3) uint8, and width and height of the plate
GetPicture = Callable[[Standing, int], Picture | str]  # a version's frame; or why there is none


def notes_pdf(title: str, standings: Iterable[Standing], spec: PaperSpec, printed: str, picture_of: GetPicture,
              root: Path = Path()) -> bytes:  # fmt: skip
    """The notes of versions as PDF.

    standings: as :func:`.listing.about` gives them, in their order; printed: date and time at the foot of each page; picture_of: the frame
    under a drawing; root: what the fonts of ``spec`` are relative to.
    Raises: ReviewError for a font that can't be used.
    """
    size = SIZES[spec.size]
    fonts = Fonts(tuple(root / name for name in spec.fonts))
    page = _Page(fonts, size[0] - 2 * MARGIN_PT, picture_of)
    story = [flowable for standing in standings for flowable in page.version(standing)]
    story += page.small_print() if story else [page.text("There are no notes.")]
    out = io.BytesIO()
    document = paper(out, size, title, fonts)
    document.build(story, canvasmaker=partial(NumberedPages, printed=printed))
    return out.getvalue()


def _style(name: str, size_pt: float, colour: Color = DARK, font: str = REGULAR, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(name, fontName=font, fontSize=size_pt, leading=LEADING * size_pt, textColor=colour, **more)


TEXT = _style("text", TEXT_PT)
META = _style("meta", 8, GREY, spaceAfter=1.5)
HEADING = _style("heading", 13, font=BOLD, spaceBefore=9 * mm, spaceAfter=2)
REASON = _style("reason", TEXT_PT, font=ITALIC, spaceAfter=3)


class _Page:
    """Builds the flowables of one document."""

    def __init__(self, fonts: Fonts, width_pt: float, picture_of: GetPicture) -> None:
        self._fonts, self._width_pt, self._picture_of = fonts, width_pt, picture_of

    def text(self, text: str, style: ParagraphStyle = TEXT) -> Paragraph:
        return Paragraph(self._fonts.markup(text, style.fontName), style)

    def written(self, text: str, indent_pt: float = 0.0, style: ParagraphStyle = TEXT) -> list[Flowable]:
        """Text that people wrote, in any script."""
        if is_right_to_left(text):
            return drawn_lines(text, style.fontSize, self._width_pt - indent_pt)
        return [self.text(text, style)]

    def version(self, standing: Standing) -> Iterator[Flowable]:
        """Heading, decision and notes of one version."""
        threads = threads_of(standing["notes"])
        yield CondPageBreak(45 * mm)  # no heading at the foot of a page
        state = standing["state"]
        colour = STATE_COLOURS.get(state, GREY).hexval().replace("0x", "#")
        heading = self._fonts.markup(f"{standing['shot']}  {standing['version']}", BOLD)
        badge = f'<font name="{REGULAR}" size="9.5" color="{colour}">\u25cf {state.replace("_", " ")}</font>'
        yield Paragraph(f"{heading} &nbsp; {badge}", HEADING)
        num_open = sum(not thread.note["resolved_by"] for thread in threads)
        counted = f"{len(threads)} notes, {num_open} open" if threads else "no notes"
        qc = f"QC {standing['qc_verdict']}" if standing["qc_verdict"] else "no QC"
        yield self.text(f"{standing['show'] or 'no show'} · frames {standing['frames']} · {qc} · {counted}", META)
        for event in standing["events"]:
            if event["kind"] in DECISIONS:
                yield self.text(f"{event['kind'].replace('_', ' ')} · {event['who']} · {_time(event['at'])}", META)
                yield from self.written(event["why"], style=REASON)
        for thread in threads:
            yield HRFlowable(width="100%", thickness=0.4, color=HexColor("#c8c8c8"), spaceBefore=5, spaceAfter=4)
            yield from self._thread(standing, thread)

    def _thread(self, standing: Standing, thread: Thread) -> Iterator[Flowable]:
        yield from self._note(standing, thread.note)
        for reply in thread.replies:
            yield Spacer(0, 4)
            yield Indenter(left=8 * mm)
            yield from self._note(standing, reply, 8 * mm)
            yield Indenter(left=-8 * mm)

    def _note(self, standing: Standing, note: Note, indent_pt: float = 0.0) -> Iterator[Flowable]:
        head = f"{'reply' if note['reply_to'] else _place(note)} · {note['author']} · {_time(note['at'])}"
        if not note["reply_to"]:
            head += f" · done, {note['resolved_by']} {_time(note['resolved_at'])}" if note["resolved_by"] else " · open"
        parts: list[Flowable] = [
            self.text(head, META),
            *(self.written(note["text"], indent_pt) if note["text"] else []),
        ]
        if note["drawing"]:
            parts += [Spacer(0, 3), self._drawing(standing, note)]
        yield from [KeepTogether(parts)] if len(note["text"]) < LONG_TEXT else parts

    def _drawing(self, standing: Standing, note: Note) -> Flowable:
        found = self._picture_of(standing, note["first_frame"])
        if isinstance(found, str):
            return self.text(f"There is a drawing; its frame can't be shown ({found})", META)
        picture, plate_px = found
        frame = DrawnFrame(picture, note["drawing"], plate_px, PICTURE_PT)
        frame.hAlign = "LEFT"
        return frame

    def small_print(self) -> list[Flowable]:
        """What the reader has to know about the page itself."""
        if not self._fonts.missing:
            return []
        return [self.text(f"{len(self._fonts.missing)} different letters are in none of the fonts and stand as boxes; [paper].fonts in "
                          "review.toml names fonts that have them.", META)]  # fmt: skip


def _place(note: Note) -> str:
    text = where(note)
    return text if note["first_frame"] is None else f"frames {text}" if "-" in text else f"frame {text}"


def _time(text: str) -> str:
    """``2026-11-21T13:26:36+00:00`` as ``2026-11-21 13:26 UTC``."""
    return f"{text[:10]} {text[11:16]} UTC" if text else ""
