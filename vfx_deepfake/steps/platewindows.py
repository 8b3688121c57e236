"""Windows of the plate as the work needs them, from a few frames kept in memory, each read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.media.exr import Frame
from vfx_deepfake.steps.comp import SAME_SPACE, Spaces

Repair = Callable[[np.ndarray], np.ndarray]  # (h, w, 3) with NaN or Inf to one without


class PlateWindows:
    """Plate frames by number, and windows of them in the working space; safe to use from several threads.

    ``read`` gives a frame as it is on disk. Only the windows asked for are converted. ``repair`` replaces pixels that are
    not finite, for the work only; without it they count as black. At most ``keep`` frames are alive.
    """

    def __init__(
        self,
        read: Callable[[int], Frame],
        spaces: Spaces = SAME_SPACE,
        repair: Repair | None = None,
        keep: int = 4,
    ) -> None:
        self._read, self._spaces, self._repair, self._keep = read, spaces, repair, keep
        self._lock = Lock()
        self._frames: OrderedDict[int, Future[Frame]] = OrderedDict()

    def frame(self, number: int) -> Frame:
        """The whole frame as read; a second thread that asks for it meanwhile waits for the first one's."""
        with self._lock:
            known = self._frames.get(number)
            coming = known or self._frames.setdefault(number, Future())
            self._frames.move_to_end(number)
            while len(self._frames) > self._keep:
                self._frames.popitem(last=False)
        if known is None:
            try:
                coming.set_result(self._read(number))
            except BaseException as error:
                coming.set_exception(error)
                with self._lock:
                    self._frames.pop(number, None)
                raise
        return coming.result()

    def lin(self, number: int, window: Window) -> np.ndarray:
        """(h, w, 3) scene-linear in the working space, finite, edges repeated outside the picture."""
        frame = self.frame(number)
        pixels = cut(frame.pixels[..., :3], frame.data_window, window)
        if not np.isfinite(pixels).all():
            repair = self._repair or blacken
            pixels = repair(pixels)
        return self._spaces.working(pixels)

    def log(self, number: int, window: Window) -> np.ndarray:
        """(h, w, 3) in the model encoding."""
        return encode_log(self.lin(number, window))


def blacken(pixels: np.ndarray) -> np.ndarray:
    """Values that are not finite replaced by 0."""
    return np.where(np.isfinite(pixels), pixels, np.float32(0))
