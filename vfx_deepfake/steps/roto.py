"""The artist's roto: what stays in front of the face, and where nothing may be changed."""

from __future__ import annotations

import numpy as np

from vfx_deepfake.errors import KeyframeError, PlateError
from vfx_deepfake.image.crop import Window, paste
from vfx_deepfake.image.matte import unit
from vfx_deepfake.media.exr import Frame, read_exr
from vfx_deepfake.steps.keyframes import MATTE_CHANNELS
from vfx_deepfake.steps.opened import OpenShot


def cut_roto(opened: OpenShot, pattern: str, channel: str, frame: int, window: Window) -> np.ndarray | None:
    """One window of the roto of a frame, (h, w) float32 0..1, 0 outside its data window; None where the frame has none.

    ``pattern`` as the shot file has it; empty means no roto. ``channel`` names any channel of the file, empty takes
    alpha, else red or the only one.
    Raises: KeyframeError when its size or channel does not fit, or the file is damaged.
    """
    if not pattern or not (path := opened.roto_file(pattern, frame)).is_file():
        return None
    where = f"roto of frame {frame} ({path.name})"
    try:
        picture = read_exr(path, channels=(channel,)) if channel else read_exr(path)
    except PlateError as error:
        raise KeyframeError(f"{where}: {error}") from error
    mine, theirs = picture.display_window, opened.plate.display_window
    if (mine.width, mine.height) != (theirs.width, theirs.height):
        raise KeyframeError(f"{where}: is {mine.width} x {mine.height}; the plate is {theirs.width} x {theirs.height}; "
                            "export it at the plate's size")  # fmt: skip
    out = np.zeros(window.shape, np.float32)
    place = picture.data_window.shift(theirs.x - mine.x, theirs.y - mine.y)
    paste(out, window, unit(picture.pixels[..., _channel(picture)]), place)
    return out


def _channel(picture: Frame) -> int:
    """The place of the roto among the channels that were read."""
    return next((picture.channels.index(name) for name in MATTE_CHANNELS if name in picture.channels), 0)
