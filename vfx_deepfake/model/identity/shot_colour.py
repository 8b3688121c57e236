"""The made face's level and tint against the plate's skin, once for a shot.

The identity takes the performer's level, and what the network adds to it on average over the shot is taken off again. How
much darker or lighter the identity itself is comes on top (:mod:`~vfx_deepfake.model.identity.skin_level`). Teeth as a
common reference were tried: docs/experiments.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.method import Made, View

MOST_VIEWS = 16  # looked at, evenly spread
LEAST_PIXELS = 16  # of skin; fewer say nothing


def solve_offset(views: Sequence[View], make: Callable[[View], Made]) -> np.ndarray:
    """(3,) float32 log: what to add to the made face on every frame. 0 where no skin is seen in both."""
    picked = np.linspace(0, len(views) - 1, min(len(views), MOST_VIEWS)).round().astype(int)
    apart = []
    for index in picked:
        view = views[index]
        made = make(view)
        skin = canonical.skin(view.points, len(view.image_log)) * view.valid * made.matte > 0.5
        if skin.sum() >= LEAST_PIXELS:
            apart.append((view.image_log[skin] - made.picture_log[skin]).mean(axis=0))
    return np.median(apart, axis=0).astype(np.float32) if apart else np.zeros(3, np.float32)
