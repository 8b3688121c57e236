"""What a safetensors file says it holds, read without trusting it: a few kilobytes are looked at before anything is allocated.

A checkpoint may come from anywhere. Nothing in it is run: a safetensors file is a length, a JSON header and raw numbers. What is left to
fear is a file that makes us reserve more memory than the host has, wait for ever, or compute with numbers that are none.

Source: the format of safetensors 0.5, https://huggingface.co/docs/safetensors (8 bytes of length, little-endian; JSON; data).
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LENGTH_BYTES = 8
MOST_HEADER_BYTES = 4 << 20  # a network of ten thousand tensors needs one; assumed
MOST_DATA_BYTES = 8 << 30  # weights, moments and averages of 700 million parameters; assumed
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_STARTS = {
    b"PK\x03\x04": "a zip archive, such as torch.save writes: it holds pickled code, which is never run",
    b"\x80": "a pickle: it holds code, which is never run",
    b"\x1f\x8b": "a gzip archive",
    b"\x89HDF": "an HDF5 file",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of a file, by its header."""

    dtype: str  # one of BYTES
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says: its tensors by name, and the text beside them."""

    entries: dict[str, Entry]
    metadata: dict[str, str]


def read_header(path: Path) -> Header:
    """Check and return the header of a safetensors file.

    Raises: ValueError with one plain sentence for whatever is no sound safetensors file; OSError when it can't be read.
    """
    # a pipe would block for ever, /dev/zero never end; the link itself is no harm
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("is no ordinary file")
        start = file.read(LENGTH_BYTES)
        for mark, what in _STARTS.items():
            if start.startswith(mark) and not _plausible(start, found.st_size):
                raise ValueError(f"is {what}")
        length = _length(start, found.st_size)
        text = file.read(length)
    data_bytes = found.st_size - LENGTH_BYTES - length
    if data_bytes > MOST_DATA_BYTES:
        raise ValueError(f"holds {data_bytes >> 20} MiB; no more than {MOST_DATA_BYTES >> 20} are read")
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("its header is no JSON, or nested without end") from error
    if not isinstance(table, dict):
        raise ValueError("its header is no table")
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("the text in its header is none")
    return Header(_entries(table, data_bytes), metadata)


def _plausible(start: bytes, size: int) -> bool:
    return int.from_bytes(start, "little") <= min(size - LENGTH_BYTES, MOST_HEADER_BYTES)


def _length(start: bytes, size: int) -> int:
    if len(start) < LENGTH_BYTES:
        raise ValueError(f"is {size} bytes long, too short for a header")
    length = int.from_bytes(start, "little")
    if length > size - LENGTH_BYTES:
        raise ValueError(f"its header claims {length} bytes and the file has {size}: cut off, or no safetensors file")
    if length > MOST_HEADER_BYTES:
        raise ValueError(f"its header of {length >> 20} MiB is larger than {MOST_HEADER_BYTES >> 20}")
    return length


def _entries(table: Mapping[str, Any], data_bytes: int) -> dict[str, Entry]:
    """Every tensor, when together they fill the data exactly: no gap, no overlap, nothing beyond the end."""
    spans, entries = [], {}
    for name, row in table.items():
        entry, begin, end = _entry(name, row)
        if end - begin != math.prod(entry.shape) * BYTES[entry.dtype]:
            raise ValueError(f"'{name}' claims {end - begin} bytes, which is not what its shape and type need")
        spans.append((begin, end, name))
        entries[name] = entry
    at = 0
    for begin, end, name in sorted(spans):
        if begin != at:
            raise ValueError(f"'{name}' lies at byte {begin} where {at} is expected: tensors overlap, or leave a gap")
        at = end
    if at != data_bytes:
        raise ValueError(f"holds {data_bytes} bytes of numbers where its header says {at}: cut off, or added to")
    return entries


def _entry(name: str, row: Any) -> tuple[Entry, int, int]:
    try:
        dtype, shape, (begin, end) = row["dtype"], row["shape"], row["data_offsets"]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"'{name}' is not described as a tensor") from error
    if dtype not in BYTES:
        raise ValueError(f"'{name}' is of type {str(dtype)[:20]!r}; known are {', '.join(BYTES)}")
    whole = isinstance(shape, list) and all(type(value) is int and value >= 0 for value in [*shape, begin, end])
    if not whole or len(shape) > 8:
        raise ValueError(f"'{name}' has a shape or a place that can't be")
    return Entry(dtype, tuple(shape)), begin, end
