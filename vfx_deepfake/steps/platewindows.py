"""Windows of the plate as the work needs them, from a few frames kept in memory, each read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.image.blend import HALF_MAX
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import RADIUS
from vfx_deepfake.image.grain import GrainModel
from vfx_deepfake.media.exr import Frame
from vfx_deepfake.steps.comp import SAME_SPACE, Spaces
from vfx_deepfake.steps.streaming import READ_AHEAD

Repair = Callable[[np.ndarray], np.ndarray]  # (h, w, 3) with NaN or Inf to one without


class PlateWindows:
    """Plate frames by number, and windows of them in the working space; safe to use from several threads.

    ``read`` gives a frame as it is on disk. Only the windows asked for are converted. ``repair`` replaces pixels that
    are not finite, for the work only; without it NaN counts as black. At most ``keep`` frames are kept
    (:func:`frames_to_keep`).
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
            pixels = (self._repair or finite)(pixels)
        return finite(self._spaces.working(pixels))

    def log(self, number: int, window: Window) -> np.ndarray:
        """(h, w, 3) in the model encoding."""
        return encode_log(self.lin(number, window))


def frames_to_keep(grain: GrainModel) -> int:
    """How many frames rendering holds: the one in work and those read ahead; with grain its neighbours too."""
    return READ_AHEAD + 2 + (0 if grain.clean else 2 * RADIUS)


def finite(pixels: np.ndarray) -> np.ndarray:
    """NaN as 0 and values beyond HALF_MAX held there, so that sums and squares of what is left stay finite.

    Such light is no picture: half can't hold it. What is cut off returns with the grain, N = P - D, so it is not lost.
    """
    if not pixels.size or (pixels.min() >= -HALF_MAX and pixels.max() <= HALF_MAX):  # NaN fails both
        return pixels
    return np.clip(np.nan_to_num(pixels, nan=0.0), -HALF_MAX, HALF_MAX)
