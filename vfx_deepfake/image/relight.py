"""One soft light more or less, as spherical harmonics of order 2 on the face's normals.

Source: Ramamoorthi & Hanrahan 2001, An Efficient Representation for Irradiance Environment Maps: skin that scatters light answers
with no more than order 2, so a far light of any size is these three terms.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.color.encoding import LOG_SCALE
from vfx_deepfake.image.region_matte import GUIDE_RADIUS_PX, edge_guide, refined

REACH_CM = 0.9  # how far a light goes on beyond what the mesh knows; assumed
EDGE_LOG = 0.02  # contrast that counts as an edge, a third of a stop; looked at on the digital actor: 0.045 leaks, 0.005 shows its end
LEAST = 1e-4
STOP_LOG = 1 / LOG_SCALE  # one stop above the encoding's toe


def light_direction(azimuth: float, elevation: float) -> np.ndarray:
    """(3,) unit vector towards a light, camera axes (x right, y down, z away). Degrees; 0, 0 comes from the camera."""
    across, up = np.radians((azimuth, elevation))
    return np.array([np.sin(across) * np.cos(up), -np.sin(up), -np.cos(across) * np.cos(up)])


def soft_light(normals: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """How much of a far light reaches a surface, to order 2; the largest, where the surface faces it, is 1.

    Shapes: normals (..., 3) unit, direction (3,) unit, in the same axes. Returns (...); it is smooth and slightly
    negative (-0.06 at most) on the far side, as a series of three terms is.
    """
    cosine = normals @ direction.astype(np.float32)
    return np.asarray((0.25 + 0.5 * cosine + 5 / 32 * (3 * cosine**2 - 1)) / (0.25 + 0.5 + 5 / 16))


def relight(
    log: np.ndarray,
    normals: np.ndarray,
    face: np.ndarray,
    key: float,
    fill: float,
    direction: np.ndarray,
    px_per_cm: float,
) -> np.ndarray:
    """What to add to a log picture: ``key`` stops where the face looks at the light, ``fill`` stops everywhere on it.

    Adding in log is a factor in scene-linear, the same for every channel. The light runs out over ears and neck and stops
    at the picture's own edges. Shapes: log, normals (h, w, 3); face (h, w) 0..1, where the normals are known. Returns
    (h, w), exactly 0 three times REACH_CM away from the face.
    """
    stops = np.float32(fill) + np.float32(key) * soft_light(normals, direction)
    known = cv2.GaussianBlur(face, (0, 0), REACH_CM * px_per_cm)
    carried = cv2.GaussianBlur(stops * face, (0, 0), REACH_CM * px_per_cm) / np.maximum(known, LEAST)
    stops = stops * face + carried * (1 - face)
    guide = edge_guide(log, REACH_CM * px_per_cm / GUIDE_RADIUS_PX, EDGE_LOG**2)
    lit = refined(face, guide, band_px=2 * GUIDE_RADIUS_PX, steepness=1.0)
    return np.asarray(np.float32(STOP_LOG) * stops * lit, np.float32)
