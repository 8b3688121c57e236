"""What the numbers of a movie mean: H.273 codes of a display, and display pictures as limited-range Y'CbCr of any depth.

The conversion is done here, in float, and rounded once. FFmpeg's own (libswscale, from 16-bit or float RGB) was measured to put
luma 1.7 codes too high on average and up to 3.9 of 10-bit codes off, and 0.4 and up to 1.8 of 8-bit ones.
Source: ITU-T H.273 for the codes; ITU-R BT.709, BT.2020 for matrices; BT.601 and BT.2100 for quantisation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

BT709, UNSPECIFIED = 1, 2  # primaries, transfer, matrix: 1 is BT.709 in each of H.273's tables
BT2020, P3_D65 = 9, 12  # primaries; 9 is BT.2020's matrix too
P3_DCI = 11  # primaries
GAMMA_22, BT1886_2020, SRGB, PQ, HLG = 4, 14, 13, 16, 18  # transfer
LIMITED = 1  # FFmpeg's AVCOL_RANGE_MPEG: black 16, white 235 in 8 bits

_LUMA = {BT709: (0.2126, 0.0722), BT2020: (0.2627, 0.0593)}  # shares of red and blue
# words of OCIO display names, the first that fits; "" fits the rest
_DISPLAYS: Final = (
    ("hlg", (BT2020, HLG, BT2020)),
    ("(pq|st2084|st-2084).*p3|p3.*(pq|st2084)", (P3_D65, PQ, BT2020)),
    ("pq|st2084|2100", (BT2020, PQ, BT2020)),
    ("2020", (BT2020, BT1886_2020, BT2020)),
    ("display p3", (P3_D65, SRGB, BT709)),
    ("p3-dci", (P3_DCI, UNSPECIFIED, BT709)),  # gamma 2.6 of RGB has no code
    ("p3-d60", (UNSPECIFIED, UNSPECIFIED, BT709)),
    ("p3", (P3_D65, UNSPECIFIED, BT709)),
    ("srgb", (BT709, SRGB, BT709)),
    ("gamma 2.2", (BT709, GAMMA_22, BT709)),
    ("", (BT709, BT709, BT709)),
)


@dataclass(frozen=True, slots=True)
class Signal:
    """H.273 codes of primaries, transfer and matrix; the range is always limited."""

    primaries: int = BT709
    transfer: int = BT709
    matrix: int = BT709


def signal_of(display: str) -> Signal:
    """The codes of an OCIO display by its name, e.g. ``sRGB - Display``; BT.709 for one that says nothing."""
    return Signal(*next(codes for words, codes in _DISPLAYS if re.search(words, display.lower())))


def ycbcr_planes(picture: np.ndarray, bits: int, halved: tuple[bool, bool], matrix: int = BT709) -> list[np.ndarray]:
    """Limited-range Y', Cb, Cr codes of a display picture, clipped to what is legal, rounded once.

    Shapes: picture (H, W, 3) float32, 0 black to 1 white, NaN is black. halved: chroma has half the columns, half the rows.
    Returns (H, W) and two chroma planes, uint8 for 8 bits, else uint16. Chroma lies at every other column of luma, and between
    rows, as MPEG-2, H.264, ProRes and DNxHD have it.
    """
    red, blue = _LUMA[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    rows = np.stack(
        [luma, (np.array([0, 0, 1]) - luma) / (2 * (1 - blue)), (np.array([1, 0, 0]) - luma) / (2 * (1 - red))]
    )
    clean = np.clip(np.nan_to_num(picture.astype(np.float32, copy=False)), 0, 1)
    y, cb, cr = cv2.split(cv2.transform(clean, rows.astype(np.float32)))
    step = 1 << (bits - 8)
    chroma = [_codes(_halved(plane, *halved), 224 * step, 128 * step, bits) for plane in (cb, cr)]
    return [_codes(y, 219 * step, 16 * step, bits), *chroma]


def _halved(plane: np.ndarray, columns: bool, rows: bool) -> np.ndarray:
    if rows:
        plane = (plane[::2] + plane[1::2]) / 2
    if columns:
        soft = cv2.sepFilter2D(plane, -1, np.array([0.25, 0.5, 0.25]), np.array([1.0]), borderType=cv2.BORDER_REPLICATE)
        plane = soft[:, ::2]
    return plane


def _codes(plane: np.ndarray, scale: int, zero: int, bits: int) -> np.ndarray:
    return np.rint(plane * np.float32(scale) + np.float32(zero)).astype(np.uint8 if bits == 8 else np.uint16)
