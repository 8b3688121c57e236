"""A person's skin, free of light, and several people's mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Skin:
    """colour (T, T, 3) float32: log, over the light. normals (N, N, 3) float32: unit, the head's own axes
    (:mod:`~vfx_deepfake.model.identity.relief`); None for those of the canonical head."""

    colour: np.ndarray
    normals: np.ndarray | None = None


def mixed(skins: Sequence[Skin], shares: np.ndarray) -> Skin:
    """Several people's skin by shares (people,); their textures are of one size, and all or none have normals of their own."""
    colour = sum(np.float32(share) * skin.colour for share, skin in zip(shares, skins, strict=True))
    own = [skin.normals for skin in skins if skin.normals is not None]
    if not own:
        return Skin(np.asarray(colour, np.float32))
    total = np.tensordot(np.asarray(shares, np.float32), np.stack(own), axes=1)
    length = np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), np.float32(1e-6))
    return Skin(np.asarray(colour, np.float32), np.asarray(total / length, np.float32))


def mixed_known(people: np.ndarray, shares: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Numbers of several people by shares (people,); whose are not known, all 0, has those of ``otherwise``.

    Shapes: people (people, ...); otherwise (...).
    """
    known = people.reshape(len(people), -1).any(axis=1)
    return np.tensordot(shares, np.where(known.reshape(-1, *[1] * otherwise.ndim), people, otherwise), axes=1)
