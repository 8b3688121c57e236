"""A/B movies: two versions, or a version and its plate, in one picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.movie import MovieSpec
from vfx_deepfake.media.slate import Look, SlateInfo, burn_in, slate
from vfx_deepfake.media.timecode import advanced
from vfx_deepfake.progress import Progress
from vfx_deepfake.settings.delivery import BurnInSpec
from vfx_deepfake.steps.review_mark import marked
from vfx_deepfake.viewing.movies_layout import LAYOUTS, composed, fitted
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
from vfx_deepfake.viewing.published import VERSION

MOST_PX = 4096  # of a side; larger pictures are made smaller, because players of H.264 stop there
WORDS = {"side": "side by side", "wipe": "wipe", "stacked": "stacked", "difference": "difference"}
BELOW = BurnInSpec(top_left="", top="", top_right="", bottom_left="{show}  {date}  {color}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AbLook:
    """How two sides are put together. ``gain``: of the difference; ``slate``: a card ahead of them."""

    layout: str = "side"
    gain: float = 8.0
    slate: bool = True

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise DeliveryError(f"layout is '{self.layout}'; choose one of {', '.join(LAYOUTS)}")
        if not 0 < self.gain <= 1000:
            raise DeliveryError(f"gain is {self.gain:g}; it must lie above 0, up to 1000")


def shared_cuts(left: Cut, right: Cut) -> tuple[Cut, Cut]:
    """Both sides over the frames that both have.

    Raises: DeliveryError where there is none.
    """
    frames = tuple(frame for frame in left.frames if frame in set(right.frames))
    if not frames:
        raise DeliveryError(
            f"{left} has {format_frames(left.frames)}, {right} has {format_frames(right.frames)}; they share no frame"
        )
    return replace(left, frames=frames), replace(right, frames=frames)


def make_ab(left: Cut, right: Cut, wanted: Wanted, look: AbLook, progress: Progress) -> dict[str, Any]:
    """Write the movie of two sides; the right one is fitted into the left one's frame.

    A mark, where ``[review].mark`` asked for one, is that of the first side that is a version and no plate.
    Raises: DeliveryError for sides that don't go together or a place that can't be written; ConsentError; what the pictures raise.
    """
    left, right = shared_cuts(left, right)
    cuts = (left, right)
    versions = [cut.version for cut in cuts]
    require_place(wanted, versions)
    rate, signal = one_rate(cuts, "A/B"), one_signal(cuts, wanted.view, "A/B")
    releases = require_shown(versions)
    start = timecode_at(left, left.frames[0])
    title = f"{left} | {right}"
    spec = MovieSpec(frame_rate=rate, codec=wanted.codec, timecode=advanced(start, -look.slate, rate), signal=signal,
                     tags={"title": title})  # fmt: skip
    source = next((cut for cut in cuts if cut.of == VERSION), left)
    info = replace(card_of(source, releases, wanted.view), version=title, note=WORDS[look.layout])
    pictures = marked(source.version.opened, source.version.paths.number, _frames(cuts, wanted.view, look, info))
    shown = counted(pictures, len(left.frames) + look.slate, "a/b", progress)
    return write(wanted, shown, spec, cuts, releases, progress)


def _frames(cuts: tuple[Cut, Cut], view: tuple[str, str], look: AbLook, info: SlateInfo) -> Iterator[np.ndarray]:
    left, right = cuts
    width, height = left.size
    both = zip(pictures_of(left, view), pictures_of(right, view), strict=True)
    for index, ((frame, one), (_, other)) in enumerate(both):
        picture = composed(look.layout, one, fitted(other, width, height), (str(left), str(right)), look.gain)
        if max(picture.shape) > MOST_PX:
            scale = MOST_PX / max(picture.shape)
            picture = fitted(picture, round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        if look.slate and not index:
            yield slate(info, picture.shape[1], picture.shape[0], picture)
        yield burn_in(picture, info, frame, timecode_at(left, frame), Look(burn_in=BELOW))
