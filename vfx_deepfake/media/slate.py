"""The card ahead of a review movie and the text burnt into its frames.

Pictures are display-encoded (H, W, 3) float32, 0 black to 1 white. All sizes follow the picture's, so that a 4K and a
proxy movie look alike. Fields and rules (one frame before the first, not 100 % white, inside the letterbox where there
is one) are those that studios ask of vendors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np

from vfx_deepfake.media.text import Font, draw_text, font, line_height, shortened, text_width, wrapped
from vfx_deepfake.media.timecode import advanced, timecode_of
from vfx_deepfake.settings.delivery import BurnInSpec

BACKGROUND = 0.11  # neutral dark grey
TEXT, LABEL, BURN_IN = 0.78, 0.5, 0.72  # none of them white
# size in hundredths of the picture, and lines of one entry at most; the first that lets all entries in
TEXT_SIZES = ((2.9, 3), (2.5, 3), (2.1, 3), (1.8, 3), (1.8, 2), (1.8, 1))
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
    types: str = ""  # shot or asset types
    scope: str = ""  # scope of work, e.g. De-age
    note: str = ""  # submission note
    vendor: str = ""
    resolution: str = ""  # e.g. 1280 x 720
    frame_rate: str = ""  # e.g. 24 or 24000/1001
    media_color: str = ""  # what the movie shows, e.g. sRGB display, ACES 1.0 SDR Video
    likeness: str = ""  # e.g. digitally altered; release old_man_2026-02-20

    @property
    def name(self) -> str:
        """Shot and version, the shot's name not twice."""
        return self.version if self.version.startswith(self.shot) else f"{self.shot} {self.version}"

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Label and text, in the order they stand on the card below the version's name."""
        return (
            ("Show", self.show),
            ("Submitting for", self.status),
            ("Date", self.date),
            ("Shot / asset types", self.types),
            ("VFX scope of work", self.scope),
            ("Submission note", self.note),
            ("Vendor", self.vendor),
            ("Shot name", self.shot),
            ("Frames", self.frames),
            ("Resolution", self.resolution),
            ("Frame rate", self.frame_rate),
            ("Media color", self.media_color),
            ("Likeness", self.likeness),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a movie's frames are dressed."""

    slate: bool = True
    letterbox: float = 0.0  # aspect ratio that black bars leave; 0 for no bars
    burn_in: BurnInSpec = field(default_factory=BurnInSpec)


def unit_of(width: int, height: int) -> float:
    """A hundredth of the height of the 16:9 picture that fits inside; every size is a multiple of it."""
    return min(height, width * 9 / 16) / 100


def slate(info: SlateInfo, width: int, height: int, thumbnail: np.ndarray | None = None) -> np.ndarray:
    """Draw the card.

    Shapes: thumbnail (h, w, 3), any size. Returns (height, width, 3).
    """
    unit = unit_of(width, height)
    card = np.full((height, width, 3), BACKGROUND, np.float32)
    margin, gap, ramp = round(6 * unit), round(3 * unit), round(5 * unit)
    title, small = font(round(6 * unit), bold=True), font(round(2.1 * unit))
    draw_text(card, margin, margin, "Version name", small, LABEL)
    top = margin + line_height(small)
    draw_text(card, margin, top, shortened(info.name, title, width - 2 * margin), title, TEXT)
    top += line_height(title) + gap
    bottom = height - margin - ramp - gap
    split = width - margin - (round(0.4 * (width - 2 * margin)) if thumbnail is not None else 0)
    _draw_lines(card, info, (margin, top, split - gap, bottom), unit)
    if thumbnail is not None:
        _place(card, thumbnail, (split, top, width - margin, bottom))
    _draw_ramp(card, (margin, height - margin - ramp, width - margin, height - margin))
    return card


def _draw_lines(card: np.ndarray, info: SlateInfo, box: tuple[int, int, int, int], unit: float) -> None:
    """A column of labels and one of texts, in the largest of TEXT_SIZES that lets all in; what is longer than a line is wrapped."""
    left, top, right, bottom = box
    for size, most in TEXT_SIZES:
        face = font(round(size * unit))
        column = left + max(text_width(label, face) for label, _ in info.lines()) + line_height(face)
        entries = [(label, _entry(text, face, max(right - column, 1), most)) for label, text in info.lines()]
        pitch = round(1.2 * line_height(face))
        if pitch * sum(len(lines) for _, lines in entries) <= bottom - top:
            break
    y = top
    for label, lines in entries:
        draw_text(card, left, y, label, face, LABEL)
        for line in lines:
            draw_text(card, column, y, line, face, TEXT)
            y += pitch


def _entry(text: str, face: Font, width: int, most: int) -> list[str]:
    lines = wrapped(text, face, width) or ["–"]
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], shortened(f"{lines[most - 1]} …", face, width)]


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


