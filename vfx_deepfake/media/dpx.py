"""DPX frames: integer codes in, integer codes out, with a header that says what it can.

OpenImageIO is the codec. Ours is the policy around it: codes are rounded before (:mod:`vfx_deepfake.media.delivery`)
and handed over as integers, because given floats it truncates and puts a quarter of all values one code off;
big-endian (``SDPX``), as other applications write it; header fields that would otherwise be undefined; the file's own
name in the header instead of the hidden one it was written under; no clock, so that the same frame gives the same
bytes.

A DPX header can't name a camera log: its transfer says "Logarithmic" at best, and the version record names the OCIO
space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from vfx_deepfake import __version__
from vfx_deepfake.errors import DeliveryError, PlateError
from vfx_deepfake.files import written_aside
from vfx_deepfake.media.exr import Frame, read_pixels, write_failure
from vfx_deepfake.media.header import Header, header_of, library_words, opened
from vfx_deepfake.media.metadata import REEL, TIMECODE, Attribute, frame_rate, timecode_word

TRANSFERS = (
    "User defined",
    "Printing density",
    "Linear",
    "Logarithmic",
    "Unspecified video",
    "SMPTE 274M",
    "ITU-R 709-4",
)  # SMPTE ST 268-1 table 5A, codes 0 to 6; colorimetric (5B) takes the same names but linear and logarithmic
DEPTHS = (10, 12, 16)
_NAME_OFFSET, _NAME_BYTES = 36, 100  # of the file name in the generic header, SMPTE ST 268-1 table 1
_FLAG_BITS = (
    0x80_80_80_C0 | 0x40_00_00_00
)  # of a time code: drop-frame, colour-frame, field and group flags; not binary-coded decimal
_TEXT_FIELDS = {"Copyright": 199, "ImageDescription": 99, "DocumentName": 199, "DateTime": 23}


@dataclass(frozen=True, kw_only=True, slots=True)
class DpxHeader:
    """What a delivery's header says beside what the plate's metadata carries; empty texts keep the plate's."""

    transfer: str = "Logarithmic"
    colorimetric: str = "User defined"
    rate: Fraction | None = None
    reel: str = ""
    project: str = ""
    position: int = 0  # frame's index in the sequence, from 0
    length: int = 1  # frames in the sequence

    def __post_init__(self) -> None:
        for field, value in (("transfer", self.transfer), ("colorimetric", self.colorimetric)):
            if value not in TRANSFERS:
                raise ValueError(f"{field} is '{value}'; choose one of {', '.join(TRANSFERS)}")


