"""Windows of whole plate pixels, and cutting and pasting images by them.

Convention: plate coordinates as in docs/design.md. A window's ``x``, ``y`` name its first column and row, so the
centre of its first pixel is (x + 0.5, y + 0.5); ``x`` and ``y`` may be negative (overscan). Nothing here resamples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of whole plate pixels; ``width`` or ``height`` 0 means empty.

    Raises: ValueError for a negative size.
    """

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 0 or self.height < 0:
            raise ValueError(f"a window's size can't be negative, got {self.width} x {self.height}")

    @classmethod
    def of_image(cls, image: np.ndarray, x: int = 0, y: int = 0) -> Window:
        """The window an (H, W) or (H, W, C) image covers when its first pixel sits at (x, y)."""
        return cls(x, y, image.shape[1], image.shape[0])

    @classmethod
    def around(cls, points: np.ndarray) -> Window:
        """The smallest window that holds every finite point.

        Shapes: points (..., 2) plate pixels. Returns an empty window at (0, 0) where no point is finite.
        """
        flat = np.asarray(points, np.float64).reshape(-1, 2)
        flat = flat[np.isfinite(flat).all(axis=1)]
        if not len(flat):
            return cls(0, 0, 0, 0)
        x, y = (int(v) for v in np.floor(flat.min(axis=0)))
        right, bottom = (int(v) for v in np.ceil(flat.max(axis=0)))
        return cls(x, y, max(right - x, 1), max(bottom - y, 1))

    @property
    def right(self) -> int:
        """First column past the window."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row past the window."""
        return self.y + self.height

    @property
    def empty(self) -> bool:
        """True where the window holds no pixel."""
        return self.width == 0 or self.height == 0

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), the first two entries of the shape of an image of this window."""
        return self.height, self.width

    def contains(self, other: Window) -> bool:
        """True where every pixel of ``other`` is in this window; an empty window is contained anywhere."""
        return other.empty or (
            self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom
        )

    def intersect(self, other: Window) -> Window:
        """The pixels both windows share; an empty window where they share none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width, height = min(self.right, other.right) - x, min(self.bottom, other.bottom) - y
        return Window(x, y, width, height) if width > 0 and height > 0 else Window(x, y, 0, 0)

    def union(self, other: Window) -> Window:
        """The smallest window that holds both; an empty window adds nothing."""
        if self.empty or other.empty:
            return other if self.empty else self
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Window(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def expand(self, px: int) -> Window:
        """Grown by ``px`` on every side (negative shrinks, at least to empty)."""
        width, height = max(self.width + 2 * px, 0), max(self.height + 2 * px, 0)
        return Window(self.x - px, self.y - px, width, height)

    def shift(self, dx: int, dy: int) -> Window:
        """Moved by whole pixels."""
        return Window(self.x + dx, self.y + dy, self.width, self.height)

    def slices(self, of: Window) -> tuple[slice, slice]:
        """(rows, columns) of this window inside an image that covers the window ``of``.

        Raises: ValueError where this window reaches outside ``of``.
        """
        if not of.contains(self):
            raise ValueError(f"{self} reaches outside the image's window {of}")
        if self.empty:
            return slice(0, 0), slice(0, 0)
        return slice(self.y - of.y, self.bottom - of.y), slice(self.x - of.x, self.right - of.x)


def common_size(boxes: Iterable[Window], multiple: int, margin: float) -> tuple[int, int]:
    """(width, height) that holds every box grown by ``margin`` (a share of its size, both sides), rounded up to
    ``multiple``.

    Empty boxes are ignored. Returns (0, 0) where no box holds a pixel.
    """
    sizes = [(box.width, box.height) for box in boxes if not box.empty]
    if not sizes:
        return 0, 0
    wide, high = (max(side) * (1 + 2 * margin) for side in zip(*sizes, strict=True))
    return int(-(-wide // multiple)) * multiple, int(-(-high // multiple)) * multiple


def centred(box: Window, width: int, height: int) -> Window:
    """The window of the given size whose centre is nearest to the box's, in whole pixels."""
    return Window(box.x + (box.width - width) // 2, box.y + (box.height - height) // 2, width, height)


def cut(image: np.ndarray, image_window: Window, window: Window) -> np.ndarray:
    """Copy ``window`` out of an image; pixels outside the image repeat its nearest edge pixel.

    Shapes: image (H, W) or (H, W, C), any type, covering ``image_window``. Returns a contiguous copy of
    ``window``'s shape.
    Raises: ValueError where the image does not cover its window or holds no pixel.
    """
    _check_cover(image, image_window)
    if image_window.contains(window):
        return np.ascontiguousarray(image[window.slices(image_window)]).copy()
    if image_window.empty:
        raise ValueError(f"can't cut {window} out of an empty image")
    rows = np.clip(np.arange(window.y, window.bottom) - image_window.y, 0, image_window.height - 1)
    columns = np.clip(np.arange(window.x, window.right) - image_window.x, 0, image_window.width - 1)
    return np.ascontiguousarray(image[rows[:, None], columns[None, :]])


def paste(image: np.ndarray, image_window: Window, patch: np.ndarray, patch_window: Window) -> None:
    """Write a patch into an image in place; what falls outside the image is dropped.

    Shapes: image and patch (H, W) or (H, W, C) of one type, each covering its window.
    Raises: ValueError where one of them does not cover its window.
    """
    _check_cover(image, image_window)
    _check_cover(patch, patch_window)
    shared = image_window.intersect(patch_window)
    if not shared.empty:
        image[shared.slices(image_window)] = patch[shared.slices(patch_window)]


def _check_cover(image: np.ndarray, window: Window) -> None:
    if image.shape[:2] != window.shape:
        raise ValueError(f"an image of {image.shape[1]} x {image.shape[0]} pixels does not cover {window}")
