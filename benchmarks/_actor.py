"""The digital actor with known grain: what the grain benchmarks judge on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from benchmarks.deage import frames_in
from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.media.exr import read_exr

AMPLITUDE, OFFSET, POWER = np.array((0.030, 0.026, 0.042), np.float32), 0.02, 0.7  # add_grain.py's law
FACE_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
             150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
INSET_PX = 9  # the oval is eroded by this


@dataclass(frozen=True)
class Material:
    """The clean and grained sequences of the actor, read as they are needed."""

    actor: Path
    grained: Path

    @lru_cache(maxsize=24)  # noqa: B019 - one object for the whole run
    def linear(self, name: str, frame: int) -> np.ndarray:
        """A frame of a folder of the bench, or of "grained", (H, W, 3) scene-linear."""
        folder = self.grained if name == "grained" else self.actor / name
        return np.ascontiguousarray(read_exr(frames_in(folder)[frame]).pixels[..., :3], np.float32)

    @lru_cache(maxsize=24)  # noqa: B019
    def log(self, name: str, frame: int) -> np.ndarray:
        """The same, log code."""
        return np.asarray(encode_log(self.linear(name, frame)), np.float32)

    def read(self, frame: int, window: Window) -> np.ndarray:
        """A window of the grained plate, as degraining reads it."""
        image = self.log("grained", frame)
        return cut(image, Window.of_image(image), window)

    @property
    def frames(self) -> list[int]:
        """All frames."""
        return sorted(frames_in(self.grained))

    def face(self, frame: int) -> tuple[Window, np.ndarray]:
        """The face's window and, over it, the eroded oval."""
        with np.load(self.actor / "plate_old" / "mediapipe.npz") as data:
            points = data["landmarks"][list(data["frames"]).index(frame)]
        full = Window.of_image(self.linear("plate_old", frame))
        window = Window.around(points).expand(24).intersect(full)
        oval = np.zeros(window.shape, np.uint8)
        cv2.fillPoly(oval, [np.rint(points[list(FACE_OVAL)] - (window.x, window.y)).astype(np.int32)], 1)
        return window, cv2.erode(oval, np.ones((2 * INSET_PX + 1,) * 2, np.uint8)) > 0


def true_sigma(clean_lin: np.ndarray) -> np.ndarray:
    return np.asarray(AMPLITUDE * (np.maximum(clean_lin, 0) + OFFSET) ** POWER)


def make_grained(bench: Path, out: Path) -> Material:
    actor, grained = bench / "digital_actor", out / "plate_old"
    if not grained.is_dir():
        subprocess.run([sys.executable, bench / "add_grain.py", actor / "plate_old", grained], check=True)
    return Material(actor, grained)
