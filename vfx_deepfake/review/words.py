"""Checks of what people and files put into the store, before it gets there."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from vfx_deepfake.errors import ReviewError

LONGEST_TEXT = 10_000  # characters; assumed: a note is no essay
MOST_STROKES, MOST_POINTS = 500, 20_000  # of one drawing; assumed: far above what a hand draws
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}", re.ASCII)
_TITLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@ -]{0,126}[A-Za-z0-9_]|[A-Za-z0-9_]", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def name(value: Any, what: str) -> str:
    """A name of a person, show or shot: it can't be a path, and not hidden.

    Raises: ReviewError saying what is allowed.
    """
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise ReviewError(f"{what}: is {_shown(value)}; use up to 64 letters, digits, dot, dash, underscore")


def title(value: Any, what: str) -> str:
    """A name that may hold spaces, for playlists.

    Raises: ReviewError saying what is allowed.
    """
    if isinstance(value, str) and _TITLE.fullmatch(value):
        return value
    raise ReviewError(f"{what}: is {_shown(value)}; use up to 128 letters, digits, spaces, dot, dash, underscore")


def text(value: Any, what: str, *, may_be_empty: bool = False) -> str:
    """Text that people write: no control characters but tab and line end, white space around it removed.

    Raises: ReviewError when it is empty, too long or not text.
    """
    found = value.replace("\r\n", "\n").strip() if isinstance(value, str) else None
    if found is None or _UNPRINTABLE.search(found):
        raise ReviewError(f"{what}: is {_shown(value)}; want plain text")
    if not found and not may_be_empty:
        raise ReviewError(f"{what}: is empty; say it in a few words")
    if len(found) > LONGEST_TEXT:
        raise ReviewError(f"{what}: has {len(found)} characters; want at most {LONGEST_TEXT}")
    return found


def drawing(value: Any, what: str = "drawing") -> list[dict[str, Any]]:
    """A drawing on a frame: strokes of ``{"colour": "#ff8800", "width_px": 3, "points": [[x, y], ...]}``, plate pixels.

    Raises: ReviewError naming the stroke that is none.
    """
    if not isinstance(value, list) or len(value) > MOST_STROKES:
        raise ReviewError(f"{what}: want a list of at most {MOST_STROKES} strokes")
    strokes = [_stroke(each, f"{what}: stroke {index}") for index, each in enumerate(value, 1)]
    if sum(len(stroke["points"]) for stroke in strokes) > MOST_POINTS:
        raise ReviewError(f"{what}: has more than {MOST_POINTS} points; draw it with fewer strokes")
    return strokes


def _stroke(value: Any, where: str) -> dict[str, Any]:
    shape = 'want {"colour": "#ff8800", "width_px": 3, "points": [[x, y], ...]} with lower-case hex digits and numbers'
    if not isinstance(value, Mapping) or set(value) != {"colour", "width_px", "points"}:
        raise ReviewError(f"{where}: {shape}")
    points = value["points"]
    fine = (
        isinstance(value["colour"], str) and _COLOUR.fullmatch(value["colour"])
        and _is_number(value["width_px"]) and 0 < value["width_px"] <= 1000
        and isinstance(points, list) and points
        and all(isinstance(p, list) and len(p) == 2 and all(map(_is_number, p)) for p in points)
    )  # fmt: skip
    if not fine:
        raise ReviewError(f"{where}: {shape}")
    return {key: value[key] for key in ("colour", "width_px", "points")}


def _is_number(value: Any) -> bool:
    """A finite number within what a float coordinate of a picture can sensibly be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e6


def _shown(value: Any) -> str:
    return ascii(value)[:80]
