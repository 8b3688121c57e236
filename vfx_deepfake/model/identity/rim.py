"""The rim of a replaced face: how much lighter or darker it is than the plate's goes on to where the skin ends in the picture.

The paste is soft inside the mesh's outline, and the outline lies a little inside the cheek's own: between both the plate's
skin shows, and where it is lighter than the new face it is a thin light line along jaw and cheek. What lies there
stays the plate's, pores and silhouette, but takes the new face's level, which is smooth. Over neck and ears it runs out.
"""

from __future__ import annotations

import numpy as np

from vfx_deepfake.image.region_matte import GUIDE_RADIUS_PX, edge_guide, refined
from vfx_deepfake.image.relight import EDGE_LOG, REACH_CM
from vfx_deepfake.image.seam import wide_blur
from vfx_deepfake.model.identity.light import blurred

NEAR = 6.0  # times the mean of the matte around: 1 on the rim, 0 well away from the matte, as inside what is in front of the face; assumed


def with_rim(
    delta_log: np.ndarray, matte: np.ndarray, clean_log: np.ndarray, face: np.ndarray, px_per_cm: float
) -> tuple[np.ndarray, np.ndarray]:
    """A change and its matte, both reaching to the picture's own edge round the face.

    Where the matte is 1 nothing changes. A change of 0 stays 0, and a matte without anything in it stays empty.
    Shapes: delta_log, clean_log (h, w, 3) log; matte, face (h, w) 0..1, face the plate's oval; plate pixels.
    """
    if not matte.any():
        return delta_log, matte
    reach_px = REACH_CM * px_per_cm
    level = blurred(delta_log, matte, reach_px)
    guide = edge_guide(clean_log, reach_px / GUIDE_RADIUS_PX, EDGE_LOG**2)
    skin = refined(np.maximum(face, matte), guide, band_px=2 * GUIDE_RADIUS_PX, steepness=1.0)
    wide = np.maximum(matte, skin * np.clip(NEAR * wide_blur(matte, reach_px), 0, 1))
    own = np.divide(matte, wide, out=np.ones_like(matte), where=wide > 0)[..., None]
    return own * delta_log + (1 - own) * level, wide
