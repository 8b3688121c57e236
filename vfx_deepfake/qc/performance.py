"""Did the performance come through: points and gaze of the delivered face against the plate's, found by the same landmarker."""

from __future__ import annotations

import numpy as np

from vfx_deepfake.face.topology import (
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    LIPS_INNER,
    LIPS_OUTER,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
)

PARTS = {
    "lids": RIGHT_EYE + LEFT_EYE,
    "brows": RIGHT_BROW + LEFT_BROW,
    "lips": LIPS_OUTER + LIPS_INNER,
    "face": tuple(range(468)),
}
# iris, outer and inner corner, upper and lower lid of each eye
EYES = ((RIGHT_IRIS[0], 33, 133, 159, 145), (LEFT_IRIS[0], 263, 362, 386, 374))
OPEN_SHARE = (
    0.2  # of the eye's width; the landmarker reads 0.14 to 0.16 off shut lids and 0.29 to 0.40 off open ones, measured
)


def landmark_drift(result: np.ndarray, plate: np.ndarray) -> tuple[float, str]:
    """Largest median distance of a part's points, per cent of the face's size, and the part's name.

    Shapes: both (478, 2) in the same pixels.
    """
    size = float(np.ptp(plate, axis=0).max())
    far = np.hypot(*(result - plate).T)
    medians = {name: 100 * float(np.median(far[list(points)])) / size for name, points in PARTS.items()}
    worst = max(medians, key=lambda name: medians[name])
    return medians[worst], worst


def gaze_drift(result: np.ndarray, plate: np.ndarray) -> float | None:
    """Distance of the irises within their eyes, per cent of the eye's width, mean of the open eyes; None with both shut.

    Shapes: both (478, 2) in the same pixels. A closed eye of either picture is left out.
    """
    found = [_gaze(points) for points in (result, plate)]
    drifts = [
        100 * float(np.hypot(*(mine - theirs)))
        for mine, theirs in zip(*found, strict=True)
        if mine is not None and theirs is not None
    ]
    return float(np.mean(drifts)) if drifts else None


def _gaze(points: np.ndarray) -> list[np.ndarray | None]:
    """For each eye the iris' place from the corners' middle, in eye widths; None for a closed one."""
    places: list[np.ndarray | None] = []
    for iris, outer, inner, upper, lower in EYES:
        width = float(np.hypot(*(points[outer] - points[inner])))
        is_open = width > 0 and float(np.hypot(*(points[upper] - points[lower]))) > OPEN_SHARE * width
        places.append((points[iris] - (points[outer] + points[inner]) / 2) / width if is_open else None)
    return places
