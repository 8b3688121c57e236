"""Mattes of the parts of a face: drawn from the mesh, moved onto the picture's own edges, teeth told by their colour.

The mesh knows where the lips are to about a pixel; the picture knows exactly where they end. A guided filter explains
the drawn matte by the picture's colours in small windows, and only a narrow band round the drawn edge may follow it, so
that a matte can't leak along a wrinkle or vanish where there is no edge.

Source: He, Sun, Tang 2013, Guided Image Filtering; He, Sun 2015, Fast Guided Filter (coefficients on a smaller copy).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.color.encoding import LOG_SCALE
from vfx_deepfake.image.flow import LUMA

# Pixels at the reference face size; measured on the performer over 3 to 12, 1e-5 to 1e-3, 2 to 5 and 1 to 3.
GUIDE_RADIUS_PX = 6.0
GUIDE_NOISE = 3e-5  # log squared: contrast below its root is no edge
BAND_PX = 4.0
DISJOINT = (
    "holdout",
    "eyes",
    "teeth",
    "mouth",
    "lips",
    "brows",
    "nose",
    "skin",
)  # where two meet the first has the pixel
TILE_PX = 256  # large mattes are worked on in parts, and parts without an edge not at all
STEEPNESS = 2.0  # the filter's ramps are about twice as wide as the edges that they follow
# Teeth: stops less red (log2 of red over green) than the shot's skin, and stops darker; assumed, held against the performer
# and the digital actor.
TEETH_LESS_RED = (0.05, 0.35)
TEETH_DARKEST = (4.5, 3.5)


@dataclass(frozen=True, eq=False)
class EdgeGuide:
    """The local colour statistics of a picture, made once and used by every matte over it.

    image_log (h, w, 3); small (h', w', 3) a copy at about the reference face size, mean (h', w', 3) and inverse
    (h', w', 3, 3) of its local covariance; scale: pixels of the picture in one of the reference face.
    """

    image_log: np.ndarray
    small: np.ndarray
    mean: np.ndarray
    inverse: np.ndarray
    scale: float


@dataclass(frozen=True, slots=True)
class SkinTone:
    """The middle of a shot's skin, in stops: light (log2 of luma, up to a constant) and red (log2 of red over green)."""

    light: float
    red: float


