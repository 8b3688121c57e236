"""What a plate's header says besides its pixels: carried to the output with its type, and read as film terms.

Metadata is a dict of name to text, number or :class:`Attribute`; names are OpenImageIO's, e.g. ``smpte:TimeCode``,
``FramesPerSecond``, ``reelName``, ``chromaticities``. Attributes that describe how the file is stored (compression,
tiling, line order) are not carried: the output has its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import OpenImageIO as oiio

TIMECODE = "smpte:TimeCode"
FRAME_RATE = "FramesPerSecond"
REEL = "reelName"
NO_TIMECODE = 0xFFFFFFFF
_DROP_FRAME_BIT = 1 << 6  # of the frames byte in SMPTE 12M's binary-coded decimal
_STORAGE = frozenset(
    """compression name type version chunkCount tiles view multiView preview dataWindow displayWindow lineOrder
    screenWindowCenter screenWindowWidth acesImageContainerFlag thumbnail_width thumbnail_height thumbnail_nchannels
    Orientation""".split()
)
_STORAGE_PREFIXES = ("oiio:", "openexr:", "dpx:UserData")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value with its OpenImageIO type, e.g. ``Attribute("rational2i", (24, 1))``."""

    type: str
    value: tuple[Any, ...]


def carried(spec: Any) -> dict[str, Any]:
    """The attributes of an ``ImageSpec`` that are worth keeping, as plain metadata."""
    found: dict[str, Any] = {}
    for entry in spec.extra_attribs:
        name, value = entry.name, entry.value
        if name in _STORAGE or name.startswith(_STORAGE_PREFIXES) or value is None:
            continue
        if isinstance(value, str):
            found[name] = legible(value)
        elif isinstance(value, int | float):
            found[name] = value
        elif isinstance(value, tuple):
            found[name] = Attribute(_type_text(entry.type), value)
    return found


def film_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A DPX header's metadata under the names that EXR uses too: time code, frame rate, reel; other fields stay.

    Fields that DPX leaves undefined (infinite, all bits set) are dropped.
    """
    kept = {name: value for name, value in metadata.items() if not _undefined(value)}
    rate = frame_rate(kept)
    if rate is not None:
        kept[FRAME_RATE] = rate_attribute(rate)
    if timecode_word(kept) is None:
        kept.pop(TIMECODE, None)
    if kept.get("dpx:InputDevice"):
        kept[REEL] = kept["dpx:InputDevice"]
    return kept


def _undefined(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, str) and (not value or ("?" in value and not value.strip("?")))


def legible(text: str) -> str:
    """Text of a file with ``?`` for bytes that are no text; OpenImageIO hands them over as lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def put(spec: Any, metadata: Mapping[str, Any]) -> None:
    """Set metadata on an ``ImageSpec``."""
    for name, value in metadata.items():
        if isinstance(value, Attribute):
            spec.attribute(name, oiio.TypeDesc(value.type), value.value)
        else:
            spec.attribute(name, value)


def _type_text(kind: Any) -> str:
    return "rational2i" if str(kind) == "rational" else str(kind)


def frame_rate(metadata: Mapping[str, Any]) -> Fraction | None:
    """Frames per second as a fraction, e.g. 24000/1001; None where the header says nothing usable."""
    value = metadata.get(FRAME_RATE)
    if isinstance(value, Attribute) and len(value.value) == 2 and min(value.value) > 0:
        return Fraction(*value.value)
    for name in (FRAME_RATE, "dpx:TemporalFrameRate", "dpx:FrameRate"):
        number = metadata.get(name)
        if (
            isinstance(number, int | float) and math.isfinite(number) and number > 1
        ):  # writers without a rate leave 0 or 1
            return rate_fraction(float(number))
    return None


def rate_fraction(rate: float) -> Fraction:
    """The film rate a decimal stands for: 23.976 is 24000/1001.

    A rate within 0.001 of a whole number, or of one times 1000/1001, is taken as that; others to the thousandth.
    """
    for candidate in (Fraction(round(rate)), Fraction(round(rate * 1001 / 1000) * 1000, 1001)):
        if abs(rate - float(candidate)) < 1e-3:
            return candidate
    return Fraction(rate).limit_denominator(1000)


def rate_attribute(rate: Fraction) -> Attribute:
    """Frames per second as EXR stores it."""
    return Attribute("rational2i", (rate.numerator, rate.denominator))


def timecode(metadata: Mapping[str, Any]) -> str:
    """``HH:MM:SS:FF`` (``;`` before the frames where the header says drop-frame); empty where there is none."""
    word = timecode_word(metadata)
    if word is None:
        return ""
    hours, minutes, seconds, frames = (_plain(word >> shift & mask) for shift, mask in _FIELDS)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if word & _DROP_FRAME_BIT else ':'}{frames:02d}"


def timecode_word(metadata: Mapping[str, Any]) -> int | None:
    """The time as 32 bits of SMPTE 12M binary-coded decimal, flags included; None where there is none."""
    value = metadata.get(TIMECODE)
    if not isinstance(value, Attribute) or not value.value or value.value[0] == NO_TIMECODE:
        return None
    word = int(value.value[0])
    if word == 0 and value.value[1] == NO_TIMECODE and not metadata.get(FRAME_RATE):
        return None  # OpenImageIO's answer to a DPX without a television header
    digits = [word >> shift & mask for shift, mask in _FIELDS]
    return word if all(digit & 15 < 10 for digit in digits) else None


def timecode_attribute(text: str) -> Attribute:
    """``HH:MM:SS:FF`` as EXR stores it, without flags."""
    hours, minutes, seconds, frames = (int(part) for part in text.replace(";", ":").split(":"))
    word = _coded(hours) << 24 | _coded(minutes) << 16 | _coded(seconds) << 8 | _coded(frames)
    return Attribute("timecode", (word, 0))


# shift and mask of hours, minutes, seconds, frames; the masks leave the flag bits out
_FIELDS = ((24, 0x3F), (16, 0x7F), (8, 0x7F), (0, 0x3F))


def _plain(coded: int) -> int:
    return (coded >> 4) * 10 + (coded & 15)


def _coded(number: int) -> int:
    return number // 10 << 4 | number % 10
