"""Skin texture between grain and wrinkle scale: the plate's pores on a generated face, spared where wrinkles were.

A face is made at its own resolution, and what is finer is missing. Octave by octave as much of the plate's texture is added as
makes the face as rough as the plate's plain skin; detail that the face has stays, and a face as sharp as its plate gets nothing.
Where the plate has lines, the texture of plain skin beside them is taken; its moles and single hairs stay out.

Works on degrained pictures: the grain is the compositing rule's affair and comes back by itself. Band limits grow with
the face. Pictures are log encoded, (H, W, 3) float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.image.flow import LUMA
from vfx_deepfake.image.seam import wide_blur

# All pixels on a face of reference width (320 px, 0.45 mm a pixel).
PORE_PX = 1.2  # deviation of the blur that parts pores from wrinkles; assumed from pores of 0.3 mm
# Deviations of the blurs that part octaves of texture. Coarser are spots and form, which are the person's: a third octave brings
# the structure of skin that a face of 256 px is too small for, a fourth would bring blotches of an aged plate. Looked at.
OCTAVES_PX = (0.7, 1.4, 2.8)
LEVEL_PX = 12.0  # deviation over which roughness is measured: a few dozen pores; assumed
MOST = 3.0  # deviations of an octave: what stands out farther is a spot of the plate's actor, no pore
LEAST = 1e-3  # where no plain skin is near, that of a wider neighbourhood counts
BESIDE_PX, NUM_BESIDE = (
    (12.0, 24.0, 48.0),
    8,
)  # how far from a line its texture may come from, and in how many directions; assumed
LINE_PX, LINE_LENGTH_PX = 1.4, 6.0  # deviations of a wrinkle's profile and of its straight length; assumed
NUM_WAYS = 8  # directions in which lines are looked for
# Contrast of a line, log code: plain skin of the digital actor shows 0.003 in the median and 0.006 where it is streaky,
# nasolabial folds 0.009 to 0.018, crow's feet 0.02 to 0.03. Measured.
LINE_LOW, LINE_HIGH = 0.005, 0.009
LINE_GROW_PX = 3.0  # a wrinkle's neighbourhood is spared too; assumed
MOST_EXPRESSION = 0.7  # natural logarithm: skin is made at most twice as rough or half as rough


def pore_band(image_log: np.ndarray, scale: float) -> np.ndarray:
    """What is finer than wrinkles: the picture less its blur by PORE_PX; (H, W, 3) log."""
    return image_log - cv2.GaussianBlur(image_log, (0, 0), PORE_PX * scale, borderType=cv2.BORDER_REPLICATE)


def wrinkle_matte(image_log: np.ndarray, scale: float) -> np.ndarray:
    """Where lines and edges of wrinkle size are: 0 on plain skin, 1 on folds, lids, lips and nostrils; (H, W) float32.

    The strongest answer of line detectors in NUM_WAYS directions: across a line they see its profile, along it they
    average, so that pores, which have no direction, cancel. A property of the frame alone that changes smoothly with it.
    """
    luma = image_log @ np.asarray(LUMA, np.float32)
    line = np.zeros(luma.shape, np.float32)
    for kernel in _line_detectors(scale):
        answer = cv2.filter2D(luma, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
        np.maximum(line, np.abs(answer), out=line)
    ramp = np.clip((line - LINE_LOW) / (LINE_HIGH - LINE_LOW), 0, 1)
    grown = cv2.dilate(ramp, np.ones((2 * round(LINE_GROW_PX * scale) + 1,) * 2, np.uint8))
    return np.asarray(cv2.GaussianBlur(grown * grown * (3 - 2 * grown), (0, 0), LINE_GROW_PX * scale))


@lru_cache(maxsize=8)
def _line_detectors(scale: float) -> tuple[np.ndarray, ...]:
    """Kernels in NUM_WAYS directions: a line's profile across, a Gaussian along; of sum 0 and absolute sum 2."""
    across, along = LINE_PX * scale, LINE_LENGTH_PX * scale
    reach = np.arange(-round(3 * along), round(3 * along) + 1, dtype=np.float64)
    y, x = np.meshgrid(reach, reach, indexing="ij")
    kernels = []
    for angle in np.pi * np.arange(NUM_WAYS) / NUM_WAYS:
        u, v = (x * np.cos(angle) + y * np.sin(angle)) / along, (y * np.cos(angle) - x * np.sin(angle)) / across
        kernel = (v * v - 1) * np.exp(-(u * u + v * v) / 2)
        kernel -= kernel.mean()
        kernels.append((kernel / (np.abs(kernel).sum() / 2)).astype(np.float32))
    return tuple(kernels)


