"""Square views of a picture around a face: cut, shrunk without aliasing, turned, and points carried back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window, cut


@dataclass(frozen=True, eq=False)
class Patch:
    """Pixels around a place of the plate and where they came from: plate = corner + pixels / scale."""

    pixels: np.ndarray
    corner: np.ndarray
    scale: float

    def to_plate(self, points: np.ndarray) -> np.ndarray:
        """Patch pixels (N, 2) as plate pixels."""
        return np.asarray(points / self.scale + self.corner)

    def from_plate(self, points: np.ndarray) -> np.ndarray:
        """Plate pixels (N, 2) as patch pixels."""
        return np.asarray((points - self.corner) * self.scale)


def cut_patch(image: np.ndarray, window: Window, box: Window, scale: float) -> Patch:
    """The pixels of ``box`` at ``scale`` (never enlarged); what lies outside the image repeats its edge.

    Shapes: image (H, W, C) float32 covering ``window``.
    """
    scale = min(scale, 1.0)
    pixels = cut(image, window, box)
    if scale < 1.0:
        size = (max(round(box.width * scale), 1), max(round(box.height * scale), 1))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        scale = size[0] / box.width
    return Patch(pixels, np.array([box.x, box.y], np.float64), scale)


def turned_view(patch: np.ndarray, centre: np.ndarray, side: float, angle: float, out_px: int) -> TurnedPatch:
    """A square of ``side`` patch pixels about ``centre``, turned by ``angle`` radians, as an ``out_px`` picture."""
    scale = out_px / side
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shift = out_px / 2 - turn @ centre
    move = np.concatenate([turn, shift[:, None]], axis=1)
    drawn = move.copy()
    drawn[:, 2] += turn @ (0.5, 0.5) - 0.5  # OpenCV puts pixel centres on whole numbers
    pixels = cv2.warpAffine(patch, drawn, (out_px, out_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return TurnedPatch(pixels, move)


@dataclass(frozen=True, eq=False)
class TurnedPatch:
    """A turned view and the (2, 3) matrix that made it."""

    pixels: np.ndarray
    matrix: np.ndarray

    def back(self, points: np.ndarray) -> np.ndarray:
        """View pixels (N, 2) as pixels of the picture it was cut from."""
        return np.asarray((points - self.matrix[:, 2]) @ np.linalg.inv(self.matrix[:, :2]).T)


def square_around(box: np.ndarray, factor: float) -> Window:
    """The square window about a (left, top, right, bottom) box, ``factor`` times its longer side."""
    centre = (box[:2] + box[2:]) / 2
    side = max(float(max(box[2] - box[0], box[3] - box[1])) * factor, 8.0)
    x, y = np.round(centre - side / 2).astype(int)
    return Window(int(x), int(y), round(side), round(side))


def tiles(window: Window, side: int) -> list[Window]:
    """Square tiles of ``side`` that cover a window and overlap by half; one tile where the window is smaller."""

    def starts(first: int, length: int) -> list[int]:
        if length <= side:
            return [first + (length - side) // 2]
        count = -(-(length - side) * 2 // side) + 1
        return [first + round(k * (length - side) / (count - 1)) for k in range(count)]

    return [Window(x, y, side, side) for y in starts(window.y, window.height) for x in starts(window.x, window.width)]
