"""A tiny shot with a known answer: a textured disc that moves over a wall, and a painting of it that is known everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.topology import POINTS
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.model.crops import CropSource

HEIGHT, WIDTH, RADIUS = 112, 128, 30
FIRST, COUNT = 1001, 9
FULL = Window(0, 0, WIDTH, HEIGHT)


@dataclass(frozen=True)
class Scene:
    """Plates, paintings and the points that follow the disc, frame by frame."""

    plates: dict[int, np.ndarray]
    paintings: dict[int, np.ndarray]
    track: FaceTrack

    @property
    def frames(self) -> list[int]:
        return sorted(self.plates)

    def source(self, keyframes: list[int], reads: list[int] | None = None) -> CropSource:
        """Crops of the scene; every plate read is noted in ``reads``."""

        def read_plate(frame: int, window: Window) -> np.ndarray:
            if reads is not None:
                reads.append(frame)
            return cut(self.plates[frame], FULL, window)

        def read_painted(frame: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
            return cut(self.paintings[frame], FULL, window), np.ones(window.shape, np.float32)

        return CropSource(self.track, keyframes, read_plate, read_painted)


@lru_cache(maxsize=4)
def disc_scene(step_px: int = 2, warped: bool = False, count: int = COUNT) -> Scene:
    """The disc moves ``step_px`` to the right a frame; ``warped`` paintings also shrink it, not only darken a patch."""
    rng = np.random.default_rng(3)
    wall = 0.3 + 0.02 * rng.standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32)
    wall = cv2.GaussianBlur(wall, (0, 0), 2)
    skin = 0.45 + 0.5 * (cv2.GaussianBlur(rng.random((96, 96, 3)).astype(np.float32), (0, 0), 1.5) - 0.5)
    yy, xx = np.mgrid[:96, :96] - 47.5
    disc = np.clip(RADIUS - np.hypot(xx, yy) + 0.5, 0, 1).astype(np.float32)[..., None]
    patch = np.exp(-(((xx - 8) / 6) ** 2 + ((yy + 6) / 6) ** 2)).astype(np.float32)[..., None]
    new_skin, new_disc = skin - 0.12 * patch, disc
    if warped:
        turn = cv2.getRotationMatrix2D((47.5, 47.5), 0, 1 / 0.94)
        new_skin = cv2.warpAffine(new_skin, turn, (96, 96), flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP)
        new_disc = cv2.warpAffine(disc, turn, (96, 96), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)[..., None]
    plates, paintings, points = {}, {}, []
    for index in range(count):
        frame = FIRST + index
        x, y = index * step_px, 8
        plates[frame] = _laid_over(wall, skin, disc, x, y)
        paintings[frame] = _laid_over(wall, new_skin, new_disc, x, y)
        points.append(_points(x + 48, y + 48))
    track = FaceTrack(
        np.arange(FIRST, FIRST + count, dtype=np.int64),
        np.asarray(points, np.float32),
        np.ones(count, np.float32),
        np.zeros((count, 3), np.float32),
        POINTS,
    )
    return Scene(plates, paintings, track)


def _laid_over(wall: np.ndarray, skin: np.ndarray, disc: np.ndarray, x: int, y: int) -> np.ndarray:
    out = wall.copy()
    place = out[y : y + 96, x : x + 96]
    place += disc * (skin - place)
    return out


def _points(x: float, y: float) -> np.ndarray:
    rings = [(0, 1), (0.5, 6), (1, 12)]
    return np.asarray(
        [
            (x + RADIUS * r * np.cos(2 * np.pi * k / n), y + RADIUS * r * np.sin(2 * np.pi * k / n))
            for r, n in rings
            for k in range(n)
        ]
    )


def disc_mask(scene: Scene, frame: int, shrink: float = 0.9) -> np.ndarray:
    """(HEIGHT, WIDTH) bool: well inside the disc."""
    x, y = scene.track.points_at(frame)[0]
    yy, xx = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.hypot(xx - x, yy - y) < shrink * RADIUS
