"""Frame numbers as the command line says them, and files of frames."""

from __future__ import annotations

import re


def spans(frames: str) -> list[tuple[int, int, int]]:
    """``1001-1100x2,1200`` as (first, last, step) of each part, ends included; numbers may be negative."""
    found = []
    for part in filter(None, frames.replace(" ", "").split(",")):
        first, last, step = re.match(r"(-?\d+)(?:-(-?\d+))?(?:x(\d+))?$", part).groups()  # type: ignore[union-attr]
        found.append((int(first), int(last or first), int(step or 1)))
    return found


def in_range(frames: str, frame: int) -> bool:
    """Is the frame one of them?"""
    return any(first <= frame <= last and (frame - first) % step == 0 for first, last, step in spans(frames))


def first_and_last(frames: str) -> tuple[int, int]:
    """The outermost frames; of none 0 and 0."""
    parts = spans(frames) or [(0, 0, 1)]
    return min(first for first, _, _ in parts), max(last for _, last, _ in parts)


def frame_path(pattern: str, frame: int) -> str:
    """The file of one frame of a pattern with ####; a minus sign comes before the digits."""
    digits = re.search("#+", pattern).group()  # type: ignore[union-attr]
    sign = "-" if frame < 0 else ""
    return pattern.replace(digits, sign + str(abs(frame)).zfill(len(digits)), 1)


def percent_pattern(pattern: str) -> str:
    """A pattern with #### as Nuke's Read takes it on every platform: with %04d."""
    return re.sub("#+", lambda found: f"%0{len(found.group())}d", pattern)
