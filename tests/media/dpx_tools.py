"""Second opinions on a DPX file: its header by hand (SMPTE ST 268-1), its codes by FFmpeg."""

import struct
from pathlib import Path

import numpy as np
import pytest

GENERIC = {"magic": (0, "4s"), "data_offset": (4, "I"), "version": (8, "8s"), "name": (36, "100s"), "time": (136, "24s"),
           "creator": (160, "100s"), "project": (260, "200s"), "copyright": (460, "200s")}  # fmt: skip
IMAGE = {"orientation": (768, "H"), "elements": (770, "H"), "width": (772, "I"), "height": (776, "I"), "sign": (780, "I"),
         "low_data": (784, "I"), "low_quantity": (788, "f"), "high_data": (792, "I"), "high_quantity": (796, "f"),
         "descriptor": (800, "B"), "transfer": (801, "B"), "colorimetric": (802, "B"), "bits": (803, "B"),
         "packing": (804, "H"), "encoding": (806, "H"), "element_offset": (808, "I")}  # fmt: skip
REST = {"source_time": (1532, "24s"), "input_device": (1556, "32s"), "aspect_x": (1628, "I"), "aspect_y": (1632, "I"),
        "film_frame_position": (1712, "I"), "film_length": (1716, "I"), "film_rate": (1724, "f"),
        "timecode": (1920, "I"), "user_bits": (1924, "I"), "tv_rate": (1940, "f")}  # fmt: skip


def read_header(path: Path) -> dict:
    """Every field above, in the file's own byte order; texts up to their first zero byte."""
    data = Path(path).read_bytes()[:2048]
    order = {b"SDPX": ">", b"XPDS": "<"}[data[:4]]
    fields = {}
    for name, (offset, kind) in {**GENERIC, **IMAGE, **REST}.items():
        value = struct.unpack_from(order + kind, data, offset)[0]
        fields[name] = value.split(b"\0")[0].decode("latin-1") if isinstance(value, bytes) else value
    fields["order"] = order
    return fields


def unpack_10_bit(path: Path) -> np.ndarray:
    """(H, W, 3) codes of a big-endian, filled method A 10-bit file, unpacked from its words."""
    header = read_header(path)
    assert (header["order"], header["packing"], header["bits"]) == (">", 1, 10)
    data = Path(path).read_bytes()[header["data_offset"] :]
    words = np.frombuffer(data, ">u4", header["width"] * header["height"]).reshape(header["height"], header["width"])
    return np.stack([words >> shift & 1023 for shift in (22, 12, 2)], axis=-1).astype(np.uint16)


def decode_with_ffmpeg(path: Path) -> np.ndarray:
    """(H, W, 3) codes as FFmpeg decodes them, without any conversion."""
    av = pytest.importorskip("av", reason="PyAV is the second DPX decoder; it comes with the extra 'review'")
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name in ("gbrp10le", "gbrp12le", "rgb48be", "rgb48le"), frame.format.name
    return frame.to_ndarray()
