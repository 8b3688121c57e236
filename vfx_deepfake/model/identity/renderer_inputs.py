"""What the renderer's network is told about a view: where every pixel is on the face, how it is turned, how it is lit.

Planes are made with numpy, (S, S, C), on the pixels of the view. The *geometry* is that of the points to be shown; the
*light* comes from the picture that is looked at, which may show somebody else's face. In training both are the
same crop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from vfx_deepfake.face.mesh import warp_map
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import LUMA, Light, blurred, light_of, normals_at
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.skin import Skin

GLINT_CM = (
    0.12  # of eyes and mouth their lightness is shown, blurred by this: glints, teeth and tongue, not their drawing
)

SHADE_CM = 0.35  # sigma: coarser lightness of eyes and mouth is the view's, finer that of the real crops


@dataclass(frozen=True, eq=False)
class Inputs:
    """One view's planes, float32.

    place (S, S, 2) -1..1; normals (S, S, 3) camera axes; features (S, S, F) 0..1; light (S, S, 3) log, without the level
    (3,); glints (S, S, 1) log lightness of eyes and mouth over the level, 0 elsewhere; borrowed (S, S, 4) of real crops, 0
    where none are used.
    """

    place: np.ndarray
    normals: np.ndarray
    features: np.ndarray
    light: np.ndarray
    level: np.ndarray
    glints: np.ndarray
    borrowed: np.ndarray

    def planes(self) -> np.ndarray:
        """(S, S, NUM_PLANES): all but the level, in the order of SPANS."""
        parts = (self.place, self.normals, self.features, self.light, self.glints, self.borrowed)
        return np.concatenate(parts, axis=2).astype(np.float32)


SPANS = {"place": 2, "normals": 3, "features": len(canonical.FEATURES), "light": 3, "glints": 1, "borrowed": 4}
NUM_PLANES = sum(SPANS.values())
WET = [canonical.FEATURES.index(name) for name in ("eyes", "mouth")]


def look(
    view: View,
    points: np.ndarray | None = None,
    skin: Skin | None = None,
    light: Light | None = None,
    whole: int = 0,
) -> Inputs:
    """The inputs of a view, without real crops.

    points (478, 2) view px: the geometry to show, None for the view's own. skin: of the face that is shown, where it is
    known. light: where it is known already; else it is read as from that face. whole: of a part of a view the side of the whole, px.
    """
    size = view.size
    shown = view.points if points is None else points
    light = light or light_of(view, skin)
    where = canonical.place(shown, size)
    normals = canonical.seen_normals(canonical.sample(canonical.normals(whole or size), where), view.pose)
    features = canonical.features(shown, size)
    carried = np.dstack([light.remainder, _glints(view, light.level, (whole or size) / SIDE_CM)])
    if points is not None:
        at = warp_map(view.points, points, Window(0, 0, size, size)) - np.float32(0.5)
        carried = cv2.remap(carried, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lit = light.smooth(normals_at(where, view.pose, whole or size, skin)) + carried[..., :3]
    nothing = np.zeros((size, size, SPANS["borrowed"]), np.float32)
    return Inputs(where, normals, features, lit, light.level, (carried[..., 3] * wet(features))[..., None], nothing)


def borrowing(inputs: Inputs, borrowed: np.ndarray, whole: int = 0) -> Inputs:
    """The inputs with real crops (S, S, 4), whose eyes and mouth take the coarse lightness of the view's: what lights a mouth is
    not known from the skin round it. whole: as in :func:`look`."""
    luma = (borrowed[..., :3] + inputs.light) @ LUMA
    inside = wet(inputs.features) * np.clip(borrowed[..., 3], 0, 1)
    apart = np.repeat((inputs.glints[..., 0] - luma)[..., None], 3, axis=2)
    lighter = blurred(apart, inside, SHADE_CM * (whole or len(luma)) / SIDE_CM)
    colour = borrowed[..., :3] + inside[..., None] * lighter
    return replace(inputs, borrowed=np.dstack([colour, borrowed[..., 3:]]).astype(np.float32))


def wet(features: np.ndarray) -> np.ndarray:
    """(S, S): what lies within lids and lips, of the planes of ``canonical.features``."""
    return np.asarray(features[..., WET].max(axis=-1))


def _glints(view: View, level: np.ndarray, px_per_cm: float) -> np.ndarray:
    luma = (view.image_log - level) @ LUMA
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), max(GLINT_CM * px_per_cm, 0.5)), np.float32)
