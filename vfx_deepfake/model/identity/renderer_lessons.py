"""What the renderer learns from: an identity's own crops, drawn again from their light and geometry alone.

The light of a crop is made a little wrong on purpose, level and tint most of all: what the network is shown of the plate is
another person's skin, and it must not read the identity from it.

A close-up's lessons are windows of its crops, cut where pixels count: a pool of them, each used some times before another takes
its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.faceset.data import Faceset
from vfx_deepfake.model.identity import canonical, parallel, tiles
from vfx_deepfake.model.identity.crop_views import views_of
from vfx_deepfake.model.identity.eyes import solve_eyes, worn
from vfx_deepfake.model.identity.light import light_of
from vfx_deepfake.model.identity.losses import priority
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.mouth import solve_mouth, with_mouth
from vfx_deepfake.model.identity.plate_errors import wrong_light, wrong_points
from vfx_deepfake.model.identity.real_crops import RealCrops
from vfx_deepfake.model.identity.renderer_inputs import NUM_PLANES, SHADE_CM, SPANS, Inputs, borrowing, look
from vfx_deepfake.model.identity.renderer_network import MULTIPLE
from vfx_deepfake.model.identity.renderer_takes import Foreign, ForeignTake
from vfx_deepfake.model.identity.retarget import Shape
from vfx_deepfake.model.identity.skin import Skin
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
COARSER = 16  # times, that of a close-up than its pixels
FOREIGN = 0.85  # share of lessons in another person's takes, where there are any; assumed
ROOM_CM = 3 * SHADE_CM  # round a window: what is blurred or moved there does not reach into it
JUDGED_WINDOWS = 3  # of each crop of a close-up that judges
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
        self._windows: dict[tuple[int, int], tuple[int, Tensor]] = {}
        self.side = tiles.lesson_side(size)
        self._most = KEEP_MIB * 2**20 // ((NUM_PLANES + 4) * 2 * self.side * self.side)
        self.skins: list[Skin] = []
        self.crops: list[RealCrops] = []
        self.eyes: list[np.ndarray] = []
        self.mouths: list[np.ndarray] = []
        self._foreign: dict[int, list[tuple[Foreign, int]]] = {}

    def know(self, skins: Sequence[Skin]) -> None:
        """The solved skin of every entry: light is read with it."""
        self.skins = list(skins)
        self.eyes = [solve_eyes(views) for views in self.labels]
        self.mouths = [solve_mouth(views) for views in self.labels]
        self.crops = [RealCrops(views, skin) for views, skin in zip(self.labels, skins, strict=True)]

    def know_takes(self, takes: Sequence[ForeignTake], identities: Sequence[Shape]) -> None:
        """Other people's takes with the answer; after :meth:`know`."""
        for take in takes:
            foreign = Foreign(take, identities[take.entry], self.skins[take.entry])
            self._foreign.setdefault(take.entry, []).extend((foreign, index) for index in range(len(foreign)))

    def takes(self, entry: int) -> list[list[View]]:
        """The views of an entry, those of one take together."""
        found: dict[Take, list[View]] = {}
        for view, take in zip(self.labels[entry], self._takes[entry], strict=True):
            found.setdefault(take, []).append(view)
        return list(found.values())

    def draw(self, batch_size: int, step: int, device: torch.device) -> Batch:
        """The batch of a step; entries take turns."""
        parts = [self._one(step, place, batch_size) for place in parallel.share(range(batch_size))]
        return Batch(*(torch.cat(planes).to(device, non_blocking=True) for planes in zip(*parts, strict=True)))

    def _one(self, step: int, place: int, batch_size: int) -> tuple[Tensor, ...]:
        rng = np.random.default_rng((self._seed, 7, step, place))
        entry = (step + place) % len(self.labels)
        if tiles.is_large(self.size):
            planes = self._pooled(entry, int(rng.integers(self._slots)), step, batch_size)
        else:
            planes = self._whole(entry, self._drawn(entry, rng))
        told, wanted, weight = planes[:, :NUM_PLANES].clone(), planes[:, NUM_PLANES:-1], planes[:, -1:]
        light = told[:, FIRST_LIGHT : FIRST_LIGHT + 3]
        light += self._noise(rng, TINT_NOISE) + self._noise(rng, LIGHT_NOISE).mean(1, True)
        glints = told[:, FIRST_LIGHT + 3 : FIRST_LIGHT + 4]
        shown = (glints != 0).float()
        glints *= 1 + rng.normal(0, GLINT_NOISE * 4)
        glints += shown * rng.normal(0, GLINT_NOISE)
        if rng.random() < NO_CROPS:
            told[:, -SPANS["borrowed"] :] = 0
        shares = torch.zeros(1, len(self.labels))
        shares[0, entry] = 1
        return told, shares, wanted, weight

    def _noise(self, rng: np.random.Generator, sigma: float) -> Tensor:
        """(1, 3, s, s): an error as coarse on a window as on a whole view."""
        if not tiles.is_large(self.size):
            return smooth_noise(rng, self.size, sigma)
        part = self.side // COARSER
        whole = smooth_noise(rng, self.size // COARSER, sigma)
        y, x = rng.integers(whole.shape[-1] - part + 1, size=2)
        cut = whole[..., y : y + part, x : x + part]
        return torch.nn.functional.interpolate(cut, size=(self.side, self.side), mode="bilinear", align_corners=False)

    def _drawn(self, entry: int, rng: np.random.Generator) -> int:
        """A crop to learn from, or from -1 down a frame of another person's take."""
        foreign = self._foreign.get(entry, [])
        if foreign and rng.random() < FOREIGN:
            return -1 - int(rng.integers(len(foreign)))
        return self._taught[entry][int(rng.integers(len(self._taught[entry])))]

    def planes(self, entry: int, index: int) -> Tensor:
        """(N, NUM_PLANES + 4, s, s) float32: inputs, wanted picture over the level, weight of one crop, or from -1 down of another
        person's take: whole, or of a close-up JUDGED_WINDOWS windows, always the same ones."""
        if not tiles.is_large(self.size):
            return self._whole(entry, index)
        rng = np.random.default_rng((self._seed, 11, entry, index % (1 << 31)))
        return torch.cat([self._window(entry, index, rng) for _ in range(JUDGED_WINDOWS)])

    def as_on_a_plate(self, entry: int, index: int) -> Tensor:
        """(N, NUM_PLANES + 4, s, s) float32, as :meth:`planes` of a crop, but told as a plate is: on points that miss, under light
        that is a little wrong. Always the same ones."""
        rng = np.random.default_rng((self._seed, 13, entry, index))
        if not tiles.is_large(self.size):
            return self._made(entry, index, rng)
        return torch.cat([self._window(entry, index, rng, wrong=rng) for _ in range(JUDGED_WINDOWS)])

    @property
    def _slots(self) -> int:
        """Windows of each entry in the pool."""
        return max(self._most // len(self.labels), 1)

    def _pooled(self, entry: int, slot: int, step: int, batch_size: int) -> Tensor:
        """The window that a slot of the pool holds at a step. Slots take turns to be filled again, whoever looked at them."""
        turn = max(self._slots * len(self.labels) * tiles.USES // batch_size, 1)  # steps until all are new
        filling = (step + slot * turn // self._slots) // turn
        known = self._windows.get((entry, slot))
        if known is None or known[0] != filling:
            rng = np.random.default_rng((self._seed, 9, entry, slot, filling))
            known = filling, self._window(entry, self._drawn(entry, rng), rng).half()
            self._windows[entry, slot] = known
        return known[1].float()

    def _window(
        self, entry: int, index: int, rng: np.random.Generator, wrong: np.random.Generator | None = None
    ) -> Tensor:
        """(1, NUM_PLANES + 4, s, s): a window of one crop, or of another person's; ``wrong`` as :meth:`_told` has it."""
        if index < 0:
            inputs, wanted, view = self._foreign_lesson(entry, -1 - index)
            whole = _planes(inputs, wanted)
            part, weight = drawn_part(view, rng)
            return _stacked(part.of(whole), weight)
        view = self.labels[entry][index]
        part, weight = drawn_part(view, rng)
        wide = part.grown(int(np.ceil(ROOM_CM * self.size / SIDE_CM)))
        planes = self._told(entry, index, wide, wrong)
        return _stacked(part.within(wide).of(planes), weight)

    def _whole(self, entry: int, index: int) -> Tensor:
        key = entry, index
        if key not in self._kept:
            made = self._made(entry, index) if index >= 0 else self._made_foreign(entry, -1 - index)
            if len(self._kept) >= self._most:
                return made
            self._kept[key] = made.half()
        return self._kept[key].float()

    def _made(self, entry: int, index: int, wrong: np.random.Generator | None = None) -> Tensor:
        whole = tiles.Part(0, 0, self.size, self.size)
        return _stacked(self._told(entry, index, whole, wrong), lesson_weight(self.labels[entry][index]))

    def _told(self, entry: int, index: int, part: tiles.Part, wrong: np.random.Generator | None) -> np.ndarray:
        """(s, s, NUM_PLANES + 3): inputs and wanted picture of a part of one crop; with ``wrong`` told as a plate is."""
        view, skin, size = self.labels[entry][index], self.skins[entry], self.size
        seen, light = part.view(view), light_of(view, skin)
        light = replace(light, remainder=part.of(light.remainder))
        if wrong is None:
            points, inputs = view.points, look(seen, skin=skin, light=light, whole=size)
        else:
            points = wrong_points(view.points, size, wrong)
            inputs = look(seen, part.moved(points), skin, light, whole=size)
            inputs = replace(inputs, light=inputs.light + part.of(wrong_light(size, wrong)))
        if self._real:
            borrowed = self.crops[entry].borrowed(points, size, self._alike(entry, index), part)
            inputs = borrowing(inputs, borrowed, size)
        inputs = worn(inputs, seen, part.moved(points), self.eyes[entry], self.eyes[entry])
        inputs = with_mouth(inputs, seen, part.moved(points), self.mouths[entry], self.mouths[entry])
        return _planes(inputs, seen.image_log - inputs.level)

    def _made_foreign(self, entry: int, index: int) -> Tensor:
        inputs, wanted, view = self._foreign_lesson(entry, index)
        return _stacked(_planes(inputs, wanted), lesson_weight(view))

    def _foreign_lesson(self, entry: int, index: int) -> tuple[Inputs, np.ndarray, View]:
        foreign, frame = self._foreign[entry][index]
        crops = self.crops[entry] if self._real else None
        return foreign.lesson(frame, self.eyes[entry], self.mouths[entry], crops)

    def _alike(self, entry: int, index: int) -> list[int]:
        """The crops that a lesson must not borrow from: those of its own light, as a plate's is not in the faceset."""
        takes = self._takes[entry]
        alike = [other for other, take in enumerate(takes) if take == takes[index]]
        return alike if len(alike) < len(takes) else [index]


def _planes(inputs: Inputs, wanted: np.ndarray) -> np.ndarray:
    return np.concatenate([inputs.planes(), wanted], axis=2)


def _stacked(planes: np.ndarray, weight: np.ndarray) -> Tensor:
    stacked = np.concatenate([planes, weight[..., None]], axis=2)
    return torch.from_numpy(np.ascontiguousarray(stacked.transpose(2, 0, 1), np.float32))[None]


def drawn_part(view: View, rng: np.random.Generator) -> tuple[tiles.Part, np.ndarray]:
    """A window of a close-up, as often where pixels count as they count, and the weight (s, s) of its pixels."""
    weight = lesson_weight(tiles.smaller(view))
    part = tiles.drawn(rng, weight, view.size, MULTIPLE)
    return part, part.of(tiles.enlarged(weight, view.size)) * part.rim()


def lesson_weight(view: View) -> np.ndarray:
    """(S, S): the face and a rim round it, eyes and mouth first."""
    size = view.size
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
