"""What stays on the performer's face whatever it does: how that face is shaped and coloured, not how it is lit.

The remainder of a plate's light (:mod:`~vfx_deepfake.model.identity.light`) holds shadows, and the performer's own cheeks, folds and
chin as far as they differ from the canonical head. A shadow moves over a face that moves; what stays at its place through the shot is
rather the performer's own, and would make the identity's face look like the performer's. It is taken off the light, but no more of
it than people differ by: a hard light on a head that keeps still stays where it is, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import Light, light_of
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.skin import Skin

TEXELS = 80  # a remainder is blurred over nearly three of them
PERSON_LOG = 0.018  # how far people differ there: root mean square over skin
LEAST = 1e-3


def standing_part(views: Sequence[View], colour: np.ndarray) -> np.ndarray:
    """(TEXELS, TEXELS, 3) float32 log: what to take off the remainder of every view's light, in the face's own coordinates.

    colour (T, T, 3): the skin that the light is read with.
    """
    total, share = np.zeros((TEXELS, TEXELS, 3)), np.full((TEXELS, TEXELS, 1), LEAST)
    for view in views:
        light = light_of(view, Skin(colour))
        skin = canonical.skin(view.points, view.size) * view.valid
        planes = canonical.unwrap(np.dstack([light.remainder, skin]), view.points, TEXELS)
        weight = np.clip(planes[..., 3], 0, 1) * canonical.facing(view.pose, TEXELS) + LEAST / len(views)
        total += weight[..., None] * planes[..., :3]
        share += weight[..., None]
    stays = total / share
    strength = float((share * np.square(stays)).sum() / (3 * share.sum()))
    return np.asarray(stays * min(1.0, PERSON_LOG**2 / max(strength, 1e-12)), np.float32)


def lighting(view: View, colour: np.ndarray, standing: np.ndarray) -> Light:
    """The light in a view of the performer, without what stays on that face."""
    light = light_of(view, Skin(colour))
    stays = canonical.sample(standing, canonical.place(view.points, view.size))
    return replace(light, remainder=light.remainder - stays)
