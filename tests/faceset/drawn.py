"""Sources with drawn faces, and a landmarker that sees them: a faceset is built in milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.face.drawn_faces import DrawnFaceDetector, picture
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.face.landmarks import Detection
from vfx_deepfake.face.topology import canonical_vertices_cm
from vfx_deepfake.faceset.spec import DEFAULT_CONFIG
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, write_exr

WINDOW = Window(0, 0, 160, 120)
COLOR = Color(DEFAULT_CONFIG)


class CanonicalFaces(DrawnFaceDetector):
    """Puts the canonical head's own points into the drawn square: they make a pose, texture coordinates do not."""

    def detect(self, display_rgb: np.ndarray) -> list[Detection]:
        head = canonical_vertices_cm()[:, :2] * (1, -1)
        unit = (head - head.min(axis=0)) / np.ptp(head, axis=0).max()
        unit += (1 - np.ptp(unit, axis=0)) / 2
        found = []
        for face in super().detect(display_rgb):
            uv = face.points  # an affine picture of the canonical coordinates: carry the head's points with it
            low, high = uv.min(axis=0), uv.max(axis=0)
            found.append(Detection(low + unit * (high - low)))
        return found


def drawn(x: float = 50, y: float = 30, size: float = 60) -> np.ndarray:
    """(120, 160, 3) display-like pixels with one face."""
    return picture([(x, y, size)], WINDOW)[0]


def frames(folder: Path, count: int = 3, size: float = 60.0) -> str:
    """An EXR sequence, scene-linear ACEScg, the face moving to the right; returns its pattern."""
    for index in range(count):
        pixels = COLOR.convert(drawn(40 + 4 * index, size=size), "sRGB - Texture", "ACEScg")
        write_exr(folder / f"clip.{1001 + index}.exr", [Part("", pixels, ("R", "G", "B"), WINDOW)], WINDOW)
    return str(folder / "clip.####.exr")
