"""A mark in review pictures that nobody sees: which version is this copy? It outlives encoding, scaling and cropping.

The mark is a sum of cosines that repeats three times over the picture's height. A third of the cosines have phases that the key alone
gives, and tell where the pattern lies; the others carry the payload's coded bits as signs. Both are added to the luma of display codes,
which are about even steps to the eye, so that another gamma on the way changes the strength and not the signs.

Reading needs no original. Frames are freed of what is coarse, evened out so that no edge outvotes the flat parts, and added up. One
large Fourier transform of the sum is then looked up at the mark's frequencies for every size that the pattern may have, which is what
a crop changes, and one small transform for each gives all places at once. Scaling alone changes nothing, because everything is
measured in heights of the picture. What it can't undo: rotation, mirroring, a changed aspect ratio.

Pictures are (H, W, 3) float32, display-encoded, 0 black to 1 white.
Source of the idea: spread spectrum, Cox, Kilian, Leighton, Shamoon 1997; repeated tiles, Kalker, Depovere, Haitsma, Maes 1999.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.image.mark_code import CODED_BITS, decode, encode

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709
TILES = 3  # repeats over the height; a crop must keep one of them
# cycles a tile: 15 to 72 a picture height. Slower is seen as shading, faster is lost in encoding
SLOWEST, FASTEST = 5, 24
SYNC_SHARE = 1 / 3  # of the cosines, which tell where the pattern lies
# rms strength: in flat parts, per deviation of texture, at most; chosen by eye at 1:1, measured in docs/forensics.md
FLOOR, SLOPE, MOST = 0.4 / 255, 0.3, 1.5 / 255
ANALYSED_PX = 720  # height at which pictures are read; the mark has nothing finer
LEAST_PX = 96  # height under which more than half of the cosines are finer than two pixels
SIZES = (0.18, 0.80)  # the pattern's tile in heights of what is read: 1/3 is the whole picture, 2/3 half of it
STEP = 0.0025  # between sizes tried: under 0.5 rad at the edge of a wide picture's fastest cosine
GRID = 64  # places a tile and axis; more than twice FASTEST
RINGS_ALIKE, LEAST_FIT = 2, 0.02  # neighbours that a ring's weight is averaged with; weight of a ring that does not fit
CANDIDATES = 8  # of size and place, for which the payload is read


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read. ``identity`` is None where no payload passed the checksum, and the rest then says what came nearest."""

    identity: bytes | None
    confidence: float  # share of the soft values that agree with the payload: 0.5 by chance; 0 without a payload
    peak: float  # the place's score in deviations of chance; the best of a million tries reaches about 5 by chance
    tile: float  # size of the pattern in heights of the picture; 1/3 unless cropped or bordered
    frames: int
    soft: np.ndarray  # (CODED_BITS,) what the payload was read from, or would have been


@dataclass(frozen=True, eq=False)
class _Pattern:
    """The cosines of a key: ``k`` (P, 2) cycles a tile along y and x, ``phase`` (P,), ``bit`` (P,) the coded bit or -1 for place."""

    k: np.ndarray
    phase: np.ndarray
    bit: np.ndarray


@lru_cache(maxsize=4)
def _pattern(key: bytes) -> _Pattern:
    ky, kx = np.mgrid[0 : FASTEST + 1, -FASTEST : FASTEST + 1]
    radius = np.hypot(ky, kx)
    half = (ky > 0) | (kx > 0)  # the other half is its mirror image
    k = np.stack([ky, kx], -1)[(radius >= SLOWEST) & (radius <= FASTEST) & half]
    noise = np.frombuffer(hashlib.shake_256(b"review mark " + key).digest(8 * len(k)), "<u4").reshape(2, -1)
    order = np.argsort(noise[0], kind="stable")
    num_sync = round(SYNC_SHARE * len(k))
    bit = np.empty(len(k), np.intp)
    bit[order[:num_sync]] = -1
    bit[order[num_sync:]] = np.arange(len(k) - num_sync) % CODED_BITS
    return _Pattern(k, noise[1] * (2 * np.pi / 2**32), bit)


