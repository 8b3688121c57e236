"""Detail from real pictures: the faceset's nearest crops, carried by the mesh into the wanted pose, their light taken off.

Near is what performs alike: the points of both faces in aligned crops, lids and lips counting more. The weights of the few
nearest fall to 0 at the last of them, so that nothing jumps when another becomes near.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import replace

import cv2
import numpy as np

from vfx_deepfake.face.mesh import warp_map
from vfx_deepfake.face.topology import LEFT_EYE, LIPS_INNER, LIPS_OUTER, RIGHT_EYE
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import Light, light_of, normals_at
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.registration import moved_onto
from vfx_deepfake.model.identity.skin import Skin
from vfx_deepfake.model.identity.tiles import Part, enlarged, smaller

NEAREST = 4  # the last of them has weight 0
FEATURE_GAIN = 3.0  # of points on lids and lips against the others; assumed
SHARPER = 2.0  # power of the weights: few crops, little blur
KEPT, KEPT_MIB = 64, 512  # unlit crops held, at most


class RealCrops:
    """The crops of one identity at one age, to borrow from."""

    def __init__(self, views: Sequence[View], skin: Skin) -> None:
        self._views, self._skin = views, skin
        self._signatures = np.stack([_signature(view.points, view.size) for view in views])
        self._unlit: OrderedDict[int, np.ndarray] = OrderedDict()
        self._lights: OrderedDict[int, Light] = OrderedDict()

    def borrowed(
        self, points: np.ndarray, size: int, but: Collection[int] = (), part: Part | None = None
    ) -> np.ndarray:
        """(size, size, 4) float32: colour over the light, and how much of it is really seen, 0..1.

        Shapes: points (478, 2) px of a view of ``size``. ``but``: crops that must not be used, the answer among them. ``part``:
        what alone is wanted of the view; its border, as wide as crops are moved, is not that of the whole.
        """
        distance = np.linalg.norm(self._signatures - _signature(points, size), axis=1)
        distance[list(but)] = np.inf
        order = np.argsort(distance, kind="stable")[: NEAREST + 1]
        order = order[np.isfinite(distance[order])]
        side = size if part is None else part.side
        if not len(order):
            return np.zeros((side, side, 4), np.float32)
        last = distance[order[-1]] if len(order) > 1 else np.inf
        closeness = (1 / np.maximum(distance[order], 1e-3) - 1 / last) ** SHARPER
        closeness = closeness / max(float(closeness.sum()), 1e-12)
        shown = points if part is None else part.moved(points)
        onto = canonical.sample(self._skin.colour, canonical.place(shown, side))
        out = np.zeros((side, side, 4), np.float32)
        for index, share in zip(order, closeness, strict=True):
            if share > 1e-3:
                out += np.float32(share) * self._carried(int(index), shown, onto, size)
        seen = np.maximum(out[..., 3:], 1e-3)
        return np.concatenate([out[..., :3] / seen, np.clip(out[..., 3:], 0, 1)], axis=2)

    def _carried(self, index: int, points: np.ndarray, onto: np.ndarray, whole: int) -> np.ndarray:
        """(S, S, 4): a crop's colour times seen, and seen, where ``points`` are and on what is known of the colour there.
        ``whole``: side of the view of which S x S are wanted."""
        view, size = self._views[index], len(onto)
        where = warp_map(view.points, points, Window(0, 0, size, size)) - np.float32(0.5)
        if size == whole:
            planes = self._without_light(index)
        else:
            looked_at = _square_round(where, view.size)
            planes = self._part_without_light(index, looked_at)
            where -= np.array((looked_at.x, looked_at.y), np.float32)
        x, y = where[..., 0], where[..., 1]
        carried = cv2.remap(planes, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        seen = np.clip(carried[..., 3], 0, 1)
        carried[..., :3] += (1 - seen)[..., None] * onto
        moved = moved_onto(carried, onto, seen, whole)
        seen = np.clip(moved[..., 3:], 0, 1)
        return np.concatenate([moved[..., :3] - (1 - seen) * onto, seen], axis=2)

    def _without_light(self, index: int) -> np.ndarray:
        """(S, S, 4): colour times seen, and seen."""
        if index not in self._unlit:
            view = self._views[index]
            made = _unlit(view, light_of(view, self._skin), view.size, self._skin).astype(np.float16)
            self._unlit[index] = made
            while len(self._unlit) > min(KEPT, max((KEPT_MIB << 20) // made.nbytes, 1)):
                self._unlit.popitem(last=False)
        return self._unlit[index].astype(np.float32)

    def _part_without_light(self, index: int, part: Part) -> np.ndarray:
        """Its part of the same."""
        view = self._views[index]
        if index not in self._lights:
            self._lights[index] = light_of(smaller(view), self._skin)
            while len(self._lights) > KEPT:
                self._lights.popitem(last=False)
        light = self._lights[index]
        remainder = part.of(enlarged(light.remainder, view.size))
        return _unlit(part.view(view), replace(light, remainder=remainder), light.remainder.shape[0], self._skin)


def _unlit(view: View, light: Light, texels: int, skin: Skin) -> np.ndarray:
    """(S, S, 4): the colour of a view, or of a part of one, times seen, and seen; ``texels``: of the head's normals, a side."""
    where = canonical.place(view.points, view.size)
    normals = normals_at(where, view.pose, texels, skin)
    seen = canonical.sample(canonical.facing(view.pose, texels)[..., None], where) * view.valid[..., None]
    return np.concatenate([light.off(view.image_log, normals) * seen, seen], axis=2)


def _square_round(where: np.ndarray, size: int) -> Part:
    """The square of a view that holds pixels (h, w, 2) and what their interpolation looks at, as far as the view goes."""
    low = np.clip(np.floor(where.min(axis=(0, 1))) - 2, 0, size - 1).astype(int)
    high = np.clip(np.ceil(where.max(axis=(0, 1))) + 3, 1, size).astype(int)
    side = int((high - low).max())
    x, y = (min(int(start), size - side) for start in low)
    return Part(x, y, side, size)


def _signature(points: np.ndarray, size: int) -> np.ndarray:
    """(956,) float64: a face's points in shares of its crop, lids and lips louder."""
    gain = np.ones((len(points), 1))
    gain[sorted({*RIGHT_EYE, *LEFT_EYE, *LIPS_OUTER, *LIPS_INNER})] = FEATURE_GAIN
    return np.asarray((points / size * gain).ravel(), np.float64)
