"""Pictures as the player gets them: the model's log encoding in 10 bits a channel, made smaller in linear light.

A picture is a uint32 a pixel, red in the low ten bits, then green, blue, and two bits that say what the pixel is (GL's
``UNSIGNED_INT_2_10_10_10_REV``). A code is ``(log - LOW) / (HIGH - LOW)`` in steps of 1/1023, log being that of color/encoding.py in the
shot's working space: 56 codes a stop above the toe, so that one code is 1.3 % of the light, and 9.7e-5 below it. What lies
outside -0.0117 .. 223 is held at the ends. Equal pixels give equal codes, so a difference outside the matte is exactly 0.
"""

from __future__ import annotations

import zlib
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.color import encoding
from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.image.crop import Window, paste

FORMAT = 1  # of what is packed; goes into cache keys, so that another release never serves what this one packed
LOW, HIGH = -0.05, 1.0  # log values of the codes 0 and LARGEST; scene-linear -0.0117 and 222.9
LARGEST = 1023
NOTHING, BROKEN, PICTURE = 0, 1, 3  # the two bits: no pixel here, NaN or infinite, a pixel
_BAND_ROWS = 32  # worked on at once, so that what is in between stays in the processor's cache: measured twice as fast
SIZES = (480, 960, 1920, 0)  # widths that are served; 0 is the full one


def encoding_data() -> dict[str, float | str | int]:
    """All that a shader needs to turn codes into scene-linear values and back."""
    names = ("X_BREAK", "Y_BREAK", "TOE_SLOPE", "TOE_OFFSET", "LOG_SCALE", "LOG_BIAS")
    curve = {name.lower(): float(getattr(encoding, name)) for name in names}
    return {"curve": "acescct_extended", "format": FORMAT, "low": LOW, "high": HIGH, "bits": 10, **curve}


def size_of(display: Window, width: int) -> tuple[int, int]:
    """(width, height) of a picture that is asked for in one of SIZES; never larger than the display window."""
    if not width or width >= display.width:
        return display.width, display.height
    return width, max(round(display.height * width / display.width), 1)


def on_canvas(pixels: np.ndarray, window: Window, display: Window) -> tuple[np.ndarray, np.ndarray | None]:
    """The display window of a picture, and where it has no pixels.

    Shapes: pixels (h, w, C) over ``window``. Returns (H, W, C), black outside, and (H, W) bool, True outside; None where it covers
    everything.
    """
    if window == display:
        return pixels, None
    canvas = np.zeros((*display.shape, pixels.shape[2]), pixels.dtype)
    paste(canvas, display, pixels, window)
    if window.contains(display):
        return canvas, None
    outside = np.ones(display.shape, bool)
    shared = display.intersect(window)
    outside[shared.slices(display)] = False
    return canvas, outside


def shrunk(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mean over the area of each new pixel, in whatever light the picture is; the picture itself at its own size.

    Shapes: picture (H, W) or (H, W, C) float32; ``size`` is (width, height).
    """
    if size == (picture.shape[1], picture.shape[0]):
        return picture
    return cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)


def pack(linear: np.ndarray, size: tuple[int, int], outside: np.ndarray | None = None) -> np.ndarray:
    """Scene-linear working-space values to packed codes of ``size``.

    Shapes: linear (H, W, 3) float32; outside (H, W) bool, where there is no picture. Returns (h, w) uint32. NaN and infinite values count
    as black and are marked; a smaller pixel is marked where any of its area is.
    """
    broken = None
    if not (np.isfinite(linear.min(initial=0)) and np.isfinite(linear.max(initial=0))):
        broken = ~np.isfinite(linear).all(axis=2)
        linear = np.nan_to_num(linear, nan=0.0, posinf=0.0, neginf=0.0)
    small = shrunk(linear, size)
    packed = np.empty(small.shape[:2], np.uint32)
    for row in range(0, len(small), _BAND_ROWS):
        band = slice(row, row + _BAND_ROWS)
        codes = code_of(small[band])
        packed[band] = codes[..., 0] | codes[..., 1] << 10 | codes[..., 2] << 20 | np.uint32(PICTURE << 30)
    for where, mark in ((outside, NOTHING), (broken, BROKEN)):
        if where is not None:
            touched = shrunk(where.astype(np.float32), size) > 0
            packed[touched] = packed[touched] & 0x3FFFFFFF | np.uint32(mark << 30)
    return packed


def code_of(linear: np.ndarray) -> np.ndarray:
    """Finite scene-linear values, of any shape, to codes 0..LARGEST, uint32."""
    scaled = (encode_log(linear) - LOW) * (LARGEST / (HIGH - LOW))
    return np.rint(np.clip(scaled, 0, LARGEST)).astype(np.uint32)


def linear_of(codes: np.ndarray) -> np.ndarray:
    """Codes back to scene-linear values, as a shader does it; codes need not be whole."""
    return decode_log(np.asarray(codes, np.float32) * ((HIGH - LOW) / LARGEST) + LOW)


def unpack(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes (h, w, 3) and marks (h, w) of a packed picture (h, w) uint32."""
    return np.stack([packed >> shift & LARGEST for shift in (0, 10, 20)], -1), packed >> 30


def gzipped(picture: np.ndarray, *, grainy: bool = True) -> bytes:
    """A picture's bytes, little-endian, as a gzip file without a date.

    ``grainy``: Huffman codes alone, because repeats hardly occur in grain. Measured at 1920 x 1080 with grain: 7.5 MB in 95 ms, where
    looking for repeats (level 1) gives 6.6 MB in 229 ms. Mattes and tables have repeats.
    """
    little: Any = picture.astype(picture.dtype.newbyteorder("<"), copy=False)
    strategy = zlib.Z_HUFFMAN_ONLY if grainy else zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(1, zlib.DEFLATED, 31, 9, strategy)
    return packer.compress(np.ascontiguousarray(little).data) + packer.flush()
