"""The card ahead of a review movie and the text burnt into its frames.

Pictures are display-encoded (H, W, 3) float32, 0 black to 1 white. All sizes follow the picture's, so that a 4K and a
proxy movie look alike. Fields and rules (one frame before the first, not 100 % white, at the edges where a letterbox
lies) are those that studios ask of vendors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from vfx_deepfake.media.text import Font, draw_text, font, line_height, shortened, text_width, wrapped
from vfx_deepfake.media.timecode import advanced, timecode_of

BACKGROUND = 0.11  # neutral dark grey
TEXT, LABEL, BURN_IN = 0.78, 0.5, 0.72  # none of them white
MAX_LINES = 4  # of one entry
RAMP_STEPS = 11


@dataclass(frozen=True, kw_only=True, slots=True)
class SlateInfo:
    """What the slate says; an empty text shows a dash, so that a missing entry is seen."""

    show: str = ""
    shot: str
    version: str  # full name, e.g. sh0010_deage_v003
    date: str  # YYYY-MM-DD
    frames: str  # e.g. 1001-1024 (24)
    status: str = "WIP"  # submitting for: WIP or FINAL
    scope: str = ""  # scope of work, e.g. De-age
    note: str = ""
    vendor: str = ""
    resolution: str = ""  # e.g. 1280 x 720
    frame_rate: str = ""  # e.g. 24 or 24000/1001
    media_color: str = ""  # what the movie shows, e.g. sRGB display, ACES 1.0 SDR Video
    likeness: str = ""  # e.g. digitally altered; release old_man_2026-02-20

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Label and text, in the order they stand on the card."""
        return (
            ("Submitting for", self.status),
            ("Version", self.version),
            ("Date", self.date),
            ("Frames", self.frames),
            ("Scope of work", self.scope),
            ("Note", self.note),
            ("Vendor", self.vendor),
            ("Resolution", self.resolution),
            ("Frame rate", self.frame_rate),
            ("Media color", self.media_color),
            ("Likeness", self.likeness),
        )


def unit_of(width: int, height: int) -> float:
    """A hundredth of the height of the 16:9 picture that fits inside; every size is a multiple of it."""
    return min(height, width * 9 / 16) / 100


def slate(info: SlateInfo, width: int, height: int, thumbnail: np.ndarray | None = None) -> np.ndarray:
    """Draw the card.

    Shapes: thumbnail (h, w, 3), any size. Returns (height, width, 3).
    """
    unit = unit_of(width, height)
    card = np.full((height, width, 3), BACKGROUND, np.float32)
    margin = round(6 * unit)
    title, text = font(round(7 * unit), bold=True), font(round(2.9 * unit))
    heading = "  ".join(part for part in (info.show, info.shot) if part)
    draw_text(card, margin, margin, shortened(heading, title, width - 2 * margin), title, TEXT)
    top = margin + line_height(title) + round(3 * unit)
    ramp = round(5 * unit)
    split = width - margin - (round(0.4 * (width - 2 * margin)) if thumbnail is not None else 0)
    _draw_lines(card, info, margin, top, split - round(3 * unit), text)
    if thumbnail is not None:
        _place(card, thumbnail, (split, top, width - margin, height - 2 * margin - ramp))
    _draw_ramp(card, (margin, height - margin - ramp, width - margin, height - margin))
    return card


def _draw_lines(card: np.ndarray, info: SlateInfo, left: int, top: int, right: int, face: Font) -> None:
    """A column of labels and one of texts; what is longer than a line is wrapped, up to MAX_LINES."""
    column = left + max(text_width(label, face) for label, _ in info.lines()) + line_height(face)
    y = top
    for label, text in info.lines():
        draw_text(card, left, y, label, face, LABEL)
        for line in wrapped(text, face, right - column)[:MAX_LINES] or ["–"]:
            draw_text(card, column, y, line, face, TEXT)
            y += round(1.25 * line_height(face))


def _draw_ramp(card: np.ndarray, box: tuple[int, int, int, int]) -> None:
    """Equal steps from black to white, so that a wrong display or a second transform is seen at once."""
    left, top, right, bottom = box
    edges = np.linspace(left, right, RAMP_STEPS + 1).round().astype(int)
    for index in range(RAMP_STEPS):
        card[top:bottom, edges[index] : edges[index + 1]] = index / (RAMP_STEPS - 1)


def _place(card: np.ndarray, picture: np.ndarray, box: tuple[int, int, int, int]) -> None:
    """Scale a picture into a box, its shape kept, at the top right corner."""
    left, top, right, bottom = box
    scale = min((right - left) / picture.shape[1], (bottom - top) / picture.shape[0])
    if scale <= 0:
        return
    size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    small = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    card[top : top + size[1], right - size[0] : right] = np.clip(small, 0.0, 1.0)


def burn_in(picture: np.ndarray, info: SlateInfo, frame: int, timecode: str) -> np.ndarray:
    """A copy of a picture with version, date, status, frame number and timecode along its upper and lower edge.

    Shapes: picture (H, W, 3); returns the same shape.
    """
    marked = picture.astype(np.float32)  # a copy
    height, width = marked.shape[:2]
    unit = unit_of(width, height)
    face = font(round(2.2 * unit), mono=True)
    margin, rim = round(1.5 * unit), max(round(0.25 * unit), 1)
    name = info.version if info.version.startswith(info.shot) else f"{info.shot} {info.version}"
    bottom = height - margin - line_height(face)
    rows = ((margin, (name, info.show, info.date)), (bottom, (info.status, str(frame), timecode)))
    for y, (left, centre, right) in rows:
        draw_text(marked, margin, y, left, face, BURN_IN, rim)
        draw_text(marked, (width - text_width(centre, face)) // 2, y, centre, face, BURN_IN, rim)
        draw_text(marked, width - margin - text_width(right, face), y, right, face, BURN_IN, rim)
    return marked


def review_frames(
    pictures: Iterable[tuple[int, np.ndarray]], info: SlateInfo, rate: Fraction, timecode: str = ""
) -> Iterator[np.ndarray]:
    """The pictures of a review movie, one at a time: the slate with the first frame in it, then each frame marked.

    Shapes: pictures yields (frame number, (H, W, 3)). ``timecode`` belongs to the first frame; without it the frame
    number is counted from midnight. Nothing is yielded where there is no picture.
    """
    first = None
    for frame, picture in pictures:
        if first is None:
            first = frame
            yield slate(info, picture.shape[1], picture.shape[0], picture)
        now = advanced(timecode, frame - first, rate) if timecode else timecode_of(frame, rate)
        yield burn_in(picture, info, frame, now)
