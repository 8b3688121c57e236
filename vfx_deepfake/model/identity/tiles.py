"""Close-ups: views too large to be learnt from, lit and painted whole.

What is coarse (light, level, weights) is read from a smaller view. Lessons are windows of a view. A network's pass goes in tiles
that overlap by what a pixel of its result depends on, so that tiles and the whole give the same picture. Nothing here
changes views of up to WHOLE_PX a side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vfx_deepfake.model.identity.method import View

if TYPE_CHECKING:
    from torch import Tensor, nn

WHOLE_PX = 512  # side of the largest view that is learnt from whole; assumed
LESSON_PX = 384  # side of the windows of larger ones: twice what a pixel of the painter looks at; assumed
PASS_PX = 768  # side of the largest picture that a network is given whole; its memory grows with the square. Assumed
RIM_PX = 32  # over which a window's lesson begins to count: what its edge cuts off can't be known. Assumed
USES = 8  # of a window on average before another takes its place; making one costs more than learning from it once. Assumed


def times_smaller(size: int, most: int | None = None) -> int:
    """The whole number of times by which a side is divided to be at most ``most`` (WHOLE_PX)."""
    return -(-size // (most or WHOLE_PX))


def is_large(size: int) -> bool:
    """Whether views of a side are taken in windows."""
    return size > WHOLE_PX


def lesson_side(size: int) -> int:
    """The side of what is learnt from at once, px."""
    return LESSON_PX if is_large(size) else size


def smaller(view: View) -> View:
    """The view at a side of at most WHOLE_PX, averaged; one that is not larger is returned itself."""
    size = view.size
    if not is_large(size):
        return view
    side = round(size / times_smaller(size))
    picture, valid = (shrunk(planes, side) for planes in (view.image_log, view.valid))
    return View(picture, view.points * np.float32(side / size), view.pose, valid)


def shrunk(planes: np.ndarray, side: int) -> np.ndarray:
    """Planes (S, S) or (S, S, C) averaged to ``side`` px a side."""
    return np.asarray(cv2.resize(np.ascontiguousarray(planes), (side, side), interpolation=cv2.INTER_AREA), np.float32)


def enlarged(planes: np.ndarray, size: int) -> np.ndarray:
    """Smooth planes (s, s) or (s, s, C) at ``size`` px a side, bilinear; of that size already, the same ones."""
    if len(planes) == size:
        return planes
    return np.asarray(cv2.resize(planes, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


@dataclass(frozen=True, slots=True)
class Part:
    """A square of a square view: its first column and row, its side, and the side of the whole, all px."""

    x: int
    y: int
    side: int
    whole: int

    def grown(self, room: int) -> Part:
        """A square that holds this one and ``room`` px round it, as far as the view goes."""
        side = min(self.side + 2 * room, self.whole)
        x, y = (min(max(start - room, 0), self.whole - side) for start in (self.x, self.y))
        return Part(x, y, side, self.whole)

    def of(self, planes: np.ndarray) -> np.ndarray:
        """Its pixels of planes (S, S, ...) of the whole."""
        return planes[self.y : self.y + self.side, self.x : self.x + self.side]

    def within(self, other: Part) -> Part:
        """The same square as a part of ``other``, which holds it."""
        return Part(self.x - other.x, self.y - other.y, self.side, other.side)

    def moved(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) of the whole, px of this part."""
        return np.asarray(points - np.array((self.x, self.y), points.dtype))

    def view(self, view: View) -> View:
        """This part of a view as a view of its own, with the points of the whole face."""
        return View(self.of(view.image_log), self.moved(view.points), view.pose, self.of(view.valid))

    def rim(self) -> np.ndarray:
        """(side, side) float32: 1 inside, down to 0 at edges beyond which the view goes on."""
        at = np.arange(self.side)
        across, down = (_ramp(at, start, start + self.side < self.whole) for start in (self.x, self.y))
        return np.outer(down, across)


def _ramp(at: np.ndarray, start: int, goes_on: bool) -> np.ndarray:
    first = (at + 0.5) / RIM_PX if start > 0 else np.ones(len(at))
    last = (len(at) - at - 0.5) / RIM_PX if goes_on else np.ones(len(at))
    return np.minimum(np.minimum(first, last), 1).astype(np.float32)


def drawn(rng: np.random.Generator, weight: np.ndarray, size: int, multiple: int) -> Part:
    """A part of LESSON_PX round a pixel that is drawn as often as it counts, first column and row multiples of ``multiple``.

    Shapes: weight (s, s) of a smaller view; ``size``: side of the whole, px. Without any weight the middle is taken.
    """
    side = min(LESSON_PX, size)
    total = np.cumsum(weight, dtype=np.float64)
    chance, middle = rng.random(), len(weight) ** 2 // 2 + len(weight) // 2
    at = int(np.searchsorted(total, chance * total[-1], side="right")) if total[-1] > 0 else middle
    row, column = divmod(min(at, total.size - 1), len(weight))
    x, y = (round(((one + 0.5) * size / len(weight) - side / 2) / multiple) * multiple for one in (column, row))
    return Part(min(max(x, 0), size - side), min(max(y, 0), size - side), side, size)


def spans(length: int, reach: int, multiple: int) -> list[tuple[slice, slice]]:
    """What a pass is given and which of it is kept, tile after tile of a side.

    Those kept touch and cover the side; what is given holds ``reach`` px more where the side goes on. Tiles begin and end at multiples of
    ``multiple``, so that what a network halves stays in step. One tile where PASS_PX is enough.
    """
    room = -(-reach // multiple) * multiple
    for count in range(1, length // multiple + 1):
        core = -(-length // (count * multiple)) * multiple
        kept = [slice(start, min(start + core, length)) for start in range(0, length, core)]
        given = [slice(max(one.start - room, 0), min(one.stop + room, length)) for one in kept]
        if max(one.stop - one.start for one in given) <= max(PASS_PX, multiple + 2 * room):
            break
    return list(zip(given, kept, strict=True))


def in_tiles(
    run: Callable[[Tensor], tuple[Tensor, ...]], planes: Tensor, reach: int, multiple: int
) -> tuple[Tensor, ...]:
    """What ``run`` makes of planes (B, C, H, W), in tiles where they are large.

    ``run`` gives tensors of its input's height and width, whose pixels depend on ``reach`` px to each side at most and shift with the
    input by multiples of ``multiple``; H and W are such multiples.
    """
    height, width = planes.shape[-2:]
    rows, columns = spans(height, reach, multiple), spans(width, reach, multiple)
    if len(rows) == len(columns) == 1:
        return run(planes)
    out: tuple[Tensor, ...] = ()
    for given_y, kept_y in rows:
        for given_x, kept_x in columns:
            made = run(planes[..., given_y, given_x])
            out = out or tuple(one.new_empty(*one.shape[:-2], height, width) for one in made)
            inside_y = slice(kept_y.start - given_y.start, kept_y.stop - given_y.start)
            inside_x = slice(kept_x.start - given_x.start, kept_x.stop - given_x.start)
            for picture, part in zip(out, made, strict=True):
                picture[..., kept_y, kept_x] = part[..., inside_y, inside_x]
    return out


def spread_of(block: nn.Module, cell: int) -> tuple[int, int]:
    """How many pixels to each side a run of convolutions looks when it begins at cells of ``cell`` px, and the cell it ends at."""
    from torch.nn import Conv2d  # slow to load, and the size of a lesson is asked for without it

    spread = 0
    for layer in block.modules():
        if isinstance(layer, Conv2d):
            spread += cell * (layer.kernel_size[0] // 2)
            cell *= layer.stride[0]
    return spread, cell
