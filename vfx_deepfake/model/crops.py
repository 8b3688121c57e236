"""Where the model's pixels come from: crops of the plate round the face, read when needed, few kept.

The model knows nothing of files or colour: two functions are handed in that read a window of a frame.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from vfx_deepfake.errors import KeyframeError, TrackError
from vfx_deepfake.face.mesh import rasterise
from vfx_deepfake.face.topology import Mesh
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window, centred, common_size
from vfx_deepfake.model.paint import Crop, PaintedKey, face_scale, take_apart

# (frame, window) -> (h, w, 3) float32: the degrained plate, log encoded; edge pixels repeated outside the plate.
ReadPlate = Callable[[int, Window], np.ndarray]
# (frame, window) -> painting (h, w, C) float32 (C = 3 log encoded and degrained, or 1 for roto) and valid (h, w) 0..1.
ReadPainted = Callable[[int, Window], tuple[np.ndarray, np.ndarray]]

LEVELS = 3  # halvings in the network; it takes sides that are multiples of 2 ** LEVELS
MULTIPLE = 16  # sides of a crop, for the network's halvings
MARGIN = 0.2  # of the face's box on each side: room for the jaw, ears and the flow
KEPT_CROPS, LEAST_CROPS = 8, 2  # plate crops held; a render walks through neighbours
KEPT_KEYS, LEAST_KEYS = 4, 3  # painted frames held, taken apart; a target uses three
KEPT_MIB = 256  # large crops are held in smaller numbers, so that either kind takes about this much


class CropSource:
    """Crops of one shot. Holds at most KEPT_CROPS + KEPT_KEYS crops, however long the shot.

    ``keyframes`` are the painted frames' numbers; ``margin`` is added to the face's box on each side, a share of it.
    Every crop has one size, a multiple of MULTIPLE, at a whole-pixel place. Safe to share between threads; one of them
    reads at a time.
    Raises: KeyframeError where a painted frame shows no tracked face; TrackError for a track without a face.
    """

    def __init__(
        self,
        track: FaceTrack,
        keyframes: Sequence[int],
        read_plate: ReadPlate,
        read_painted: ReadPainted,
        margin: float = MARGIN,
    ) -> None:
        if not len(track.face_frames):
            raise TrackError("face track: it holds no face; there is nothing to carry the painting to")
        lost = [frame for frame in keyframes if not track.has_face(frame)]
        if lost:
            named = ", ".join(map(str, lost))
            raise KeyframeError(
                f"painted frame {named}: no face is tracked there; paint another frame or mend the track"
            )
        self.track = track
        self.keyframes: tuple[int, ...] = tuple(sorted(keyframes))
        self.mesh: Mesh = track.mesh()
        self._read_plate, self._read_painted = read_plate, read_painted
        boxes = [track.box_at(int(frame)) for frame in track.face_frames]
        self.size = common_size(boxes, MULTIPLE, margin)
        crop_mib = self.size[0] * self.size[1] * 3 * 4 / 2**20
        self._kept_crops = int(np.clip(KEPT_MIB / crop_mib, LEAST_CROPS, KEPT_CROPS))
        self._kept_keys = int(np.clip(KEPT_MIB / (3 * crop_mib), LEAST_KEYS, KEPT_KEYS))
        self._lock = threading.RLock()
        self._crops: OrderedDict[int, Crop] = OrderedDict()
        self._keys: OrderedDict[int, PaintedKey] = OrderedDict()

    @property
    def frames(self) -> list[int]:
        """Frames that show the face, rising."""
        return [int(frame) for frame in self.track.face_frames]

    def window(self, frame: int) -> Window:
        """The crop's place on a frame that shows the face."""
        return centred(self.track.box_at(frame), *self.size)

    def crop(self, frame: int) -> Crop:
        """The degrained plate round the face.

        Raises: TrackError where the frame has no face; what the reader raises.
        """
        with self._lock:
            if frame not in self._crops:
                _keep(self._crops, frame, self._cut_crop(frame), self._kept_crops)
            self._crops.move_to_end(frame)
            return self._crops[frame]

    def key(self, frame: int) -> PaintedKey:
        """A painted frame, taken apart.

        Raises: KeyframeError where the painting does not reach the face.
        """
        with self._lock:
            if frame not in self._keys:
                _keep(self._keys, frame, self._cut_key(frame), self._kept_keys)
            self._keys.move_to_end(frame)
            return self._keys[frame]

    def face_coordinates(self, frame: int) -> np.ndarray:
        """(h, w, 3) float32: canonical u, v of every crop pixel less a half (0 at the middle), and 1 on the face."""
        uv, inside = rasterise(self.track.points_at(frame), self.window(frame), self.mesh)
        on_face = inside.astype(np.float32)[..., None]
        return np.concatenate([(uv - 0.5) * on_face, on_face], axis=-1).astype(np.float32)

    def _cut_crop(self, frame: int) -> Crop:
        points, window = self.track.points_at(frame), self.window(frame)
        image = np.ascontiguousarray(self._read_plate(frame, window), np.float32)
        if image.shape != (*window.shape, 3):
            raise ValueError(f"frame {frame}: reader gave {image.shape} for a window of {window.shape}")
        return Crop(frame, window, image, points, face_scale(points))

    def _cut_key(self, frame: int) -> PaintedKey:
        crop = self.crop(frame)
        painted, valid = self._read_painted(frame, crop.window)
        if not valid.any():
            raise KeyframeError(
                f"painted frame {frame}: its picture does not reach the face at {crop.window}; "
                "check its data window and frame number"
            )
        return take_apart(crop, painted, valid)


def _keep(kept: OrderedDict, frame: int, value: Crop | PaintedKey, most: int) -> None:
    kept[frame] = value
    while len(kept) > most:
        kept.popitem(last=False)
