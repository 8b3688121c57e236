"""The face's own coordinates: the aligned crop of the canonical head seen from the front, at any number of texels.

Everything that belongs to a place on a face (colour, detail, learned features) is kept there and carried into a view by
the mesh; beyond the mesh the outline's motion runs out as in :func:`~vfx_deepfake.face.mesh.warp_map`, so that jaw, ears and
hairline have their place too.

Conventions: texels and pixels have their centres at +0.5. A *place* is where a pixel of a view lies in the texture,
(S, S, 2) in -1..1 from edge to edge, as ``grid_sample`` with align_corners False has it.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.mesh import region_mask, warp_map
from vfx_deepfake.face.normals import normal_texture
from vfx_deepfake.face.pose import rotation
from vfx_deepfake.face.slider_regions import TEXTURE_PX
from vfx_deepfake.face.topology import (
    LEFT_EYE,
    LEFT_IRIS,
    LIPS_INNER,
    LIPS_OUTER,
    RIGHT_EYE,
    RIGHT_IRIS,
    canonical_vertices_cm,
    face_mesh,
)
from vfx_deepfake.faceset.align import ANCHOR_CM, SIDE_CM
from vfx_deepfake.image.crop import Window

GRAZING = (0.15, 0.45)  # cosine to the camera between which skin is first not, then wholly believed; assumed
FEATURES = ("face", "eyes", "irises", "pupils", "brows", "lips", "mouth")
PUPIL_SHARE = 0.4  # of the iris; assumed
BROW_ROOM_CM = 0.5  # brows are drawn wider than the mesh has them; seen on several faces


def texture_points(size: int) -> np.ndarray:
    """(478, 2) float64: where the canonical head's points lie in a texture of ``size`` texels a side."""
    head = canonical_vertices_cm()[:, :2] - np.array(ANCHOR_CM[:2])
    return np.asarray(head * (1, -1) * (size / SIDE_CM) + size / 2)


def place(points: np.ndarray, size: int) -> np.ndarray:
    """(size, size, 2) float32: the place of every pixel of a view. Shapes: points (478, 2) view px."""
    found = warp_map(texture_points(size), points, Window(0, 0, size, size))
    return found * np.float32(2 / size) - np.float32(1)


def unwrap(planes: np.ndarray, points: np.ndarray, texels: int) -> np.ndarray:
    """Planes of a view (S, S, C) as a texture (texels, texels, C) float32; edges are repeated."""
    where = warp_map(points, texture_points(texels), Window(0, 0, texels, texels)) - np.float32(0.5)
    drawn = cv2.remap(planes, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn.reshape(texels, texels, planes.shape[2]), np.float32)


def sample(texture: np.ndarray, where: np.ndarray) -> np.ndarray:
    """A texture (T, T, C) at places (h, w, 2): (h, w, C) float32, bilinear."""
    size = len(texture)
    at = (where + np.float32(1)) * np.float32(size / 2) - np.float32(0.5)
    drawn = cv2.remap(texture, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn.reshape(*where.shape[:2], -1), np.float32)


