"""ID mattes that standard tools pick from: ranked pairs of ID and coverage, and what their header says.

Every object has an ID, the MurmurHash3 of its name kept as the bits of a float; every pixel lists the objects on it,
the one that covers most first. Pairs are stored two a layer, ``NAME00`` with ID, coverage, ID, coverage in its red,
green, blue and alpha, and so on.

Source: Cryptomatte Specification 1.2.0 (Friedman, Jones; Psyop), sections on names, ranks, conversion and metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import mmh3
import numpy as np

NAME = "cryptoFace"  # of the layers; Nuke shows cryptoFace00, cryptoFace01
RANKS = 4  # objects a pixel can list; four parts of a face hardly meet in one pixel
CHANNELS = tuple(f"{NAME}{rank // 2:02d}.{channel}" for rank in range(0, RANKS, 2) for channel in "RGBA")
_EXPONENT, _LOWEST_EXPONENT_BIT = 0x7F800000, 1 << 23


def object_id(name: str) -> np.float32:
    """The ID of a name. A hash whose bits would be zero, a denormal, infinite or no number has one bit flipped."""
    return np.uint32(_id_bits(name)).view(np.float32)


def _id_bits(name: str) -> int:
    bits = mmh3.hash(name.encode("utf-8"), 0, signed=False)
    return bits ^ _LOWEST_EXPONENT_BIT if bits & _EXPONENT in (0, _EXPONENT) else bits


def ranked(coverage: Mapping[str, np.ndarray]) -> np.ndarray:
    """The pairs of every pixel.

    Shapes: coverage (h, w) 0..1 by object name. Returns (h, w, 2 RANKS) float32 for CHANNELS: ID and coverage in turn,
    falling; 0 where there are fewer objects.
    """
    ids = np.array([object_id(name) for name in coverage], np.float32)
    shares = np.stack([np.asarray(share, np.float32) for share in coverage.values()], axis=-1)
    order = np.argsort(-shares, axis=-1, kind="stable")[..., :RANKS]
    share = np.take_along_axis(shares, order, axis=-1)
    out = np.zeros((*shares.shape[:2], 2 * RANKS), np.float32)
    count = order.shape[-1]
    out[..., 0 : 2 * count : 2] = np.where(share > 0, ids[order], 0)
    out[..., 1 : 2 * count : 2] = np.maximum(share, 0)
    return out


def header(names: Sequence[str]) -> dict[str, str]:
    """The EXR attributes by which a tool finds the layers and the objects' names."""
    key = f"cryptomatte/{mmh3.hash(NAME.encode('utf-8'), 0, signed=False):08x}"[: len("cryptomatte/") + 7]
    manifest = {name: f"{_id_bits(name):08x}" for name in names}
    return {
        f"{key}/name": NAME,
        f"{key}/hash": "MurmurHash3_32",
        f"{key}/conversion": "uint32_to_float32",
        f"{key}/manifest": json.dumps(manifest, ensure_ascii=False, separators=(",", ":")),
    }
