"""Who an autoencoder knows, and how much of each an artist's mix and age ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.faceset.data import Faceset
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity.method import EVERYWHERE, REGIONS

SOFT_SHARE = 0.012  # of the view's side, over which one region's mix turns into another's. Assumed
GROWN_SHARE = {"eyes": 0.02, "brows": 0.01}  # lids and lashes go with the eyes. Assumed
MESH_REGIONS = {"skin": ("oval",), "mouth": ("lips", "mouth")}  # a region of the mix in regions of the mesh


@dataclass(frozen=True)
class People:
    """Identities of an autoencoder: 0 is the plate's performer; then one entry for each identity and age.

    ages: of the entries 1.. in turn, None where not labelled; partner_from: first entry of the second identity, ``count``
    where there is none.
    """

    ages: tuple[float | None, ...]
    partner_from: int

    @property
    def count(self) -> int:
        """Entries, the performer included."""
        return len(self.ages) + 1

    @classmethod
    def of(cls, facesets: Sequence[Faceset], partners: Sequence[Faceset]) -> tuple[People, list[list[Faceset]]]:
        """The people of some facesets, and the facesets of each: those of one identity and age are one entry."""
        own, other = _by_age(facesets), _by_age(partners)
        people = cls((*own, *other), len(own) + 1)
        return people, [*own.values(), *other.values()]

    def as_data(self) -> dict[str, Any]:
        """Plain data for a checkpoint's notes."""
        return {"ages": list(self.ages), "partner_from": self.partner_from}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> People:
        """Back from :meth:`as_data`."""
        return cls(tuple(data["ages"]), int(data["partner_from"]))

    def shares(self, mix: float, age: float | None) -> np.ndarray:
        """(count,) float32, adding up to 1: how much of each entry; age None is the first entry of an identity."""
        out = np.zeros(self.count, np.float32)
        mix = mix if self.partner_from < self.count else 0.0
        self._add(out, range(1, self.partner_from), 1 - mix, age)
        self._add(out, range(self.partner_from, self.count), mix, age)
        return out

    def _add(self, out: np.ndarray, entries: range, share: float, age: float | None) -> None:
        """Between the two ages that lie nearest; an age beyond those known is the nearest known one."""
        labels = [(self.ages[entry - 1], entry) for entry in entries]
        known = sorted((own, entry) for own, entry in labels if own is not None)
        if age is None or not known:
            if share:
                out[entries.start] += share
            return
        older = int(np.searchsorted([own for own, _ in known], age))
        low, high = known[max(older - 1, 0)], known[min(older, len(known) - 1)]
        part = (age - low[0]) / (high[0] - low[0]) if high[0] > low[0] else 0.0
        part = min(max(part, 0.0), 1.0)
        out[low[1]] += share * (1 - part)
        out[high[1]] += share * part


def _by_age(facesets: Sequence[Faceset]) -> dict[float | None, list[Faceset]]:
    found: dict[float | None, list[Faceset]] = {}
    for one in facesets:
        found.setdefault(one.age, []).append(one)
    return found


def by_region(
    mix: Mapping[str, float], points: np.ndarray, size: int, paint: Callable[[float], np.ndarray]
) -> np.ndarray:
    """A face whose regions are mixed differently: one painting for each share asked for, put together softly.

    Shapes: points (478, 2) px of a view of ``size``; paint(share) gives (size, size, C). Regions that are not named follow
    EVERYWHERE, and so does what belongs to none.
    """
    base = mix.get(EVERYWHERE, 0.0)
    painted = {base: paint(base)}
    out = painted[base]
    for region in REGIONS:  # skin first: the others lie on it
        share = mix.get(region, base)
        if all(mix.get(name, base) == base for name in REGIONS):
            break
        if share not in painted:
            painted[share] = paint(share)
        matte = region_matte(points, size, region)[..., None]
        out = out + matte * (painted[share] - out)
    return out


def region_matte(points: np.ndarray, size: int, region: str) -> np.ndarray:
    """(size, size) float32 0..1: a region of the mix with a soft edge."""
    window = Window(0, 0, size, size)
    masks = [region_mask(points, window, name) for name in MESH_REGIONS.get(region, (region,))]
    matte = np.max(masks, axis=0)
    grow = 2 * round(GROWN_SHARE.get(region, 0.0) * size) + 1
    matte = cv2.dilate(matte, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grow, grow)))
    return np.asarray(cv2.GaussianBlur(matte, (0, 0), max(SOFT_SHARE * size, 0.3)))
