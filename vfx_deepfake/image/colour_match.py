"""Colour match of a generated face to the plate: one affine map of log RGB from means and covariances that may be
pooled over a shot.

Statistics are added up, not averaged as maps, so that a shot has one answer however its frames are grouped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA

METHODS = ("none", "mean_deviation", "linear_transport")
AGAINST = ("face", "ring")
MOST_RATIO = 2.0  # no deviation is stretched or shrunk by more than this; assumed
NOISE_LOG = 2e-3  # deviation below which a colour direction carries nothing to match; assumed
TAILS_PERCENT = 5.0  # of the darkest and brightest pixels are left out: nostrils, highlights; assumed
LIKE_SKIN = 3.0  # deviations from the face's own skin within which a pixel beside it counts as skin; assumed
MIN_PIXELS = 50  # fewer make no statistics; assumed
RING_PX = 24.0  # how far outside the matte the plate's skin is looked for, on a face of reference width; assumed


@dataclass(frozen=True)
class Moments:
    """Count, sum and sum of products of log RGB values: all that a map needs of some pixels, and it can be added."""

    count: float = 0.0
    total: tuple[float, ...] = (0.0,) * 3
    products: tuple[float, ...] = (0.0,) * 9

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """Of pixels (N, 3)."""
        wide = values.astype(np.float64)
        return cls(float(len(wide)), tuple(map(float, wide.sum(axis=0))), tuple(map(float, (wide.T @ wide).ravel())))

    def scaled(self, share: float) -> Moments:
        """As if each pixel counted ``share`` times."""
        return Moments(
            self.count * share, tuple(v * share for v in self.total), tuple(v * share for v in self.products)
        )

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.count + other.count,
            tuple(a + b for a, b in zip(self.total, other.total, strict=True)),
            tuple(a + b for a, b in zip(self.products, other.products, strict=True)),
        )

    @property
    def mean(self) -> np.ndarray:
        """(3,)"""
        return np.array(self.total) / self.count

    @property
    def covariance(self) -> np.ndarray:
        """(3, 3), with NOISE_LOG squared on the diagonal so that it can be inverted."""
        second = np.array(self.products).reshape(3, 3) / self.count
        return second - np.outer(self.mean, self.mean) + NOISE_LOG**2 * np.eye(3)


@dataclass(frozen=True)
class Pair:
    """Statistics of the generated face and of the plate that it should match."""

    face: Moments = Moments()
    plate: Moments = Moments()

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.face + other.face, self.plate + other.plate)

    def to_data(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return {name: [m.count, *m.total, *m.products] for name, m in (("face", self.face), ("plate", self.plate))}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Pair:
        """Back from :meth:`to_data`.

        Raises: KeyError, TypeError or ValueError for data of another layout.
        """
        rows = [[float(value) for value in data[name]] for name in ("face", "plate")]
        if any(len(row) != 13 for row in rows):
            raise ValueError("want 13 numbers each for face and plate")
        return cls(*(Moments(row[0], tuple(row[1:4]), tuple(row[4:])) for row in rows))


@dataclass(frozen=True, eq=False)
class ColourMap:
    """log RGB -> matrix @ log RGB + offset."""

    matrix: np.ndarray  # (3, 3)
    offset: np.ndarray  # (3,)

    def apply(self, image_log: np.ndarray) -> np.ndarray:
        """Shapes: (H, W, 3) log, float32 in and out; negative and bright values take part like any other."""
        mapped = cv2.transform(image_log, np.column_stack([self.matrix, self.offset]).astype(np.float32))
        return np.asarray(mapped, np.float32)


def colour_map(method: str, pair: Pair) -> ColourMap | None:
    """The map that gives the face's pixels the plate's statistics; None where nothing is to be done.

    ``mean_deviation`` matches mean and deviation of each channel alone; ``linear_transport`` also turns the colours
    into each other with the least movement. Neither stretches or shrinks by more than MOST_RATIO.
    Source: Reinhard et al. 2001, Color Transfer between Images (here in log RGB); Pitié & Kokaram 2007, The Linear
    Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer.
    Raises: ValueError for an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"colour match '{method}' is unknown; known: {', '.join(METHODS)}")
    if method == "none" or min(pair.face.count, pair.plate.count) <= 0:
        return None
    face, plate = pair.face.covariance, pair.plate.covariance
    if method == "mean_deviation":
        matrix = np.diag(np.sqrt(np.diag(plate) / np.diag(face)))
    else:
        root = _power(face, 0.5)
        back = _power(face, -0.5)
        matrix = back @ _power(root @ plate @ root, 0.5) @ back
    values, axes = np.linalg.eigh(matrix)
    matrix = (axes * np.clip(values, 1 / MOST_RATIO, MOST_RATIO)) @ axes.T
    return ColourMap(matrix, pair.plate.mean - matrix @ pair.face.mean)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A power of a symmetric positive matrix (3, 3)."""
    values, axes = np.linalg.eigh(matrix)
    return np.asarray((axes * np.maximum(values, 1e-12) ** exponent) @ axes.T)


def measure_pair(
    face_log: np.ndarray, clean_log: np.ndarray, matte: np.ndarray, skin: np.ndarray, against: str, scale: float
) -> Pair:
    """Statistics of one frame: the face's skin inside the matte, and the plate's skin there or in a ring beside it.

    Shapes: face_log, clean_log (H, W, 3) log; matte, skin (H, W) 0..1. ``against`` is one of AGAINST: ``face`` compares
    with the plate at the same pixels, ``ring`` with plate pixels of skin colour just outside the matte (neck, ears,
    brow), for a plate whose face has another colour than it should get. The darkest and brightest TAILS_PERCENT of
    the plate's skin are left out. Returns an empty pair where there is too little to see.
    """
    inside = (matte > 0.5) & (skin > 0.5)
    luma = clean_log @ np.asarray(LUMA, np.float32)
    if inside.sum() < MIN_PIXELS:
        return Pair()
    low, high = np.percentile(luma[inside], (TAILS_PERCENT, 100 - TAILS_PERCENT))
    inside &= (luma >= low) & (luma <= high)
    own = Moments.of(clean_log[inside])
    if against == "ring":
        beside = cv2.dilate((matte > 0).astype(np.uint8), _disc(RING_PX * scale)).astype(bool) & (matte == 0)
        off = clean_log[beside] - own.mean.astype(np.float32)
        near = np.einsum("ni,ij,nj->n", off, np.linalg.inv(own.covariance), off) < LIKE_SKIN**2
        plate = clean_log[beside][near]
        return Pair(Moments.of(face_log[inside]), Moments.of(plate)) if len(plate) >= MIN_PIXELS else Pair()
    return Pair(Moments.of(face_log[inside]), own)


def _disc(px: float) -> np.ndarray:
    radius = max(round(px), 1)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2))


def at_frame(pairs: Mapping[int, Pair], frame: int, window_frames: float) -> Pair:
    """Statistics for one frame out of those measured at some frames.

    ``window_frames`` 0 pools the whole shot, so that every frame gets one map; else each measured frame counts by a
    Gaussian of its distance with that deviation: the map changes as smoothly as the Gaussian, however the measured
    frames flicker. Frames count alike, whatever their number of pixels. Far from any measured frame the nearest counts.
    """
    seen = {at: pair for at, pair in pairs.items() if min(pair.face.count, pair.plate.count) > 0}
    if not seen:
        return Pair()
    distance = {at: 0.5 * ((at - frame) / window_frames) ** 2 if window_frames else 0.0 for at in seen}
    nearest = min(distance.values())
    total = Pair()
    for at, pair in seen.items():
        weight = float(np.exp(nearest - distance[at]))
        total += Pair(pair.face.scaled(weight / pair.face.count), pair.plate.scaled(weight / pair.plate.count))
    return total
