"""A few words in a frame's header, its pixels untouched: which version it is, and the manifest that it was delivered under.

EXR: attributes of every part. DPX: the user-defined area behind the standard headers (SMPTE ST 268-1, user-defined header), as
``NAME=value`` lines.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vfx_deepfake.errors import DeliveryError, PlateError
from vfx_deepfake.files import disk_error, written_aside
from vfx_deepfake.media.content import native_pixels, specs_of
from vfx_deepfake.media.exr import write_parts
from vfx_deepfake.media.header import opened

PREFIX = "vfx_deepfake:"
_DPX_MAGIC = {b"SDPX": ">", b"XPDS": "<"}
_PIXELS_AT, _USER_SIZE_AT, _HEADERS = 4, 32, 2048  # bytes; generic and industry header together have 2,048
_USER_ID = b"vfx_deepfake"
_USER_ID_BYTES = 32


def stamp(source: Path, target: Path, notes: Mapping[str, str]) -> None:
    """Copy a frame with ``notes`` in its header; the copy appears whole or not at all. EXR and DPX only.

    Raises: PlateError for a damaged source; DeliveryError when the disk refuses, or a DPX has no room for the notes.
    """
    kind = source.suffix.lower()
    if kind not in (".exr", ".dpx"):
        raise ValueError(f"{source.name}: only EXR and DPX headers are written")
    with written_aside(target) as aside:
        if kind == ".exr":
            _stamp_exr(source, aside, target, notes)
        else:
            _stamp_dpx(source, aside, notes)


def read_stamp(path: Path) -> dict[str, str]:
    """The notes that :func:`stamp` wrote; empty where there are none.

    Raises: PlateError for a file that can't be read.
    """
    if path.suffix.lower() == ".dpx":
        return _read_dpx(path)
    with opened(path) as image:
        found = {each.name: str(each.value) for each in image.spec().extra_attribs if each.name.startswith(PREFIX)}
    return {name.removeprefix(PREFIX): value for name, value in found.items()}


def _stamp_exr(source: Path, aside: Path, target: Path, notes: Mapping[str, str]) -> None:
    with opened(source) as image:
        specs = [spec.copy() for _, spec in specs_of(image)]
        for spec in specs:
            spec.attribute("DateTime", spec.get_string_attribute("DateTime"))  # else the codec puts the clock there
            for name, value in notes.items():
                spec.attribute(PREFIX + name, value)
        pixels = (native_pixels(image, index, spec, source) for index, spec in enumerate(specs))
        write_parts(target, aside, specs, map(np.ascontiguousarray, pixels))


def _stamp_dpx(source: Path, aside: Path, notes: Mapping[str, str]) -> None:
    text = "".join(f"{PREFIX}{name}={value}\n" for name, value in notes.items()).encode()
    try:
        shutil.copyfile(source, aside)
        with aside.open("r+b") as handle:
            order = _DPX_MAGIC.get(handle.read(4), "")
            if not order:
                raise PlateError(f"{source}: is no DPX file; copy it again from its source")
            (pixels_at,) = struct.unpack(f"{order}I", handle.read(4))
            room = pixels_at - _HEADERS - _USER_ID_BYTES
            if len(text) > room:
                raise DeliveryError(f"{source}: has {max(room, 0)} bytes for notes before its pixels, {len(text)} are needed; "
                                    "render the frame again")  # fmt: skip
            handle.seek(_USER_SIZE_AT)
            handle.write(struct.pack(f"{order}I", _USER_ID_BYTES + len(text)))
            handle.seek(_HEADERS)
            handle.write(_USER_ID.ljust(_USER_ID_BYTES, b"\0") + text)
    except OSError as error:
        raise disk_error(aside, error) from error


def _read_dpx(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEADERS + _USER_ID_BYTES)
            order = _DPX_MAGIC.get(head[:4], "")
            if not order or len(head) < _HEADERS + _USER_ID_BYTES:
                raise PlateError(f"{path}: is no whole DPX file; copy it again from its source")
            pixels_at, size = (struct.unpack_from(f"{order}I", head, at)[0] for at in (_PIXELS_AT, _USER_SIZE_AT))
            if head[_HEADERS:].rstrip(b"\0") != _USER_ID or not _USER_ID_BYTES <= size <= pixels_at - _HEADERS:
                return {}
            text = handle.read(size - _USER_ID_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise PlateError(f"{path}: can't be read ({error.strerror}); check the path") from error
    lines = (line.removeprefix(PREFIX).partition("=") for line in text.splitlines() if line.startswith(PREFIX))
    return {name: value for name, _, value in lines}
