"""The mouth: the plate's own, between the identity's lips and with teeth in the identity's tint.

Which teeth show, where the tongue lies and how lips shade both is this moment's, and the plate's: it is carried over, sharp, and
moves as it moves. What two people's teeth differ in first is their tint. Where the performance is another one (a driving take, a
slider) and shuts the mouth, the lower lip goes over it; where it opens the mouth wider than the plate has it, there is nothing to
carry, and real crops stay.

A landmarker draws an opening taller than it is, in some faces more than in others: how far inside its lines the lips really
end is read from the pictures of a take.

Shapes: mouth (5,) float32: how far inside the landmarker's lines upper and lower lip end, cm; the colour of teeth over the light, log,
all 0 where too few were seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from vfx_deepfake.face.mesh import region_mask, warp_map
from vfx_deepfake.face.topology import LIPS_INNER, canonical_vertices_cm
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity import canonical, tiles
from vfx_deepfake.model.identity.feature_places import peak
from vfx_deepfake.model.identity.light import LUMA, light_of, normals_at
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.renderer_inputs import Inputs

UPPER, LOWER = list(LIPS_INNER[1:10]), list(LIPS_INNER[19:10:-1])  # without the corners, pairs over each other
MIDDLE_UPPER, MIDDLE_LOWER = UPPER[2:7], LOWER[2:7]  # which are read
MOUTH = canonical.FEATURES.index("mouth")
UPRIGHT = (10, 2)  # forehead and base of the nose: nothing that a face does moves them against each other
NUM_NUMBERS = 5
LIPS, TEETH = slice(0, 2), slice(2, NUM_NUMBERS)
MOST_VIEWS = 40  # evenly spread
OPEN_CM = 0.2  # less of an opening shows too little of its edges; assumed
FEWEST_VIEWS = 5  # with an open mouth; else nothing is known
ALONG_CM = np.arange(-0.4, 0.41, 0.02)  # looked at across a line, from the lip into the mouth
EDGE_CM = 0.08  # to both sides of an edge, whose colours are compared
REACH_CM = 0.15  # sigma: a landmarker is rarely farther off; assumed
TEETH_CM = (0.05, 0.36)  # below the upper lip, where teeth are if any are seen
TEETH_OF_OPENING = 0.6  # but no lower than this share of the opening
TOOTH_RANGE = (0.6, 0.9)  # of those pixels by lightness: neither gaps nor gloss
CLEAREST = 0.2  # share of views, the lightest, in which teeth are least in the shade of the lips
DARK_LOG = 0.15  # so much darker than skin nothing is a tooth: 2.6 stops
MOST_LOG = 0.06  # of a change of colour; assumed
MOST_STRETCH, STRETCH_SOFT = 1.4, 0.4  # of the plate's opening; wider is not carried over
LEAST_CM = 0.15  # added to openings before they are compared: of shut lips nothing is stretched
SOFT_CM = 0.06  # sigma of the edge between mouth and lips


def solve_mouth(views: Sequence[View]) -> np.ndarray:
    """The mouth of one person in views of one landmarker."""
    found = [
        _across(tiles.smaller(views[index]))
        for index in np.unique(np.linspace(0, len(views) - 1, min(len(views), MOST_VIEWS)).round().astype(int))
    ]
    found = [(profiles, opening) for profiles, opening in found if opening > OPEN_CM]
    out = np.zeros(NUM_NUMBERS, np.float32)
    if len(found) < FEWEST_VIEWS:
        return out
    openings = np.array([opening for _, opening in found])
    profiles = np.stack([profile for profile, _ in found])
    out[LIPS] = [_lip_end(profiles[:, lip], openings) for lip in range(2)]
    out[TEETH] = _teeth(profiles[:, 0], openings - out[LIPS].sum(), float(out[0]))
    return out


def narrowed(points: np.ndarray, upper_cm: float, lower_cm: float) -> np.ndarray:
    """Points (478, 2) px with the inner lines of the lips moved into the mouth; they never cross."""
    moved = np.array(points, np.float32)
    up, px_per_cm = _upright(points)
    opening = np.maximum((points[UPPER] - points[LOWER]) @ up, 0) / px_per_cm
    share = np.minimum(opening / max(2 * (abs(upper_cm) + abs(lower_cm)), 1e-6), 1)[:, None]
    moved[UPPER] -= (upper_cm * px_per_cm * share * up).astype(np.float32)
    moved[LOWER] += (lower_cm * px_per_cm * share * up).astype(np.float32)
    return moved


def as_open(points: np.ndarray, theirs: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Points (478, 2) px of another face that performs as ``theirs``: its mouth drawn as tall as a landmarker would draw it in the
    identity's. Where the middle of the mouth lies stays."""
    apart = float(theirs[LIPS].sum() - own[LIPS].sum()) / 2
    return narrowed(points, apart, apart)


