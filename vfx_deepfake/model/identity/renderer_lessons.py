"""What the renderer learns from: an identity's own crops, drawn again from their light and geometry alone.

The light of a crop is made a little wrong on purpose, level and tint most of all: what the network is shown of the plate is
another person's skin, and it must not read the identity from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.faceset.data import Faceset
from vfx_deepfake.model.identity import canonical, parallel
from vfx_deepfake.model.identity.autoencoder_lessons import resized
from vfx_deepfake.model.identity.losses import priority
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.real_crops import RealCrops
from vfx_deepfake.model.identity.renderer_inputs import NUM_PLANES, SPANS, Inputs, borrowing, look
from vfx_deepfake.model.identity.renderer_takes import Foreign, ForeignTake
from vfx_deepfake.model.identity.retarget import Shape
from vfx_deepfake.model.identity.takes import Take, takes_of, unseen

KEEP_MIB = 1024  # of crops, in half
RIM_CM = 1.0  # painted beyond the outline of the mesh, for the paste; the rest of a crop teaches nothing
BESIDE = 0.2  # weight of that rim
LIGHT_NOISE, TINT_NOISE = (
    0.012,
    0.006,
)  # log, standard deviations of smooth errors of the light and of its tint; assumed
GLINT_NOISE = 0.04  # log, of the level and (as a share) the contrast of what is shown of eyes and mouth
NOISE_CELLS = 4  # of the grid that smooth errors are drawn on
FOREIGN = 0.85  # share of lessons in another person's takes, where there are any; assumed
NO_CROPS = 0.15  # share of lessons without real crops, so that they are a help and not a crutch
FIRST_LIGHT = sum(SPANS[name] for name in ("place", "normals", "features"))


@dataclass(frozen=True, eq=False)
class Batch:
    """Planes (B, NUM_PLANES, S, S), shares (B, entries), the wanted picture over the light's level (B, 3, S, S) log, its weight
    (B, 1, S, S)."""

    planes: Tensor
    shares: Tensor
    wanted: Tensor
    weight: Tensor


class Lessons:
    """Draws batches; equal seeds and steps give equal ones, on one process or shared between several."""

    def __init__(self, facesets: Sequence[Sequence[Faceset]], size: int, seed: int, real_crops: bool) -> None:
        self.labels = [views_of(own, size) for own in facesets]  # of every entry
        self.size, self._seed, self._real = size, seed, real_crops
        self._takes = [takes_of(own) for own in facesets]
        self.kept_out = [unseen(takes) for takes in self._takes]
        self._taught = [
            sorted(set(range(len(views))) - set(kept_out)) or [0]
            for views, kept_out in zip(self.labels, self.kept_out, strict=True)
        ]
        self._kept: dict[tuple[int, int], Tensor] = {}
        self._most = KEEP_MIB * 2**20 // ((NUM_PLANES + 4) * 2 * size * size)
        self.colours: list[np.ndarray] = []
        self.crops: list[RealCrops] = []
        self._foreign: dict[int, list[tuple[Foreign, int]]] = {}

    def know(self, colours: Sequence[np.ndarray]) -> None:
        """The solved colours (T, T, 3) of every entry: light is read with them."""
        self.colours = list(colours)
        self.crops = [RealCrops(views, colour) for views, colour in zip(self.labels, colours, strict=True)]

    def know_takes(self, takes: Sequence[ForeignTake], identities: Sequence[Shape]) -> None:
        """Other people's takes with the answer; after :meth:`know`."""
        for take in takes:
            foreign = Foreign(take, identities[take.entry])
            self._foreign.setdefault(take.entry, []).extend((foreign, index) for index in range(len(foreign)))

    def takes(self, entry: int) -> list[list[View]]:
        """The views of an entry, those of one take together."""
        found: dict[Take, list[View]] = {}
        for view, take in zip(self.labels[entry], self._takes[entry], strict=True):
            found.setdefault(take, []).append(view)
        return list(found.values())

    def draw(self, batch_size: int, step: int, device: torch.device) -> Batch:
        """The batch of a step; entries take turns."""
        parts = [self._one(step, place) for place in parallel.share(range(batch_size))]
        return Batch(*(torch.cat(planes).to(device, non_blocking=True) for planes in zip(*parts, strict=True)))

    def _one(self, step: int, place: int) -> tuple[Tensor, ...]:
        rng = np.random.default_rng((self._seed, 7, step, place))
        entry = (step + place) % len(self.labels)
        foreign = self._foreign.get(entry, [])
        if foreign and rng.random() < FOREIGN:
            index = -1 - int(rng.integers(len(foreign)))
        else:
            index = self._taught[entry][int(rng.integers(len(self._taught[entry])))]
        planes = self.planes(entry, index)
        told, wanted, weight = planes[:, :NUM_PLANES].clone(), planes[:, NUM_PLANES:-1], planes[:, -1:]
        light = told[:, FIRST_LIGHT : FIRST_LIGHT + 3]
        light += smooth_noise(rng, self.size, TINT_NOISE) + smooth_noise(rng, self.size, LIGHT_NOISE).mean(1, True)
        glints = told[:, FIRST_LIGHT + 3 : FIRST_LIGHT + 4]
        shown = (glints != 0).float()
        glints *= 1 + rng.normal(0, GLINT_NOISE * 4)
        glints += shown * rng.normal(0, GLINT_NOISE)
        if rng.random() < NO_CROPS:
            told[:, -SPANS["borrowed"] :] = 0
        shares = torch.zeros(1, len(self.labels))
        shares[0, entry] = 1
        return told, shares, wanted, weight

    def planes(self, entry: int, index: int) -> Tensor:
        """(1, NUM_PLANES + 4, S, S) float32: inputs, wanted picture over the level, weight of one crop, or from -1 down of another
        person's take."""
        key = entry, index
        if key not in self._kept:
            made = self._made(entry, index) if index >= 0 else self._made_foreign(entry, -1 - index)
            if len(self._kept) >= self._most:
                return made
            self._kept[key] = made.half()
        return self._kept[key].float()

    def _made(self, entry: int, index: int) -> Tensor:
        view = self.labels[entry][index]
        inputs = look(view, skin_colour=self.colours[entry])
        if self._real:
            inputs = borrowing(inputs, self.crops[entry].borrowed(view.points, self.size, self._alike(entry, index)))
        wanted = view.image_log - inputs.level
        return _stacked(inputs, wanted, view)

    def _made_foreign(self, entry: int, index: int) -> Tensor:
        foreign, frame = self._foreign[entry][index]
        return _stacked(*foreign.lesson(frame, self.colours[entry], self.crops[entry] if self._real else None))

    def _alike(self, entry: int, index: int) -> list[int]:
        """The crops that a lesson must not borrow from: those of its own light, as a plate's is not in the faceset."""
        takes = self._takes[entry]
        alike = [other for other, take in enumerate(takes) if take == takes[index]]
        return alike if len(alike) < len(takes) else [index]


