"""Fine detail that a mean of crops has lost, given back to it by energy.

Crops never lie on each other exactly, so their mean shows every line and spot in its place but too faintly. How strong detail
really is, two crops that follow each other tell: what both show is the skin, what only one shows is grain. Each
octave of the mean is made as strong as that, region by region. Stills that share nothing but the skin say less, and then
little is given back.

Shapes: textures (T, T, C) log.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.model.identity.light import LUMA, blurred

# Deviations on the head of the blurs that part octaves. A fourth is form rather than detail: on crops kept out it changes nothing, and
# laid beside its place on another face it costs as much as the three together.
OCTAVES_CM = (0.03, 0.06, 0.12)
LEVEL_CM = 0.5  # sigma over which strength is measured; assumed
MOST_GAIN = 2.0  # more would make noise of next to nothing; measured: 1.1 to 1.4 on actor B
LEAST = 1e-9


class Strength:
    """What pairs of crops show, summed up one crop after the other."""

    def __init__(self) -> None:
        self._last: tuple[list[np.ndarray], np.ndarray] | None = None
        self._shared: list[np.ndarray] = []
        self._weight = np.zeros((), np.float32)

    def see(self, planes: np.ndarray) -> None:
        """The next crop's colour over the light and how far it counts, (T, T, 4), brought onto the others."""
        bands, seen = _octaves(planes[..., :3] @ LUMA), np.clip(planes[..., 3], 0, 1)
        if self._last is not None:
            weight = seen * self._last[1]
            both = [weight * here * before for here, before in zip(bands, self._last[0], strict=True)]
            self._shared = [old + new for old, new in zip(self._shared, both, strict=True)] if self._shared else both
            self._weight = self._weight + weight
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
        return np.asarray(colour + lost, np.float32)


def _octaves(texture: np.ndarray) -> list[np.ndarray]:
    """Finest first: differences of blurs by OCTAVES_CM."""
    found, finer = [], texture
    for cm in OCTAVES_CM:
        coarser = cv2.GaussianBlur(texture, (0, 0), cm * len(texture) / SIDE_CM, borderType=cv2.BORDER_REPLICATE)
        found.append(finer - coarser)
        finer = coarser
    return found
