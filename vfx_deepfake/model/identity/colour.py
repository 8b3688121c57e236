"""One colour for a shot: what is made is brought to the plate's skin, by the same gain and offset on every frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity.method import Made, ShotViews, View

MOST_FRAMES = 24  # looked at, evenly spread over the shot
MOST_RATIO = 1.5  # no contrast is stretched or shrunk by more than this; assumed
LEAST_MATTE = 0.5


def solve_colour(shot: ShotViews, make: Callable[[View], Made]) -> tuple[np.ndarray, np.ndarray]:
    """Gain and offset, (3,) float32 each, that give the made skin the mean and deviation of the plate's, in log.

    Skin of all frames is pooled, so that a frame's own light stays its own. Without skin in common: 1 and 0.
    """
    picked = np.linspace(0, len(shot.frames) - 1, min(MOST_FRAMES, len(shot.frames))).round().astype(int)
    plate, made = [], []
    for index in picked:
        view = shot.view(shot.frames[index])
        face = make(view)
        window = Window.of_image(view.image_log)
        skin = region_mask(view.points, window, "skin") * view.valid * face.matte > LEAST_MATTE
        plate.append(view.image_log[skin])
        made.append(face.picture_log[skin])
    wanted, found = np.concatenate(plate).astype(np.float64), np.concatenate(made).astype(np.float64)
    if not len(wanted):
        return np.ones(3, np.float32), np.zeros(3, np.float32)
    gain = np.clip(wanted.std(axis=0) / np.maximum(found.std(axis=0), 1e-6), 1 / MOST_RATIO, MOST_RATIO)
    offset = wanted.mean(axis=0) - gain * found.mean(axis=0)
    return gain.astype(np.float32), offset.astype(np.float32)
