"""A shot's grain as data: how strong it is at each light, how it spreads over scales, and how its channels hang together.

Everything is in the model encoding (log), where film and sensor noise vary little with light, and per channel against
that channel's own value, which is what a dye layer or a photosite sees. A deviation in log code means a deviation in
scene-linear light divided by what one code spans there (:func:`lin_per_log`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.color.encoding import LOG_BIAS, LOG_SCALE, TOE_SLOPE, Y_BREAK, encode_log

FORMAT = 2  # of the record; an older one is measured again
LEVELS = np.linspace(-0.05, 1.25, 53, dtype=np.float32)  # light at which the deviation is given, log code
SPECTRUM_PX = 32  # the spectrum resolves one cycle in this many pixels
NUM_BANDS = 4  # a trous scales: about 1, 2, 4 and 8 px
_HALF = SPECTRUM_PX // 2 + 1
_SPLINE = np.array([1, 4, 6, 4, 1], np.float32) / 16  # B3 spline of the a trous transform, Starck & Murtagh 1994

Table = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class GrainModel:
    """Grain of one shot.

    sigma (3, LEVELS): deviation in log code per channel. spectrum (3, S, S): power at 0 to half a cycle a pixel, y then x,
    of mean 1 over the whole plane, which mirrors this quarter. correlation (3, 3) between channels, lag1 (3,) from a frame to
    the next. A ``clean`` model means a plate without grain: nothing is removed and nothing returned.
    """

    sigma: Table
    spectrum: tuple[Table, ...]
    correlation: Table
    lag1: tuple[float, ...] = (0.0, 0.0, 0.0)
    clean: bool = False

    @cached_property
    def _curves(self) -> np.ndarray:
        return np.asarray(self.sigma, np.float32)

    @cached_property
    def power(self) -> np.ndarray:
        """The spectrum (3, SPECTRUM_PX, SPECTRUM_PX) laid out as numpy's fft2 has it."""
        return whole_plane(np.asarray(self.spectrum, np.float64))

    @cached_property
    def bands(self) -> np.ndarray:
        """(NUM_BANDS, 3) float32: deviation in each a trous band, for grain of deviation 1."""
        shares = [np.sqrt((self.power * band**2).mean(axis=(1, 2))) for band in band_responses()]
        return np.asarray(shares, np.float32)

    def sigma_log(self, log: np.ndarray) -> np.ndarray:
        """Deviation of the grain at each pixel, in log code; held past the ends of LEVELS, also below 0 and above 1.

        Shapes: log (..., 3). Returns the same shape, above 0 unless the model is all zero.
        """
        out = np.empty(log.shape, np.float32)
        for channel, curve in enumerate(self._curves):
            out[..., channel] = np.interp(log[..., channel], LEVELS, curve)
        return out

    def sigma_lin(self, lin: np.ndarray) -> np.ndarray:
        """Deviation of the grain in scene-linear light at pixels (..., 3) of that value."""
        log = np.asarray(encode_log(lin), np.float32)
        return self.sigma_log(log) * lin_per_log(log)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a JSON record."""
        return {
            "format": FORMAT,
            "levels": LEVELS.tolist(),
            "sigma": [list(row) for row in self.sigma],
            "spectrum": [[list(row) for row in table] for table in self.spectrum],
            "correlation": [list(row) for row in self.correlation],
            "lag1": list(self.lag1),
            "clean": self.clean,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GrainModel:
        """The model back from :meth:`to_dict`.

        Raises: ValueError for data of another layout.
        """
        wanted = {"sigma": (3, len(LEVELS)), "spectrum": (3, _HALF, _HALF), "correlation": (3, 3), "lag1": (3,)}
        found = {name: np.asarray(data.get(name, ()), np.float64) for name in wanted}
        if data.get("format") != FORMAT or any(found[name].shape != shape for name, shape in wanted.items()):
            shapes = ", ".join(f"{name} {found[name].shape}" for name in wanted)
            raise ValueError(f"grain record of format {data.get('format')} with {shapes}; want {FORMAT} with {wanted}")
        spectrum = tuple(rows_of(table) for table in found["spectrum"])
        lag1 = tuple(found["lag1"].tolist())
        return cls(
            rows_of(found["sigma"]), spectrum, rows_of(found["correlation"]), lag1, bool(data.get("clean", False))
        )


def lin_per_log(log: np.ndarray) -> np.ndarray:
    """How much scene-linear light one unit of log code spans at each value: the slope of ``decode_log``."""
    value = np.maximum(np.asarray(log, np.float32), np.float32(Y_BREAK))
    above = np.exp2((value - np.float32(LOG_BIAS)) * np.float32(LOG_SCALE)) * np.float32(np.log(2) * LOG_SCALE)
    return np.asarray(np.where(log > Y_BREAK, above, np.float32(1 / TOE_SLOPE)), np.float32)


def rows_of(table: np.ndarray) -> Table:
    """A table of numbers as plain, hashable data."""
    return tuple(tuple(float(value) for value in row) for row in table)


def flat_model(deviation: float, correlation: float = 0.0) -> GrainModel:
    """White grain of one deviation (log code) at every light; for plates whose grain is known, and for trying things out."""
    white = rows_of(np.ones((_HALF, _HALF)))
    mix = rows_of(np.full((3, 3), correlation) + (1 - correlation) * np.eye(3))
    return GrainModel(rows_of(np.full((3, len(LEVELS)), deviation)), (white,) * 3, mix)


NO_GRAIN = GrainModel(**{**vars(flat_model(0.0)), "clean": True})


def whole_plane(quarter: np.ndarray) -> np.ndarray:
    """Spectra (..., S, S) at 0 to half a cycle a pixel laid out as numpy's fft2 has them, (..., 2 S - 2, 2 S - 2)."""
    wide = np.concatenate([quarter, quarter[..., -2:0:-1]], axis=-1)
    return np.concatenate([wide, wide[..., -2:0:-1, :]], axis=-2)


def band_responses() -> list[np.ndarray]:
    """What each a trous band lets through, (SPECTRUM_PX, SPECTRUM_PX) laid out as numpy's fft2 has it, finest first."""
    angle = 2 * np.pi * np.fft.fftfreq(SPECTRUM_PX)
    responses, left = [], np.ones((SPECTRUM_PX, SPECTRUM_PX))
    for scale in range(NUM_BANDS):
        line = (6 + 8 * np.cos(angle * 2**scale) + 2 * np.cos(2 * angle * 2**scale)) / 16
        softer = left * np.outer(line, line)
        responses.append(left - softer)
        left = softer
    return responses


def split_bands(image: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The a trous wavelet transform: NUM_BANDS detail images, finest first, and the rest; their sum is the image.

    Source: Starck, Murtagh & Bijaoui, B3 spline scaling function.
    """
    bands = []
    for scale in range(NUM_BANDS):
        softer = smooth(image, scale)
        bands.append(image - softer)
        image = softer
    return bands, image


def smooth(image: np.ndarray, scale: int) -> np.ndarray:
    """One a trous smoothing step: the spline with 2**scale pixels between its taps."""
    kernel = np.zeros(4 * 2**scale + 1, np.float32)
    kernel[:: 2**scale] = _SPLINE
    return cv2.sepFilter2D(image, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
