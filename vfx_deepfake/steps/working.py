"""Windows of the plate in the model encoding, read once although several frames ask for them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from threading import Lock

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.media.exr import Frame
from vfx_deepfake.media.plate import Plate

KEEP = 8  # windows; degraining asks for five frames around each, propagation for a few key frames
SPARE_PX = 48  # at least this is kept around what was asked for, because the face moves to the next frame
SPARE_SHARE = 10  # and at least this part of the window, because it moves by more pixels in a larger picture


class WorkingPlate:
    """Reads windows of plate frames as log; memory is a few windows, however long the shot. Safe to use from several threads."""

    def __init__(self, plate: Plate) -> None:
        self.plate = plate
        self._kept: OrderedDict[int, tuple[Window, np.ndarray]] = OrderedDict()
        self._lock = Lock()

    def log(self, frame: int, window: Window) -> np.ndarray:
        """The window of one frame, (h, w, 3) float32 in the model encoding; edge pixels are repeated outside the data window.

        Raises: PlateError for a damaged frame.
        """
        with self._lock:
            kept = self._kept.get(frame)
            if kept is not None and kept[0].contains(window):
                self._kept.move_to_end(frame)
                return cut(kept[1], kept[0], window)
        wide, wide_log = self.keep(frame, self.plate.read(frame), window)
        return cut(wide_log, wide, window)

    def keep(self, frame: int, picture: Frame, window: Window) -> tuple[Window, np.ndarray]:
        """Take the surroundings of a window out of a frame that was read anyway; :meth:`log` then reads no file for it.

        Returns the window that is kept, larger than the one asked for, and its pixels in the model encoding.
        """
        wide = window.expand(max(SPARE_PX, max(window.shape) // SPARE_SHARE))
        own = np.ascontiguousarray(cut(picture.pixels[..., :3], picture.data_window, wide))
        pixels = self.plate.to_working(replace(picture, pixels=own, data_window=wide)).pixels
        wide_log = np.asarray(encode_log(pixels), np.float32)
        with self._lock:
            self._kept[frame] = (wide, wide_log)
            self._kept.move_to_end(frame)
            while len(self._kept) > KEEP:
                self._kept.popitem(last=False)
        return wide, wide_log
