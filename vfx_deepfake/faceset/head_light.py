"""Where the light on a face comes from and how directed it is, from the picture alone.

Luma in stops over the skin is fitted by a straight line in the normal of the head: spherical harmonics of the first
order, in the logarithm, where a shadow weighs no more than a highlight. Tried against order two, the same in linear light,
and a lamp with fill (docs/experiments.md): this one agreed best between two actors under one light and while heads turned.

The head's own axes are used: when a head turns away from a still light, its skin sees the light move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.face.normals import normal_texture
from vfx_deepfake.face.slider_regions import lay_on, sure_texture

ROUNDS = 5  # of the robust fit
LOOSE_STOPS = 0.35  # a place that is off by this weighs half: skin, make-up, cast shadow; assumed
HOLD = (0.0, 1e-3, 1e-3, 1e-2)  # ridge on level, x, y, z: all skin that is seen looks at the camera. Assumed
LEAST_PIXELS = 64


@dataclass(frozen=True, slots=True)
class HeadLight:
    """direction (3,): unit vector towards the light, x to image right on a face seen from the front, y up, z out of the
    face. share: 0 for light from everywhere, towards 1 the more stops lie between skin that faces it and skin edge on."""

    direction: np.ndarray
    share: float


def head_light(luma_lin: np.ndarray, uv: np.ndarray, inside: np.ndarray, valid: np.ndarray) -> HeadLight | None:
    """The light on one face; None where too little skin is seen.

    Shapes: luma_lin (h, w) scene-linear; uv (h, w, 2) and inside (h, w) of
    :func:`~vfx_deepfake.face.slider_regions.coordinates`; valid (h, w), above 0.5 where the picture reaches.
    """
    where = (lay_on(sure_texture(), uv, inside) > 0.5) & (valid > 0.5) & (luma_lin > 0)
    if where.sum() < LEAST_PIXELS:
        return None
    normals = np.stack([lay_on(normal_texture()[..., axis], uv, inside)[where] for axis in range(3)], axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    known = np.concatenate([np.ones((len(normals), 1)), normals], axis=1)
    slope = _robust_line(known, np.log2(luma_lin[where].astype(np.float64)))[1:]
    length = float(np.linalg.norm(slope))
    direction = slope / length if length > 0 else np.array([0.0, 0.0, 1.0])
    return HeadLight(direction, 1 - 2.0**-length)


def _robust_line(known: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Reweighted least squares (4,), Cauchy's weights."""
    weight = np.ones(len(stops))
    solved = np.zeros(known.shape[1])
    for _ in range(ROUNDS):
        weighed = known * weight[:, None]
        solved = np.linalg.solve(weighed.T @ known + np.diag(HOLD) * len(stops), weighed.T @ stops)
        weight = 1 / (1 + ((stops - known @ solved) / LOOSE_STOPS) ** 2)
    return solved
