"""Textures of one person brought onto each other: landmarks put every crop's brows, lids and lips a few pixels elsewhere.

Dense flow with its light evened out finds what is left; it is smoothed under what each picture really shows and held to a
short way, so that a fold that is not there cannot be found at the other side of a cheek.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.image.flow import MIDDLE_LOG, dense_flow, matching_grey
from vfx_deepfake.model.identity.light import blurred
from vfx_deepfake.model.identity.tiles import enlarged, shrunk, times_smaller

MOST_CM = 0.45  # about 3 % of a face: landmarks are not further off
MOST_PX = 1024  # larger pictures are compared smaller, a side: landmarks are off by more. Assumed
SMOOTH_CM = 0.12  # sigma over which the motion is evened out


def moved_onto(planes: np.ndarray, onto: np.ndarray, seen: np.ndarray, whole: int = 0) -> np.ndarray:
    """Planes (S, S, C) float32, colour over the light first, moved so that their first three lie on those of ``onto`` (S, S, 3).

    ``seen`` (S, S) 0..1: how far the picture is to be believed there. All cover an aligned crop or a texture, or a square of
    one whose side is ``whole`` px. What is larger than MOST_PX is compared smaller.
    """
    side, px = len(planes), (whole or len(planes)) / SIDE_CM
    times = times_smaller(whole or side, MOST_PX)
    colour = planes[..., :3]
    if times > 1:
        colour, onto, seen = (shrunk(one, round(side / times)) for one in (colour, onto, seen))
    times_exact = side / len(colour)
    flow = dense_flow(matching_grey(onto + MIDDLE_LOG), matching_grey(colour + MIDDLE_LOG), finest_scale=1)
    flow = blurred(flow, np.asarray(seen + 1e-3, np.float32), SMOOTH_CM * px / times_exact)
    if times > 1:
        flow = enlarged(flow, side) * np.float32(times_exact)
    length = np.linalg.norm(flow, axis=2, keepdims=True) / (MOST_CM * px)
    flow = flow / np.maximum(length, 1)
    at = np.arange(side, dtype=np.float32)
    x, y = flow[..., 0] + at[None, :], flow[..., 1] + at[:, None]
    return np.asarray(cv2.remap(planes, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)
