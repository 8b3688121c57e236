"""Eyes: the plate's own, in another person's colours.

Pupil, iris and white of a person are rings round the iris, each of one colour over the light. Where light adds to it (a window on
the cornea) or takes from it (the shadow of the lids) is this moment's, and the plate's: it is carried over, the shadow as a share
and the gloss as light on top. So gaze, lids and glints are the performance's, sharp, and move as it moves.

Shapes: rings (NUM_RINGS, 3) float32 log, colour over the light, one every STEP radii of the iris from its centre; all 0 where no
open eye was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.face.mesh import region_mask, warp_map
from vfx_deepfake.face.topology import LEFT_IRIS, RIGHT_IRIS
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity import canonical, tiles
from vfx_deepfake.model.identity.light import LUMA, light_of, normals_at
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.renderer_inputs import Inputs

STEP = 0.2  # radii of the iris
NUM_RINGS = 15  # to the corners of the eye
MOST_VIEWS = 40  # evenly spread
# of a ring's pixels by lightness: under the middle, as a cornea adds more light than lids take. By thirds of a faceset, whites
# agree best at the middle, irises anywhere (docs/experiments.md)
RANGE = (0.2, 0.4)
FEWEST_PX = 8  # of a ring; else it is like the next
LEAST_LIN = 1e-4  # darker is not divided by
EYES = canonical.FEATURES.index("eyes")


def solve_eyes(views: Sequence[View]) -> np.ndarray:
    """The rings of one person, both eyes alike."""
    away, colours = [], []
    for index in np.unique(np.linspace(0, len(views) - 1, min(len(views), MOST_VIEWS)).round().astype(int)):
        view = tiles.smaller(views[index])
        size = view.size
        inside = cv2.erode(_opening(view.points, size), np.ones((3, 3), np.uint8)) * view.valid > 0.9
        if inside.any():
            away.append(_radii(_centres(size)[inside], view.points))
            colours.append(_unlit(view)[inside])
    if not away:
        return np.zeros((NUM_RINGS, 3), np.float32)
    return _rings(np.concatenate(away), np.concatenate(colours))


def worn(inputs: Inputs, view: View, points: np.ndarray, theirs: np.ndarray, own: np.ndarray) -> Inputs:
    """The inputs with the view's eyes in the colours of ``own`` where its face has ``theirs``, instead of real crops'; unchanged
    where either is not known. points (478, 2) view px: the geometry that the inputs show. Equal rings give the view's own eyes."""
    if not (theirs.any() and own.any()):
        return inputs
    inside = inputs.features[..., EYES, None]
    colour = _repainted(view, points, inputs.light + inputs.level, theirs, own) - inputs.level - inputs.light
    crops, seen = inputs.borrowed[..., :3], inputs.borrowed[..., 3:]
    share = 1 - (1 - inside) * seen  # at the lids' soft edge crops show skin, nothing else does
    borrowed = np.dstack([crops + share * (colour - crops), np.ones_like(seen)])
    return replace(inputs, borrowed=np.where(inside > 0, borrowed, inputs.borrowed).astype(np.float32))


def _repainted(view: View, points: np.ndarray, lit: np.ndarray, theirs: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(S, S, 3) log: everything in the view as if it were an eye, on another geometry, whose light (S, S, 3) is ``lit``."""
    size = len(lit)
    at = warp_map(view.points, points, Window(0, 0, size, size))
    x, y = at[..., 0] - np.float32(0.5), at[..., 1] - np.float32(0.5)
    seen = cv2.remap(view.image_log, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    before, after = (_drawn(rings, _radii(at, view.points)) + lit for rings in (theirs, own))
    plate, before, after = (np.maximum(decode_log(one), LEAST_LIN) for one in (seen, before, after))
    lit_again = after * np.minimum(plate / before, 1) + np.maximum(plate - before, 0)
    return encode_log(np.asarray(lit_again, np.float32))


def _unlit(view: View) -> np.ndarray:
    normals = normals_at(canonical.place(view.points, view.size), view.pose, view.size)
    return light_of(view).off(view.image_log, normals)


def _rings(away: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Of pixels (N,) radii away from the middle and their colours (N, 3)."""
    lightness, found = colours @ LUMA, np.full((NUM_RINGS, 3), np.nan)
    for ring in range(NUM_RINGS):
        own = np.flatnonzero(np.abs(away - ring * STEP) < (0.75 if ring else 1.5) * STEP)
        if len(own) >= FEWEST_PX:
            rising = own[np.argsort(lightness[own], kind="stable")]
            first, last = (int(share * len(own)) for share in RANGE)
            found[ring] = colours[rising[first : last + 1]].mean(axis=0)
    known = np.flatnonzero(np.isfinite(found[:, 0]))
    if not len(known):
        return np.zeros((NUM_RINGS, 3), np.float32)
    return np.stack([np.interp(np.arange(NUM_RINGS), known, one[known]) for one in found.T], axis=1).astype(np.float32)


def _drawn(rings: np.ndarray, away: np.ndarray) -> np.ndarray:
    """(h, w, 3): rings at distances (h, w) in radii."""
    at = np.arange(NUM_RINGS) * STEP
    return np.stack([np.interp(away, at, one) for one in rings.T], axis=-1).astype(np.float32)


def _radii(px: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How far pixels (..., 2) are from the middle of the nearer iris, in its radii."""
    away = []
    for iris in (RIGHT_IRIS, LEFT_IRIS):
        radius = float(np.linalg.norm(points[list(iris[1:])] - points[iris[0]], axis=1).mean())
        away.append(np.linalg.norm(px - points[iris[0]], axis=-1) / max(radius, 1.0))
    return np.asarray(np.minimum(*away))


def _opening(points: np.ndarray, size: int) -> np.ndarray:
    return region_mask(points, Window(0, 0, size, size), "eyes")


def _centres(size: int) -> np.ndarray:
    at = np.arange(size, dtype=np.float32) + np.float32(0.5)
    return np.stack(np.meshgrid(at, at), axis=-1)
