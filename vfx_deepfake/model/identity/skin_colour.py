"""A person's own colours, free of light: closed form, a few seconds, as sharp as the landmarks allow.

Every crop gives its light from what is known of the skin so far, then the skin gives what the light leaves: two rounds. Level and tint stay
with the light, because nothing in a picture tells dark skin from little light; the texture's skin is near 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import light_of
from vfx_deepfake.model.identity.method import View

ROUNDS = 2
MOST_CROPS = 120  # evenly spread; more do not sharpen the mean
LOOSE_LOG = 0.06  # a stop: a texel that is off by this counts half; highlights, hair, a hand
LEAST = 1e-3


def solve_skin_colour(views: Sequence[View], texels: int) -> np.ndarray:
    """(texels, texels, 3) float32: log colour over the light, of skin and features alike; what nobody saw is 0."""
    picked = np.linspace(0, len(views) - 1, min(len(views), MOST_CROPS)).round().astype(int)
    colour: np.ndarray | None = None
    for _ in range(ROUNDS):
        total, share = np.zeros((texels, texels, 3), np.float32), np.zeros((texels, texels, 1), np.float32)
        for index in picked:
            lit, weight = _unlit(views[index], colour, texels)
            if colour is not None:
                weight = weight / (1 + (np.linalg.norm(lit - colour, axis=-1, keepdims=True) / LOOSE_LOG) ** 2)
            total += weight * lit
            share += weight
        colour = total / np.maximum(share, LEAST)
    return np.asarray(colour, np.float32)


def _unlit(view: View, colour: np.ndarray | None, texels: int) -> tuple[np.ndarray, np.ndarray]:
    """One crop's texture without its light, and how much each texel of it counts (texels, texels, 1)."""
    size = len(view.image_log)
    light = light_of(view, colour)
    where = canonical.place(view.points, size)
    normals = canonical.seen_normals(canonical.sample(canonical.normals(size), where), view.pose)
    left = view.image_log - light.level - light.smooth(normals) - light.remainder
    planes = canonical.unwrap(np.dstack([left, view.valid]), view.points, texels)
    return planes[..., :3], planes[..., 3:] * canonical.facing(view.pose, texels)[..., None]
