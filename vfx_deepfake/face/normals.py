"""Which way the skin of a face looks: the canonical head's normals, turned as the head in the picture is."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.mesh import locate
from vfx_deepfake.face.pose import rotation
from vfx_deepfake.face.slider_regions import TEXELS_PER_CM, TEXTURE_PX, beauty_mesh, beauty_vertices_cm, lay_on
from vfx_deepfake.image.crop import Window

SMOOTH_CM = 0.4  # of the normals: the mesh is coarse, and light of a low order shows no more. Assumed


def face_normals(uv: np.ndarray, inside: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """(h, w, 3) float32 unit normals in camera axes (x right, y down, z away); they look at the camera off the face.

    Shapes: uv (h, w, 2) and inside (h, w) of :func:`~vfx_deepfake.face.slider_regions.coordinates`; pose (3,) yaw,
    pitch, roll in degrees.
    """
    head = np.stack([lay_on(normal_texture()[..., axis], uv, inside) for axis in range(3)], axis=-1)
    seen = head @ (rotation(*pose) @ np.diag((1.0, -1.0, -1.0))).T.astype(np.float32)
    seen[~inside] = (0, 0, -1)
    return np.asarray(seen / np.maximum(np.linalg.norm(seen, axis=-1, keepdims=True), 1e-6), np.float32)


@lru_cache(maxsize=1)
def normal_texture() -> np.ndarray:
    """(T, T, 3) unit normals over canonical coordinates, canonical axes (x to the person's left, y up, z to the camera)."""
    mesh = beauty_mesh()
    window = Window(0, 0, TEXTURE_PX, TEXTURE_PX)
    inside, ids, weights = locate(mesh.uv.astype(np.float64) * TEXTURE_PX, window, mesh.triangles, mesh.neighbours)
    table = _vertex_normals()[mesh.triangles]
    painted = np.zeros((*window.shape, 3), np.float32)
    painted[inside] = sum(table[ids, k] * weights[k][:, None] for k in range(3))
    sigma_x, sigma_y = (SMOOTH_CM * texels for texels in TEXELS_PER_CM)
    smooth = cv2.GaussianBlur(painted, (0, 0), sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_CONSTANT)
    length = np.linalg.norm(smooth, axis=-1, keepdims=True)
    unit = np.where(length > 1e-6, smooth / np.maximum(length, 1e-6), (0, 0, 1)).astype(np.float32)
    unit.setflags(write=False)
    return np.asarray(unit)


def _vertex_normals() -> np.ndarray:
    """(489, 3) float32: the mean of the triangles round each point, by area; towards the camera where there is none."""
    head, corners = beauty_vertices_cm(), beauty_mesh().triangles
    a, b, c = (head[corners[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    total = np.zeros_like(head)
    for k in range(3):
        np.add.at(total, corners[:, k], faces)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / np.maximum(length, 1e-12), (0, 0, 1)).astype(np.float32)
