"""Where the head is and how the camera sees it.

World, in centimetres: x right, y up, z to the camera, which stands at z = ``distance_cm`` and looks down -z.
The picture: plate coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.curves import Array, smoothstep

PIVOT = np.array([0.0, -9.0, -2.5])  # the head turns about the top of the neck
_TURNS_ABOVE_Y, _STAYS_BELOW_Y = -11.0, -16.0


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole: focal length in pixels, principal point in plate coordinates, distance from the world's origin."""

    focal_px: float
    centre_px: tuple[float, float]
    distance_cm: float = 110.0

    def project(self, points: Array) -> tuple[Array, Array]:
        """World points (..., 3) to plate coordinates (..., 2) and nearness (...,), 1 over the distance."""
        near = 1.0 / (self.distance_cm - points[..., 2])
        u = self.centre_px[0] + self.focal_px * points[..., 0] * near
        v = self.centre_px[1] - self.focal_px * points[..., 1] * near
        return np.stack([u, v], -1), near


@dataclass(frozen=True, slots=True)
class Pose:
    """Turn of the head in degrees: yaw to the image's right, pitch down, roll clockwise as seen; its shift in cm."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)


def rotation(yaw: Array | float, pitch: Array | float, roll: Array | float) -> Array:
    """Matrices (..., 3, 3) that turn head space into world space; degrees."""
    yaw, pitch, roll = (np.deg2rad(np.asarray(a, dtype=np.float64)) for a in (yaw, pitch, roll))
    one, zero = np.ones_like(yaw), np.zeros_like(yaw)

    def matrix(*rows: tuple[Array, Array, Array]) -> Array:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    turn_yaw = matrix((cy, zero, sy), (zero, one, zero), (-sy, zero, cy))
    turn_pitch = matrix((one, zero, zero), (zero, cp, -sp), (zero, sp, cp))
    turn_roll = matrix((cr, sr, zero), (-sr, cr, zero), (zero, zero, one))
    return turn_roll @ turn_yaw @ turn_pitch


def placed(points: Array, height: Array, pose: Pose) -> Array:
    """Head-space points (R, C, 3) to world; ``height`` (R,) at rest says how far a row follows the head."""
    follow = smoothstep(_STAYS_BELOW_Y, _TURNS_ABOVE_Y, height)
    turn = rotation(pose.yaw * follow, pose.pitch * follow, pose.roll * follow)
    return np.einsum("rij,rcj->rci", turn, points - PIVOT) + PIVOT + np.asarray(pose.shift)


def head_ray(camera: Camera, pose: Pose, pixels: Array) -> tuple[Array, Array]:
    """Origin (3,) and directions (N, 3), any length, in head space, of the rays through plate positions (N, 2)."""
    turn = rotation(pose.yaw, pose.pitch, pose.roll)
    eye = np.array([0.0, 0.0, camera.distance_cm])
    origin = (eye - PIVOT - np.asarray(pose.shift)) @ turn + PIVOT
    offset = (pixels - np.asarray(camera.centre_px)) / camera.focal_px
    direction = np.stack([offset[:, 0], -offset[:, 1], -np.ones(len(pixels))], -1)
    return origin, direction @ turn
