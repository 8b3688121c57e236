"""What grain a residual holds: level against light, spatial spectrum, correlation between channels and between frames.

A *residual* is (h, w, 3) log code: what is left of a picture when everything but its grain is taken off. ``where`` is
(h, w), bool or a weight 0..1, and may have any shape, such as a face's. Nothing here models or removes anything, so that the same
figures judge a plate, a delivered frame and a known truth.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

MAD_TO_SIGMA = 1.4826  # of a normal distribution
TILE_PX = 32  # side of a spectrum tile: resolves 1/32 cycle a pixel, several grains wide
LEAST_COVER = 0.3  # of a tile's window power must lie inside the region for the tile to count; assumed


def level_by_band(
    residual: np.ndarray, light: np.ndarray, where: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The grain's deviation in every band of light, per channel against that channel's own light.

    Shapes: residual, light (h, w, 3) log; where (h, w), looked at where it is above 0.5; edges (B + 1,) rising, log code:
    a band holds its lower edge and not its upper one.
    Returns levels (B, 3): the median absolute deviation from the median, scaled to a normal distribution's deviation, so
    that a few pixels of picture don't count; NaN in a band without pixels; and counts (B, 3), the pixels in each.
    """
    inside = np.asarray(where) > 0.5
    bands = len(edges) - 1
    levels, counts = np.full((bands, 3), np.nan), np.zeros((bands, 3), np.int64)
    for channel in range(3):
        values, own = residual[..., channel][inside], light[..., channel][inside]
        band = np.searchsorted(edges, own, side="right") - 1
        for index in range(bands):
            seen = values[band == index]
            counts[index, channel] = len(seen)
            if len(seen):
                levels[index, channel] = robust_deviation(seen)
    return levels, counts


def robust_deviation(values: np.ndarray) -> float:
    """Deviation of normal values of which some are something else; 0 for none."""
    if not values.size:
        return 0.0
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def radial_spectrum(residual: np.ndarray, where: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Power of a residual against spatial frequency, averaged over directions, in a region of any shape.

    Shapes: residual (h, w, 3); where (h, w) or None for all of it. Returns freq (N,) in cycles a pixel, rising up to 0.5,
    and power (N, 3). White noise of variance v has power v at every frequency, whatever the region: tiles are
    weighted by a Hann window times the region, and the sum of their squared transforms divided by the sum of
    squared weights. NaN where no tile lies inside the region far enough. Zero frequency is left out.
    Source: Welch's averaged periodogram, in two dimensions.
    """
    squared, total = _tile_power(residual, where)
    radius = np.hypot(np.fft.fftfreq(TILE_PX)[:, None], np.fft.rfftfreq(TILE_PX)[None, :])
    ring = np.rint(radius * TILE_PX).astype(int)
    twice = np.full(TILE_PX // 2 + 1, 2.0)  # a real transform holds each frequency but the first and last column once
    twice[[0, -1]] = 1.0
    share = np.broadcast_to(twice, ring.shape)
    num_rings = TILE_PX // 2
    wanted = (ring >= 1) & (ring <= num_rings)
    weight = np.bincount(ring[wanted], share[wanted], num_rings + 1)[1:]
    power = [np.bincount(ring[wanted], (share * squared[..., c])[wanted], num_rings + 1)[1:] for c in range(3)]
    freq = np.arange(1, num_rings + 1) / TILE_PX
    return freq, np.stack(power, axis=-1) / weight[:, None] / (total if total > 0 else np.nan)


def _tile_power(residual: np.ndarray, where: np.ndarray | None) -> tuple[np.ndarray, float]:
    """Summed squared transforms (TILE_PX, TILE_PX // 2 + 1, 3) of the half-overlapping tiles, and the squared weights' sum."""
    line = np.sin(np.pi * (np.arange(TILE_PX) + 0.5) / TILE_PX) ** 2
    window = np.outer(line, line).astype(np.float32)
    squared, total = np.zeros((TILE_PX, TILE_PX // 2 + 1, 3)), 0.0
    shape = residual.shape[:2]
    if min(shape) < TILE_PX:
        return squared, total
    region = np.ones(shape, np.float32) if where is None else np.asarray(where, np.float32)
    step, full = TILE_PX // 2, float((window**2).sum())
    for top in range(0, shape[0] - TILE_PX + 1, step):
        rows = slice(top, top + TILE_PX)
        weights = sliding_window_view(region[rows], TILE_PX, axis=1)[:, ::step].transpose(1, 0, 2) * window
        power = (weights**2).sum(axis=(1, 2), dtype=np.float64)
        kept = power >= LEAST_COVER * full
        if not kept.any():
            continue
        tiles = sliding_window_view(residual[rows], TILE_PX, axis=1)[:, ::step].transpose(1, 0, 3, 2)[kept]
        spectrum = np.fft.rfft2(
            np.where(weights[kept, ..., None] > 0, tiles, 0) * weights[kept, ..., None], axes=(1, 2)
        )
        squared += (np.abs(spectrum) ** 2).sum(axis=0)
        total += float(power[kept].sum())
    return squared, total


def channel_correlation(residual: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Correlation (3, 3) between the channels of a residual (h, w, 3) inside a region (h, w); 0 where one does not vary."""
    return _correlation(residual, residual, where)


def lag1_correlation(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Correlation (3,) per channel between the residuals (h, w, 3) of two frames at the same pixels of a region (h, w).

    Grain is new in every frame: 0 but for chance, about one over the root of the number of grains. 1 is frozen grain.
    """
    return np.diagonal(_correlation(a, b, where)).copy()


def _correlation(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(3, 3): each channel of ``a`` with each of ``b``, means taken off."""
    inside = np.asarray(where) > 0.5
    if not inside.any():
        return np.zeros((3, 3))
    one, two = (np.asarray(image[inside], np.float64) for image in (a, b))
    one, two = one - one.mean(axis=0), two - two.mean(axis=0)
    size = np.sqrt(np.outer((one**2).sum(axis=0), (two**2).sum(axis=0)))
    return np.where(size > 0, one.T @ two / np.where(size > 0, size, 1.0), 0.0)
