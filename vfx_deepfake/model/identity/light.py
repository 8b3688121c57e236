"""The light on a face, taken apart from its skin: a smooth part by where the skin looks, and what that leaves, blurred.

In log a picture is skin plus light. Light of order 2 on the head's normals is what skin that scatters it answers with
(Ramamoorthi & Hanrahan 2001); shadows that a face throws on itself are in the remainder, of which only what is coarser
than REMAINDER_CM is taken, so that neither lines nor features of whoever is lit come along.

Shapes: pictures (S, S, 3) float32 log; normals (S, S, 3) unit, camera axes; weights (S, S) 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.model.identity import canonical, tiles
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.skin import Skin

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
REMAINDER_CM = 0.8  # sigma of the blur; finer carries the lit person's own features. Assumed
ROUNDS = 4  # of the robust fit
LOOSE_LOG = 0.03  # half a stop: skin that is off by this weighs half
RIDGE = (0.0, 1e-3, 1e-3, 1e-3, 4e-3, 4e-3, 4e-3, 4e-3, 4e-3)  # only half of all normals is seen. Assumed
EVERY = 2  # pixels: light is smooth
FALLBACK = (4.0, 16.0)  # wider blurs that fill where no skin is near, in units of the first
LEAST = 1e-3


def basis(normals: np.ndarray) -> np.ndarray:
    """(..., 9) float32: real spherical harmonics to order 2 without their constants."""
    x, y, z = normals[..., 0], normals[..., 1], normals[..., 2]
    return np.stack([np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=-1)


def basis_slope(normals: np.ndarray) -> np.ndarray:
    """(..., 3, 9) float32: how :func:`basis` changes with x, y and z of the normals."""
    x, y, z = normals[..., 0], normals[..., 1], normals[..., 2]
    none, one = np.zeros_like(x), np.ones_like(x)
    by_x = (none, one, none, none, y, z, none, 2 * x, none)
    by_y = (none, none, one, none, x, none, z, -2 * y, none)
    by_z = (none, none, none, one, none, x, y, none, 6 * z)
    return np.stack([np.stack(by, axis=-1) for by in (by_x, by_y, by_z)], axis=-2)


@dataclass(frozen=True, eq=False)
class Light:
    """The light on one face. level (3,): the mean of its skin, log. coefficients (9, 3): of :func:`basis`, the level taken
    off. remainder (S, S, 3): coarse, on the pixels of the view that it was taken from."""

    level: np.ndarray
    coefficients: np.ndarray
    remainder: np.ndarray

    def smooth(self, normals: np.ndarray) -> np.ndarray:
        """(h, w, 3) float32: the smooth part on other normals, without the level."""
        return np.asarray(basis(normals) @ self.coefficients, np.float32)

    def off(self, picture: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(S, S, 3): the picture of a face with these normals (S, S, 3) without its light."""
        return np.asarray(picture - self.level - self.smooth(normals) - self.remainder)


def light_of(view: View, skin: Skin | None = None) -> Light:
    """The light in a view. ``skin``: what is known of this face's, taken off first.

    Light is coarse: that of a close-up is read from a smaller view.
    """
    size = view.size
    if tiles.is_large(size):
        light = light_of(tiles.smaller(view), skin)
        return replace(light, remainder=tiles.enlarged(light.remainder, size))
    where = canonical.place(view.points, size)
    normals = normals_at(where, view.pose, size, skin)
    weight = canonical.skin(view.points, size) * view.valid
    picture = view.image_log if skin is None else view.image_log - canonical.sample(skin.colour, where)
    total = max(float(weight.sum()), LEAST)
    level = (picture * weight[..., None]).sum(axis=(0, 1)) / total
    relative = picture - level.astype(np.float32)
    coefficients = _fit(relative[::EVERY, ::EVERY], normals[::EVERY, ::EVERY], weight[::EVERY, ::EVERY])
    left = relative - (basis(normals) @ coefficients).astype(np.float32)
    remainder = blurred(left, weight, REMAINDER_CM * size / SIDE_CM)
    return Light(level.astype(np.float32), coefficients.astype(np.float32), remainder)


def normals_at(where: np.ndarray, pose: np.ndarray, texels: int, skin: Skin | None = None) -> np.ndarray:
    """(h, w, 3): the normals at places (h, w, 2) in camera axes under a pose: the skin's own, or those of the canonical head at
    ``texels`` a side."""
    own = canonical.normals(texels) if skin is None or skin.normals is None else skin.normals
    return canonical.seen_normals(canonical.sample(own, where), pose)


def _fit(picture: np.ndarray, normals: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(9, 3): reweighted least squares, Cauchy's weights, every channel by the same weights."""
    where = weight > 0.5
    if where.sum() < 9:
        return np.zeros((9, 3))
    known, wanted = basis(normals[where]).astype(np.float64), picture[where].astype(np.float64)
    own, solved = weight[where].astype(np.float64), np.zeros((9, 3))
    for _ in range(ROUNDS):
        weighed = known * own[:, None]
        solved = np.linalg.solve(weighed.T @ known + np.diag(RIDGE) * len(known), weighed.T @ wanted)
        own = weight[where] / (1 + (np.linalg.norm(wanted - known @ solved, axis=1) / LOOSE_LOG) ** 2)
    return solved


def blurred(planes: np.ndarray, weight: np.ndarray, sigma_px: float) -> np.ndarray:
    """(h, w, C): the Gaussian mean under a weight; where nothing near has any, that of a wider neighbourhood."""
    total, share, trust = np.zeros_like(planes), np.zeros_like(weight), 1.0
    for wider in (1.0, *FALLBACK):
        total = total + trust * _blur(planes * weight[..., None], wider * sigma_px)
        share = share + trust * _blur(weight, wider * sigma_px)
        trust *= LEAST
    return np.asarray(total / (share + 1e-9)[..., None], np.float32)


def _blur(planes: np.ndarray, sigma_px: float) -> np.ndarray:
    """A Gaussian; wide ones on a smaller picture."""
    shrink = max(int(sigma_px // 4), 1)
    height, width = planes.shape[:2]
    if shrink == 1:
        return np.asarray(cv2.GaussianBlur(planes, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT))
    small = cv2.resize(planes, (max(width // shrink, 1), max(height // shrink, 1)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px * len(small) / height, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