@lru_cache(maxsize=4)
def normals(texels: int) -> np.ndarray:
    """(texels, texels, 3) float32 unit normals of the canonical head, its own axes: x left, y up, z to the camera.

    Beyond the mesh they look away from the face's middle line, as a head does.
    """
    points, uv = canonical_vertices_cm()[:468], face_mesh().uv[:468]
    centres = (np.arange(texels) + 0.5) / texels * SIDE_CM - SIDE_CM / 2
    axes = []
    for axis, cm in ((0, centres + ANCHOR_CM[0]), (1, ANCHOR_CM[1] - centres)):
        scale, at = np.polyfit(points[:, axis], uv[:, axis], 1)
        axes.append(np.float32((scale * cm + at) * TEXTURE_PX - 0.5))
    grid = np.meshgrid(axes[0], axes[1])
    known = cv2.remap(normal_texture(), grid[0], grid[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    round_x = np.clip(np.broadcast_to(centres / 9.0, (texels, texels)), -0.97, 0.97)
    round_head = np.stack([round_x, np.zeros_like(round_x), np.sqrt(1 - round_x**2)], axis=-1)
    on_face = cv2.erode(oval(texels), np.ones((3, 3), np.uint8))
    share = cv2.GaussianBlur(on_face, (0, 0), 0.3 * texels / SIDE_CM)[..., None]
    mixed = share * known + (1 - share) * round_head
    out = (mixed / np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)).astype(np.float32)
    out.setflags(write=False)
    return out


@lru_cache(maxsize=4)
def oval(texels: int) -> np.ndarray:
    """(texels, texels) float32: the face in its own coordinates."""
    return region_mask(texture_points(texels), Window(0, 0, texels, texels), "oval")


def seen_normals(head_normals: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Normals (..., 3) of the head in camera axes (x right, y down, z away) under a pose (3,) in degrees."""
    return np.asarray(head_normals @ seen_turn(pose).T)


def seen_turn(pose: np.ndarray) -> np.ndarray:
    """(3, 3) float32: from the head's axes to the camera's under a pose (3,) in degrees."""
    return (rotation(*(float(angle) for angle in pose)) @ np.diag((1.0, -1.0, -1.0))).astype(np.float32)


def facing(pose: np.ndarray, texels: int) -> np.ndarray:
    """(texels, texels) float32 0..1: how well each texel is seen under a pose, 0 where it looks away."""
    cosine = -seen_normals(normals(texels), pose)[..., 2]
    return np.asarray(np.clip((cosine - GRAZING[0]) / (GRAZING[1] - GRAZING[0]), 0, 1), np.float32)


def features(points: np.ndarray, size: int) -> np.ndarray:
    """(size, size, len(FEATURES)) float32 0..1: what a face's lines enclose, drawn from its points (478, 2) view px.

    Irises and pupils end at the lids.
    """
    window = Window(0, 0, size, size)
    eyes = region_mask(points, window, "eyes")
    irises, pupils = np.zeros_like(eyes), np.zeros_like(eyes)
    for iris in (RIGHT_IRIS, LEFT_IRIS):
        centre = points[iris[0]]
        radius = float(np.linalg.norm(points[list(iris[1:])] - centre, axis=1).mean())
        np.maximum(irises, disc(centre, radius, size), out=irises)
        np.maximum(pupils, disc(centre, PUPIL_SHARE * radius, size), out=pupils)
    drawn = {"eyes": eyes, "irises": irises * eyes, "pupils": pupils * eyes}
    drawn["face"] = region_mask(points, window, "oval")
    drawn |= {name: region_mask(points, window, name) for name in ("brows", "lips", "mouth")}
    return np.stack([drawn[name] for name in FEATURES], axis=-1)


def disc(centre: np.ndarray, radius: float, size: int) -> np.ndarray:
    """(size, size) float32: a disc with an edge one pixel soft."""
    at = np.arange(size, dtype=np.float32) + np.float32(0.5)
    distance = np.hypot(at[None, :] - np.float32(centre[0]), at[:, None] - np.float32(centre[1]))
    return np.clip(np.float32(radius) + np.float32(0.5) - distance, 0, 1)


def skin(points: np.ndarray, size: int) -> np.ndarray:
    """(size, size) float32 0..1: bare skin well inside the face: no lids, brows, lips, nor its border."""
    window = Window(0, 0, size, size)
    px = size / SIDE_CM
    face = cv2.erode(region_mask(points, window, "oval"), _ellipse(0.5 * px))
    away = np.zeros_like(face)
    for loop, room in ((RIGHT_EYE, 0.35), (LEFT_EYE, 0.35), (LIPS_OUTER, 0.15), (LIPS_INNER, 0.15)):
        filled = np.zeros((size, size), np.uint8)
        cv2.fillPoly(filled, [np.round((points[list(loop)] - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        np.maximum(away, cv2.dilate(filled, _ellipse(room * px)).astype(np.float32) / 255, out=away)
    np.maximum(away, cv2.dilate(region_mask(points, window, "brows"), _ellipse(BROW_ROOM_CM * px)), out=away)
    return np.asarray(face * (1 - away), np.float32)


def _ellipse(radius_px: float) -> np.ndarray:
    side = 2 * max(round(radius_px), 0) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
