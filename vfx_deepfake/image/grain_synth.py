"""Grain made new from a shot's model: the measured spectrum and correlation, of deviation 1 everywhere.

Every pixel of a plate has its grain, which depends on the shot, the frame and the pixel's place on the plate alone. So a
host that renders one frame, and a face window that lies elsewhere, get the same grain bit for bit: white noise comes from
a counter-based generator per tile of the plate, and is filtered tile by tile in pieces of one size.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import SPECTRUM_PX, GrainModel

TILE_PX = 128
REACH_PX = 8  # of the filter: holds 0.9999 of the energy of grain that is 0.85 px soft; measured


@dataclass(frozen=True)
class GrainField:
    """The grain that a shot's plate could have anywhere. ``seed``: the shot's name."""

    model: GrainModel
    seed: str

    def at(self, frame: int, window: Window, wanted: np.ndarray | None = None) -> np.ndarray:
        """Grain of deviation 1 over a window of one frame, (h, w, 3) float32.

        ``wanted`` (h, w) bool: where it is needed; tiles without a wanted pixel stay 0.
        """
        out = np.zeros((*window.shape, 3), np.float32)
        white: dict[tuple[int, int], np.ndarray] = {}
        for row in range(window.y // TILE_PX, -(-window.bottom // TILE_PX)):
            for column in range(window.x // TILE_PX, -(-window.right // TILE_PX)):
                tile = Window(column * TILE_PX, row * TILE_PX, TILE_PX, TILE_PX)
                shared = tile.intersect(window)
                place = shared.slices(window)
                if wanted is None or wanted[place].any():
                    out[place] = self._tile(frame, row, column, white)[shared.slices(tile)]
        return out

    def _tile(self, frame: int, row: int, column: int, white: dict[tuple[int, int], np.ndarray]) -> np.ndarray:
        """(TILE_PX, TILE_PX, 3): the grain of one tile, from its own white noise and the rims of its neighbours'."""
        for place in ((row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
            if place not in white:
                white[place] = self._white(frame, *place)
        around = [
            np.concatenate([white[row + dy, column + dx] for dx in (-1, 0, 1)], axis=1)[:, TILE_PX - REACH_PX :]
            for dy in (-1, 0, 1)
        ]
        side = TILE_PX + 2 * REACH_PX
        piece = np.concatenate(around)[TILE_PX - REACH_PX :][:side, :side]
        filtered = [
            cv2.filter2D(np.ascontiguousarray(piece[..., c]), -1, kernel, borderType=cv2.BORDER_CONSTANT)
            for c, kernel in enumerate(self._kernels)
        ]
        return np.stack(filtered, axis=-1)[REACH_PX:-REACH_PX, REACH_PX:-REACH_PX]

    def _white(self, frame: int, row: int, column: int) -> np.ndarray:
        """White noise (TILE_PX, TILE_PX, 3) of a tile, its channels correlated."""
        counter = np.array([0, *(number % 2**64 for number in (frame, row, column))], np.uint64)
        generator = np.random.Generator(np.random.Philox(key=self._key, counter=counter))
        independent = generator.standard_normal((TILE_PX, TILE_PX, 3), dtype=np.float32)
        return np.asarray(independent @ self._mix.T)

    @cached_property
    def _key(self) -> int:
        return int.from_bytes(hashlib.blake2b(self.seed.encode(), digest_size=16).digest(), "big")

    @cached_property
    def _kernels(self) -> np.ndarray:
        """(3, K, K) float32: filters without phase that give white noise the model's spectrum; of energy 1."""
        near = slice(SPECTRUM_PX // 2 - REACH_PX, SPECTRUM_PX // 2 + REACH_PX + 1)
        kernels = np.fft.fftshift(np.fft.ifft2(np.sqrt(self.model.power)).real, axes=(1, 2))[:, near, near]
        return np.asarray(kernels / np.sqrt((kernels**2).sum(axis=(1, 2), keepdims=True)), np.float32)

    @cached_property
    def _mix(self) -> np.ndarray:
        """(3, 3) float32: independent white noise to white noise that has the model's correlation once it is filtered."""
        flat = self._kernels.reshape(3, -1).astype(np.float64)
        wanted = np.asarray(self.model.correlation) / np.maximum(flat @ flat.T, 1e-6)
        values, vectors = np.linalg.eigh(wanted)
        root = vectors * np.sqrt(np.maximum(values, 0))  # a measured matrix may be a hair off being a correlation
        return np.asarray(root / np.linalg.norm(root, axis=1, keepdims=True), np.float32)
