"""One person's performance on another person's shape.

A rigid head with a perspective camera is fitted to all views of a person at once: landmarks of a head that turns say how
it is shaped and how near the camera stood. Views with equal lids and lips are what two shapes are compared by, so that an
open mouth is not taken for a long face. What then differs is added to the performer's own points, in perspective.

Landmarkers draw everybody more alike than they are, in a way that depends on lens and light; the difference of two shapes
is more than half noise. It is taken by TRUST (docs/experiments.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.pose import STABLE
from vfx_deepfake.face.topology import (
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    LIPS_INNER,
    LIPS_OUTER,
    NOSE,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
    canonical_vertices_cm,
)

# How much of the difference of two shapes is taken. Chosen on the digital actor, the shot that is reported (docs/experiments.md): lids and
# lips are edges that a landmarker sees, a nose is guessed along the view.
TRUST = 0.35
FEATURE_TRUST = (
    ((*RIGHT_EYE, *LEFT_EYE, *RIGHT_BROW, *LEFT_BROW), 0.7),
    ((*LIPS_OUTER, *LIPS_INNER), 0.55),
    (NOSE, 0.2),
)
TRUST_CM = 0.5  # sigma over which one trust goes over into the next
NEARNESS = (0.0, 0.012, 0.024, 0.036, 0.048)  # tried: one over the camera's distance in cm
ROUNDS = 5  # of cameras and shape in turn; they settle in four
CAMERA_ROUNDS = 8
HOLD_XY, HOLD_Z = 1e-3, 2e-2  # how much the canonical head counts, in views: depth is seen only when a head turns
LOOSE_CM = 0.25  # a point that is off by this counts half
HOLD_DEPTH = 0.5  # of one view's own change of shape, along the view
MOST_VIEWS = 40
LIDS_AND_LIPS = ((145, 159), (374, 386), (14, 13))  # lower and upper point of each opening
EYES = ((RIGHT_IRIS, (33, 133)), (LEFT_IRIS, (263, 362)))  # an iris and the corners of its eye
_FLIP = np.diag((1.0, -1.0, -1.0))  # canonical axes to camera axes
_STABLE = np.array(STABLE)


@dataclass(frozen=True, eq=False)
class Camera:
    """turn (3, 3), canonical axes to camera axes; px per cm; shift (2,) px; nearness, 1 / cm."""

    turn: np.ndarray
    scale: float
    shift: np.ndarray
    nearness: float

    def project(self, shape: np.ndarray) -> np.ndarray:
        """Points (N, 3) cm as (N, 2) view px."""
        turned = shape @ self.turn.T
        return np.asarray(self.scale * turned[:, :2] / self._away(turned)[:, None] + self.shift)

    def slope(self, shape: np.ndarray) -> np.ndarray:
        """(N, 2, 3): how the projection moves with the points, cm per cm."""
        turned = shape @ self.turn.T
        away = self._away(turned)[:, None, None]
        return np.asarray(self.turn[None, :2] / away - turned[:, :2, None] * self.nearness * self.turn[2] / away**2)

    def _away(self, turned: np.ndarray) -> np.ndarray:
        return np.maximum(1 + self.nearness * turned[:, 2], 0.2)


@dataclass(frozen=True, eq=False)
class Shape:
    """A person: shape (478, 3) cm in canonical axes round the middle of the stable points, at the mean opening of its eyes and mouth;
    openings (3,) those; by_opening (3, 478, 3) how the face moves with each; nearness of the views it was solved from."""

    shape: np.ndarray
    openings: np.ndarray
    by_opening: np.ndarray
    nearness: float

    def at(self, openings: np.ndarray) -> np.ndarray:
        """(478, 3): the shape at other openings (3,) cm."""
        return np.asarray(self.shape + np.tensordot(openings - self.openings, self.by_opening, axes=1))


def solve_shape(points: np.ndarray) -> Shape:
    """A person's shape from views (N, 478, 2) of one lens; of very many, evenly spread ones are taken."""
    picked = np.linspace(0, len(points) - 1, min(len(points), MOST_VIEWS)).round().astype(int)
    points = np.asarray(points, np.float64)[picked]
    tried = [_rigid(points, nearness) for nearness in NEARNESS]
    best = int(np.argmin([error for _, _, error in tried]))
    nearness = NEARNESS[best]
    if 0 < best < len(NEARNESS) - 1:  # the parabola through three
        before, here, after = (tried[best + k][2] for k in (-1, 0, 1))
        nearness += (NEARNESS[1] - NEARNESS[0]) * 0.5 * (before - after) / max(before - 2 * here + after, 1e-12)
    shape, cameras, _ = _rigid(points, nearness)
    seen = np.stack([shape + _lifted(one, shape, camera) for one, camera in zip(points, cameras, strict=True)])
    openings = measure_openings(seen)
    mean = openings.mean(axis=0)
    known = openings - mean
    centred = (seen - seen.mean(axis=0)).reshape(len(seen), -1)
    slopes = np.linalg.solve(known.T @ known + 0.02 * np.eye(3), known.T @ centred).reshape(3, -1, 3)
    return Shape(seen.mean(axis=0), mean, slopes, float(nearness))


def measure_openings(shapes: np.ndarray) -> np.ndarray:
    """(N, 3) cm: both eyes and the mouth of shapes (N, 478, 3)."""
    return np.stack([shapes[:, upper, 1] - shapes[:, lower, 1] for lower, upper in LIDS_AND_LIPS], axis=1)


