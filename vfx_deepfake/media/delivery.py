"""Delivery profiles: from a picture in its colour space to the integer codes that leave the house.

The picture is converted once, straight from its own space to the delivery's (not by way of the working space), so that
untouched plate pixels get the codes of a straight OCIO conversion; then rounded to the nearest code. Clipping happens
here, last, and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Frame


@dataclass(frozen=True, slots=True)
class Profile:
    """What is delivered besides the EXR; ``bits`` 0 means nothing."""

    name: str
    bits: int
    what: str


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("dpx10", 10, "10-bit log DPX, for shows captured in 10-bit log"),
        Profile("dpx12", 12, "12-bit log DPX"),
        Profile("dpx16", 16, "16-bit log DPX, for shows whose plates are deeper than 10-bit log"),
        Profile("exr", 0, "scene-linear EXR alone"),
    )
}


def profile_named(name: str) -> Profile:
    """The delivery profile of a name.

    Raises: ValueError listing the known ones.
    """
    if name not in PROFILES:
        raise ValueError(f"profile is '{name}'; choose one of {', '.join(PROFILES)}")
    return PROFILES[name]


def depth_warning(plate_format: str, plate_bits: int, profile: str) -> str:
    """One line where the delivery can't hold what the plate holds; empty where it can.

    ``plate_format`` is the header's type of a channel. Half float has eleven significant bits at every level, so 16-bit
    log keeps it, and 10-bit log does not.
    Raises: ValueError for an unknown profile.
    """
    bits = profile_named(profile).bits
    is_float = plate_format in ("half", "float", "double")
    if bits in (0, 16) or (not is_float and plate_bits <= bits):
        return ""
    found = f"{plate_bits}-bit {'float' if is_float else 'integer'}"
    advice = "take dpx16 or exr unless the client asked for this"
    return f"[delivery].profile: the plate is {found}, {profile} holds {bits} bits a channel; {advice}"


def quantise(values: np.ndarray, bits: int) -> tuple[np.ndarray, int]:
    """Round encoded values to integer codes.

    Shapes: values any shape, float32, 0..1 for the codes 0..2**bits - 1. Returns uint16 codes of that shape and the
    number of values that had to be clipped: they would round to a code below 0 or above the largest, or are NaN (code
    0). Half a code goes to the even one.
    """
    top = 2**bits - 1
    scaled = np.multiply(values, np.float32(top), dtype=np.float32)
    np.rint(scaled, out=scaled)
    low, high = (scaled.min(), scaled.max()) if scaled.size else (0, 0)
    clipped = 0
    if not (low >= 0 and high <= top):
        clipped = scaled.size - int(np.count_nonzero((scaled >= 0) & (scaled <= top)))
        scaled[np.isnan(scaled)] = 0
        np.clip(scaled, 0, top, out=scaled)
    return scaled.astype(np.uint16), clipped


def delivery_codes(frame: Frame, color: Color, source: str, target: str, bits: int) -> tuple[np.ndarray, int]:
    """A frame's display window as codes of the delivery space.

    ``source`` is the OCIO name of the frame's pixels, ``target`` the delivery's. Returns codes (H, W, 3) uint16 and
    the number of clipped values. Overscan is cut off; where the data window does not reach, the picture is black.
    Raises: ColorError for an unknown space; ValueError for a frame without R, G, B.
    """
    encoded = color.convert(displayed(frame), source, target)
    return quantise(encoded, bits)


def displayed(frame: Frame) -> np.ndarray:
    """R, G, B of a frame's display window, black outside its data window. Shapes: (H, W, 3) float32."""
    if frame.channels[:3] != ("R", "G", "B"):
        raise ValueError(f"want a frame with R, G, B, got {', '.join(frame.channels)}")
    if frame.data_window == frame.display_window:
        return frame.pixels[..., :3]
    shared: Window = frame.data_window.intersect(frame.display_window)
    picture = np.zeros((*frame.display_window.shape, 3), np.float32)
    if not shared.empty:
        picture[shared.slices(frame.display_window)] = frame.pixels[..., :3][shared.slices(frame.data_window)]
    return picture
