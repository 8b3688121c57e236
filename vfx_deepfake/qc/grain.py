"""The grain of a delivered face against the plate's: how strong, how coarse, and whether it is new in every frame.

Two ways to see it. *Layers*: a version carries its clean pictures, so grain is the delivered frame less the clean comp, and
the plate less the degrained plate; no texture is mistaken for it. *Time*: what a frame's neighbours, laid on it, do not
explain; needs no layers and also sees a face that boils or was never clean, but takes texture that could not be followed
for grain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.image.grain_measure import level_by_band, radial_spectrum, robust_deviation
from vfx_deepfake.qc.places import LEAST_PIXELS

BAND_EDGES = np.linspace(-0.1, 1.3, 29)  # log code; a band is about 0.9 stop
LIGHT_PX = 2.0  # blur that leaves the light without the grain
DETAIL_PX = 3.0  # slower than this is not grain
OFFSET_PX = 6.0  # and neither is what is slower than this in the grain that the layers leave
GRAIN_BAND = (0.1, 0.45)  # cycles a pixel: slower may be picture, faster is next to nothing; assumed
CLEAN_SIGMA = 3e-4  # log code; a plate with less has no grain to compare with; assumed


@dataclass(frozen=True, slots=True)
class Levels:
    """Deviation (B, 3) and pixels (B, 3) per band of light and channel, log code."""

    levels: np.ndarray
    counts: np.ndarray

    def to_data(self) -> dict[str, Any]:
        """Plain data; bands without pixels are 0."""
        return {"levels": np.nan_to_num(self.levels).round(7).tolist(), "counts": self.counts.tolist()}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Levels:
        """Back from :meth:`to_data`."""
        return cls(np.asarray(data["levels"], np.float64), np.asarray(data["counts"], np.int64))


def measured_levels(residual: np.ndarray, image_log: np.ndarray, where: np.ndarray) -> Levels:
    """Grain per band of a picture's own light. Shapes: residual, image_log (h, w, 3), where (h, w) bool."""
    light = cv2.GaussianBlur(image_log, (0, 0), LIGHT_PX)
    return Levels(*level_by_band(residual, light, where, BAND_EDGES))


def pooled(all_levels: list[Levels]) -> Levels:
    """Levels of many frames as one: variances averaged by their pixels."""
    counts = np.sum([each.counts for each in all_levels], axis=0)
    energy = np.sum([np.nan_to_num(each.levels) ** 2 * each.counts for each in all_levels], axis=0)
    return Levels(np.sqrt(energy / np.maximum(counts, 1)), counts)


def level_ratios(levels: Levels, reference: Levels, least: int = LEAST_PIXELS) -> np.ndarray:
    """(B, 3) level over the reference's; NaN in bands where either has fewer than ``least`` pixels or no grain."""
    seen = (levels.counts >= least) & (reference.counts >= least) & (reference.levels > 0)
    return np.where(seen, levels.levels / np.where(seen, reference.levels, 1), np.nan)


def level_ratio(levels: Levels, reference: Levels, least: int = LEAST_PIXELS) -> float | None:
    """One ratio over all bands and channels, weighted by pixels; None where no band can be compared."""
    ratios = level_ratios(levels, reference, least)
    seen = np.isfinite(ratios)
    if not seen.any():
        return None
    weight = np.minimum(levels.counts, reference.counts)[seen]
    return float(np.sqrt((ratios[seen] ** 2 * weight).sum() / weight.sum()))


def without_offset(residual: np.ndarray, where: np.ndarray) -> np.ndarray:
    """A residual less its own slow part within a region, so that a change of colour is not taken for grain; 0 outside.

    Shapes: residual (h, w, 3), where (h, w) bool.
    """
    weight = where.astype(np.float32)
    inside = residual * weight[..., None]
    slow = cv2.GaussianBlur(inside, (0, 0), OFFSET_PX)
    share = cv2.GaussianBlur(weight, (0, 0), OFFSET_PX)[..., None]
    return np.where(where[..., None], residual - slow / np.maximum(share, np.finfo(np.float32).tiny), np.float32(0))


def has_grain(residual: np.ndarray, where: np.ndarray) -> bool:
    """Whether a plate's residual holds grain at all."""
    return bool(where.any()) and robust_deviation(residual[where]) > CLEAN_SIGMA


def new_noise_ratio(residual: np.ndarray, reference: np.ndarray, where: np.ndarray) -> float | None:
    """Deviation of what is new in a frame over the reference's, mean of the channels.

    Shapes: residuals (h, w, 3) of :func:`vfx_deepfake.qc.align.left_over`, where (h, w) bool. None for too few pixels or no noise.
    """
    if np.count_nonzero(where) < LEAST_PIXELS:
        return None
    mine, theirs = ([robust_deviation(image[where][:, c]) for c in range(3)] for image in (residual, reference))
    return float(np.mean(np.divide(mine, theirs))) if min(theirs) > CLEAN_SIGMA else None


def spectrum_gap_db(residual: np.ndarray, reference: np.ndarray, where: np.ndarray, beside: np.ndarray) -> float | None:
    """Largest difference of two residuals' spectra over the grain band, decibels, their levels made equal.

    Shapes: residuals (h, w, 3); ``where`` is looked at in the first, ``beside`` in the second. None where a region is too
    small or holds no grain.
    """
    freq, mine = radial_spectrum(residual, where)
    _, theirs = radial_spectrum(reference, beside)
    band = (freq >= GRAIN_BAND[0]) & (freq <= GRAIN_BAND[1])
    mine, theirs = mine[band].mean(axis=1), theirs[band].mean(axis=1)
    if not (np.isfinite(mine).all() and np.isfinite(theirs).all() and (mine > 0).all() and (theirs > 0).all()):
        return None
    gap = 10 * np.log10(mine / theirs)
    return float(np.abs(gap - np.median(gap)).max())


def frozen_share(
    grain: tuple[np.ndarray, np.ndarray], plate_grain: tuple[np.ndarray, np.ndarray], where: np.ndarray
) -> float | None:
    """How much of the grain comes back from the frame before, beyond what the plate's does: 1 is frozen.

    Shapes: a pair is a frame's grain and that of the frame before, (h, w, 3) log, at the same pixels. None for too few pixels.
    The plate's own covariance is not zero, because neighbouring frames take part in its degraining; it is scaled to the face's
    level before it is taken off, and the rest is set against the plate's variance, so that a face without grain gives 0.
    """
    if np.count_nonzero(where) < LEAST_PIXELS:
        return None
    mine, before, plate, plate_before = (image[where] for image in (*grain, *plate_grain))
    variance = plate.var(axis=0, dtype=np.float64)
    if not (variance > CLEAN_SIGMA**2).all():
        return None
    share = mine.var(axis=0, dtype=np.float64) / variance
    excess = _covariance(mine, before) - share * _covariance(plate, plate_before)
    return float(np.mean(excess / variance))


def _covariance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(3,) of pixels (N, 3)."""
    return np.asarray(((one - one.mean(axis=0)) * (other - other.mean(axis=0))).mean(axis=0, dtype=np.float64))
