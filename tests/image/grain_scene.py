"""A moving picture with grain of known law, spectrum and correlation, for tests."""

import cv2
import numpy as np

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.demo.performer.grain import Grain

GRAIN = Grain(gain=1.0)
SIZE = (320, 480)


def field(frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Grain of deviation 1, (h, w, 3) float32."""
    return GRAIN.field(size, 3, frame)


def clean_lin(frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Steps of light over five stops, a slow slope, and a patch of moving texture in the middle, scene-linear."""
    rows, columns = np.indices(size, np.float32)
    log = 0.25 + 0.05 * np.floor(columns / size[1] * 8) + 0.01 * rows / size[0]
    rng = np.random.default_rng(5)
    texture = cv2.GaussianBlur(rng.standard_normal((size[0], size[1] + 64)).astype(np.float32), (0, 0), 1.2) * 0.2
    moved = cv2.remap(texture, columns + 1.7 * (frame % 20), rows, cv2.INTER_CUBIC)
    inside = (abs(rows - size[0] / 2) < size[0] / 8) & (abs(columns - size[1] / 2) < size[1] / 3)
    return np.asarray(decode_log((log + moved * inside)[..., None] * np.array([1, 0.98, 0.94], np.float32)), np.float32)


def grained_log(frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The picture with its grain, log code."""
    clean = clean_lin(frame, size)
    return np.asarray(encode_log(clean + GRAIN.over(clean, field(frame, size))), np.float32)
