"""The plate's own face as views: aligned like a faceset's crops, from the shot's smoothed track."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.topology import MEDIAPIPE
from vfx_deepfake.faceset.align import align_matrix, aligned_pose, moved, warp_to_crop
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.identity.method import ShotViews, View

KEPT = 4  # views held; a frame is asked for by the model, its correction and the colour match
ALIGNED_MARGIN = (
    0.32  # of the face's box: a plate crop with it holds the aligned one unless the head is tilted; measured
)


class PlateViews:
    """Views of the frames that show the face, ``size`` pixels a side, made when asked for; KEPT of them are held.

    ``reach`` is the plate's data window: beyond it a view is not valid. Safe to share between threads.
    Raises: TrackError for a track that is not MediaPipe's: alignment must know which point is where.
    """

    def __init__(self, source: CropSource, size: int, reach: Window) -> None:
        if source.track.topology != MEDIAPIPE:
            raise TrackError(
                f"face track: holds {source.track.points.shape[1]} points of an artist; an identity needs MediaPipe's "
                "478 to line up with its facesets; set [track].method = 'mediapipe', or import such a track"
            )
        self.source, self.size, self.reach = source, size, reach
        self._lock = threading.Lock()
        self._views: OrderedDict[int, View] = OrderedDict()

    def matrix(self, frame: int) -> np.ndarray:
        """(2, 3) from plate pixels to view pixels.

        Raises: TrackError where the frame has no face.
        """
        return align_matrix(self.source.track.points_at(frame), self.size)

    def view(self, frame: int) -> View:
        """The degrained plate's face.

        Raises: TrackError where the frame has no face; what the source's readers raise.
        """
        with self._lock:
            if frame not in self._views:
                self._views[frame] = self._made(frame)
                while len(self._views) > KEPT:
                    self._views.popitem(last=False)
            self._views.move_to_end(frame)
            return self._views[frame]

    def shot(self) -> ShotViews:
        """All of them, as methods are given them."""
        return ShotViews(self.source.frames, self.view)

    def _made(self, frame: int) -> View:
        crop, matrix = self.source.crop(frame), self.matrix(frame)
        inside = crop.window.intersect(self.reach)
        if inside.empty:
            raise TrackError(f"frame {frame}: its face lies outside the picture; mend the track there")
        picture = np.ascontiguousarray(cut(crop.image_log, crop.window, inside))
        image_log, valid = warp_to_crop(picture, inside, matrix, self.size)
        points = moved(crop.points, matrix).astype(np.float32)
        return View(np.asarray(image_log, np.float32), points, aligned_pose(crop.points), valid)