class Marker:
    """Puts one version's mark into pictures; the pattern is drawn once for a size."""

    def __init__(self, identity: bytes, key: bytes) -> None:
        self._found = _pattern(key)
        signs = np.append(encode(identity, key), 1.0)  # the last is for the place, whose bit is -1
        self._phasors = np.exp(1j * self._found.phase) * signs[self._found.bit]
        self._drawn = np.zeros((0, 0), np.float32)

    def mark(self, picture: np.ndarray) -> np.ndarray:
        """A marked copy, within 0..1 where the picture was. Shapes: (H, W, 3), returns the same."""
        height, width = picture.shape[:2]
        if self._drawn.shape != (height, width):
            self._drawn = self._draw(height, width)
        change = strength(picture @ LUMA) * self._drawn
        return np.clip(picture + change[..., None], np.minimum(picture, 0), np.maximum(picture, 1)).astype(np.float32)

    def _draw(self, height: int, width: int) -> np.ndarray:
        """The pattern at unit deviation; its middle is the picture's."""
        grid = np.zeros((FASTEST + 1, 2 * FASTEST + 1), np.complex64)
        grid[self._found.k[:, 0], self._found.k[:, 1] + FASTEST] = self._phasors
        tile = height / TILES
        rows, columns = (np.arange(n) - (n - 1) / 2 for n in (height, width))
        along_y = np.exp(2j * np.pi / tile * np.outer(rows, np.arange(FASTEST + 1))).astype(np.complex64)
        along_x = np.exp(2j * np.pi / tile * np.outer(np.arange(-FASTEST, FASTEST + 1), columns)).astype(np.complex64)
        waves = (along_y @ grid @ along_x).real
        return np.asarray(waves / np.sqrt(len(self._phasors) / 2), np.float32)


def strength(luma: np.ndarray) -> np.ndarray:
    """Rms of the mark that a picture hides, in display codes: FLOOR in flat parts, more in texture, and close to edges."""
    reach = max(luma.shape[0] / TILES / FASTEST, 1.0)  # pixels: one period of the fastest cosine
    fine = luma - cv2.GaussianBlur(luma, (0, 0), max(reach / 6, 0.5))  # a smooth shade hides nothing
    texture = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), reach / 2))
    side = 2 * round(reach) + 1
    inside = cv2.erode(texture, np.ones((side, side), np.uint8))  # a lone edge is not texture
    return cv2.GaussianBlur(np.clip(FLOOR + SLOPE * inside, FLOOR, MOST), (0, 0), reach / 2)


def evened(picture: np.ndarray) -> np.ndarray:
    """What a reader adds up: the mark's band of a frame's luma, divided by its own local deviation. Returns (h, w) float32."""
    luma = picture @ LUMA
    if luma.shape[0] > ANALYSED_PX:
        width = round(luma.shape[1] * ANALYSED_PX / luma.shape[0])
        luma = np.asarray(cv2.resize(luma, (width, ANALYSED_PX), interpolation=cv2.INTER_AREA), np.float32)
    fast, slow = (luma.shape[0] / TILES / cycles for cycles in (FASTEST, SLOWEST))  # periods, pixels
    band = cv2.GaussianBlur(luma, (0, 0), max(0.12 * fast, 0.3)) - cv2.GaussianBlur(luma, (0, 0), 0.3 * slow)
    local = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), fast))
    return np.clip(band / (local + FLOOR), -2.5, 2.5)


def read_mark(frames: Iterable[np.ndarray], key: bytes) -> Reading:
    """Look for a mark of this key in pictures of one size, which are added up.

    Raises: ValueError without a picture, for one under LEAST_PX, or for another size than the first's.
    """
    total, count, shape = np.zeros((0, 0), np.float32), 0, (0, 0)
    for picture in frames:
        if picture.shape[0] < LEAST_PX:
            raise ValueError(f"pictures are {picture.shape[0]} px high; a mark can be read from {LEAST_PX} px on")
        if count and picture.shape[:2] != shape:
            raise ValueError(f"picture {count + 1} is {picture.shape[:2]}, the first one was {shape}; want one size")
        total = evened(picture) + total if count else evened(picture)
        shape, count = picture.shape[:2], count + 1
    if not count:
        raise ValueError("no picture to read a mark from")
    return _read(total, key, count)


def _read(total: np.ndarray, key: bytes, count: int) -> Reading:
    pattern, spectrum = _pattern(key), _Spectrum(total)
    readings = []
    for coarse in sorted(_places(spectrum, pattern), reverse=True)[:CANDIDATES]:
        peak, tile, place = _refined(spectrum, pattern, coarse)
        soft = _soft(spectrum, pattern, tile, place)
        identity = decode(soft, key)
        agreeing = soft * encode(identity, key) > 0 if identity is not None else soft != soft
        share = float(np.abs(soft)[agreeing].sum() / (np.abs(soft).sum() + 1e-12))
        readings.append(Reading(identity, share, peak, tile / total.shape[0], count, soft))
        if identity is not None:
            return readings[-1]
    return readings[0]


