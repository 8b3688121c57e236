"""Measuring a shot's grain: what differs between a frame and its neighbours in small blocks of the whole picture.

A block of a neighbour is carried by whole pixels, so that nothing is resampled and the difference of two frames holds the
grain of both, untouched. Differences are taken in scene-linear light and divided by what one log code spans there,
so that a deviation means the same in the dark, where the log of grain is lopsided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.image.flow import dense_flow, matching_grey
from vfx_deepfake.image.grain import LEVELS, NO_GRAIN, SPECTRUM_PX, GrainModel, lin_per_log, rows_of, whole_plane
from vfx_deepfake.image.grain_curve import KNOTS, Curves, fit_curves

BLOCK_PX = 16  # holds about 60 grains and is still flat nearly everywhere
PATCH_PX = SPECTRUM_PX  # two blocks wide: where the spectrum is looked at
MOST_PATCHES = 1500  # kept of a frame, evenly spread
FLOW_PX = (
    320  # pictures are matched at most this wide: coarse flow does not follow grain, and blocks move by whole pixels
)
FLOW_BLUR_PX = 4.0
STRIP_PX = 256  # rows worked on at once, so that memory is that of a few pictures
EDGE_SHARE = (
    0.02  # of a block's pixels may have the frame's largest or smallest value; with more it is clipped. Assumed
)
CLEAN_SIGMA = 6e-4  # log code; a plate whose grain is below has none (a 10-bit code is 1e-3). Assumed
SURE_WEIGHT = 2.0  # of a light level, from which it can tell a clean plate: a few blocks that agree; assumed
FLATTEST_PERCENT = 5.0
MOST_LAG = 0.9  # correlation from frame to frame that is still believed to be grain; assumed
LEAST_PATCHES = 8  # of a frame, for its spectrum; assumed
BELIEVED_SHARE = 0.05  # of the most believed light's weight makes a light fit to show the spectrum; assumed
LOWEST_RING = 1.5  # spectrum bins below are taken from those around: light that changes is in them too


@dataclass(frozen=True)
class Blocks:
    """What the blocks of one frame hold, log code.

    light (N, 3): mean light. flatness (N,): deviation within the block's flattest quarter, a plane taken off, of its worst
    channel. variance (N, 3): of one frame's grain. lagged (N, 3): correlation of the differences to the
    two neighbours, 0.5 for grain that is new in every frame; NaN with fewer than two. patches (M, PATCH_PX, PATCH_PX, 3):
    grain itself; members (M, 4): the blocks that each patch covers.
    """

    light: np.ndarray
    flatness: np.ndarray
    variance: np.ndarray
    lagged: np.ndarray
    patches: np.ndarray
    members: np.ndarray


def measure_blocks(centre: np.ndarray, neighbours: Sequence[np.ndarray]) -> Blocks:
    """Look at every block of a frame.

    Shapes: centre and up to two neighbours (H, W, 3) log, whole pictures of one size. Without neighbours the block itself,
    a plane taken off, stands for its grain. Blocks with clipped pixels have a variance of NaN. A picture smaller than a patch has
    no blocks.
    """
    rows, columns = centre.shape[0] // PATCH_PX * 2, centre.shape[1] // PATCH_PX * 2
    if not rows or not columns:
        none = np.zeros((0, 3))
        return Blocks(
            none, none[:, 0], none, none, np.zeros((0, PATCH_PX, PATCH_PX, 3), np.float32), np.zeros((0, 4), int)
        )
    shifts = [_block_shifts(centre, other, rows, columns) for other in neighbours]
    ends = centre.min(axis=(0, 1)), centre.max(axis=(0, 1))
    parts = []
    for top in range(0, rows, STRIP_PX // BLOCK_PX):
        strip = slice(top, min(top + STRIP_PX // BLOCK_PX, rows))
        parts.append(_measure_strip(centre, list(zip(neighbours, shifts, strict=True)), strip, columns, ends))
    light, flatness, variance, lagged, grains = (np.concatenate(part) for part in zip(*parts, strict=True))
    block = np.arange(rows * columns).reshape(rows, columns)
    members = np.stack([block[y::2, x::2].ravel() for y in (0, 1) for x in (0, 1)], axis=-1)
    members = members[:: 1 + len(members) // MOST_PATCHES]
    quarters = grains[members].reshape(-1, 2, 2, BLOCK_PX, BLOCK_PX, 3)
    patches = quarters.transpose(0, 1, 3, 2, 4, 5).reshape(-1, PATCH_PX, PATCH_PX, 3)
    return Blocks(light, flatness, variance, lagged, patches, members)


def _measure_strip(
    centre: np.ndarray,
    others: Sequence[tuple[np.ndarray, np.ndarray]],
    strip: slice,
    columns: int,
    ends: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """light, flatness, variance, lagged and grain (n, BLOCK_PX, BLOCK_PX, 3) of some rows of blocks; n = rows x columns."""
    still = np.zeros((strip.stop - strip.start, columns, 2), int)
    own_log = _gather(centre, still, strip.start)
    own = decode_log(own_log)
    clipped = sum((own_log == end).mean(axis=(1, 2)).max(axis=-1) for end in ends) > EDGE_SHARE
    light = np.asarray(encode_log(own.mean(axis=(1, 2))))
    per_log = lin_per_log(light)[:, None, None]
    seen = [own - decode_log(_gather(other, shift[strip], strip.start)) for other, shift in others] or [own]
    grains = [(one / per_log).astype(np.float32) for one in seen]
    level = [_without_plane(one) for one in grains]
    freedom = BLOCK_PX**2 - 3
    variance = np.mean([(one**2).sum(axis=(1, 2)) for one in level], axis=0) / freedom
    lagged = np.full_like(variance, np.nan)
    if len(level) == 2:
        lagged = (level[0] * level[1]).sum(axis=(1, 2)) / freedom / np.maximum(variance, 1e-30)
    copies = 2 if others else 1  # a difference holds the grain of two frames
    variance = np.where(clipped[:, None], np.nan, variance / copies)
    return light, _flatness(own_log), variance, lagged, grains[0] / np.float32(np.sqrt(copies))


def _gather(image: np.ndarray, shift: np.ndarray, first_row: int) -> np.ndarray:
    """Blocks (n, BLOCK_PX, BLOCK_PX, 3) of a picture, each moved by whole pixels; edge pixels are repeated.

    Shapes: shift (rows, columns, 2) int, x right, y down; the first block row is ``first_row``.
    """
    rows, columns = shift.shape[:2]
    inside = np.arange(BLOCK_PX)
    y = (np.arange(first_row, first_row + rows) * BLOCK_PX)[:, None, None] + shift[..., 1, None] + inside
    x = (np.arange(columns) * BLOCK_PX)[None, :, None] + shift[..., 0, None] + inside
    y, x = np.clip(y, 0, image.shape[0] - 1), np.clip(x, 0, image.shape[1] - 1)
    return image[y[..., :, None], x[..., None, :]].reshape(rows * columns, BLOCK_PX, BLOCK_PX, 3)


def _block_shifts(centre: np.ndarray, other: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Whole pixels (rows, columns, 2) from each block of a frame to the same thing in another; coarse, as said above.

    The four blocks of a patch move together, so that no seam runs through it.
    """
    shrink = max(1.0, centre.shape[1] / FLOW_PX)
    size = (max(int(centre.shape[1] / shrink), 1), max(int(centre.shape[0] / shrink), 1))
    grey, there = (matching_grey(cv2.resize(image, size, interpolation=cv2.INTER_AREA)) for image in (centre, other))
    flow = cv2.GaussianBlur(dense_flow(grey, there, finest_scale=1), (0, 0), FLOW_BLUR_PX) * np.float32(shrink)
    y, x = (((np.arange(n // 2) + 0.5) * PATCH_PX / shrink).astype(int) for n in (rows, columns))
    shift = np.rint(flow[np.ix_(np.minimum(y, size[1] - 1), np.minimum(x, size[0] - 1))]).astype(int)
    return shift.repeat(2, axis=0).repeat(2, axis=1)


def _flatness(blocks: np.ndarray) -> np.ndarray:
    """(n,): the smallest deviation over the quarters of blocks (n, BLOCK_PX, BLOCK_PX, 3), the largest of its channels'."""
    half = BLOCK_PX // 2
    quarters = blocks.reshape(-1, 2, half, 2, half, 3).transpose(0, 1, 3, 2, 4, 5).reshape(-1, half, half, 3)
    energy = (_without_plane(quarters) ** 2).sum(axis=(1, 2)) / (half**2 - 3)
    return np.asarray(np.sqrt(energy.max(axis=-1)).reshape(-1, 4).min(axis=1))


def _plane(side: int) -> np.ndarray:
    """(side squared, 3): constant and two slopes, orthonormal."""
    y, x = np.divmod(np.arange(side**2), side)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y], axis=1).astype(np.float64))
    return np.asarray(basis)


def _without_plane(blocks: np.ndarray) -> np.ndarray:
    """Blocks with their best-fitting plane taken off, so that light and shading don't count."""
    flat, basis = blocks.reshape(len(blocks), -1, 3), _plane(blocks.shape[1]).astype(np.float32)
    return (flat - np.einsum("pk,nkc->npc", basis, np.einsum("pk,npc->nkc", basis, flat))).reshape(blocks.shape)


def fit_grain(measured: Iterable[Blocks]) -> GrainModel:
    """The grain model of a shot from the blocks of some frames; :data:`NO_GRAIN` for a clean plate or too little to see."""
    seen = [blocks for blocks in measured if len(blocks.light)]
    if not seen:
        return NO_GRAIN
    light, variance, lagged = (np.concatenate([getattr(b, n) for b in seen]) for n in ("light", "variance", "lagged"))
    curves = fit_curves(light, variance)
    if curves is None or _is_clean(curves, np.concatenate([blocks.flatness for blocks in seen])):
        return NO_GRAIN
    ok = np.split(curves.clean_blocks, np.cumsum([len(b.light) for b in seen])[:-1])
    spectrum, correlation = spectrum_of(_clean_patches(seen, ok, curves))
    lag = _lag(lagged[curves.clean_blocks & _believed(light, curves)])
    kept = _kept_by_plane(spectrum) * (1 - lag)
    deviation = np.exp(curves.log_variance / 2) / np.sqrt(kept)[:, None]
    sigma = np.exp([np.interp(LEVELS, KNOTS, np.log(row)) for row in deviation])
    return GrainModel(
        rows_of(sigma), tuple(rows_of(table) for table in spectrum), rows_of(correlation), tuple(lag.tolist())
    )


def _is_clean(curves: Curves, flatness: np.ndarray) -> bool:
    """True for a plate with next to no grain.

    The light levels whose blocks agree decide, weighed by how far they are believed. Where none is (texture everywhere), the
    flattest places do: grain covers the whole picture, so that no place is flatter than it.
    """
    weight = curves.weight.min(axis=0)
    if weight.max() < SURE_WEIGHT:
        alive = flatness[flatness > 0]  # one value all over is a matte, a letterbox or clipped
        return not len(alive) or float(np.percentile(alive, FLATTEST_PERCENT)) < CLEAN_SIGMA
    levels = np.exp(curves.log_variance / 2).max(axis=0)
    order = np.argsort(levels)
    share = np.cumsum(weight[order])
    return bool(levels[order][np.searchsorted(share, share[-1] / 2)] < CLEAN_SIGMA)


def _lag(lagged: np.ndarray) -> np.ndarray:
    """Correlation (3,) of the grain from a frame to the next, from that of differences c: 1 - 2 c for a decaying one."""
    known = lagged[np.isfinite(lagged).all(axis=1)]
    if not len(known):
        return np.zeros(3)
    return np.asarray(np.clip(1 - 2 * known.mean(axis=0), -MOST_LAG, MOST_LAG))


def _believed(light: np.ndarray, curves: Curves) -> np.ndarray:
    """Which lights (N, 3) lie where the curves of all channels are believed, (N,) bool; all where none is."""
    level = np.argmin(np.abs(light[..., None] - KNOTS), axis=-1)
    sure = curves.weight >= BELIEVED_SHARE * curves.weight.max(axis=1, keepdims=True)
    inside = np.stack([sure[c][level[:, c]] for c in range(3)]).all(axis=0)
    return np.asarray(inside) if inside.any() else np.ones(len(light), bool)


def _clean_patches(seen: Sequence[Blocks], ok: Sequence[np.ndarray], curves: Curves) -> Iterator[np.ndarray]:
    """Patches (M, PATCH_PX, PATCH_PX, 3) of deviation about 1, one array a frame: those that hold nothing but grain.

    Where a frame has too few of them, the LEAST_PATCHES whose blocks come nearest to it.
    """
    for blocks, good in zip(seen, ok, strict=True):
        over = np.stack([np.interp(blocks.light[:, c], KNOTS, curves.log_variance[c]) for c in range(3)], axis=-1)
        chosen = (good & _believed(blocks.light, curves))[blocks.members].all(axis=1)
        if chosen.sum() < LEAST_PATCHES:
            excess = np.nan_to_num((blocks.variance / np.exp(over)).max(axis=1), nan=np.inf)[blocks.members].max(axis=1)
            chosen = np.argsort(excess, kind="stable")[:LEAST_PATCHES]
        sigma = np.exp(over / 2)[blocks.members[chosen]].mean(axis=1)
        yield blocks.patches[chosen] / sigma[:, None, None].astype(np.float32)


def spectrum_of(patches: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum (3, S, S) at 0 to half a cycle a pixel, y then x, of mean 1 over the whole plane; correlation (3, 3)."""
    line = np.sin(np.pi * (np.arange(PATCH_PX) + 0.5) / PATCH_PX) ** 2
    window = np.outer(line, line)[..., None].astype(np.float32)
    power, products, total = np.zeros((PATCH_PX, PATCH_PX, 3)), np.zeros((3, 3)), 0
    for some in patches:
        centred = _without_plane(some)
        power += (np.abs(np.fft.fft2(centred * window, axes=(1, 2))) ** 2).sum(axis=0)
        products += np.einsum("nyxc,nyxd->cd", centred, centred)
        total += len(some)
    if not total:
        return np.ones((3, PATCH_PX // 2 + 1, PATCH_PX // 2 + 1)), np.eye(3)
    deviation = np.sqrt(np.diagonal(products))
    return _tidied(power), products / np.outer(deviation, deviation)


def _tidied(power: np.ndarray) -> np.ndarray:
    """One quarter of the plane (the others mirror it), the lowest bins filled from those around, mean 1."""
    half = PATCH_PX // 2 + 1
    folded = power + np.roll(power[::-1], 1, axis=0)
    quarter = np.moveaxis((folded + np.roll(folded[:, ::-1], 1, axis=1))[:half, :half], -1, 0)
    radius = np.hypot(*np.mgrid[:half, :half])
    around = (radius > LOWEST_RING) & (radius < LOWEST_RING + 1.5)
    quarter[:, radius <= LOWEST_RING] = quarter[:, around].mean(axis=1, keepdims=True)
    return np.asarray(quarter / whole_plane(quarter).mean(axis=(1, 2), keepdims=True))


def _kept_by_plane(spectrum: np.ndarray) -> np.ndarray:
    """(3,): the share of the variance that is left when a plane is taken off a block of grain with this spectrum."""
    planes = np.moveaxis(_plane(BLOCK_PX).reshape(BLOCK_PX, BLOCK_PX, 3), -1, 0)
    energy = (np.abs(np.fft.fft2(planes, s=(PATCH_PX, PATCH_PX))) ** 2).sum(axis=0)
    lost = (whole_plane(spectrum) * energy).mean(axis=(1, 2))  # variance of the three coefficients, together
    return np.asarray((BLOCK_PX**2 - lost) / (BLOCK_PX**2 - 3))
