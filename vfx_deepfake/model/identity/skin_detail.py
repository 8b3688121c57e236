"""Fine detail that a mean of crops has lost, given back to it by energy.

Crops never lie on each other exactly, so their mean shows every line and spot in its place but too faintly. How strong detail
really is, two crops that follow each other tell: what both show is the skin, what only one shows is grain. Each
octave of the mean is made as strong as that, region by region. Stills that share nothing but the skin say less, and then
little is given back.

Brows are hairs, and hairs never lie on each other: all that crops share there is a soft stroke. Their fine detail is that of
one crop, the one whose detail the next crop confirms most, over the mean's form and colour.

Shapes: textures (T, T, C) log.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import LUMA, blurred

# Deviations on the head of the blurs that part octaves. A fourth is form rather than detail: on crops kept out it changes nothing, and
# laid beside its place on another face it costs as much as the three together.
OCTAVES_CM = (0.03, 0.06, 0.12)
LEVEL_CM = 0.5  # sigma over which strength is measured; assumed
MOST_GAIN = 2.0  # more would make noise of next to nothing; measured: 1.1 to 1.4 on actor B
LEAST = 1e-9
SOFT_CM = 0.15  # over which one crop's hairs run out beside a brow; assumed
CONFIRMED = 0.5  # share of a crop's detail that the next crop shows too; below, it is grain rather than hair. Assumed; hair: 0.8 to 0.9


@dataclass(frozen=True, eq=False)
class _Hair:
    """One crop's brow: planes (T, T, 4) half, the energy that the next crop confirms, and its share of all."""

    planes: np.ndarray
    confirmed: float
    share: float


class Strength:
    """What pairs of crops show, summed up one crop after the other."""

    def __init__(self) -> None:
        self._last: tuple[list[np.ndarray], np.ndarray] | None = None
        self._shared: list[np.ndarray] = []
        self._weight = np.zeros((), np.float32)
        self._hair: dict[int, _Hair] = {}  # of either brow

    def see(self, planes: np.ndarray) -> None:
        """The next crop's colour over the light and how far it counts, (T, T, 4), brought onto the others."""
        bands, seen = _octaves(planes[..., :3] @ LUMA), np.clip(planes[..., 3], 0, 1)
        if self._last is not None:
            weight = seen * self._last[1]
            both = [weight * here * before for here, before in zip(bands, self._last[0], strict=True)]
            self._shared = [old + new for old, new in zip(self._shared, both, strict=True)] if self._shared else both
            self._weight = self._weight + weight
            self._keep_hair(planes, np.sum(both, axis=0), sum(weight * np.square(one) for one in bands))
        self._last = bands, seen

    def given_to(self, colour: np.ndarray) -> np.ndarray:
        """The mean (T, T, 3) with its detail as strong as crops show it, never weaker than it is."""
        if not self._shared:
            return colour
        sigma = LEVEL_CM * len(colour) / SIDE_CM
        lost = np.zeros_like(colour)
        for band, grey, shared in zip(_octaves(colour), _octaves(colour @ LUMA), self._shared, strict=True):
            sums = np.dstack([shared, self._weight * np.square(grey)])
            wanted, has = np.moveaxis(blurred(sums, np.ones_like(grey), sigma), 2, 0)
            gain = np.sqrt(np.clip(wanted / np.maximum(has, LEAST), 1, MOST_GAIN**2))
            lost += (gain - 1)[..., None] * band
        return np.asarray(self._with_hair(colour + lost), np.float32)

    def _keep_hair(self, planes: np.ndarray, shared: np.ndarray, own: np.ndarray) -> None:
        """Keep a crop for the brows in which its neighbour confirms more than any pair before; shared, own (T, T): energies."""
        for side, brow in enumerate(_brows(len(planes))):
            confirmed, whole = float((brow * shared).sum()), float((brow * own).sum())
            best = self._hair[side].confirmed if side in self._hair else 0.0
            if confirmed > max(best, CONFIRMED * whole):
                self._hair[side] = _Hair(planes.astype(np.float16), confirmed, min(confirmed / whole, 1.0))

    def _with_hair(self, colour: np.ndarray) -> np.ndarray:
        """The texture (T, T, 3) with hairs in its brows, as strong as they are confirmed."""
        done = colour
        for side, hair in self._hair.items():
            planes = hair.planes.astype(np.float32)
            seen = _brows(len(colour))[side] * np.clip(planes[..., 3], 0, 1)
            theirs, mine = (np.sum(_octaves(one), axis=0) for one in (planes[..., :3], colour))
            done = done + seen[..., None] * (np.float32(hair.share**0.5) * theirs - mine)
        return done


@lru_cache(maxsize=2)
def _brows(texels: int) -> tuple[np.ndarray, np.ndarray]:
    """Either brow (texels, texels) float32 0..1, with room for hairs beside the mesh's and a soft edge."""
    drawn = region_mask(canonical.texture_points(texels), Window(0, 0, texels, texels), "brows")
    side = 2 * round(canonical.BROW_ROOM_CM * texels / SIDE_CM) + 1
    grown = cv2.dilate(drawn, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    soft = cv2.GaussianBlur(grown, (0, 0), SOFT_CM * texels / SIDE_CM)
    left = np.arange(texels) < texels / 2
    return soft * left, soft * ~left


def _octaves(texture: np.ndarray) -> list[np.ndarray]:
    """Finest first: differences of blurs by OCTAVES_CM."""
    found, finer = [], texture
    for cm in OCTAVES_CM:
        coarser = cv2.GaussianBlur(texture, (0, 0), cm * len(texture) / SIDE_CM, borderType=cv2.BORDER_REPLICATE)
        found.append(finer - coarser)
        finer = coarser
    return found
