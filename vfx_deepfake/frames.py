"""Frame numbers as text and as lists: ``1001-1100``, ``1001-1100x2``, ``1001,1009,1017``.

The grammar is fileseq's (also ``-5-3``, ``1-10y3``); this module turns it into sorted tuples and its failures into one plain line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import fileseq

from vfx_deepfake.errors import ShotError

MAX_FRAMES = 1_000_000  # a typing slip such as 1001-11000000 must not fill the memory
GRAMMAR = "write frames as 1001-1100, 1001-1100x2 or 1001,1009,1017-1020"


def parse_frames(text: str, where: str = "frames") -> tuple[int, ...]:
    """Frame numbers of a range text, sorted and without repeats.

    Raises: ShotError naming ``where``, the text and the grammar.
    """
    try:
        if re.search(r"\d\s+\d", text):  # fileseq would read "10 01" as 1001
            raise ValueError("a blank inside a number")
        found = fileseq.FrameSet(text.strip())
        if len(found) > MAX_FRAMES:
            raise ShotError(
                f"{where}: '{text}' is {len(found)} frames; at most {MAX_FRAMES} are taken; check the numbers"
            )
        numbers = tuple(sorted({int(frame) for frame in found}))
    except (fileseq.exceptions.FileSeqException, ValueError) as error:
        raise ShotError(f"{where}: '{text}' is not a frame range; {GRAMMAR}") from error
    if not numbers:
        raise ShotError(f"{where}: '{text}' holds no frame; {GRAMMAR}")
    return numbers


def format_frames(frames: Iterable[int]) -> str:
    """The shortest usual text for frame numbers: runs joined by a dash, equal steps as ``x``; empty for no frame."""
    numbers = sorted(set(frames))
    return ",".join(_run_text(run) for run in _runs(numbers))


def _runs(numbers: Sequence[int]) -> Iterable[list[int]]:
    """Split into runs of consecutive frames; a longer stretch of one larger step is one run too."""
    steps = {after - before for before, after in pairwise(numbers)}
    if len(numbers) > 2 and len(steps) == 1:
        yield list(numbers)
        return
    run: list[int] = []
    for number in numbers:
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _run_text(run: Sequence[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    step = run[1] - run[0]
    return f"{run[0]}-{run[-1]}" + (f"x{step}" if step > 1 else "")
