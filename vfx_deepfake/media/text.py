"""Text drawn into pictures: DejaVu (it comes with matplotlib), rendered by Pillow to coverage masks.

DejaVu has Latin, Greek and Cyrillic letters; those of other scripts appear as boxes.

Pictures here are display-encoded (H, W, 3) float32, 0 black to 1 white; levels below 1 keep burn-ins from glaring.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont
MIN_SIZE_PX = 6  # smaller letters can't be read


@lru_cache(maxsize=64)
def font(size_px: int, *, bold: bool = False, mono: bool = False) -> Font:
    """DejaVu Sans in a size; ``mono`` gives every character one width, so that counters don't jump."""
    import matplotlib  # slow to load, and only pictures with text need it

    name = f"DejaVuSans{'Mono' if mono else ''}{'-Bold' if bold else ''}.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), max(size_px, MIN_SIZE_PX))


def text_width(text: str, face: Font) -> int:
    """Width of one line in pixels."""
    return int(np.ceil(face.getlength(text)))


def line_height(face: Font) -> int:
    """Distance between the tops of two lines, the same for every text."""
    return sum(face.getmetrics())


@lru_cache(maxsize=512)
def coverage(text: str, face: Font, stroke_px: int = 0) -> np.ndarray:
    """How far each pixel is covered by one line of text grown by ``stroke_px``.

    Returns (line height + 2 stroke, width + 2 stroke) float32 0..1, read-only because it is shared.
    """
    size = (text_width(text, face) + 2 * stroke_px, line_height(face) + 2 * stroke_px)
    mask = Image.new("L", (max(size[0], 1), size[1]))
    ImageDraw.Draw(mask).text((stroke_px, stroke_px), text, fill=255, font=face, stroke_width=stroke_px)
    pixels = np.asarray(mask, np.float32) / 255.0
    pixels.flags.writeable = False
    return pixels


def draw_text(picture: np.ndarray, x: int, y: int, text: str, face: Font, level: float, shadow_px: int = 0) -> None:
    """Write one line into ``picture`` in place, its top left corner at (x, y); what falls outside is cut off.

    ``shadow_px`` puts a dark rim of that width around the letters, so that they can be read on white.
    """
    if shadow_px:
        _blend(picture, x - shadow_px, y - shadow_px, coverage(text, face, shadow_px) * 0.75, 0.0)
    _blend(picture, x, y, coverage(text, face), level)


def _blend(picture: np.ndarray, x: int, y: int, mask: np.ndarray, level: float) -> None:
    """Move the pixels under ``mask`` towards ``level``."""
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + mask.shape[0], picture.shape[0]), min(x + mask.shape[1], picture.shape[1])
    if top >= bottom or left >= right:
        return
    part = picture[top:bottom, left:right]
    part += mask[top - y : bottom - y, left - x : right - x, None] * (level - part)


def wrapped(text: str, face: Font, width_px: int) -> list[str]:
    """Break a text into lines no wider than ``width_px``, at blanks where possible."""
    lines, line = [], ""
    for word in text.split():
        while text_width(word, face) > width_px and len(word) > 1:  # a word too long for any line is cut
            fits = max(n for n in range(1, len(word)) if n == 1 or text_width(word[:n], face) <= width_px)
            lines += [line, word[:fits]] if line else [word[:fits]]
            line, word = "", word[fits:]
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, face) > width_px:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def shortened(text: str, face: Font, width_px: int) -> str:
    """One line no wider than ``width_px``; what does not fit becomes an ellipsis."""
    if text_width(text, face) <= width_px:
        return text
    fits = [n for n in range(len(text)) if text_width(text[:n] + "…", face) <= width_px]
    return text[: fits[-1]] + "…" if fits else ""
