"""Detail from real pictures: the faceset's nearest crops, carried by the mesh into the wanted pose, their light taken off.

Near is what performs alike: the points of both faces in aligned crops, lids and lips counting more. The weights of the few
nearest fall to 0 at the last of them, so that nothing jumps when another becomes near.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence

import cv2
import numpy as np

from vfx_deepfake.face.mesh import warp_map
from vfx_deepfake.face.topology import LEFT_EYE, LIPS_INNER, LIPS_OUTER, RIGHT_EYE
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import light_of
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.registration import moved_onto

NEAREST = 4  # the last of them has weight 0
FEATURE_GAIN = 3.0  # of points on lids and lips against the others; assumed
SHARPER = 2.0  # power of the weights: few crops, little blur
KEPT = 64  # unlit crops held


class RealCrops:
    """The crops of one identity at one age, to borrow from."""

    def __init__(self, views: Sequence[View], skin_colour: np.ndarray) -> None:
        self._views, self._colour = views, skin_colour
        self._signatures = np.stack([_signature(view.points, len(view.image_log)) for view in views])
        self._unlit: OrderedDict[int, np.ndarray] = OrderedDict()

    def borrowed(self, points: np.ndarray, size: int, but: Collection[int] = ()) -> np.ndarray:
        """(size, size, 4) float32: colour over the light, and how much of it is really seen, 0..1.

        Shapes: points (478, 2) px of a view of ``size``. ``but``: crops that must not be used, the answer among them.
        """
        distance = np.linalg.norm(self._signatures - _signature(points, size), axis=1)
        distance[list(but)] = np.inf
        order = np.argsort(distance, kind="stable")[: NEAREST + 1]
        order = order[np.isfinite(distance[order])]
        if not len(order):
            return np.zeros((size, size, 4), np.float32)
        last = distance[order[-1]] if len(order) > 1 else np.inf
        closeness = (1 / np.maximum(distance[order], 1e-3) - 1 / last) ** SHARPER
        closeness = closeness / max(float(closeness.sum()), 1e-12)
        onto = canonical.sample(self._colour, canonical.place(points, size))
        out = np.zeros((size, size, 4), np.float32)
        for index, share in zip(order, closeness, strict=True):
            if share > 1e-3:
                out += np.float32(share) * self._carried(int(index), points, onto)
        seen = np.maximum(out[..., 3:], 1e-3)
        return np.concatenate([out[..., :3] / seen, np.clip(out[..., 3:], 0, 1)], axis=2)

    def _carried(self, index: int, points: np.ndarray, onto: np.ndarray) -> np.ndarray:
        """(S, S, 4): a crop's colour times seen, and seen, where ``points`` are and on what is known of the colour there."""
        view, size = self._views[index], len(onto)
        planes = self._without_light(index)
        where = warp_map(view.points, points, Window(0, 0, size, size)) - np.float32(0.5)
        x, y = where[..., 0], where[..., 1]
        carried = cv2.remap(planes, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        seen = np.clip(carried[..., 3], 0, 1)
        carried[..., :3] += (1 - seen)[..., None] * onto
        moved = moved_onto(carried, onto, seen)
        seen = np.clip(moved[..., 3:], 0, 1)
        return np.concatenate([moved[..., :3] - (1 - seen) * onto, seen], axis=2)

    def _without_light(self, index: int) -> np.ndarray:
        """(S, S, 4): colour times seen, and seen."""
        if index not in self._unlit:
            view = self._views[index]
            size = len(view.image_log)
            light, where = light_of(view, self._colour), canonical.place(view.points, size)
            normals = canonical.seen_normals(canonical.sample(canonical.normals(size), where), view.pose)
            seen = canonical.sample(canonical.facing(view.pose, size)[..., None], where) * view.valid[..., None]
            left = view.image_log - light.level - light.smooth(normals) - light.remainder
            self._unlit[index] = np.concatenate([left * seen, seen], axis=2).astype(np.float16)
            while len(self._unlit) > KEPT:
                self._unlit.popitem(last=False)
        return self._unlit[index].astype(np.float32)


def _signature(points: np.ndarray, size: int) -> np.ndarray:
    """(956,) float64: a face's points in shares of its crop, lids and lips louder."""
    gain = np.ones((len(points), 1))
    gain[sorted({*RIGHT_EYE, *LEFT_EYE, *LIPS_OUTER, *LIPS_INNER})] = FEATURE_GAIN
    return np.asarray((points / size * gain).ravel(), np.float64)
