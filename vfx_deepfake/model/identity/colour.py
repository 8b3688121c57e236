"""One colour for a shot: what is made is brought to the plate's skin, by the same offset on every frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity.method import Made, ShotViews, View

MOST_FRAMES = 24  # looked at, evenly spread over the shot


def match_skin(shot: ShotViews, make: Callable[[View], Made]) -> np.ndarray:
    """(3,) float32 to add in log so that the made skin has the mean of the plate's, both weighted by the made matte; 0 without skin.

    Skin of all frames is pooled, so that a frame's own light stays its own. The deviation is left alone: a soft face has
    less of it, and stretching that made shadows twice too dark (docs/experiments.md).
    """
    picked = np.linspace(0, len(shot.frames) - 1, min(MOST_FRAMES, len(shot.frames))).round().astype(int)
    total, weight = np.zeros(3), 0.0
    for index in picked:
        view = shot.view(shot.frames[index])
        face = make(view)
        skin = region_mask(view.points, Window.of_image(view.image_log), "skin") * view.valid * face.matte
        apart = view.image_log.astype(np.float64) - face.picture_log
        total += (skin[..., None] * apart).sum(axis=(0, 1))
        weight += float(skin.sum())
    return (total / max(weight, 1e-6)).astype(np.float32)
