"""SMPTE timecode as text, counted in frames: ``01:00:00:00``, and ``01:00:00;00`` with drop-frame counting.

Source: SMPTE ST 12-1. Drop-frame leaves out the numbers 0 and 1 (at 60 fps 0 to 3) of every minute but each tenth.
"""

from __future__ import annotations

import re
from fractions import Fraction

_MINUTES_A_DAY = 24 * 60


def numbers_a_second(rate: Fraction) -> int:
    """Frame numbers in one second of timecode: 24 for 24000/1001."""
    return -(-rate.numerator // rate.denominator)


def frames_of(text: str, rate: Fraction) -> int:
    """Frames since midnight.

    Raises: ValueError saying what is wrong with the text.
    """
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)([:;])(\d\d)", text)
    base = numbers_a_second(rate)
    if not match:
        raise ValueError(f"timecode '{text}' is not of the form 01:00:00:00")
    hours, minutes, seconds, frames = (int(match.group(group)) for group in (1, 2, 3, 5))
    if hours > 23 or minutes > 59 or seconds > 59 or frames >= base:
        raise ValueError(f"timecode '{text}' does not exist at {base} frames a second")
    total_minutes = hours * 60 + minutes
    dropped = _dropped(base) * (total_minutes - total_minutes // 10) if match.group(4) == ";" else 0
    return (total_minutes * 60 + seconds) * base + frames - dropped


def exists(text: str, rate: Fraction) -> bool:
    """Whether a timecode can be counted at a rate: headers of real plates hold some that can't."""
    try:
        frames_of(text, rate)
    except ValueError:
        return False
    return True


def timecode_of(frames: int, rate: Fraction, *, drop_frame: bool = False) -> str:
    """The timecode so many frames after midnight; days wrap, negative counts too."""
    base = numbers_a_second(rate)
    drop = _dropped(base) if drop_frame else 0
    number = frames % (_MINUTES_A_DAY * 60 * base - drop * _MINUTES_A_DAY * 9 // 10)
    if drop:
        minute, ten_minutes = 60 * base - drop, 600 * base - 9 * drop
        tens, rest = divmod(number, ten_minutes)
        number += drop * (9 * tens + (max(rest - drop, 0) // minute))
    seconds, frame = divmod(number, base)
    sign = ";" if drop_frame else ":"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{sign}{frame:02d}"


def advanced(text: str, frames: int, rate: Fraction) -> str:
    """The timecode ``frames`` later, counted the way ``text`` counts."""
    return timecode_of(frames_of(text, rate) + frames, rate, drop_frame=";" in text)


def _dropped(base: int) -> int:
    """Numbers that drop-frame leaves out in a minute."""
    return base // 15 if base % 30 == 0 else 0
