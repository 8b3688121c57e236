"""A person's own colours, free of light: closed form, a few seconds.

Every crop gives its light from what is known of the skin so far, then the skin gives what the light leaves: two rounds. The
crops are then brought onto each other (:mod:`~vfx_deepfake.model.identity.registration`), since their mean is only as sharp
as their places agree; what detail it has lost all the same is given back by energy
(:mod:`~vfx_deepfake.model.identity.skin_detail`). Level and tint stay with the light, because nothing in a picture tells dark
skin from little light; the texture's skin is near 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import light_of, normals_at
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.registration import moved_onto
from vfx_deepfake.model.identity.relief import NORMAL_TEXELS, Lit, resized, shaped
from vfx_deepfake.model.identity.skin import Skin
from vfx_deepfake.model.identity.skin_detail import Strength

FIRST_CROPS = 40  # evenly spread; enough to read the light of all
MOST_CROPS, MOST_MIB = 120, 2048  # of close-ups fewer, as many as fit
REGISTERED_ROUNDS = 2  # a third adds nothing to see
LOOSE_LOG = 0.06  # a stop: a texel that is off by this counts half; highlights, hair, a hand
LEAST = 1e-3
COARSE_CROPS = 16  # of a take: where its features lie is the same in all


def solve_skin(views: Sequence[View], texels: int) -> Skin:
    """Colour (texels, texels, 3), of skin and features alike, and normals; what nobody saw is 0, and shaped as the canonical head."""
    first = _mean((_unlit(view, None, texels).planes for view in _picked(views, FIRST_CROPS)), None)
    most = min(MOST_CROPS, max((MOST_MIB << 20) // (8 * texels * texels), 1))
    crops = [_unlit(view, Skin(first), texels) for view in _picked(views, most)]
    colour = _mean((crop.planes for crop in crops), first)
    for _ in range(REGISTERED_ROUNDS):
        onto = colour
        lying: list[Lit] = []
        strength = Strength()
        colour = _mean((_kept(_registered(crop, onto), lying, strength) for crop in crops), onto)
    skin = shaped(lying, colour)
    return replace(skin, colour=strength.given_to(skin.colour))


def solve_coarsely(views: Sequence[View], texels: int) -> np.ndarray:
    """The same from a few of the views, not brought onto each other: where features lie, in a second."""
    crops = [_unlit(view, None, texels).planes for view in _picked(views, COARSE_CROPS)]
    return _mean(crops, _mean(crops, None))


def _picked(views: Sequence[View], most: int) -> list[View]:
    return [views[index] for index in np.linspace(0, len(views) - 1, min(len(views), most)).round().astype(int)]


def _unlit(view: View, skin: Skin | None, texels: int) -> Lit:
    """One crop's texture without its light, half, and how much each texel of it counts."""
    light = light_of(view, skin)
    normals = normals_at(canonical.place(view.points, view.size), view.pose, view.size, skin)
    planes = canonical.unwrap(np.dstack([light.off(view.image_log, normals), view.valid]), view.points, texels)
    planes[..., 3] *= canonical.facing(view.pose, texels)
    return Lit(planes.astype(np.float16), light.coefficients, canonical.seen_turn(view.pose))


def _registered(crop: Lit, onto: np.ndarray) -> Lit:
    planes = crop.planes.astype(np.float32)
    return replace(crop, planes=moved_onto(planes, onto, planes[..., 3]))


def _kept(crop: Lit, among: list[Lit], strength: Strength) -> np.ndarray:
    """The planes of a crop, which is kept as small as its shape is read, and whose detail is measured."""
    strength.see(crop.planes)
    among.append(replace(crop, planes=resized(crop.planes, NORMAL_TEXELS).astype(np.float16)))
    return crop.planes


def _mean(crops: Iterable[np.ndarray], known: np.ndarray | None) -> np.ndarray:
    """(texels, texels, 3): the weighted mean; what is far from what is known so far counts less."""
    total, share = np.zeros((), np.float32), np.zeros((), np.float32)
    for crop in crops:
        lit, weight = crop[..., :3].astype(np.float32), np.clip(crop[..., 3:].astype(np.float32), 0, 1)
        if known is not None:
            weight = weight / (1 + (np.linalg.norm(lit - known, axis=-1, keepdims=True) / LOOSE_LOG) ** 2)
        total = total + weight * lit
        share = share + weight
    return np.asarray(total / np.maximum(share, LEAST), np.float32)