def write_dpx(
    path: Path | str,
    codes: np.ndarray,
    bits: int,
    header: DpxHeader | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write one frame of integer codes; the file appears whole or not at all.

    Shapes: codes (H, W, 3) uint16, 0..2**bits - 1, already encoded and rounded. ``metadata``: the plate's, see
    ``media/metadata.py``.
    Raises: ValueError for codes of another shape, type or range; DeliveryError when the disk refuses.
    Source: SMPTE ST 268-1; 10-bit filled method A, 12-bit packed, 16-bit words.
    """
    path = Path(path)
    _check_codes(codes, bits, path)
    spec = _spec(codes.shape[1], codes.shape[0], bits, header or DpxHeader(), metadata or {})
    wide = (
        codes if bits == 16 else codes << (16 - bits) | codes >> (2 * bits - 16)
    )  # replication, undone by ``>>`` in the codec
    with written_aside(path) as aside:
        out = oiio.ImageOutput.create(str(aside))
        if (
            out is None
            or not out.open(str(aside), spec)
            or not out.write_image(np.ascontiguousarray(wide))
            or not out.close()
        ):
            raise write_failure(path, aside, library_words(out or oiio))
        _set_name(aside, path.name)


def read_dpx(path: Path | str) -> Frame:
    """Read one frame as codes scaled to 0..1 (code / largest code), float32, R, G, B and A if there is one.

    Raises: PlateError in one line for what can't be read whole.
    """
    path = Path(path)
    with opened(path) as image:
        header = header_of(image, path)
        pixels = _scaled(image, header)
    return Frame(
        pixels=pixels,
        data_window=header.data_window,
        display_window=header.display_window,
        channels=header.channels,
        metadata=header.metadata,
        half=False,
        formats=header.formats,
    )


def read_codes(path: Path | str) -> tuple[np.ndarray, int]:
    """The integer codes of a frame and their bit depth.

    Shapes: (H, W, C) uint16. Raises: PlateError for damaged files and for floating-point DPX, which has no codes.
    """
    path = Path(path)
    with opened(path) as image:
        header = header_of(image, path)
        if header.formats[0] not in ("uint8", "uint16"):
            raise PlateError(
                f"{path}: holds {header.formats[0]} pixels; integer codes were expected; write it as 10, 12 or 16 bit"
            )
        return _codes(image, header), header.bits


def _scaled(image: Any, header: Header) -> np.ndarray:
    if header.formats[0] not in ("uint8", "uint16"):
        return read_pixels(image, header, "float")
    return _codes(image, header).astype(np.float32) / np.float32(2**header.bits - 1)


def _codes(image: Any, header: Header) -> np.ndarray:
    pixels = read_pixels(image, header, "uint16")
    return pixels >> (16 - header.bits) if header.bits < 16 else pixels


def _check_codes(codes: np.ndarray, bits: int, path: Path) -> None:
    if bits not in DEPTHS:
        raise ValueError(f"{path.name}: {bits} bits; DPX deliveries have {', '.join(map(str, DEPTHS))}")
    if codes.ndim != 3 or codes.shape[2] != 3 or codes.dtype != np.uint16 or codes.size == 0 or codes.max() >= 2**bits:
        top = codes.max() if codes.size else "none"
        raise ValueError(
            f"{path.name}: want (H, W, 3) uint16 codes 0..{2**bits - 1}, got {codes.shape} {codes.dtype} up to {top}"
        )


def _spec(width: int, height: int, bits: int, header: DpxHeader, metadata: Mapping[str, Any]) -> Any:
    spec = oiio.ImageSpec(width, height, 3, "uint16")
    spec.attribute("oiio:BitsPerSample", bits)
    spec.attribute("oiio:Endian", "big")
    spec.attribute("dpx:Transfer", header.transfer)
    spec.attribute("dpx:Colorimetric", header.colorimetric)
    spec.attribute("dpx:LowData", 0)
    spec.attribute("dpx:HighData", 2**bits - 1)
    spec.attribute("dpx:LowQuantity", 0.0)
    spec.attribute(
        "dpx:HighQuantity", 2.046
    )  # printing density of the largest code, SMPTE ST 268-1; assumed by readers of log
    spec.attribute("Software", f"vfx_deepfake {__version__}")
    spec.attribute("PixelAspectRatio", float(metadata.get("PixelAspectRatio", 1.0)))
    spec.attribute("DateTime", "")
    for name, size in _TEXT_FIELDS.items():
        if isinstance(metadata.get(name), str):
            spec.attribute(name, metadata[name][:size])
    if header.project:
        spec.attribute("DocumentName", header.project[: _TEXT_FIELDS["DocumentName"]])
    reel = header.reel or metadata.get(REEL, "")
    if isinstance(reel, str) and reel:
        spec.attribute("dpx:InputDevice", reel[:31])
    rate = header.rate or frame_rate(metadata)
    if rate:
        spec.attribute("dpx:FrameRate", float(rate))
        spec.attribute("dpx:TemporalFrameRate", float(rate))
    word = timecode_word(metadata)
    if word is not None:
        spec.attribute(TIMECODE, oiio.TypeDesc("timecode"), (word & ~_FLAG_BITS, 0))
    keycode = metadata.get("smpte:KeyCode")
    if isinstance(keycode, Attribute):
        spec.attribute("smpte:KeyCode", oiio.TypeDesc("keycode"), keycode.value)
    spec.attribute("dpx:FramePosition", header.position)
    spec.attribute("dpx:SequenceLength", header.length)
    return spec


def _set_name(aside: Path, name: str) -> None:
    """Put the final name where the codec wrote the one it was given."""
    text = name.encode("ascii", "replace")[: _NAME_BYTES - 1]
    try:
        with aside.open("r+b") as handle:
            handle.seek(_NAME_OFFSET)
            handle.write(text.ljust(_NAME_BYTES, b"\0"))
    except OSError as error:
        raise DeliveryError(
            f"{aside.with_name(name)}: could not be written ({error.strerror}); run the same command again"
        ) from error
