"""How sharp a picture is: one figure for a region, and the blur by which one picture is softer than another, place by
place.

Pictures are log encoded, (H, W, 3) float32. A blur is described by its variance in square pixels along x and y and
their covariance: a defocus of deviation s has (s², 0, s²), a motion of length L along x adds L² / 12 to the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA

FINE_PX, COARSE_PX = 1.0, 4.0  # deviations of the blurs that bound the two bands of local_sharpness; assumed
TILE_PX = 64  # side of a spectrum; structure up to a lip's width fits in
SMALL_PX = 768  # windows up to this side take tiles at half their width apart, larger ones side by side
LOW_RADIAN, HIGH_RADIAN = 0.15, 1.8  # band that is compared: below is light, above is noise; measured on 0.15 to 2.4
LEAST_COHERENCE = 0.05  # weight of frequencies at which the pictures share nothing; assumed
NEIGHBOURHOOD_TILES = 1.5  # deviation of the smoothing over tiles
WHOLE_SHARE = 0.25  # of the whole face's spectrum in every place's, so that flat places follow the face; assumed
ROUNDS = 6  # of the fit; motions of 4 to 13 px settle to a tenth, measured
BOX_LIMIT = 3.0  # of q, short of the box's first zero at 3.3
LEAST_FACE = 0.25  # a tile counts from this mean of the matte on; assumed


def local_sharpness(image_log: np.ndarray, where: np.ndarray) -> float:
    """Detail finer than FINE_PX over detail between FINE_PX and COARSE_PX, as root mean squares of the luma in a region.

    Shapes: image_log (H, W, 3) log, where (H, W) bool or weights 0..1. Contrast cancels, so that two places of
    different light compare; every blur lowers the figure. Grain raises it: compare degrained with degrained, or
    grained with grained. Returns 0 where the region is empty or flat.
    """
    luma = image_log[..., :3] @ np.asarray(LUMA, np.float32)
    softer, softest = (cv2.GaussianBlur(luma, (0, 0), px) for px in (FINE_PX, COARSE_PX))
    weight = np.asarray(where, np.float64)
    fine, coarse = (float((weight * band.astype(np.float64) ** 2).sum()) for band in (luma - softer, softer - softest))
    return float(np.sqrt(fine / coarse)) if coarse > 0 else 0.0


@dataclass(frozen=True, eq=False)
class BlurField:
    """By how much one picture is softer than another over a window, on a coarse grid.

    variance (rows, columns, 3) float32: square pixels along x, across (covariance) and along y, negative where the
    picture is the sharper one. All 0 where there was nothing to compare. hop: pixels between grid points, the first of
    which lies TILE_PX / 2 inside.
    """

    variance: np.ndarray
    hop: int = TILE_PX

    @property
    def centres(self) -> np.ndarray:
        """(rows, columns, 2) x and y of the grid points, pixel centres at .5."""
        rows, columns = (TILE_PX / 2 + self.hop * np.arange(count) for count in self.variance.shape[:2])
        return np.stack(np.meshgrid(columns, rows), axis=-1)

    def over(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Grid values (rows, columns) at every pixel of the window (h, w), float32; held past the outer points."""
        rows, columns = ((np.arange(side, dtype=np.float32) + 0.5 - TILE_PX / 2) / self.hop for side in shape)
        along = np.stack([np.interp(columns, np.arange(values.shape[1]), row) for row in values]).astype(np.float32)
        place = np.clip(rows, 0, len(along) - 1)
        low = np.minimum(place.astype(int), max(len(along) - 2, 0))
        high = np.minimum(low + 1, len(along) - 1)
        return along[low] + (place - low).astype(np.float32)[:, None] * (along[high] - along[low])

    def along(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Variance along a unit direction and across it, each (rows, columns).

        Shapes: direction (rows, columns, 2) or (2,), x and y.
        """
        x, y = direction[..., 0], direction[..., 1]
        xx, xy, yy = np.moveaxis(self.variance, -1, 0)
        return x * x * xx + 2 * x * y * xy + y * y * yy, y * y * xx - 2 * x * y * xy + x * x * yy


def extra_blur(soft_log: np.ndarray, sharp_log: np.ndarray, matte: np.ndarray) -> BlurField:
    """The blur that would make ``sharp_log`` as soft as ``soft_log``, wherever the matte is on.

    The ratio of two power spectra is the square of the blur's response, whose logarithm falls as the wave vector's
    quadratic form in the blur's variance; that form is fitted. Frequencies at which the pictures show the same (by
    their coherence) weigh most, so that wrinkles or grain in one of them are not taken for sharpness.

    Shapes: both (H, W, 3) log, matte (H, W) 0..1. A window smaller than TILE_PX gives a field of zeros.
    Source: coherence as in Bendat & Piersol, Random Data, chapter on single-input single-output systems.
    """
    height, width = matte.shape
    if min(height, width) < TILE_PX:
        return BlurField(np.zeros((1, 1, 3), np.float32))
    hop = TILE_PX // 2 if max(height, width) <= SMALL_PX else TILE_PX
    share = _tiles(np.asarray(matte, np.float32), hop).mean(axis=(2, 3))
    share = np.where(share >= LEAST_FACE, share, 0)
    if not share.any():
        return BlurField(np.zeros((1, 1, 3), np.float32))
    soft, sharp = (_spectra(image @ np.asarray(LUMA, np.float32), hop) for image in (soft_log, sharp_log))
    power_soft, power_sharp, cross = (
        _pooled(product, share) for product in (soft * soft.conj(), sharp * sharp.conj(), soft * sharp.conj())
    )
    tiny = np.finfo(np.float32).tiny
    power = np.maximum(power_soft.real * power_sharp.real, tiny)
    coherence = np.abs(cross) ** 2 / power
    ratio = np.log(np.maximum(power_soft.real, tiny) / np.maximum(power_sharp.real, tiny))
    return BlurField(_fitted(ratio, coherence**2 + LEAST_COHERENCE), hop)


def _tiles(grey: np.ndarray, hop: int) -> np.ndarray:
    """(rows, columns, TILE_PX, TILE_PX) view of a grey picture."""
    view = np.lib.stride_tricks.sliding_window_view(grey, (TILE_PX, TILE_PX))
    return view[::hop, ::hop]


def _spectra(luma: np.ndarray, hop: int) -> np.ndarray:
    """(rows, columns, K) complex64: each tile's spectrum at the compared frequencies, its mean taken off."""
    tiles = _tiles(luma, hop)
    taper = np.hanning(TILE_PX).astype(np.float32)
    taper = taper[:, None] * taper
    level = (tiles * taper).sum(axis=(2, 3), keepdims=True) / taper.sum()
    spectra: np.ndarray = np.fft.rfft2((tiles - level) * taper)
    return spectra[..., _compared()[0]].astype(np.complex64)


