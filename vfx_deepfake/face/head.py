"""The head's own frame in a picture: centimetres on the canonical face to plate pixels.

Source: weak perspective, an affine camera fitted by least squares to points that move little with expression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.face.pose import STABLE
from vfx_deepfake.face.topology import canonical_vertices_cm


@dataclass(frozen=True, eq=False)
class HeadFrame:
    """Canonical axes (x to the person's left, y up, z towards the camera) as plate pixels: ``axes`` (2, 3) px per cm."""

    axes: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray) -> HeadFrame:
        """The frame of one face. Shapes: points (478, 2) plate px."""
        head = canonical_vertices_cm()[list(STABLE)]
        known = np.concatenate([head, np.ones((len(head), 1))], axis=1)
        solved, *_ = np.linalg.lstsq(known, np.asarray(points, np.float64)[list(STABLE)], rcond=None)
        return cls(np.ascontiguousarray(solved[:3].T))

    @property
    def px_per_cm(self) -> float:
        """Scale of the picture at the face, whichever way the head is turned."""
        return float(np.linalg.svd(self.axes, compute_uv=False).mean())

    @property
    def turned_degrees(self) -> float:
        """How far the face looks past the camera, in any direction; 0 straight into it."""
        across, along = np.linalg.norm(self.axes, axis=0)[2], self.px_per_cm
        return float(np.degrees(np.arcsin(min(across / along, 1.0))))

    def moved(self, offsets_cm: np.ndarray) -> np.ndarray:
        """Offsets (N, 3) in cm on the head as (N, 2) plate pixels."""
        return np.asarray(offsets_cm @ self.axes.T)
