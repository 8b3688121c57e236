"""Where two people's features lie in pictures, beside where a landmarker puts them.

A landmarker is off by a millimetre or two in a way that depends on light, lens and pose more than on the person: the nostrils of a whole
take lie beside their points. In coordinates of the landmarks the light-free pictures of two people show it: what moves one's
nostrils and lips onto the other's is no difference of shape, since shapes are divided out there. It is found for every feature as
a whole, by correlation: no flow holds between two faces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from vfx_deepfake.face.topology import LIPS_OUTER, canonical_vertices_cm
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import LUMA
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.skin_colour import solve_coarsely

NOSTRILS = (64, 48, 98, 97, 2, 94, 19, 326, 327, 278, 294)
# Edges that everybody has in the same place of a feature. Brows are hair, how full they are is the person's own; in eyes the gaze of a
# take is found, which is nobody's error.
FEATURES = (NOSTRILS, LIPS_OUTER)
TEXELS = 320  # a texel is 0.7 mm; matches are found between texels
ROOM_CM = 0.35  # round a feature's points, so that its edges are seen from both sides
REACH_CM = 0.3  # twice what a landmarker errs by; among drawn people what is farther off is another shape
FINE_CM, COARSE_CM = 0.08, 0.6  # sigmas between which a picture is looked at: edges, not shading
SPREAD_CM = 0.8  # sigma over which the skin round a feature goes with it; about half of what lies between two
HOLD = 0.2  # weight of "no error" everywhere, a sure match counting one


def places_apart(identities: Iterable[np.ndarray], views: Sequence[View]) -> list[np.ndarray]:
    """(478, 2) cm on the head for every identity, x to its left and y up: what puts its features over those in the views, if both had
    one shape.

    Shapes: identities (T, T, 3) log colour without light. Views of one take.
    """
    performed = _edges(solve_coarsely(views, TEXELS))
    return [match_features(_edges(identity), performed) for identity in identities]


def match_features(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """(478, 2) cm, as :func:`places_apart`: from edges (TEXELS, TEXELS) of two faces. Features that don't match stay."""
    head, at, px = canonical_vertices_cm(), canonical.texture_points(TEXELS), TEXELS / SIDE_CM
    total, share = np.zeros((len(head), 2)), np.full((len(head), 1), HOLD)
    for points in FEATURES:
        shift, sure = _match(moving, fixed, at[list(points)], px)
        away = np.linalg.norm(head[:, None] - head[list(points)], axis=2).min(axis=1)
        weight = (sure * np.exp(-0.5 * (away / SPREAD_CM) ** 2))[:, None]
        total += weight * shift * (1, -1) / px
        share += weight
    return np.asarray(total / share)


def _match(moving: np.ndarray, fixed: np.ndarray, points: np.ndarray, px: float) -> tuple[np.ndarray, float]:
    """How far a feature lies elsewhere, (2,) texels, and how well it fits, 0..1; 0 where the best fit is the farthest one looked at."""
    reach, size = round(REACH_CM * px), len(moving)
    first = np.clip((points.min(axis=0) - ROOM_CM * px).astype(int), reach, size - reach)
    last = np.clip((points.max(axis=0) + ROOM_CM * px).astype(int) + 1, reach, size - reach)
    piece = moving[first[1] : last[1], first[0] : last[0]]
    around = fixed[first[1] - reach : last[1] + reach, first[0] - reach : last[0] + reach]
    fit = cv2.matchTemplate(around, piece, cv2.TM_CCOEFF_NORMED)
    row, column = np.unravel_index(int(fit.argmax()), fit.shape)
    if not (0 < row < 2 * reach and 0 < column < 2 * reach):
        return np.zeros(2), 0.0
    x = column + peak(*fit[row, column - 1 : column + 2])
    y = row + peak(*fit[row - 1 : row + 2, column])
    return np.array([x - reach, y - reach]), float(max(fit[row, column], 0))


def peak(before: float, here: float, after: float) -> float:
    """Where the parabola through three values one step apart is highest, in steps from the middle one."""
    bend = 2 * here - before - after
    return float(0.5 * (after - before) / bend) if bend > 1e-9 else 0.0


def _edges(colour: np.ndarray) -> np.ndarray:
    grey = cv2.resize(np.asarray(colour @ LUMA, np.float32), (TEXELS, TEXELS), interpolation=cv2.INTER_AREA)
    px = TEXELS / SIDE_CM
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), FINE_CM * px) - cv2.GaussianBlur(grey, (0, 0), COARSE_CM * px))
