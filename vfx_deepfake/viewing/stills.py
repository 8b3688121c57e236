"""Display pictures of a frame, straight through OCIO: PNG for people without the player, small JPEG for walls."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vfx_deepfake.media.exr import Frame
from vfx_deepfake.viewing.luts import View
from vfx_deepfake.viewing.packed import on_canvas, shrunk, size_of
from vfx_deepfake.viewing.published import VERSION, Published

THUMB_PX = 320
JPEG_QUALITY = 85
MOST_STOPS = 16.0


def working_picture(version: Published, frame: Frame) -> tuple[np.ndarray, np.ndarray | None]:
    """The display window of a frame in the scene-linear working space, and where it has no pixels.

    Returns (H, W, 3) float32 and (H, W) bool or None, as :func:`on_canvas`. NaN and infinite values are kept.
    """
    linear = version.color.convert(np.ascontiguousarray(frame.pixels[..., :3]), version.plate_space, version.working)
    return on_canvas(linear, frame.data_window, frame.display_window)


def display_picture(version: Published, frame: int, *, of: str = VERSION, view: View | None = None, stops: float = 0.0,
                    width: int = 0) -> np.ndarray:  # fmt: skip
    """A frame through a view, the show's own for None.

    ``stops``: exposure, in scene-linear light. ``width``: of the picture, 0 for its own. Returns (h, w, 3) uint8.
    Raises: what :meth:`Published.picture` raises; ColorError where the view can't be made.
    """
    linear, _ = working_picture(version, version.picture(frame, of))
    linear = np.nan_to_num(linear, nan=0.0, posinf=0.0, neginf=0.0)
    small = shrunk(linear, size_of(version.header.display_window, width)) * np.float32(2.0**stops)
    display, name = (view.display, view.view) if view else version.view
    shown = version.color.display_encode(small, version.working, display, name)
    return np.rint(np.nan_to_num(shown) * 255).astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    """A picture (h, w, 3) uint8 as PNG; little effort, because grain does not get smaller."""
    sink = io.BytesIO()
    Image.fromarray(picture).save(sink, "PNG", compress_level=1)
    return sink.getvalue()


def jpeg(picture: np.ndarray) -> bytes:
    """A picture (h, w, 3) uint8 as JPEG."""
    sink = io.BytesIO()
    Image.fromarray(picture).save(sink, "JPEG", quality=JPEG_QUALITY)
    return sink.getvalue()


def thumb_frame(version: Published) -> int:
    """The frame that stands for the version: the middle one of those that it changed, else of all."""
    counts = version.record.get("counts", {})
    changed = [frame for frame in version.frames if counts.get(str(frame), {}).get("changed_px")]
    chosen = changed or list(version.frames)
    return chosen[len(chosen) // 2]
