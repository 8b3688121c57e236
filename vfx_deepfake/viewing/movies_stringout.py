"""Stringouts: many shots in cut order as one movie."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.media.movie import MovieSpec
from vfx_deepfake.media.slate import SlateInfo, burn_in, slate
from vfx_deepfake.media.timecode import advanced, exists
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.review_mark import marked
from vfx_deepfake.steps.review_pictures import look_of
from vfx_deepfake.viewing.movies_layout import fitted
from vfx_deepfake.viewing.movies_source import (
    Cut,
    Wanted,
    card_of,
    counted,
    one_rate,
    one_signal,
    pictures_of,
    require_place,
    require_shown,
    timecode_at,
    view_of,
    write,
)

SLATES = ("none", "front", "each")
TIMECODES = ("continuous", "source")
LEAST_PX, MOST_PX = 16, 16_384  # of a side


@dataclass(frozen=True, kw_only=True, slots=True)
class Stringing:
    """How shots are joined.

    title: on the front slate. slates: none, one at the front, or one before each shot. timecode: what is burnt in, the movie's own from
    ``start`` on, or each shot's; the movie's track always counts from ``start``. size: width and height, 0 for the first shot's.
    """

    title: str = "stringout"
    slates: str = "each"
    timecode: str = "continuous"
    start: str = "01:00:00:00"  # of the first picture that is no front slate
    size: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        for name, allowed in (("slates", SLATES), ("timecode", TIMECODES)):
            if getattr(self, name) not in allowed:
                raise DeliveryError(f"{name} is '{getattr(self, name)}'; choose one of {', '.join(allowed)}")
        if any(self.size) and not all(LEAST_PX <= side <= MOST_PX for side in self.size):
            raise DeliveryError(
                f"size is {self.size[0]} x {self.size[1]}; each side must lie between {LEAST_PX} and {MOST_PX} pixels"
            )


def make_stringout(cuts: Sequence[Cut], wanted: Wanted, how: Stringing, progress: Progress) -> dict[str, Any]:
    """Write the movie of cuts in their order; pictures of other sizes are fitted into the frame with black around them.

    Each shot's frames are dressed as its own ``[review]`` says, and marked with its own mark where that asks for one.
    Raises: DeliveryError without cuts, for mixed rates or displays, or a place that can't be written; ConsentError before anything is
    written; what the pictures raise.
    """
    if not cuts:
        raise DeliveryError(f"{wanted.out}: a stringout of no shots; name some")
    versions = [cut.version for cut in cuts]
    require_place(wanted, versions)
    rate, signal = one_rate(cuts, "stringout"), one_signal(cuts, wanted.view, "stringout")
    if not exists(how.start, rate):
        raise DeliveryError(f"start is '{how.start}'; want a timecode at {rate} frames a second, e.g. 01:00:00:00")
    releases = require_shown(versions)
    total = sum(len(cut.frames) for cut in cuts) + {"none": 0, "front": 1, "each": len(cuts)}[how.slates]
    begin = advanced(how.start, -1, rate) if how.slates == "front" else how.start
    spec = MovieSpec(frame_rate=rate, codec=wanted.codec, timecode=begin, signal=signal, tags={"title": how.title})
    pictures = counted(_frames(cuts, wanted, how, rate, total), total, "stringout", progress)
    made = write(wanted, pictures, spec, cuts, releases, progress)
    return {**made, "shots": [f"{cut} {cut.frames[0]}-{cut.frames[-1]}" for cut in cuts], "releases": list(releases)}


def _frames(cuts: Sequence[Cut], wanted: Wanted, how: Stringing, rate: Fraction, total: int) -> Iterator[np.ndarray]:
    """Every picture of the movie, at its size."""
    size = how.size if any(how.size) else cuts[0].size
    position = 0
    for index, cut in enumerate(cuts):
        dressed: Iterator[np.ndarray] = _dressed(cut, wanted, how, size, position, rate)
        if not index and how.slates == "front":
            first = next(pictures_of(cut, wanted.view))[1]
            dressed = chain([slate(_front(cuts, wanted, how, size, rate, total), *size, first)], dressed)
        yield from marked(cut.version.opened, cut.version.paths.number, dressed)
        position += len(cut.frames) + (how.slates == "each")


def _dressed(
    cut: Cut, wanted: Wanted, how: Stringing, size: tuple[int, int], position: int, rate: Fraction
) -> Iterator[np.ndarray]:
    """One shot's frames with burn-ins, and its slate; ``position`` is where it begins in the movie, the front slate not counted."""
    info = card_of(cut, require_shown([cut.version]), wanted.view)
    look = look_of(cut.version.settings.review)
    for frame, picture in pictures_of(cut, wanted.view):
        whole = fitted(picture, *size)
        if how.slates == "each" and frame == cut.frames[0]:
            yield slate(info, *size, picture)
            position += 1
        now = advanced(how.start, position, rate) if how.timecode == "continuous" else timecode_at(cut, frame)
        yield burn_in(whole, info, frame, now, look)
        position += 1


def _front(
    cuts: Sequence[Cut], wanted: Wanted, how: Stringing, size: tuple[int, int], rate: Fraction, total: int
) -> SlateInfo:
    """The card of the whole movie."""
    first = card_of(cuts[0], (), wanted.view)
    shows = sorted({cut.version.settings.shot.show for cut in cuts} - {""})
    return SlateInfo(
        show=", ".join(shows), shot="", version=how.title, date=dt.date.today().isoformat(), status=first.status,
        frames=f"{total - 1} in {len(cuts)} shots", note=", ".join(map(str, cuts)), vendor=first.vendor,
        resolution=f"{size[0]} x {size[1]}", frame_rate=str(rate), media_color=", ".join(view_of(cuts[0], wanted.view)),
    )  # fmt: skip