def difference(performer: Shape, identity: Shape, places: np.ndarray | None = None) -> np.ndarray:
    """(478, 3) cm: what to add to the performer's points. The head keeps its place and size by its outline, which hair,
    ears and neck of the plate continue.

    places (478, 2) cm, of :func:`~vfx_deepfake.model.identity.feature_places.places_apart`: what of the difference is the
    landmarker's error, read from pictures. It is taken in full, the rest by trust.
    """
    common = (performer.openings + identity.openings) / 2
    mine, theirs = performer.at(common), identity.at(common)
    outline = list(OVAL)
    seen = np.zeros_like(mine)
    if places is not None:
        seen[:, :2] = places
    apart = seen + trust()[:, None] * (theirs - mine - (theirs[outline] - mine[outline]).mean(axis=0) - seen)
    for iris, corners in EYES:
        apart[list(iris)] = apart[list(corners)].mean(axis=0)
    return np.asarray(apart)


@lru_cache(maxsize=1)
def trust() -> np.ndarray:
    """(478,): how much of the difference of two shapes is taken at every point, smooth over the face."""
    head = canonical_vertices_cm()
    own = np.full(len(head), TRUST)
    for points, share in FEATURE_TRUST:
        own[list(points)] = share
    near = np.exp(-0.5 * np.square(head[:, None] - head[None]).sum(axis=2) / TRUST_CM**2)
    return np.asarray(near @ own / near.sum(axis=1))


def retarget(points: np.ndarray, performer: np.ndarray, apart: np.ndarray, nearness: float) -> np.ndarray:
    """Points (478, 2) view px moved to the other shape: performer (478, 3) own shape, apart (478, 3) of :func:`difference`."""
    camera = fit_camera(np.asarray(points, np.float64), performer, nearness)
    moved = points + camera.project(performer + apart) - camera.project(performer)
    return np.asarray(moved, np.float32)


def fit_camera(points: np.ndarray, shape: np.ndarray, nearness: float) -> Camera:
    """The camera that puts a shape's stable points on those of a view, by Gauss-Newton with Cauchy's weights."""
    wanted, head = points[_STABLE], shape[_STABLE]
    middle, centre = wanted.mean(axis=0), head.mean(axis=0)
    affine = np.linalg.lstsq((head - centre) @ _FLIP, wanted - middle, rcond=None)[0].T
    left, sizes, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    turn = np.vstack([rows, np.cross(rows[0], rows[1])]) @ _FLIP
    scale = float(sizes.mean())
    camera = Camera(turn, scale, middle - scale * (turn[:2] @ centre), nearness)
    for _ in range(CAMERA_ROUNDS):
        error = wanted - camera.project(head)
        slope = camera.scale * camera.slope(head)
        turned = head @ camera.turn.T
        spin = np.stack([np.cross(axis, turned) @ camera.turn for axis in np.eye(3)], axis=-1)  # back in head axes
        grow = (camera.project(head) - camera.shift)[..., None]
        known = np.concatenate([slope @ spin, grow, np.broadcast_to(np.eye(2), (len(head), 2, 2))], axis=2)
        trust = 1 / (1 + (np.linalg.norm(error, axis=1) / (LOOSE_CM * camera.scale)) ** 2)
        normal = np.einsum("nij,nik,n->jk", known, known, trust) + 1e-9 * np.eye(6)
        step = np.linalg.solve(normal, np.einsum("nij,ni,n->j", known, error, trust))
        camera = Camera(
            cv2.Rodrigues(step[:3])[0] @ camera.turn,
            camera.scale * float(np.exp(step[3])),
            camera.shift + step[4:],
            nearness,
        )
    return camera


def _rigid(points: np.ndarray, nearness: float) -> tuple[np.ndarray, list[Camera], float]:
    """Shape, cameras and RMS error in cm of one rigid head in all views."""
    start = canonical_vertices_cm() - canonical_vertices_cm()[_STABLE].mean(axis=0)
    hold = np.diag((HOLD_XY, HOLD_XY, HOLD_Z))
    shape = start
    for _ in range(ROUNDS):
        cameras = [fit_camera(one, shape, nearness) for one in points]
        normal, right = np.broadcast_to(hold, (len(shape), 3, 3)).copy(), (start - shape) @ hold
        for one, camera in zip(points, cameras, strict=True):
            slope, error = camera.slope(shape), (one - camera.project(shape)) / camera.scale
            normal += np.einsum("nij,nik->njk", slope, slope) / len(points)
            right += np.einsum("nij,ni->nj", slope, error) / len(points)
        shape = _upright(shape + np.linalg.solve(normal, right[..., None])[..., 0], start)
    cameras = [fit_camera(one, shape, nearness) for one in points]
    errors = [(one - camera.project(shape)) / camera.scale for one, camera in zip(points, cameras, strict=True)]
    return shape, cameras, float(np.sqrt(np.mean(np.square(errors))))


def _upright(shape: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """The shape at the canonical head's size, turn and place, by the stable points."""
    mine, theirs = shape[_STABLE] - shape[_STABLE].mean(axis=0), onto[_STABLE]
    left, sizes, right = np.linalg.svd(theirs.T @ mine)
    turn = left @ np.diag((1, 1, np.linalg.det(left @ right))) @ right
    return np.asarray((sizes.sum() / (mine**2).sum()) * (shape - shape[_STABLE].mean(axis=0)) @ turn.T)


def _lifted(points: np.ndarray, shape: np.ndarray, camera: Camera) -> np.ndarray:
    """(478, 3) cm: how a view's face differs from the shape, with little change along the view."""
    slope, error = camera.slope(shape), (points - camera.project(shape)) / camera.scale
    view = camera.turn[2]
    normal = np.einsum("nij,nik->njk", slope, slope) + HOLD_DEPTH * np.outer(view, view) + 1e-3 * np.eye(3)
    return np.linalg.solve(normal, np.einsum("nij,ni->nj", slope, error)[..., None])[..., 0]
