"""How the head is turned, from its landmarks and MediaPipe's canonical face.

Assumed: a camera of FOCAL_OVER_WIDTH and a head of the canonical proportions. Both put a constant few degrees on pitch
and yaw of a given person; changes from frame to frame are what the numbers are good for (docs/experiments.md compares
them with truth).
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.face.topology import MEDIAPIPE, canonical_vertices_cm
from vfx_deepfake.image.crop import Window

FOCAL_OVER_WIDTH = 1.4  # about a 35 mm lens on Super 35; assumed
# Points that move little with expression: the basis MediaPipe's own face geometry aligns by, less the jaw.
STABLE = (6, 10, 33, 54, 67, 117, 119, 121, 127, 129, 133, 143, 147, 168, 195, 197, 198, 205, 263, 284, 297, 346, 348,
350,
          356, 358, 362, 372, 376, 420, 425, 4)  # fmt: skip


def head_pose(points: np.ndarray, window: Window, topology: str = MEDIAPIPE) -> np.ndarray:
    """Yaw, pitch and roll in degrees: towards image right, up, and clockwise on the screen are positive.

    Shapes: points (P, 2) plate px; window is the plate's, for the assumed camera. Returns (3,) float32, NaN for other
    topologies or points that fit no pose.
    """
    unknown = np.full(3, np.nan, np.float32)
    if topology != MEDIAPIPE or not np.isfinite(points).all():
        return unknown
    head = canonical_vertices_cm()[list(STABLE)] * (1, -1, -1)  # camera axes: x right, y down, z away
    seen = points[list(STABLE)].astype(np.float64)
    focal = FOCAL_OVER_WIDTH * window.width
    camera = np.array(
        [[focal, 0, window.x + window.width / 2], [0, focal, window.y + window.height / 2], [0, 0, 1]], np.float64
    )
    distance = focal * np.ptp(head[:, 0]) / max(float(np.ptp(seen, axis=0).max()), 1.0)
    centre = np.append((seen.mean(axis=0) - camera[:2, 2]) * distance / focal, distance)
    solved, turn, _ = cv2.solvePnP(
        head, seen, camera, None, np.zeros((3, 1)), centre[:, None], True, cv2.SOLVEPNP_ITERATIVE
    )
    return angles(cv2.Rodrigues(turn)[0]) if solved else unknown


def angles(rotation: np.ndarray) -> np.ndarray:
    """(3,) float32 yaw, pitch, roll in degrees of a (3, 3) rotation in camera axes (x right, y down, z away)."""
    forward = -rotation[:, 2]
    yaw = np.arctan2(forward[0], -forward[2])
    pitch = np.arctan2(-forward[1], np.hypot(forward[0], forward[2]))
    sideways = np.array([np.cos(yaw), 0.0, np.sin(yaw)])  # where the head's x axis points at this yaw without roll
    down = np.cross(rotation[:, 2], sideways)
    roll = np.arctan2(rotation[:, 0] @ down, rotation[:, 0] @ sideways)
    return np.degrees([yaw, pitch, roll]).astype(np.float32)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) float64, the rotation whose :func:`angles` these are, degrees."""
    turn, up, tilt = np.radians((yaw, pitch, roll))
    back = np.array([-np.sin(turn) * np.cos(up), np.sin(up), np.cos(turn) * np.cos(up)])
    sideways = np.array([np.cos(turn), 0.0, np.sin(turn)])
    right = np.cos(tilt) * sideways + np.sin(tilt) * np.cross(back, sideways)
    return np.stack([right, np.cross(back, right), back], axis=1)