def with_mouth(inputs: Inputs, view: View, points: np.ndarray, theirs: np.ndarray, own: np.ndarray) -> Inputs:
    """The inputs with the view's mouth, teeth in the tint of ``own`` where its face has ``theirs``, instead of real crops'. points
    (478, 2) view px: the geometry that the inputs show. Equal mouths give the view's own."""
    size = len(inputs.light)
    before, after = narrowed(view.points, *theirs[LIPS]), narrowed(points, *own[LIPS])
    window = Window(0, 0, size, size)
    at = warp_map(_behind_lips(before, after), after, window) - np.float32(0.5)
    seen = cv2.remap(view.image_log, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    colour = _recoloured(seen - inputs.level - inputs.light, theirs[TEETH], own[TEETH])
    soft_px = max(SOFT_CM * _upright(points)[1], 0.5)
    mask = cv2.GaussianBlur(region_mask(after, window, "mouth"), (0, 0), soft_px)
    inside = mask[..., None] * np.float32(_carried(before, after))
    crops, known = inputs.borrowed[..., :3], inputs.borrowed[..., 3:] * (1 - inside)
    total = known + inside
    mixed = (known * crops + inside * colour) / np.maximum(total, 1e-6)
    borrowed = np.dstack([np.where(inside > 0, mixed, crops), total])
    return replace(inputs, borrowed=borrowed.astype(np.float32))


def _recoloured(colour: np.ndarray, theirs: np.ndarray, own: np.ndarray) -> np.ndarray:
    """A mouth's colours (S, S, 3) over the light; what is dark is no tooth and stays. So does lightness: how much lighter than skin teeth
    are says more of the skin, and of the lips' shade, than of the teeth."""
    if not (theirs.any() and own.any()):
        return colour
    tooth = np.clip((colour @ LUMA + DARK_LOG - theirs @ LUMA) / DARK_LOG, 0, 1)[..., None]
    change = own - theirs
    return np.asarray(colour + tooth * np.clip(change - change @ LUMA, -MOST_LOG, MOST_LOG), np.float32)


def _behind_lips(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Points ``before`` (478, 2) px with the lower inner lip where that of ``after`` would lie, wherever the mouth is the more shut one
    there: a jaw that closes hides teeth, it does not press them flat. The upper ones stay with the upper lip."""
    out = np.array(before, np.float32)
    up, _ = _upright(after)
    more = np.maximum((before[UPPER] - before[LOWER] - after[UPPER] + after[LOWER]) @ up, 0)
    out[LOWER] += (more[:, None] * up).astype(np.float32)
    return out


def _carried(before: np.ndarray, after: np.ndarray) -> float:
    """How much of the mouth with points ``before`` is shown by ``after``: 1, or less where it would have to be stretched."""
    now, then = (_opening_cm(points) + LEAST_CM for points in (after, before))
    return float(np.clip(1 + (MOST_STRETCH - now / then) / STRETCH_SOFT, 0, 1))


def _opening_cm(points: np.ndarray) -> float:
    up, px_per_cm = _upright(points)
    heights = (points[MIDDLE_UPPER] - points[MIDDLE_LOWER]) @ up / px_per_cm
    return max(float(heights.mean()), 0.0)


def _upright(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The way up of a head, (2,) px of length 1, and px per cm along it."""
    top, base = UPRIGHT
    way = (points[top] - points[base]).astype(np.float64)
    length = max(float(np.linalg.norm(way)), 1e-6)
    head = canonical_vertices_cm()
    return way / length, length / abs(float(head[top, 1] - head[base, 1]))


def _across(view: View) -> tuple[np.ndarray, float]:
    """(2, P, T, 3): colours over the light across the upper and the lower line, into the mouth; and the opening, cm."""
    normals = normals_at(canonical.place(view.points, view.size), view.pose, view.size)
    picture = np.asarray(light_of(view).off(view.image_log, normals), np.float32)
    up, px_per_cm = _upright(view.points)
    rows = []
    for line, inward in ((MIDDLE_UPPER, -up), (MIDDLE_LOWER, up)):
        at = view.points[line][:, None] + ALONG_CM[:, None] * px_per_cm * inward - 0.5
        x, y = (np.ascontiguousarray(at[..., axis], np.float32) for axis in range(2))
        rows.append(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return np.stack(rows), _opening_cm(view.points)


def _lip_end(profiles: np.ndarray, openings: np.ndarray) -> float:
    """How far inside its line a lip ends, cm: where its colour changes most, in the mean of views and points.

    Shapes: profiles (N, P, T, 3); openings (N,) cm. Farther than half an opening is the other lip.
    """
    step = float(ALONG_CM[1] - ALONG_CM[0])
    half = round(EDGE_CM / step)
    sums = np.pad(np.cumsum(profiles, axis=2), ((0, 0), (0, 0), (1, 0), (0, 0)))
    means = (sums[:, :, half:] - sums[:, :, :-half]) / half
    change = np.linalg.norm(means[:, :, half:] - means[:, :, :-half], axis=-1).mean(axis=1)
    at = ALONG_CM[half : len(ALONG_CM) + 1 - half] - step / 2
    own_lip = at <= np.maximum(openings / 2, EDGE_CM)[:, None]
    likely = (change * own_lip).mean(axis=0) * np.exp(-0.5 * (at / REACH_CM) ** 2)
    most = int(likely[1:-1].argmax()) + 1
    return float(at[most] + step * peak(*likely[most - 1 : most + 2]))


def _teeth(profiles: np.ndarray, openings: np.ndarray, end_cm: float) -> np.ndarray:
    """(3,): the colour of teeth over the light, or 0. Shapes: profiles (N, P, T, 3) across the upper line; openings (N,) cm of
    what is really open."""
    colours = []
    for profile, opening in zip(profiles, openings, strict=True):
        below = ALONG_CM - end_cm
        seen = profile[:, (below > TEETH_CM[0]) & (below < min(TEETH_CM[1], TEETH_OF_OPENING * opening))].reshape(-1, 3)
        if len(seen):
            rising = seen[np.argsort(seen @ LUMA, kind="stable")]
            first, last = (int(share * len(rising)) for share in TOOTH_RANGE)
            colours.append(rising[first : last + 1].mean(axis=0))
    if len(colours) < FEWEST_VIEWS:
        return np.zeros(3, np.float32)
    known = np.stack(colours)
    rising = known[np.argsort(known @ LUMA, kind="stable")]
    clearest = rising[-max(round(CLEAREST * len(rising)), 1) :].mean(axis=0)
    return np.asarray(clearest if clearest @ LUMA > -DARK_LOG else np.zeros(3), np.float32)