def _compared() -> tuple[np.ndarray, np.ndarray]:
    """Which frequencies of a spectrum are compared (TILE_PX, TILE_PX / 2 + 1) bool, and the fit's columns (K, 4)."""
    y = 2 * np.pi * np.fft.fftfreq(TILE_PX)[:, None]
    x = 2 * np.pi * np.fft.rfftfreq(TILE_PX)[None]
    radius = np.hypot(x, y)
    kept = (radius > LOW_RADIAN) & (radius < HIGH_RADIAN)
    x, y = np.broadcast_to(x, kept.shape)[kept], np.broadcast_to(y, kept.shape)[kept]
    return kept, np.stack([np.ones_like(x), -x * x, -2 * x * y, -y * y], axis=1)


def _pooled(product: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Spectra averaged over neighbouring tiles by their share of the face, with some of the whole face's."""
    weighted = product * share[..., None].astype(np.float32)
    rows, columns, count = product.shape
    parts = np.concatenate([weighted.real, weighted.imag], axis=2)
    near = _over_tiles(parts.reshape(rows, columns, -1)) / np.maximum(_over_tiles(share[..., None]), 1e-6)
    whole = parts.sum(axis=(0, 1)) / share.sum()
    mixed = (near + np.float32(WHOLE_SHARE) * whole).astype(np.float32)
    return mixed[..., :count] + 1j * mixed[..., count:]


def _over_tiles(values: np.ndarray) -> np.ndarray:
    """Blur over the tile grid, tiles past its border counting nothing; (rows, columns, C)."""
    rows, columns, _ = values.shape
    return np.einsum("ab,bcd,ec->aed", _reach(rows), values, _reach(columns), optimize=True)


def _reach(count: int) -> np.ndarray:
    offset = np.subtract.outer(np.arange(count), np.arange(count)) / NEIGHBOURHOOD_TILES
    return np.exp(-0.5 * offset * offset).astype(np.float32)


def _fitted(ratio: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Reweighted least squares of the log power ratio (rows, columns, K): variances (rows, columns, 3).

    A quadratic form describes a strong blur at low frequencies only: where the last round's blur leaves little, the
    next round looks less. What is stronger in one direction is taken for a motion's box, whose logarithm falls faster.
    """
    columns = _compared()[1]
    left, target = weight, ratio
    for _ in range(ROUNDS):
        normal = np.einsum("rck,ki,kj->rcij", left, columns, columns, optimize=True)
        right = np.einsum("rck,ki->rci", left * target, columns, optimize=True)
        solved = np.linalg.solve(normal, right[..., None])[..., 0]
        form = solved[..., 1:] @ columns[:, 1:].T
        left = weight * np.exp(-np.abs(form))
        box = np.minimum(-_directed(solved[..., 1:]) @ columns[:, 1:].T, BOX_LIMIT)
        target = ratio + box * box / 10  # 2 ln(sin x / x) = -q - q² / 10 - ..., q = x² / 3
    return np.asarray(solved[..., 1:], np.float32)


def _directed(variance: np.ndarray) -> np.ndarray:
    """The part of variances (..., 3) that only one direction has, if it adds blur there; 0 else."""
    xx, xy, yy = np.moveaxis(variance, -1, 0)
    mean, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    extra = np.where(mean > -spread, np.minimum(2 * spread, np.maximum(mean + spread, 0)), 0)
    x, y, cross = (
        np.divide(part, spread, out=np.zeros_like(part), where=spread > 0) / 2
        for part in ((xx - yy) / 2, (yy - xx) / 2, xy)
    )
    return np.stack([extra * (0.5 + x), extra * cross, extra * (0.5 + y)], axis=-1)
