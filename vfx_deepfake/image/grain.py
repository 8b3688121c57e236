"""A shot's grain as data: how strong it is at each light level, how it spreads over scales, and how it returns on new
pixels.

Everything is measured in the model encoding (log), where film and sensor noise vary little with light, and per
channel against that channel's own value, which is what a dye layer or a photosite sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import sample

LEVELS = np.linspace(-0.05, 1.25, 27, dtype=np.float32)  # centres of the light levels, log code
MIN_SAMPLES = 200  # pixels that make a level's deviation believable to 5 %
MAD_TO_SIGMA = 1.4826  # of a normal distribution
NUM_BANDS = 4  # a trous scales: about 1, 2, 4 and 8 px
GRAIN_BLUR_PX = 0.7  # assumed softness of grain, for calibrating the measurement only
BLOCK_PX = 8  # of the flatness test
MAX_BLOCKS = 20_000  # looked at in a frame, evenly spread
CLEAN_SIGMA = 6e-4  # log code; a plate whose flattest blocks vary less has no grain (a 10-bit code is 1e-3). Assumed
SHADOW_LOG = float(encode_log(np.array(0.004)))  # blocks darker than this are not asked
GAIN_LIMIT = 16.0  # grain is never re-levelled by more than this, up or down; assumed
_SPLINE = np.array([1, 4, 6, 4, 1], np.float32) / 16  # B3 spline of the a trous transform, Starck & Murtagh 1994


@dataclass(frozen=True)
class GrainModel:
    """Grain of one shot.

    ``sigma`` is the deviation in log code per channel at each of LEVELS; ``bands`` the share of it in each a trous
    scale. A ``clean`` model means a plate without grain: nothing is removed and nothing returned.
    """

    sigma: tuple[tuple[float, ...], ...]
    bands: tuple[tuple[float, ...], ...]
    clean: bool = False

    @cached_property
    def _curves(self) -> np.ndarray:
        return np.asarray(self.sigma, np.float32)

    def sigma_log(self, log: np.ndarray) -> np.ndarray:
        """Deviation of the grain at each pixel, in log code; held past the ends of LEVELS, also below 0 and above 1.

        Shapes: log (..., 3). Returns the same shape, above 0 unless the model is all zero.
        """
        out = np.empty(log.shape, np.float32)
        for channel, curve in enumerate(self._curves):
            out[..., channel] = np.interp(log[..., channel], LEVELS, curve)
        return out

    def relevel(self, clean_lin: np.ndarray, degrained_lin: np.ndarray) -> np.ndarray:
        """The factor s(C)/s(D) that carries the plate's grain to the new light level; exactly 1 where C has D's value.

        Shapes: both (H, W, 3) scene-linear; s is the deviation in linear light: what one deviation of log code
        spans there.
        """
        if self.clean:
            return np.ones(clean_lin.shape, np.float32)
        with np.errstate(all="ignore"):  # beyond float32's range the ratio is not finite and the grain stays as it is
            ratio = self._sigma_lin(clean_lin) / np.maximum(self._sigma_lin(degrained_lin), np.finfo(np.float32).tiny)
        held = np.clip(ratio, 1 / GAIN_LIMIT, GAIN_LIMIT)
        return np.where((clean_lin == degrained_lin) | ~np.isfinite(held), np.float32(1), held)

    def _sigma_lin(self, lin: np.ndarray) -> np.ndarray:
        log = encode_log(lin)
        half_step = self.sigma_log(log) / 2
        return decode_log(log + half_step) - decode_log(log - half_step)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a JSON record."""
        return {
            "levels": LEVELS.tolist(),
            "sigma": [list(row) for row in self.sigma],
            "bands": [list(row) for row in self.bands],
            "clean": self.clean,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GrainModel:
        """The model back from :meth:`to_dict`.

        Raises: ValueError for data of another layout.
        """
        sigma, bands = (np.asarray(data.get(name, ()), np.float64) for name in ("sigma", "bands"))
        if sigma.shape != (3, len(LEVELS)) or bands.shape != (3, NUM_BANDS):
            wanted = f"sigma (3, {len(LEVELS)}) and bands (3, {NUM_BANDS})"
            raise ValueError(f"want {wanted}, got {sigma.shape} and {bands.shape}")
        return cls(_rows(sigma), _rows(bands), bool(data.get("clean", False)))


NO_GRAIN = GrainModel(((0.0,) * len(LEVELS),) * 3, ((0.0,) * NUM_BANDS,) * 3, clean=True)


def regrain(
    plate: np.ndarray, degrained: np.ndarray, clean: np.ndarray, grain: GrainModel, gain: float = 1.0
) -> np.ndarray:
    """N(C): the plate's own residual at the light level of the clean comp; exactly P - D where C = D and ``gain`` is 1.

    Shapes: all (H, W, 3) scene-linear. ``gain`` scales the grain where the comp changed; 0 leaves changed pixels clean.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        residual = plate - degrained
        return np.where(clean == degrained, residual, residual * grain.relevel(clean, degrained) * np.float32(gain))


@dataclass(frozen=True)
class Sample:
    """Grain seen in one frame: ``residual`` in log code (as strong as the grain), ``level`` the local light, ``flat``
    where to look.
    """

    residual: np.ndarray  # (h, w, 3)
    level: np.ndarray  # (h, w, 3)
    flat: np.ndarray  # (h, w) bool


def sample_between(centre: np.ndarray, neighbours: Sequence[tuple[np.ndarray, np.ndarray]], window: Window) -> Sample:
    """What differs between a frame and the mean of its neighbours carried onto it: grain, as it is new in every frame.

    Shapes: centre (h, w, 3) log over ``window``; neighbours pairs of such an image and the plate positions (h, w, 2)
    that carry it onto the centre. Without neighbours the finest a trous band stands in. The residual is scaled by what
    the same steps do to synthetic grain of GRAIN_BLUR_PX.
    """
    noise = np.random.default_rng(0).standard_normal((1 + len(neighbours), *window.shape)).astype(np.float32)
    fields = [cv2.GaussianBlur(field, (0, 0), GRAIN_BLUR_PX) for field in noise]
    if neighbours:
        images = [sample(image, window, where) for image, where in neighbours]
        grains = [sample(field, window, where) for field, (_, where) in zip(fields[1:], neighbours, strict=True)]
        residual, response = centre - sum(images) / len(images), fields[0] - sum(grains) / len(grains)
    else:
        residual, response = centre - smooth(centre, 0), fields[0] - smooth(fields[0], 0)
    level = cv2.GaussianBlur(centre, (0, 0), 2.0)
    slope = np.hypot(*(cv2.Scharr(level.mean(axis=-1), cv2.CV_32F, dx, 1 - dx) for dx in (1, 0)))
    return Sample(residual * np.float32(fields[0].std() / response.std()), level, slope <= np.median(slope))


def fit_grain(samples: Iterable[Sample], clean: bool) -> GrainModel:
    """The grain model of a shot from what several frames showed.

    Robust: every deviation is a median absolute deviation, so that edges and mistracked pixels don't count. Levels
    nobody saw take the nearest seen one's. Returns :data:`NO_GRAIN` where the plate is clean or there is too little
    to see.
    """
    seen = list(samples)
    if clean or not seen:
        return NO_GRAIN
    residual, level = (np.concatenate([getattr(s, name)[s.flat] for s in seen]) for name in ("residual", "level"))
    curves = np.array([_curve(residual[:, channel], level[:, channel]) for channel in range(3)])
    if np.median(curves, axis=1).max() < CLEAN_SIGMA:
        return NO_GRAIN
    return GrainModel(_rows(curves), _rows(_band_shares(seen, GrainModel(_rows(curves), NO_GRAIN.bands))))


def _rows(table: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in table)


def _curve(residual: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Deviation at each of LEVELS, smoothed over neighbours; all 0 where no level has MIN_SAMPLES."""
    step = float(LEVELS[1] - LEVELS[0])
    index = np.clip(np.rint((level - LEVELS[0]) / step).astype(int), 0, len(LEVELS) - 1)
    counts = np.bincount(index, minlength=len(LEVELS))
    good = np.nonzero(counts >= MIN_SAMPLES)[0]
    if not len(good):
        return np.zeros(len(LEVELS))
    sigma = np.array([MAD_TO_SIGMA * np.median(np.abs(residual[index == i])) for i in good])
    full = np.interp(LEVELS, LEVELS[good], np.maximum(sigma, sigma.max() * 1e-3))
    return np.convolve(np.pad(full, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")


def _band_shares(samples: Sequence[Sample], model: GrainModel) -> np.ndarray:
    """(3, NUM_BANDS): deviation of the grain in each a trous band, for grain of deviation 1."""
    found = []
    for seen in samples:
        bands, _ = split_bands(seen.residual / model.sigma_log(seen.level))
        found.append([MAD_TO_SIGMA * np.median(np.abs(band[seen.flat]), axis=0) for band in bands])
    return np.asarray(np.median(np.asarray(found), axis=0).T)


def is_clean(image_log: np.ndarray) -> bool:
    """True where a picture has blocks too flat for any grain: grain covers the whole frame, picture detail does not.

    Shapes: image_log (H, W, 3), a whole frame. Blocks in deep black, or of one value (mattes, clipped areas,
    letterbox), are not asked; a frame without other blocks counts as clean.
    """
    size = BLOCK_PX
    rows, columns = image_log.shape[0] // size, image_log.shape[1] // size
    if not rows or not columns:
        return True
    tiled = image_log[: rows * size, : columns * size].reshape(rows, size, columns, size, 3)
    wanted = np.arange(0, rows * columns, 1 + rows * columns // MAX_BLOCKS)
    blocks = tiled[wanted // columns, :, wanted % columns]
    blocks = blocks.reshape(-1, size * size, 3)
    lit = blocks.mean(axis=(1, 2)) > SHADOW_LOG
    sigma = _detrended_deviation(blocks[lit]).max(axis=1)
    alive = sigma[np.ptp(blocks[lit], axis=1).max(axis=1) > 0]
    return not len(alive) or float(np.percentile(alive, 5)) < CLEAN_SIGMA


def _detrended_deviation(blocks: np.ndarray) -> np.ndarray:
    """Deviation (N, 3) of each block (N, BLOCK_PX squared, 3) after its best-fitting plane is taken off."""
    y, x = np.divmod(np.arange(BLOCK_PX * BLOCK_PX), BLOCK_PX)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y], axis=1).astype(np.float64))
    basis = basis.astype(np.float32)
    rest = blocks - np.einsum("pk,nkc->npc", basis, np.einsum("pk,npc->nkc", basis, blocks))
    return np.sqrt((rest**2).sum(axis=1) / (BLOCK_PX * BLOCK_PX - 3))


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
