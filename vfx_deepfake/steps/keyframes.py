"""Painted frames as changes of the plate: what an artist did, in the model encoding, over any window."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.errors import KeyframeError, PlateError
from vfx_deepfake.image.crop import Window, cut, paste
from vfx_deepfake.media.exr import Frame, read_exr
from vfx_deepfake.steps.opened import OpenShot

MATTE_CHANNELS = ("A", "R", "Y")  # where roto is looked for, in this order


class Keyframes:
    """The painted frames of a shot. Nothing is kept in memory."""

    def __init__(self, opened: OpenShot) -> None:
        self._opened = opened
        self._files = opened.keyframe_files()
        self._space = opened.settings.keyframes.colorspace or opened.settings.plate.colorspace
        self.frames: tuple[int, ...] = tuple(sorted(set(self._files) & set(opened.frames)))

    def change_log(self, frame: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """What was painted: log of the painted frame less log of the plate, and where the painted file has pixels.

        The change is exactly 0 where nothing was painted, and holds no grain, because the painting has the plate's own.
        A file with alpha counts as laid over the plate (premultiplied).
        Returns change (h, w, 3) and valid (h, w) 0 or 1, float32.
        Raises: KeyframeError when it does not fit the plate; PlateError when a file is damaged.
        """
        plate = self._opened.plate.read(frame)
        painted = self._read(frame, plate)
        color, working = self._opened.color, self._opened.plate.working
        area = window.intersect(painted.data_window).intersect(plate.data_window)
        delta, valid = np.zeros((*window.shape, 3), np.float32), np.zeros(window.shape, np.float32)
        if area.empty:
            return delta, valid
        own = cut(plate.pixels[..., :3], plate.data_window, area)
        new = cut(painted.pixels, painted.data_window, area)
        own_lin = color.convert(own, self._opened.plate.colorspace, working)
        if new.shape[2] == 4:
            new_lin = color.convert(np.ascontiguousarray(new[..., :3]), self._space, working)
            alpha = new[..., 3:]
            new_lin = np.where(alpha == 1, new_lin, new_lin + own_lin * (1 - alpha))
        else:
            new_lin = color.convert(new, self._space, working)
        change = np.asarray(encode_log(new_lin), np.float32) - np.asarray(encode_log(own_lin), np.float32)
        paste(delta, window, change, area)
        valid[area.slices(window)] = 1.0
        return delta, valid

    def matte(self, frame: int, window: Window) -> np.ndarray:
        """Painted roto, (h, w) float32 0..1: the file's alpha, else its red or only channel; 0 outside its data window."""
        plate = self._opened.plate.read(frame)
        painted = self._read(frame, plate, roto=True)
        out = np.zeros(window.shape, np.float32)
        channel = next((painted.channels.index(name) for name in MATTE_CHANNELS if name in painted.channels), 0)
        paste(out, window, np.ascontiguousarray(np.clip(painted.pixels[..., channel], 0, 1)), painted.data_window)
        return out

    def _read(self, frame: int, plate: Frame, roto: bool = False) -> Frame:
        path = self._files[frame]
        try:
            painted = read_exr(path)
        except PlateError as error:
            raise KeyframeError(f"key frame {frame}: {error}") from error
        self._check(painted, plate, frame, path, roto)
        shift = plate.display_window.x - painted.display_window.x, plate.display_window.y - painted.display_window.y
        return Frame(
            painted.pixels, painted.data_window.shift(*shift), plate.display_window, painted.channels, half=painted.half
        )

    def _check(self, painted: Frame, plate: Frame, frame: int, path: Path, roto: bool) -> None:
        mine, theirs = painted.display_window, plate.display_window
        where = f"key frame {frame} ({path.name})"
        if (mine.width, mine.height) != (theirs.width, theirs.height):
            raise KeyframeError(f"{where}: is {mine.width} x {mine.height}; the plate is {theirs.width} x {theirs.height}; "
                                "export it at full size, or as EXR with a data window")  # fmt: skip
        if not roto and painted.channels[:3] != ("R", "G", "B"):
            raise KeyframeError(
                f"{where}: has channels {', '.join(painted.channels)}; a painted frame needs R, G and B"
            )
        if not np.isfinite(painted.pixels).all():
            raise KeyframeError(f"{where}: holds NaN or Inf; export it again without them")