def edge_guide(image_log: np.ndarray, scale: float, noise: float = GUIDE_NOISE) -> EdgeGuide:
    """Measure a picture for :func:`refined`.

    Shapes: image_log (h, w, 3) degrained, in the model encoding; scale: the face's width over the reference one;
    noise: log squared, contrast below its root is no edge.
    """
    height, width = image_log.shape[:2]
    size = max(round(width / max(scale, 1)), 1), max(round(height / max(scale, 1)), 1)
    small = image_log if scale <= 1 else cv2.resize(image_log, size, interpolation=cv2.INTER_AREA)
    mean = _box(small, scale)
    covariance = np.empty((*small.shape, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            covariance[..., i, j] = _box(small[..., i] * small[..., j], scale) - mean[..., i] * mean[..., j]
            covariance[..., j, i] = covariance[..., i, j]
    return EdgeGuide(image_log, small, mean, _inverse(covariance + noise * np.eye(3, dtype=np.float32)), scale)


def refined(matte: np.ndarray, guide: EdgeGuide, band_px: float = BAND_PX, steepness: float = STEEPNESS) -> np.ndarray:
    """The matte with its edges on the picture's.

    Shapes: matte (h, w) float32 0..1 over the guide's picture. Returns the same; farther than ``band_px`` (at the
    reference face size) from the matte's edge its own values stay, so that an empty matte stays empty. ``steepness`` 1
    keeps the edge of a matte that is soft already as soft as it is.
    """
    out = matte.copy()
    reach = max(round(band_px * min(guide.scale, 1)), 1)
    place = _around(matte > 0, round((2 * reach + 2 * GUIDE_RADIUS_PX) * max(guide.scale, 1)))
    if place is None:
        return out
    ratio = (guide.small.shape[0] / matte.shape[0], guide.small.shape[1] / matte.shape[1])
    origin = _matching(place, ratio)
    drawn = matte if ratio == (1, 1) else cv2.resize(matte, guide.small.shape[1::-1], interpolation=cv2.INTER_AREA)
    drawn = drawn[origin]
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    least, most = (change(drawn, disc, borderType=cv2.BORDER_REPLICATE) for change in (cv2.erode, cv2.dilate))
    planes = np.dstack([_explained(drawn, guide, origin), least, most - least])
    for tile in _tiles(place):
        rows, columns = (slice(max(part.start - begin.start - 1, 0), part.stop - begin.start + 1)
                         for part, begin in zip(_matching(tile, ratio), origin, strict=True))  # fmt: skip
        if not planes[rows, columns, 5].any():
            continue
        full = _enlarged(planes, origin, tile, ratio)
        filtered = (full[..., :3] * guide.image_log[tile]).sum(axis=-1) + full[..., 3]
        held = np.clip((filtered - 0.5) * steepness + 0.5, full[..., 4], full[..., 4] + full[..., 5])
        out[tile] = np.where(full[..., 5] > 0, np.clip(held, 0, 1), matte[tile])
    return out


def _explained(drawn: np.ndarray, guide: EdgeGuide, place: tuple[slice, slice]) -> np.ndarray:
    """The straight line from colour to matte that fits best round each pixel: (h, w, 4), three slopes and an offset."""
    picture, mean = guide.small[place], guide.mean[place]
    average = _box(drawn, guide.scale)
    together = _box(picture * drawn[..., None], guide.scale) - mean * average[..., None]
    slope = np.einsum("hwij,hwj->hwi", guide.inverse[place], together)
    return _box(np.dstack([slope, average - (slope * mean).sum(axis=-1)]), guide.scale)


def _matching(place: tuple[slice, slice], ratio: tuple[float, float]) -> tuple[slice, slice]:
    """The rows and columns of the small picture that hold those of the large one."""
    rows, columns = (slice(int(span.start * r), max(int(np.ceil(span.stop * r)), int(span.start * r) + 1))
                     for span, r in zip(place, ratio, strict=True))  # fmt: skip
    return rows, columns


def _tiles(place: tuple[slice, slice]) -> Iterator[tuple[slice, slice]]:
    """Parts of at most TILE_PX a side that cover a place: an edge touches few of them."""
    for top in range(place[0].start, place[0].stop, TILE_PX):
        for left in range(place[1].start, place[1].stop, TILE_PX):
            yield slice(top, min(top + TILE_PX, place[0].stop)), slice(left, min(left + TILE_PX, place[1].stop))


def _enlarged(
    small: np.ndarray, small_place: tuple[slice, slice], place: tuple[slice, slice], ratio: tuple[float, float]
) -> np.ndarray:
    """A part of the small picture sampled at the pixel centres of a part of the large one, bilinear.

    Shapes: small (h, w, 6) covering ``small_place``. Returns (h', w', 6) over ``place``.
    """
    spots = [((np.arange(span.start, span.stop) + 0.5) * r - 0.5 - begin.start).astype(np.float32)
             for span, r, begin in zip(place, ratio, small_place, strict=True)]  # fmt: skip
    x, y = np.meshgrid(spots[1], spots[0])
    halves = [
        np.ascontiguousarray(small[..., first : first + 3]) for first in (0, 3)
    ]  # OpenCV takes at most four channels
    return np.concatenate(
        [cv2.remap(half, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for half in halves], axis=-1
    )


def _around(mask: np.ndarray, margin: int) -> tuple[slice, slice] | None:
    """Rows and columns that hold the mask and a margin; None for an empty one."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not len(rows):
        return None
    (top, bottom), (left, right) = (
        (max(int(found[0]) - margin, 0), int(found[-1]) + margin + 1) for found in (rows, columns)
    )
    return slice(top, min(bottom, mask.shape[0])), slice(left, min(right, mask.shape[1]))


def _box(image: np.ndarray, scale: float) -> np.ndarray:
    side = 2 * max(round(GUIDE_RADIUS_PX * min(scale, 1)), 1) + 1
    return np.asarray(cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32)


def _inverse(matrices: np.ndarray) -> np.ndarray:
    """Inverses of symmetric positive (h, w, 3, 3) matrices, by cofactors: a fifth of the time of a solver."""
    m = matrices.astype(np.float64)
    a, b, c, d, e, f = (m[..., i, j] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    cofactors = [d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b]
    determinant = a * cofactors[0] + b * cofactors[1] + c * cofactors[2]
    p, q, r, s, t, u = (part / determinant for part in cofactors)
    return np.stack([p, q, r, q, s, t, r, t, u], axis=-1).reshape(m.shape).astype(np.float32)


def skin_tone(samples: list[np.ndarray]) -> SkinTone | None:
    """The middle of some frames' skin pixels, each (N, 3) log; None without any."""
    pixels = np.concatenate(samples) if samples else np.zeros((0, 3), np.float32)
    if not len(pixels):
        return None
    return SkinTone(float(np.median(_light(pixels))), float(np.median(_red(pixels))))


def teeth_matte(mouth: np.ndarray, image_log: np.ndarray, skin: SkinTone) -> np.ndarray:
    """Where teeth show in the open mouth: less red than skin, and not in the dark.

    Shapes: mouth (h, w) 0..1, image_log (h, w, 3) in the model encoding. Returns (h, w) 0..1, nowhere above ``mouth``.
    The levels belong to the shot, so that a matte does not pump with what a frame happens to show.
    """
    place = _around(mouth > 0, 0)
    out = np.zeros_like(mouth)
    if place is not None:
        part = image_log[place]
        pale = _ramp(skin.red - _red(part), *TEETH_LESS_RED)
        lit = _ramp(_light(part) - skin.light, *(-stops for stops in TEETH_DARKEST))
        out[place] = mouth[place] * pale * lit
    return out


def _light(image_log: np.ndarray) -> np.ndarray:
    return np.asarray(image_log @ np.asarray(LUMA, np.float32) * LOG_SCALE)


def _red(image_log: np.ndarray) -> np.ndarray:
    return np.asarray((image_log[..., 0] - image_log[..., 1]) * LOG_SCALE)


def _ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def disjoint(mattes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parts of the face so that they share each pixel out and no two claim the same: what an ID matte needs.

    Shapes: those of DISJOINT, each (h, w) 0..1. Returns the same names; they add up to at most 1.
    """
    left = np.ones_like(mattes["skin"])
    out = {}
    for name in DISJOINT:
        out[name] = np.minimum(mattes[name], left)
        left = left - out[name]
    return out
