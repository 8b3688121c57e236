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
    reel = _Reel(tuple(cuts), wanted.view, how, rate, require_shown(versions))
    begin = advanced(how.start, -1, rate) if how.slates == "front" else how.start
    spec = MovieSpec(frame_rate=rate, codec=wanted.codec, timecode=begin, signal=signal, tags={"title": how.title})
    pictures = counted(reel.pictures(), reel.num_frames + reel.num_slates, "stringout", progress)
    made = write(wanted, pictures, spec, cuts, reel.releases, progress)
    return {
        **made,
        "shots": [f"{cut} {cut.frames[0]}-{cut.frames[-1]}" for cut in cuts],
        "releases": list(reel.releases),
    }


@dataclass(frozen=True, slots=True)
class _Reel:
    """A stringout that may be made."""

    cuts: tuple[Cut, ...]
    view: tuple[str, str]
    how: Stringing
    rate: Fraction
    releases: tuple[str, ...]

    @property
    def num_frames(self) -> int:
        """Frames of all shots."""
        return sum(len(cut.frames) for cut in self.cuts)

    @property
    def num_slates(self) -> int:
        """Cards among them."""
        return {"none": 0, "front": 1, "each": len(self.cuts)}[self.how.slates]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the movie."""
        return self.how.size if any(self.how.size) else self.cuts[0].size

    def pictures(self) -> Iterator[np.ndarray]:
        """Every picture of the movie."""
        position = 0
        for index, cut in enumerate(self.cuts):
            dressed = self._dressed(cut, position)
            if not index and self.how.slates == "front":
                dressed = chain([self._front()], dressed)
            yield from marked(cut.version.opened, cut.version.paths.number, dressed)
            position += len(cut.frames) + (self.how.slates == "each")

    def _dressed(self, cut: Cut, position: int) -> Iterator[np.ndarray]:
        """One shot's slate and frames with burn-ins; ``position`` is where it begins in the movie, the front slate not counted."""
        info = card_of(cut, require_shown([cut.version]), self.view)
        look = look_of(cut.version.settings.review)
        for frame, picture in pictures_of(cut, self.view):
            if self.how.slates == "each" and frame == cut.frames[0]:
                yield slate(info, *self.size, picture)
                position += 1
            own = self.how.timecode == "source"
            now = timecode_at(cut, frame) if own else advanced(self.how.start, position, self.rate)
            yield burn_in(fitted(picture, *self.size), info, frame, now, look)
            position += 1

    def _front(self) -> np.ndarray:
        """The card of the whole movie, with its first frame."""
        first = card_of(self.cuts[0], self.releases, self.view)
        released = f"{_counted(self.releases, 'release')}: {', '.join(self.releases)}"
        shows = sorted({cut.version.settings.shot.show for cut in self.cuts} - {""})
        info = SlateInfo(
            show=", ".join(shows), shot="", version=self.how.title, date=dt.date.today().isoformat(), status=first.status,
            frames=f"{self.num_frames} in {_counted(self.cuts, 'shot')}", note=", ".join(map(str, self.cuts)), vendor=first.vendor,
            resolution=f"{self.size[0]} x {self.size[1]}", frame_rate=str(self.rate), media_color=first.media_color,
            likeness=f"digitally altered; {released}" if self.releases else "not altered",
        )  # fmt: skip
        return slate(info, *self.size, next(pictures_of(self.cuts[0], self.view))[1])


def _counted(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