def burn_in(picture: np.ndarray, info: SlateInfo, frame: int, timecode: str, look: Look = Look()) -> np.ndarray:
    """A copy of a picture with its letterbox, and its texts along the upper and lower edge, inside the bars where they fit.

    Shapes: picture (H, W, 3); returns the same shape.
    """
    marked = picture.astype(np.float32)  # a copy
    height, width = marked.shape[:2]
    face, margin, rim = _lettering(width, height)
    bar = bar_height(width, height, look.letterbox)
    marked[:bar] = marked[height - bar :] = 0.0
    words = {
        "show": info.show, "shot": info.shot, "version": info.name, "date": info.date, "status": info.status, "frame": str(frame),
        "timecode": timecode, "color": info.media_color, "vendor": info.vendor, "likeness": info.likeness,
    }  # fmt: skip
    line = line_height(face)
    top = (bar - line) // 2 if bar >= line else margin
    spec = look.burn_in
    rows = (
        (top, (spec.top_left, spec.top, spec.top_right)),
        (height - top - line, (spec.bottom_left, spec.bottom, spec.bottom_right)),
    )
    for y, templates in rows:
        texts = _fitting([text.format(**words).strip() for text in templates], face, width - 2 * margin)
        for text, share in zip(texts, (0.0, 0.5, 1.0), strict=True):
            x = margin + round((width - 2 * margin - text_width(text, face)) * share)
            draw_text(marked, x, y, text, face, BURN_IN, rim)
    return marked


def _lettering(width: int, height: int) -> tuple[Font, int, int]:
    """Letters, distance from the edge and dark rim of what is burnt in."""
    unit = unit_of(width, height)
    return font(round(2.2 * unit), mono=True), round(1.5 * unit), max(round(0.25 * unit), 1)


def label(picture: np.ndarray, text: str, *, right: bool = False) -> None:
    """Write a name into a picture's upper left or right corner, in place; as a burn-in looks, shortened to half the width."""
    height, width = picture.shape[:2]
    face, margin, rim = _lettering(width, height)
    words = shortened(text, face, width // 2 - 2 * margin)
    draw_text(picture, width - margin - text_width(words, face) if right else margin, margin, words, face, BURN_IN, rim)


def bar_height(width: int, height: int, letterbox: float) -> int:
    """Rows of each of the two black bars that leave a picture of that aspect ratio; 0 where the picture is wider."""
    return max(round((height - width / letterbox) / 2), 0) if letterbox else 0


def _fitting(texts: list[str], face: Font, width: int) -> tuple[str, str, str]:
    """Left, middle and right of one row, shortened so that none lies on another; the middle keeps its words longest."""
    middle = shortened(texts[1], face, width)
    side = (width - text_width(middle, face)) // 2 - text_width("  ", face)
    return shortened(texts[0], face, side), middle, shortened(texts[2], face, side)


def review_frames(
    pictures: Iterable[tuple[int, np.ndarray]], info: SlateInfo, rate: Fraction, timecode: str = "", look: Look = Look()
) -> Iterator[np.ndarray]:
    """The pictures of a review movie, one at a time: the slate with the first frame in it, then each frame marked.

    Shapes: pictures yields (frame number, (H, W, 3)). ``timecode`` belongs to the first frame; without it the frame
    number is counted from midnight. Nothing is yielded where there is no picture.
    """
    first = None
    for frame, picture in pictures:
        if first is None:
            first = frame
            if look.slate:
                yield slate(info, picture.shape[1], picture.shape[0], picture)
        now = advanced(timecode, frame - first, rate) if timecode else timecode_of(frame, rate)
        yield burn_in(picture, info, frame, now, look)
