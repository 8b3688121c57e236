"""A person's own colours, free of light: closed form, a few seconds.

Every crop gives its light from what is known of the skin so far, then the skin gives what the light leaves: two rounds. The
crops are then brought onto each other (:mod:`~vfx_deepfake.model.identity.registration`), since their mean is only as sharp
as their places agree. Level and tint stay with the light, because nothing in a picture tells dark skin from little light; the
texture's skin is near 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import light_of
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.registration import moved_onto

FIRST_CROPS = 40  # evenly spread; enough to read the light of all
MOST_CROPS = 120
REGISTERED_ROUNDS = 2  # a third adds nothing to see
LOOSE_LOG = 0.06  # a stop: a texel that is off by this counts half; highlights, hair, a hand
LEAST = 1e-3


def solve_skin_colour(views: Sequence[View], texels: int) -> np.ndarray:
    """(texels, texels, 3) float32: log colour over the light, of skin and features alike; what nobody saw is 0."""
    first = _mean([_unlit(view, None, texels) for view in _picked(views, FIRST_CROPS)], None)
    crops = [_unlit(view, first, texels) for view in _picked(views, MOST_CROPS)]
    colour = _mean(crops, first)
    for _ in range(REGISTERED_ROUNDS):
        colour = _mean([_registered(crop, colour) for crop in crops], colour)
    return colour


def _picked(views: Sequence[View], most: int) -> list[View]:
    return [views[index] for index in np.linspace(0, len(views) - 1, min(len(views), most)).round().astype(int)]


def _unlit(view: View, colour: np.ndarray | None, texels: int) -> np.ndarray:
    """(texels, texels, 4) half: one crop's texture without its light, and how much each texel of it counts."""
    size = len(view.image_log)
    light = light_of(view, colour)
    where = canonical.place(view.points, size)
    normals = canonical.seen_normals(canonical.sample(canonical.normals(size), where), view.pose)
    left = view.image_log - light.level - light.smooth(normals) - light.remainder
    planes = canonical.unwrap(np.dstack([left, view.valid]), view.points, texels)
    planes[..., 3] *= canonical.facing(view.pose, texels)
    return planes.astype(np.float16)


def _registered(crop: np.ndarray, onto: np.ndarray) -> np.ndarray:
    planes = crop.astype(np.float32)
    return moved_onto(planes, onto, planes[..., 3])


def _mean(crops: Sequence[np.ndarray], known: np.ndarray | None) -> np.ndarray:
    """(texels, texels, 3): the weighted mean; what is far from what is known so far counts less."""
    total, share = np.zeros_like(crops[0][..., :3], np.float32), np.zeros_like(crops[0][..., :1], np.float32)
    for crop in crops:
        lit, weight = crop[..., :3].astype(np.float32), np.clip(crop[..., 3:].astype(np.float32), 0, 1)
        if known is not None:
            weight = weight / (1 + (np.linalg.norm(lit - known, axis=-1, keepdims=True) / LOOSE_LOG) ** 2)
        total += weight * lit
        share += weight
    return np.asarray(total / np.maximum(share, LEAST), np.float32)