def return_texture(
    face_log: np.ndarray,
    clean_log: np.ndarray,
    amount: np.ndarray,
    scale: float,
    lines: np.ndarray | None = None,
    expression: np.ndarray | None = None,
) -> np.ndarray:
    """The face with as much of the plate's texture as it lacks.

    Shapes: face_log, clean_log (H, W, 3) log; amount (H, W) at least 0: 0 leaves the face as it is, 1 makes it as rough as the
    plate's skin, more rougher. lines (H, W) 0..1: where the plate's texture comes from beside. expression (H, W): natural
    logarithm by which pores are made rougher (above 0) or smoother, see :func:`expression_gain`. Where amount and
    expression are 0 the face's own bits come back; nothing coarser than the last of OCTAVES_PX changes.
    """
    active = amount > 0 if expression is None else (amount > 0) | (expression != 0)
    if not active.any():
        return face_log
    skin, lines = np.minimum(amount, 1), None if lines is None else np.clip(lines, 0, 1)
    plain = skin if lines is None else skin * (1 - lines)
    texture = _missing(face_log, clean_log, amount, plain, scale)
    if lines is not None:
        texture = _from_beside(texture, plain, skin * lines, lines, scale)
    done = face_log + texture
    if expression is not None:
        done = done + np.expm1(expression)[..., None] * pore_band(done, scale)
    return np.where(active[..., None], done, face_log)


def _missing(
    face_log: np.ndarray, clean_log: np.ndarray, amount: np.ndarray, plain: np.ndarray, scale: float
) -> np.ndarray:
    """(H, W, 3): of each octave of the plate as much as the face lacks, by energy; ``plain`` (H, W): the skin both are measured on."""
    near = LEVEL_PX * scale

    def level(band: np.ndarray) -> np.ndarray:
        return _mean_near(np.square(band).mean(axis=-1), plain, near)

    total, share = np.zeros_like(clean_log), np.maximum(amount, 0)
    for own, plate in zip(_octaves(face_log, scale), _octaves(clean_log, scale), strict=True):
        rough = np.maximum(level(plate), np.float32(1e-12))
        # a face that lacks the coarse and has the fine is smooth, not soft
        share = np.minimum(share, np.sqrt(np.maximum(np.square(amount) - level(own) / rough, 0)))
        stands_out = np.square(plate).mean(axis=-1) / (MOST * MOST * rough)
        total += (share / np.sqrt(np.maximum(stands_out, 1)))[..., None] * plate
    return total


def _octaves(image_log: np.ndarray, scale: float) -> list[np.ndarray]:
    """Octaves, finest first: differences of blurs by OCTAVES_PX."""
    found, finer = [], image_log
    for px in OCTAVES_PX:
        coarser = cv2.GaussianBlur(image_log, (0, 0), px * scale, borderType=cv2.BORDER_REPLICATE)
        found.append(finer - coarser)
        finer = coarser
    return found


def _mean_near(grey: np.ndarray, weight: np.ndarray, px: float) -> np.ndarray:
    """(H, W): the mean of a picture round each pixel under a weight."""
    top, total = (wide_blur(one, px) + np.float32(LEAST) * wide_blur(one, 4 * px) for one in (grey * weight, weight))
    return np.asarray(top / np.maximum(total, np.float32(1e-9)))


def _from_beside(
    texture: np.ndarray, plain: np.ndarray, wanted: np.ndarray, lines: np.ndarray, scale: float
) -> np.ndarray:
    """Texture (H, W, 3) whose ``lines`` (H, W) are covered, as far as ``wanted`` (H, W), by that of ``plain`` (H, W) skin beside them.

    The nearest comes first. Textures of several places are mixed by energy, so that a mix is as rough as each.
    """
    height, width = wanted.shape
    left, added = wanted.copy(), np.zeros_like(texture)
    squares = np.zeros_like(wanted)
    for reach in BESIDE_PX:
        for angle in 2 * np.pi * np.arange(NUM_BESIDE) / NUM_BESIDE:
            down, right = (round(float(reach * scale * way)) for way in (np.sin(angle), np.cos(angle)))
            here = np.s_[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
            there = np.s_[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            share = left[here] * plain[there]
            added[here] += share[..., None] * texture[there]
            squares[here] += np.square(share)
            left[here] -= share
    own = 1 - lines
    filled = np.maximum(wanted - left, 0)
    even = np.sqrt(filled * (2 * own + filled) / np.maximum(squares, np.float32(1e-12)))
    return np.asarray(own[..., None] * texture + even[..., None] * added)


def expression_gain(stretch: np.ndarray, strength: float) -> np.ndarray:
    """Logarithm of the roughness that a local stretch of the skin makes: stretched smoother, compressed rougher.

    Shapes: stretch, natural logarithm of the area over its neutral area. Held at MOST_EXPRESSION.
    """
    return np.clip(np.float32(-strength) * stretch, -MOST_EXPRESSION, MOST_EXPRESSION).astype(np.float32)


def texture_amount(
    regions: Mapping[str, np.ndarray], amounts: Mapping[str, float], strength: float, spared: np.ndarray | None = None
) -> np.ndarray:
    """How much of the plate's texture each pixel gets: its regions' amounts, less where it is spared.

    Shapes: regions (H, W) 0..1 each, named as in ``amounts``; spared (H, W) 0..1. Where regions overlap the smaller
    ones (later in ``amounts``) lie over the larger.
    """
    total = np.zeros_like(next(iter(regions.values())))
    for name, amount in amounts.items():
        total += regions[name] * (np.float32(amount) - total)
    total = total * np.float32(strength)
    return np.asarray(total if spared is None else total * (1 - spared))
