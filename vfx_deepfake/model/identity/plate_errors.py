"""What is wrong in what the renderer is told about a plate: a face lies beside where it is told, and its light is another face's.

Nobody knows where another person's features would lie in a plate: they are carried there from the performer's, and miss by
millimetres, whole features and the whole lower face together. The light is read from the performer's skin. On the identity's own crops
neither happens, so there it is done on purpose. How large and how smooth such errors are was measured on drawn people in
strangers' takes, whose truth can be drawn too (docs/experiments.md).
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.topology import canonical_vertices_cm
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.model.identity.light import REMAINDER_CM

# Measured, standard deviations in cm on the head as it is seen: of a point in the middle of the face (across) or at the eyes (down), and
# what is added for every cm from there
ACROSS_CM, DOWN_CM = (0.16, 0.022), (0.17, 0.04)
EYES_CM = 2.6  # height of the eyes on the canonical head
FRAME_CM = 0.10  # down, from one frame to the next
SMOOTH_CM, LENGTH_SMOOTH_CM = (
    2.3,
    8.5,
)  # sigma of the correlation over the head; the latter of DOWN_CM: faces are longer or shorter
LIGHT_LOG, TINT_LOG = 0.010, 0.0017  # measured: of the light and of its tint, about as smooth as a light's remainder


def wrong_points(points: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Points (478, 2) view px, moved as retargeting would miss them."""
    across, down, frame = (root @ rng.normal(size=len(points)) for root in _roots())
    off = np.stack([across, down + frame], axis=1)
    return np.asarray(points + off * (size / SIDE_CM), np.float32)


def wrong_light(size: int, rng: np.random.Generator) -> np.ndarray:
    """(size, size, 3) float32 log to add to a view's light."""
    cells = round(2 * SIDE_CM / REMAINDER_CM)  # of a grid that is fine enough for what is that smooth
    grid = rng.normal(0, TINT_LOG, (cells, cells, 3)) + rng.normal(0, LIGHT_LOG, (cells, cells, 1))
    sigma = REMAINDER_CM * cells / SIDE_CM
    loudness = 2 * np.sqrt(np.pi) * sigma  # what the blur takes
    smooth = loudness * cv2.GaussianBlur(grid, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(smooth, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


@lru_cache(maxsize=1)
def _roots() -> list[np.ndarray]:
    """(478, 478) each: what makes independent numbers errors of all points, across, down, and down in one frame."""
    head = canonical_vertices_cm()
    apart = np.square(head[:, None] - head[None]).sum(axis=2)
    across = ACROSS_CM[0] + ACROSS_CM[1] * np.abs(head[:, 0])
    down = DOWN_CM[0] + DOWN_CM[1] * np.abs(head[:, 1] - EYES_CM)
    errors = ((across, SMOOTH_CM), (down, LENGTH_SMOOTH_CM), (np.full(len(head), FRAME_CM), SMOOTH_CM))
    return [_root(np.outer(size, size) * np.exp(-0.5 * apart / smooth**2)) for size, smooth in errors]


def _root(covariance: np.ndarray) -> np.ndarray:
    spare = 1e-6 * np.diag(np.diag(covariance))  # smooth errors of near points are one number; rounding needs room
    return np.linalg.cholesky(covariance + spare)
