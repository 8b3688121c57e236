"""Creases, spots, blotches and soft shadows of skin, weaker or stronger, by bands of a picture; pores and light stay.

Lengths are centimetres on the face, so that a face in HD and the same face in 4K get the same treatment. Each function returns what to
add to a log picture (h, w, 3) where ``amount`` (h, w) is 1; where it is 0 the answer is exactly 0. ``skin`` (h, w) 0..1
keeps eyes, brows and lips out of the averages.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA as WEIGHTS

LUMA = np.asarray(WEIGHTS, np.float32)
# Bands, cm: (finer is left alone, coarser is left alone). Assumed from skin: creases up to eight millimetres wide, bags and
# folds up to three centimetres; looked at on the digital actor. Fine creases are told from pores by their length.
CREASE_CM = (0.0, 0.4)
SPOT_CM = (0.02, 0.3)
BLOTCH_CM = (0.25, 1.4)
FOLD_CM = (0.2, 1.3)
LINE_CM = 0.25  # deviation along a line: how long a crease runs straight; what is shorter counts as pores. Assumed
CREASE_PASSES = 2  # one leaves a third of a crease; a third pass takes as much of the pores as of the crease. Measured
# How much of what is no line speaks against a line. Measured: at 1 a fifth of a crease is left and four fifths of the pores.
PORES_SHARE = 0.6
NUM_DIRECTIONS = 12
SHARPNESS = 4.0  # power by which the best direction wins; smooth, so that it never flips from frame to frame
CREASE_LIMIT, FOLD_LIMIT = 0.12, 0.10  # log; more is an edge, not a crease (a stop is 0.057). Assumed
SPOT_FLOOR = 0.004  # log; less than a fourteenth of a stop is a pore. Assumed
SPOT_GAIN = 1.6  # a round spot loses this to the filter that knows lines; measured on spots of 1 mm
MARGIN_CM = 1.3  # three deviations of the widest blur of creases and spots
BULGE_SHARE = 0.35  # of the bright side of a fold is taken back with its shadow; assumed
OTHER_LOG = (
    0.06,
    0.12,
)  # darker or brighter than the skin beside it by this is hair or background; one to two stops. Assumed
LOOK_CM = 1.2  # how far off that skin is looked at
EDGE_CM = 0.3  # this near to hair or background nothing is touched
MIN_SKIN = 1e-3
LEAST_PX, WIDE_PX = 0.2, 10.0  # a blur below does nothing; one above loses nothing on a quarter of the pixels


def without_creases(log: np.ndarray, skin: np.ndarray, amount: np.ndarray, px_per_cm: float) -> np.ndarray:
    """Lines as wide as wrinkles: 1 takes them away, -1 makes them twice as deep."""

    def lines_of(log: np.ndarray, skin: np.ndarray, amount: np.ndarray) -> np.ndarray:
        lines = np.zeros_like(log)
        for _ in range(CREASE_PASSES):
            lines = lines + _along_lines(_band(log - lines, skin, CREASE_CM, px_per_cm), LINE_CM * px_per_cm)
        rest = _band(log - lines, skin, CREASE_CM, px_per_cm)
        strong, weak = (_blur((image @ LUMA) ** 2, LINE_CM / 2 * px_per_cm) for image in (lines, rest))
        sure = strong / np.maximum(strong + PORES_SHARE * weak, 1e-12)  # lines that stand out, not those of the grain
        return -_held(lines, CREASE_LIMIT) * (sure * amount)[..., None]

    return _where_wanted(lines_of, log, skin, amount, px_per_cm)


def without_spots(log: np.ndarray, skin: np.ndarray, amount: np.ndarray, px_per_cm: float) -> np.ndarray:
    """Small dark spots lifted to, and small coloured ones brought to, the skin around them; lines stay."""

    def spots_of(log: np.ndarray, skin: np.ndarray, amount: np.ndarray) -> np.ndarray:
        band = _band(log, skin, SPOT_CM, px_per_cm)
        luma = (band @ LUMA)[..., None]
        round_luma = ((band - _along_lines(band, LINE_CM * px_per_cm)) @ LUMA)[..., None]
        dark = np.minimum(SPOT_GAIN * np.maximum(-round_luma - SPOT_FLOOR, 0), np.maximum(-luma, 0))
        return (_held(dark, CREASE_LIMIT) - (band - luma)) * amount[..., None]

    return _where_wanted(spots_of, log, skin, amount, px_per_cm)


def without_blotches(log: np.ndarray, skin: np.ndarray, amount: np.ndarray, px_per_cm: float) -> np.ndarray:
    """Colour that varies over some millimetres evened out; the mean tone and all light and shade stay."""
    band = _band(log, skin, BLOTCH_CM, px_per_cm)
    return ((band @ LUMA)[..., None] - band) * amount[..., None]


def without_folds(log: np.ndarray, skin: np.ndarray, amount: np.ndarray, px_per_cm: float) -> np.ndarray:
    """The shadow of a bag or fold lifted, and a part of the bulge beside it taken back."""
    band = _held(_band(log, skin, FOLD_CM, px_per_cm), FOLD_LIMIT)
    return -np.where(band < 0, band, BULGE_SHARE * band) * amount[..., None]


def looks_like_skin(log: np.ndarray, sure: np.ndarray, px_per_cm: float) -> np.ndarray:
    """(h, w) 0..1: 1 where a picture is about as bright as the ``sure`` skin near by, 0 at hair and background."""
    luma = log @ LUMA
    weight = _blur(sure, LOOK_CM * px_per_cm)
    skin = _blur(luma * sure, LOOK_CM * px_per_cm) / np.maximum(weight, MIN_SKIN)
    low, high = OTHER_LOG
    share = (weight > MIN_SKIN) * np.clip(
        (high - np.abs(skin - _blur(luma, EDGE_CM / 4 * px_per_cm))) / (high - low), 0, 1
    )
    radius = max(round(EDGE_CM * px_per_cm), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    away = cv2.erode(share.astype(np.float32), disc, borderType=cv2.BORDER_REPLICATE)
    return _blur(away, EDGE_CM / 2 * px_per_cm)


def _where_wanted(
    make: Callable[..., np.ndarray], log: np.ndarray, skin: np.ndarray, amount: np.ndarray, px_per_cm: float
) -> np.ndarray:
    """``make`` over no more of the picture than ``amount`` needs."""
    out = np.zeros_like(log)
    rows, columns = (np.flatnonzero(amount.any(axis=axis)) for axis in (1, 0))
    if len(rows):
        margin = round(MARGIN_CM * px_per_cm)
        place = tuple(slice(max(int(found[0]) - margin, 0), int(found[-1]) + 1 + margin) for found in (rows, columns))
        out[place] = make(log[place], skin[place], amount[place])
    return out


def _band(log: np.ndarray, skin: np.ndarray, cm: tuple[float, float], px_per_cm: float) -> np.ndarray:
    """What lies between two blurs; only skin counts."""
    fine, coarse = (_mean(log, skin, size * px_per_cm) for size in cm)
    return np.asarray(fine - coarse, np.float32)


def _mean(image: np.ndarray, weight: np.ndarray, sigma_px: float) -> np.ndarray:
    """A blur in which every pixel counts by its weight; far from any weight the picture itself."""
    weight = weight if image.ndim == 2 else weight[..., None]
    total = _blur(np.squeeze(weight), sigma_px)
    total = total if image.ndim == 2 else total[..., None]
    blurred = _blur(image * weight, sigma_px)
    return np.where(total > MIN_SKIN, blurred / np.maximum(total, MIN_SKIN), image)


def _blur(image: np.ndarray, sigma_px: float) -> np.ndarray:
    if sigma_px < LEAST_PX:
        return image
    if sigma_px < WIDE_PX:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE))
    height, width = image.shape[:2]
    small = cv2.resize(image, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(_blur(small, sigma_px / 2), (width, height), interpolation=cv2.INTER_LINEAR))


def _along_lines(band: np.ndarray, length_px: float) -> np.ndarray:
    """A band averaged along the direction it runs in at each place: lines stay, grains and pores go.

    The directions are mixed by their energy, not chosen, so that the answer is smooth in the picture.
    """
    luma = band @ LUMA
    total, weights = np.zeros_like(band), np.full(luma.shape, 1e-20, np.float32)
    for kernel in _line_kernels(length_px):
        seen = cv2.filter2D(luma, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        energy = cv2.boxFilter(seen * seen, -1, (3, 3), borderType=cv2.BORDER_REPLICATE) ** SHARPNESS
        weights += energy
        total += cv2.filter2D(band, -1, kernel, borderType=cv2.BORDER_REPLICATE) * energy[..., None]
    return total / weights[..., None]


def _line_kernels(length_px: float) -> list[np.ndarray]:
    """Normalised Gaussian lines of deviation ``length_px``, half a pixel thick, in NUM_DIRECTIONS directions."""
    radius = max(int(np.ceil(2.5 * length_px)), 1)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    out = []
    for angle in np.pi * np.arange(NUM_DIRECTIONS) / NUM_DIRECTIONS:
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        kernel = np.exp(-0.5 * ((along / max(length_px, 0.3)) ** 2 + (across / 0.5) ** 2))
        out.append((kernel / kernel.sum()).astype(np.float32))
    return out


def _held(band: np.ndarray, limit: float) -> np.ndarray:
    """Smoothly bounded; small values stay as they are."""
    return np.asarray(limit * np.tanh(band / limit), np.float32)
