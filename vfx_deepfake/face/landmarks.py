"""The interface of a face landmarker, and the pictures it is shown.

A landmarker sees display-like pictures: bounded, face at a readable brightness. Plates are neither, so
:func:`auto_display` exposes scene-linear pixels by their own brightness, and :func:`levelled` stretches a crop whose face
is still too dark or bright.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.image.crop import Window

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec.709; good enough to expose by, in any RGB space
BRIGHT_SHARE = 0.85  # the brightness that this share of the plate stays below ...
BRIGHT = 0.35  # ... is put here. Measured: exposing by the median of a dark plate crushed the face into the shoulder
GAIN_STEP_STOPS = 0.5  # exposure moves in steps, so that it does not flicker with the picture
GAIN_LIMIT_STOPS = 8.0  # a black frame is not turned into noise
SHOULDER = 0.6  # linear up to here, then an exponential shoulder to 1; keeps texture in practical lamps and hot skin
DISPLAY_GAMMA = 1 / 2.2
LEVELS = (0.02, 0.98)  # percentiles that levelled() stretches to 0 and LEVEL_WHITE
LEVEL_WHITE = 0.95
LEVEL_MEDIAN = 0.45

# Reads one frame as display-encoded RGB (H, W, 3) float32 0..1 and the window of plate pixels it covers.
ReadDisplay = Callable[[int], tuple[np.ndarray, Window]]


@dataclass(frozen=True, eq=False)
class Detection:
    """One face found in a picture: points (P, 2) float64 in that picture's pixels, centres at .5, and a score 0..1."""

    points: np.ndarray
    score: float = 1.0

    @property
    def box(self) -> np.ndarray:
        """(4,) left, top, right, bottom."""
        return np.concatenate([self.points.min(axis=0), self.points.max(axis=0)])

    @property
    def size(self) -> float:
        """The longer side of the box."""
        box = self.box
        return float(max(box[2] - box[0], box[3] - box[1]))


class Detector(Protocol):
    """Finds faces and their points in one picture; the same picture always gives the same answer."""

    topology: str
    name: str

    def detect(self, display_rgb: np.ndarray) -> list[Detection]:
        """Every face in (H, W, 3) float32 0..1 display-encoded RGB; an empty list where there is none."""


def default_detector() -> Detector:
    """MediaPipe's face mesh.

    Raises: TrackError with the install line where mediapipe is missing.
    """
    try:
        from vfx_deepfake.face.mediapipe_landmarks import MediaPipeDetector

        return MediaPipeDetector()
    except ImportError as error:
        raise TrackError(
            f"face tracking: mediapipe is not installed here ({error}); run 'pip install vfx_deepfake[tracking]' and "
            "'pip install --no-deps mediapipe==0.10.21', or import an artist's track with [track].method = \"import\""
        ) from error


def auto_display(pixels_lin: np.ndarray) -> np.ndarray:
    """Scene-linear RGB as a bounded picture, exposed by its own brighter parts (BRIGHT_SHARE, BRIGHT).

    Shapes: pixels_lin (H, W, C >= 3) float32, any range; NaN and infinite pixels count as black.
    Returns (H, W, 3) float32 0..1, display-encoded. Negative values become 0; a black frame stays black.
    """
    rgb = np.nan_to_num(pixels_lin[..., :3], nan=0.0, posinf=0.0, neginf=0.0)
    luma = rgb[::4, ::4] @ LUMA
    lit = luma[luma > 0]
    stops = np.log2(BRIGHT / np.quantile(lit, BRIGHT_SHARE)) if len(lit) else 0.0
    stops = np.clip(np.round(stops / GAIN_STEP_STOPS) * GAIN_STEP_STOPS, -GAIN_LIMIT_STOPS, GAIN_LIMIT_STOPS)
    exposed = np.maximum(rgb * np.float32(2.0**stops), 0)
    room = 1 - SHOULDER
    rolled = SHOULDER + room * (1 - np.exp(-np.maximum(exposed - SHOULDER, 0) / room))
    return np.asarray(np.where(exposed > SHOULDER, rolled, exposed) ** DISPLAY_GAMMA, np.float32)


def levelled(display_rgb: np.ndarray) -> np.ndarray:
    """A picture stretched to its own range with its median at LEVEL_MEDIAN; a flat picture comes back as it is."""
    luma = display_rgb @ LUMA
    low, high = (float(v) for v in np.quantile(luma, LEVELS))
    if high - low < 1e-3:
        return display_rgb
    stretched = np.clip((display_rgb - low) * (LEVEL_WHITE / (high - low)), 0, 1)
    middle = float(np.clip(np.median(stretched @ LUMA), 0.02, 0.98))
    return np.asarray(stretched ** (np.log(LEVEL_MEDIAN) / np.log(middle)), np.float32)