def _stacked(inputs: Inputs, wanted: np.ndarray, view: View) -> Tensor:
    stacked = np.concatenate([inputs.planes(), wanted, lesson_weight(view)[..., None]], axis=2)
    return torch.from_numpy(np.ascontiguousarray(stacked.transpose(2, 0, 1), np.float32))[None]


def lesson_weight(view: View) -> np.ndarray:
    """(S, S): the face and a rim round it, eyes and mouth first."""
    size = len(view.image_log)
    face = painted_matte(view.points, size)
    return np.asarray(
        view.valid * (BESIDE + (1 - BESIDE) * inner_face(view.points, size)) * (face > 0) * priority(view.points, size)
    )


def inner_face(points: np.ndarray, size: int) -> np.ndarray:
    """(S, S) float32 0..1: the face's oval, soft inside."""
    return canonical.features(points, size)[..., canonical.FEATURES.index("face")]


def painted_matte(points: np.ndarray, size: int) -> np.ndarray:
    """(S, S) float32 0..1: the oval and RIM_CM round it, which the network learns to paint."""
    radius = max(round(RIM_CM * size / SIDE_CM), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(inner_face(points, size), disc))


def smooth_noise(rng: np.random.Generator, size: int, sigma: float) -> Tensor:
    """(1, 3, S, S): a random smooth picture."""
    grid = torch.from_numpy(rng.normal(0, sigma, (1, 3, NOISE_CELLS, NOISE_CELLS)).astype(np.float32))
    return torch.nn.functional.interpolate(grid, size=(size, size), mode="bicubic", align_corners=True)


def views_of(facesets: Sequence[Faceset], size: int) -> list[View]:
    """Every crop of facesets at another size, read when asked for.

    Raises: FacesetError where there is none.
    """
    views = [_LazyView(faceset, index, size) for faceset in facesets for index in range(len(faceset))]
    if not views:
        raise FacesetError("the facesets hold no crop in use; look at their sheets and keep some")
    return views  # type: ignore[return-value]


class _LazyView:
    """A view whose picture is read when it is looked at."""

    def __init__(self, faceset: Faceset, index: int, size: int) -> None:
        self._faceset, self._index, self._size = faceset, index, size
        self.points = faceset.points[index] * np.float32(size / faceset.size)
        self.pose = faceset.pose[index]

    @property
    def image_log(self) -> np.ndarray:
        return np.asarray(resized(self._faceset.image_log(self._index), self._size), np.float32)

    @property
    def valid(self) -> np.ndarray:
        return np.asarray(resized(self._faceset.valid(self._index), self._size), np.float32)
