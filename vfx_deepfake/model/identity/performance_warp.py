"""Moving lids, irises and lips of a made face by a few pixels.

Lids and lips move as the expression sliders move them; an iris slides under its lids, and the white of the eye is stretched
and pressed beside it. What was never painted can't be uncovered: a shut eye is not opened, nor a shut mouth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.face.slider_warp import EYE, LIPS, displacement, offsets
from vfx_deepfake.faceset.measures import EYES
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import identity_map, sample
from vfx_deepfake.image.matte import soften
from vfx_deepfake.model.identity.method import Made

LEAST_EYE, LEAST_MOUTH_CM = 0.06, 0.05  # openings below which there is nothing to scale
MOST_FACTOR = 1.6  # an opening is not stretched farther than this
IRIS_CM = 0.585  # radius; as in face.topology
REACH = 2.2  # radii round an iris over which its shift runs out
LID_SOFT = 0.6  # of the iris' radius: edge of the eye opening; a hard one tears the iris under the lid


@dataclass(frozen=True, slots=True)
class Correction:
    """Changes by state (lids in eye widths, gaze in half eye widths, lips in cm), and what the states are before."""

    by: Mapping[str, float]
    before: Mapping[str, float]

    @property
    def any(self) -> bool:
        """False where nothing is to be changed."""
        return any(self.by.values())


def warp_made(made: Made, points: np.ndarray, correction: Correction) -> Made:
    """A made face with its lids, irises and lips moved; pixels that nothing reaches keep their bits.

    Shapes: points (478, 2) px of the made face's view, where its features are.
    """
    window = Window.of_image(made.picture_log)
    field = eye_and_lip_field(points, correction, window) + gaze_field(points, correction, window)
    moved = np.abs(field).max(axis=-1) > 0
    if not moved.any():
        return made
    there = identity_map(window) + field
    keep = moved[..., None]
    picture = np.where(keep, sample(made.picture_log, window, there), made.picture_log)
    shares = np.dstack([made.matte, made.confidence])
    shares = np.where(keep, sample(shares, window, there, sharp=False), shares)
    return Made(np.asarray(picture, np.float32), shares[..., 0].astype(np.float32), shares[..., 1].astype(np.float32))


def eye_and_lip_field(points: np.ndarray, correction: Correction, window: Window) -> np.ndarray:
    """(h, w, 2) px: where each pixel comes from, less its own place, for the lids and lips."""
    at_left, at_right = (_scaled(correction, name, LEAST_EYE) / EYE.gain for name in ("eye_left", "eye_right"))
    lips = _scaled(correction, "mouth_open", LEAST_MOUTH_CM) / LIPS.gain
    moved = offsets(points, {"eyes": (at_right, at_left)}, lips)  # the sliders' left is the person's
    return displacement(points, moved, window, HeadFrame.of(points).px_per_cm)


def gaze_field(points: np.ndarray, correction: Correction, window: Window) -> np.ndarray:
    """(h, w, 2) px as above, for the irises."""
    field = np.zeros((*window.shape, 2), np.float32)
    along = np.array([correction.by.get("gaze_x", 0.0), correction.by.get("gaze_y", 0.0)])
    if not along.any():
        return field
    head = HeadFrame.of(points)
    radius = IRIS_CM * head.px_per_cm
    inside = soften(region_mask(points, window, "eyes"), LID_SOFT * radius)
    places = identity_map(window)
    for iris, left, right, _, _ in EYES:
        half = np.linalg.norm(np.linalg.pinv(head.axes[:, :2]) @ (points[right] - points[left])) / 2  # cm on the head
        shift = head.axes[:, :2] @ (along * half)
        away = np.linalg.norm(places - (points[iris] + shift), axis=-1) / radius
        share = np.clip((REACH - away) / (REACH - 1), 0, 1)
        field -= (share * share * (3 - 2 * share) * inside)[..., None] * shift
    return field.astype(np.float32)


def _scaled(correction: Correction, name: str, least: float) -> float:
    """By what share of itself an opening grows, negative to shut it."""
    before, by = correction.before[name], correction.by.get(name, 0.0)
    if not by or before < least:
        return 0.0
    return min(max(by / before, -1.0), MOST_FACTOR - 1)
