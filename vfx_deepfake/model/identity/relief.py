"""How a person's face is shaped finer than landmarks say: normals read from how its own crops are lit.

Photometric stereo. A head that turns and takes in other lights show every spot of skin under many lights. Where the normal
leans towards the light the spot is lighter than the smooth light on the canonical head says, and less so where the light comes
from elsewhere; its colour is lighter everywhere. So colour and lean part, spot by spot, by least squares, linear for small leans.
A lean that no change of light has shown is held at 0: the colour explains it. What is coarser than the remainder of the light is not
asked for, since the remainder has taken it.

Shapes: textures (N, N, C), N = NORMAL_TEXELS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import LUMA, basis_slope, blurred
from vfx_deepfake.model.identity.skin import Skin
from vfx_deepfake.model.identity.tiles import enlarged, shrunk

NORMAL_TEXELS = 160  # 1.4 mm a texel; registration is no finer
HOLD = 0.003  # log squared per radian squared and crop: light that changes by less over a lean of a radian says little. Assumed
SMOOTH_CM = 0.2  # sigma over which leans are evened out
MOST_LEAN = 0.5  # radians
LOOSE_LOG = 0.06  # a stop: a spot that is off by this in one crop counts half there; a highlight, a hair


@dataclass(frozen=True, eq=False)
class Lit:
    """A crop without its light: planes (T, T, 4), colour over the light and how much each texel counts, brought onto the person's
    colour; the smooth light's coefficients (9, 3); turn (3, 3), the head's axes to the camera's."""

    planes: np.ndarray
    coefficients: np.ndarray
    turn: np.ndarray


def shaped(crops: Sequence[Lit], colour: np.ndarray) -> Skin:
    """The normals, and the colour without what they explain. colour (T, T, 3): the mean that the crops were brought onto."""
    normals = canonical.normals(NORMAL_TEXELS)
    across, along = _tangents(normals)
    known = resized(colour)
    normal, right = np.zeros((*known.shape[:2], 3, 3), np.float32), np.zeros((*known.shape[:2], 3), np.float32)
    count = np.zeros(known.shape[:2], np.float32)
    for crop in crops:
        planes = resized(crop.planes)
        slope = basis_slope(normals @ crop.turn.T) @ np.float32(crop.coefficients @ LUMA)
        rises = [(tangent @ crop.turn.T * slope).sum(axis=-1) for tangent in (across, along)]
        row = np.stack([np.ones_like(count), *rises], axis=-1)
        off = (planes[..., :3] - known) @ LUMA
        weight = np.clip(planes[..., 3], 0, 1) / (1 + np.square(off / LOOSE_LOG))
        normal += weight[..., None, None] * row[..., :, None] * row[..., None, :]
        right += (weight * off)[..., None] * row
        count += weight
    normal += np.diag((1e-6, HOLD, HOLD)) * (count[..., None, None] + 1e-3)
    solved = np.linalg.solve(normal, right[..., None])[..., 0].astype(np.float32)
    lean = np.clip(solved[..., 1:], -MOST_LEAN, MOST_LEAN)
    seen = np.ascontiguousarray(count / max(float(count.max()), 1e-6), np.float32)
    lean = blurred(lean, seen, SMOOTH_CM * NORMAL_TEXELS / SIDE_CM)
    leaning = normals + lean[..., :1] * across + lean[..., 1:] * along
    lighter = resized(solved[..., :1], len(colour))
    return Skin(colour + lighter, np.asarray(leaning / np.linalg.norm(leaning, axis=-1, keepdims=True), np.float32))


def _tangents(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors at right angles to each normal: level, and up."""
    across = np.cross(np.array((0.0, 1.0, 0.0), np.float32), normals)
    across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), np.float32(1e-6))
    return across, np.cross(normals, across)


def resized(planes: np.ndarray, side: int = NORMAL_TEXELS) -> np.ndarray:
    """A texture (T, T, C) at another number of texels a side, float32."""
    planes = np.asarray(planes, np.float32)
    return (shrunk if len(planes) > side else enlarged)(planes, side).reshape(side, side, -1)