class _Spectrum:
    """The Fourier transform of a picture, to be looked up at any frequency; phases are those at the picture's middle."""

    def __init__(self, picture: np.ndarray) -> None:
        self.height, self.width = picture.shape
        taper = [np.minimum(1, (np.minimum(np.arange(n), np.arange(n)[::-1]) + 1) / (0.06 * n)) for n in picture.shape]
        padded = [cv2.getOptimalDFTSize(2 * n) for n in picture.shape]
        field = np.zeros(padded, np.float32)
        field[: self.height, : self.width] = picture * taper[0][:, None] * taper[1][None]
        middle = [n // 2 for n in picture.shape]
        self._values = np.fft.fft2(np.roll(field, (-middle[0], -middle[1]), (0, 1)).astype(np.complex64))
        self._size = np.array(padded)

    def at(self, k: np.ndarray, tile: np.ndarray) -> np.ndarray:
        """Coefficients at ``k`` (P, 2) cycles over each of the tiles (S,) in pixels: (S, P), each size's rings of equal strength."""
        where = k[None] / tile[:, None, None] * self._size
        low = np.floor(where).astype(np.intp)
        part = where - low
        found = np.zeros(where.shape[:2], np.complex64)
        for dy in (0, 1):
            for dx in (0, 1):
                share = np.abs(1 - dy - part[..., 0]) * np.abs(1 - dx - part[..., 1])
                rows, columns = ((low[..., i] + d) % self._size[i] for i, d in ((0, dy), (1, dx)))
                found += (share * self._values[rows, columns]).astype(np.complex64)
        return self._flat(found, k)

    @staticmethod
    def _flat(found: np.ndarray, k: np.ndarray) -> np.ndarray:
        """Held to the typical strength of their ring, so that no line of the picture speaks louder than the mark."""
        size = np.abs(found)
        rings = _rings(k)
        typical = (size @ rings.T / rings.sum(1)) @ rings  # a ring's mean, for each of its members
        return np.asarray(found / (size + typical + 1e-12), np.complex64)


def _rings(k: np.ndarray) -> np.ndarray:
    """Which cosines (P) belong to which whole radius: (R, P) of 0 and 1."""
    radius = np.hypot(k[:, 0], k[:, 1]).astype(np.intp)
    return (radius == np.unique(radius)[:, None]).astype(np.float32)


def _places(spectrum: _Spectrum, pattern: _Pattern) -> Iterator[tuple[float, float, tuple[float, float]]]:
    """For every size the best place: score in deviations, tile in pixels, offset (y, x) in tiles."""
    sync = pattern.bit < 0
    k, turn = pattern.k[sync], np.exp(-1j * pattern.phase[sync])
    low, high = (share * spectrum.height for share in SIZES)
    tiles = np.exp(np.arange(np.log(low), np.log(high), STEP))
    for some in np.array_split(tiles, max(len(tiles) // 64, 1)):
        values = spectrum.at(k, some) * turn
        grid = np.zeros((len(some), GRID, GRID), np.complex64)
        grid[:, k[:, 0], k[:, 1] % GRID] = values
        scores = np.fft.fft2(grid).real / _deviation(values)[:, None, None]
        best = scores.reshape(len(some), -1).argmax(1)
        for index, tile in enumerate(some):
            y, x = divmod(int(best[index]), GRID)
            yield float(scores[index, y, x]), float(tile), (y / GRID, x / GRID)


def _deviation(values: np.ndarray) -> np.ndarray:
    """Of the real part of a sum over (S, P) values of random phase: (S,)."""
    return np.asarray(np.sqrt((np.abs(values) ** 2).sum(1) / 2) + 1e-12)


def _refined(
    spectrum: _Spectrum, pattern: _Pattern, coarse: tuple[float, float, tuple[float, float]]
) -> tuple[float, float, tuple[float, float]]:
    """The best size and place round a coarse one."""
    sync = pattern.bit < 0
    k, turn = pattern.k[sync], np.exp(-1j * pattern.phase[sync])
    tiles = coarse[1] * np.exp(np.linspace(-1, 1, 9) * STEP)
    values = spectrum.at(k, tiles) * turn
    steps = np.linspace(-1, 1, 9) / GRID
    offsets = np.stack(np.meshgrid(coarse[2][0] + steps, coarse[2][1] + steps, indexing="ij"), -1).reshape(-1, 2)
    scores = (values @ np.exp(-2j * np.pi * (k @ offsets.T))).real / _deviation(values)[:, None]
    size, place = np.unravel_index(scores.argmax(), scores.shape)
    return float(scores[size, place]), float(tiles[size]), (float(offsets[place, 0]), float(offsets[place, 1]))


def _soft(spectrum: _Spectrum, pattern: _Pattern, tile: float, place: tuple[float, float]) -> np.ndarray:
    """One soft value for each coded bit; rings count by how well those of their cosines fit that tell the place."""
    k, sync = pattern.k, pattern.bit < 0
    turn = np.exp(-1j * (pattern.phase + 2 * np.pi * (k @ np.array(place))))
    values = (spectrum.at(k, np.array([tile]))[0] * turn).real
    rings = _rings(k)
    near = np.abs(np.subtract.outer(np.arange(len(rings)), np.arange(len(rings)))) <= RINGS_ALIKE
    known = near @ rings * sync
    fit = np.clip(known @ values / known.sum(1), LEAST_FIT, None) @ rings
    return np.bincount(pattern.bit[~sync], (values * fit)[~sync], CODED_BITS)
