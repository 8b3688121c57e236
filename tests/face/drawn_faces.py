"""Flat drawn faces and a landmarker that sees them: a red square with texture is a face, if it is whole and large in the picture."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from vfx_deepfake.face.landmarks import Detection
from vfx_deepfake.face.topology import MEDIAPIPE, canonical_uv
from vfx_deepfake.image.crop import Window

SMALLEST_SHARE = 0.25  # a patch smaller than this share of the picture is not seen, as with real landmarkers


def draw_face(image: np.ndarray, window: Window, x: float, y: float, size: float) -> None:
    """Draw a face whose box starts at plate position (x, y), ``size`` wide and high, with sub-pixel place and texture."""
    rows, columns = np.mgrid[0 : window.height, 0 : window.width]
    u, v = (columns + 0.5 + window.x - x) / size, (rows + 0.5 + window.y - y) / size
    inside = (u > 0) & (u < 1) & (v > 0) & (v < 1)
    texture = 0.5 + 0.25 * np.sin(23 * u + 5 * v) + 0.25 * np.sin(19 * v - 7 * u + 11 * u * v)
    image[inside] = np.stack([np.full(u.shape, 0.9), 0.3 * texture, 0.5 * texture], axis=-1)[inside]


def face_points(x: float, y: float, size: float) -> np.ndarray:
    """(478, 2) plate positions of the drawn face's points."""
    return (x, y) + canonical_uv().astype(np.float64) * size


class DrawnFaceDetector:
    """Finds drawn faces; ``noise_px`` of the picture it is shown shivers every answer, repeatably."""

    topology = MEDIAPIPE
    name = "drawn"

    def __init__(self, noise_px: float = 0.0) -> None:
        self.noise_px = noise_px
        self.calls = 0

    def detect(self, display_rgb: np.ndarray) -> list[Detection]:
        self.calls += 1
        red = ((display_rgb[..., 0] > 0.55) & (display_rgb[..., 1] < 0.45)).astype(np.uint8)
        height, width = red.shape
        found = []
        for contour in cv2.findContours(red, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
            x, y, wide, high = cv2.boundingRect(contour)
            whole = x > 0 and y > 0 and x + wide < width and y + high < height
            if not whole or max(wide, high) < SMALLEST_SHARE * max(width, height) or min(wide, high) <= 8:
                continue
            middle, sides, angle = cv2.minAreaRect(contour)
            turn = np.radians((angle + 45) % 90 - 45)  # the square's turn nearest to upright
            axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            points = np.add(middle, 0.5) + (canonical_uv() - 0.5) @ axes * (np.mean(sides) + 1)
            shiver = np.random.default_rng(zlib.crc32(display_rgb.tobytes())).standard_normal(2)
            found.append(Detection(points + self.noise_px * shiver))
        return found


def picture(faces: list[tuple[float, float, float]], window: Window) -> tuple[np.ndarray, Window]:
    """A grey display picture with faces (x, y, size)."""
    image = np.full((*window.shape, 3), 0.4, np.float32)
    for face in faces:
        draw_face(image, window, *face)
    return image, window
