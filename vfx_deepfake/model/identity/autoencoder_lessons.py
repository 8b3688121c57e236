"""What the autoencoder learns from: crops of everybody with their truth, read once and kept as far as memory goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.faceset.data import Faceset
from vfx_deepfake.faceset.likeness import texels
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity import parallel
from vfx_deepfake.model.identity.augment import draw_grids, draw_light, sampled
from vfx_deepfake.model.identity.autoencoder_network import MIDDLE_LOG
from vfx_deepfake.model.identity.features import moved_texels
from vfx_deepfake.model.identity.losses import priority
from vfx_deepfake.model.identity.method import ShotViews, View

OUTSIDE_WEIGHT = 0.02  # of pixels beside the face: what is painted there is hardly seen. Assumed
EDGE_SHARE = 0.02  # of the crop's side, over which the matte's edge is soft
MOST_FRAMES = 400  # of the plate, evenly spread: neighbours teach nothing new
KEEP_MIB = 1024  # of crops, in half


@dataclass(frozen=True, eq=False)
class Crop:
    """One crop to learn from: ``identity`` counts from the plate's performer, 0; ``read`` gives its view."""

    identity: int
    read: Callable[[], View]


@dataclass(frozen=True, eq=False)
class Batch:
    """Shown and wanted pictures (B, 3, S, S) log, wanted matte and weight (B, 1, S, S), whose (B, identities).

    texels (B, T, T, 3): where the wanted face's texture lies (:func:`~vfx_deepfake.faceset.likeness.texels`).
    """

    shown: Tensor
    wanted: Tensor
    matte: Tensor
    weight: Tensor
    whose: Tensor
    texels: Tensor


def crops_of(labels: Sequence[Sequence[Faceset]], shot: ShotViews | None) -> list[Crop]:
    """Every crop there is; labels[k] are the facesets of identity k + 1."""
    crops = []
    if shot is not None:
        count = min(len(shot.frames), MOST_FRAMES)
        picked = np.linspace(0, len(shot.frames) - 1, count).round().astype(int)
        crops += [Crop(0, _plate_reader(shot, shot.frames[index])) for index in picked]
    for number, facesets in enumerate(labels, 1):
        for faceset in facesets:
            crops += [Crop(number, _faceset_reader(faceset, index)) for index in range(len(faceset))]
    return crops


def _plate_reader(shot: ShotViews, frame: int) -> Callable[[], View]:
    return lambda: shot.view(frame)


def _faceset_reader(faceset: Faceset, index: int) -> Callable[[], View]:
    return lambda: View(*faceset.view(index))


class Lessons:
    """Draws batches; equal seeds and steps give equal ones, on one process or shared between several."""

    def __init__(self, crops: Sequence[Crop], identities: int, size: int, seed: int) -> None:
        self.size, self.identities, self._seed = size, identities, seed
        self._crops = crops
        self._of = [[i for i, crop in enumerate(crops) if crop.identity == k] for k in range(identities)]
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._most = KEEP_MIB * 2**20 // (5 * 2 * size * size)

    def draw(self, batch_size: int, step: int, device: torch.device) -> Batch:
        """The batch of a step: half of it the plate's performer, half the others, who take turns."""
        parts = [self._one(step, place) for place in parallel.share(range(batch_size))]
        return Batch(*(torch.cat(planes).to(device, non_blocking=True) for planes in zip(*parts, strict=True)))

    def _one(self, step: int, place: int) -> tuple[Tensor, ...]:
        rng = np.random.default_rng((self._seed, 5, step, place))
        identity = self._turn(step + place)
        planes, places = self._read(int(rng.choice(self._of[identity])))
        grids, light = draw_grids(rng, self.size), draw_light(rng)
        wanted = sampled(planes[:, :3], grids.straight[None])
        shown = sampled(planes[:, :4], grids.warped[None])
        marks = sampled(planes[:, 3:], grids.straight[None], "zeros")
        offset = torch.from_numpy(light.offset)[None, :, None, None]
        shown = alone(MIDDLE_LOG + light.contrast * (shown[:, :3] - MIDDLE_LOG) + offset, shown[:, 3:])
        whose = torch.zeros(1, self.identities)
        whose[0, identity] = 1
        places = moved_texels(places, grids.straight[None])
        return shown, wanted + offset, marks[:, :1], marks[:, 1:], whose, places

    def _turn(self, count: int) -> int:
        """Whose turn it is: every second one is the plate's, as far as both sides have crops."""
        others = [k for k in range(1, self.identities) if self._of[k]]
        if self._of[0] and (count % 2 == 0 or not others):
            return 0
        return others[(count // 2) % len(others)]

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        """(1, 5, S, S) float32: log picture, matte, weight of one crop; and (1, T, T, 3), its texels."""
        if index not in self._kept:
            view = self._crops[index].read()
            made = to_planes(view, self.size), torch.from_numpy(texels(view.points, len(view.image_log)))[None]
            if len(self._kept) >= self._most:
                return made
            self._kept[index] = made[0].half(), made[1]
        planes, places = self._kept[index]
        return planes.float(), places

    def some(self, identity: int, count: int) -> Tensor:
        """(n, 4, S, S) log and matte: up to ``count`` crops of an identity, evenly spread."""
        own = self._of[identity]
        picked = np.linspace(0, len(own) - 1, min(count, len(own))).round().astype(int)
        return torch.cat([torch.zeros(0, 4, self.size, self.size), *(self._read(own[i])[0][:, :4] for i in picked)])


def to_planes(view: View, size: int) -> Tensor:
    """(1, 5, S, S) float32: the picture, the matte of its face and the weight of its pixels, ``size`` px a side."""
    scale = size / len(view.image_log)
    points = view.points * scale
    matte = face_matte(points, size)
    valid = resized(view.valid, size)
    weight = valid * (OUTSIDE_WEIGHT + (1 - OUTSIDE_WEIGHT) * matte) * priority(points, size)
    picture = resized(view.image_log, size).transpose(2, 0, 1)
    return torch.from_numpy(np.concatenate([picture, matte[None], weight[None]]).astype(np.float32))[None]


def alone(pictures: Tensor, matte: Tensor) -> Tensor:
    """Faces (B, 3, S, S) before grey: hair and background would tell the encoder whose picture it is."""
    return MIDDLE_LOG + matte * (pictures - MIDDLE_LOG)


def face_matte(points: np.ndarray, size: int) -> np.ndarray:
    """(size, size) float32: the face's oval with a soft edge."""
    oval = region_mask(points, Window(0, 0, size, size), "oval")
    return np.asarray(cv2.GaussianBlur(oval, (0, 0), max(EDGE_SHARE * size, 0.3)))


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """A square picture at another size: averaged where it shrinks, cubic where it grows."""
    if len(image) == size:
        return image
    method = cv2.INTER_AREA if size < len(image) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(image), (size, size), interpolation=method))
