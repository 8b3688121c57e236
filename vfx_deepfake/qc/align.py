"""A frame and its neighbours laid on it along the plate's own motion, so that what differs is grain or a fault."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import motion
from vfx_deepfake.image.flow import sample


@dataclass(frozen=True, eq=False)
class View:
    """What is kept of one frame, all over ``window``: (h, w, 3) log, or (h, w).

    plate_log, result_log: as photographed and as delivered. matte: 1 = replaced. plate_clean_log, result_clean_log: the same
    without grain, as the version's layers have them, where ``known`` (bool) says so; the plain picture elsewhere.
    full_grain: the grain that a face which was never degrained must have, None for one that is made of degrained plates.
    another: the face is that of a faceset; its features need not lie where the plate's do.
    """

    window: Window
    plate_log: np.ndarray
    result_log: np.ndarray
    matte: np.ndarray
    plate_clean_log: np.ndarray
    result_clean_log: np.ndarray
    known: np.ndarray
    full_grain: np.ndarray | None = None
    another: bool = False

    @property
    def plate_grain(self) -> np.ndarray:
        """(h, w, 3) log: what the result's grain is held against, 0 where that is not known.

        The plate less its clean picture, which leaves out what degraining left in the clean one; for a face that was never
        degrained, all of the plate's grain.
        """
        return self.plate_log - self.plate_clean_log if self.full_grain is None else self.full_grain

    @property
    def result_grain(self) -> np.ndarray:
        """(h, w, 3) log: the delivered frame less its clean comp; 0 where that is not known."""
        return self.result_log - self.result_clean_log

    def cut(self, window: Window) -> View:
        """The same over another window; pictures repeat their edge, matte and ``known`` are 0 outside."""
        if window == self.window:
            return self
        inside = np.zeros(window.shape, bool)
        inside[window.intersect(self.window).slices(window)] = True
        plate, result, plate_clean, result_clean = (
            cut(image, self.window, window)
            for image in (self.plate_log, self.result_log, self.plate_clean_log, self.result_clean_log)
        )
        matte = cut(self.matte, self.window, window) * inside
        known = cut(self.known, self.window, window) & inside
        full = None if self.full_grain is None else cut(self.full_grain, self.window, window) * inside[..., None]
        return View(window, plate, result, matte, plate_clean, result_clean, known, full, self.another)


def carry(frame: View, neighbour: View) -> View:
    """A neighbour laid on a frame: everything of it along the motion between the two *plates*, their grain taken off.

    The same motion and the same bilinear sampling for plate and result: what they do to grain, they do to both.
    """
    still = neighbour.cut(frame.window)
    positions = motion(frame.plate_clean_log, still.plate_clean_log, frame.window)

    def moved(image: np.ndarray) -> np.ndarray:
        return sample(image, frame.window, positions, sharp=False)

    known = moved(still.known.astype(np.float32)) > 0.999  # every pixel that was mixed is known
    return View(
        frame.window,
        moved(still.plate_log),
        moved(still.result_log),
        moved(still.matte),
        moved(still.plate_clean_log),
        moved(still.result_clean_log),
        known,
        None if still.full_grain is None else moved(still.full_grain),
        still.another,
    )


def left_over(picture_log: np.ndarray, carried_logs: list[np.ndarray], detail_px: float) -> np.ndarray:
    """What is new in a picture against the mean of its carried neighbours, slow parts taken off: grain, and whatever boils.

    Shapes: all (h, w, 3) log; returns the same. ``detail_px``: deviation of the blur that is taken off, so that a
    change of light is not taken for grain.
    """
    rest = np.asarray(picture_log - np.mean(carried_logs, axis=0), np.float32)
    return rest - cv2.GaussianBlur(rest, (0, 0), detail_px)
