"""Which skin a slider works on: soft regions painted once in canonical face coordinates and laid on every frame's mesh.

A region is a texture over the canonical coordinates, so that it sticks to the skin, is equally soft at every size of the face
and changes from frame to frame with the track alone. The mesh is continued over the forehead, which MediaPipe's ends
halfway up; the neck is not tracked and has no region.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.mesh import rasterise
from vfx_deepfake.face.topology import (
    LIPS_OUTER,
    OVAL,
    RIGHT_BROW,
    Mesh,
    canonical_vertices_cm,
    edge_neighbours,
    face_mesh,
    signed_areas,
)
from vfx_deepfake.image.crop import Window

TEXTURE_PX = 384  # side of a region's texture; 0.4 mm a texel
TEXELS_PER_CM = (TEXTURE_PX / 15.73, TEXTURE_PX / 20.85)  # of the canonical coordinates, x and y; measured on the data
SOFT_CM = 0.35  # edge between regions; assumed
GUARD_CM = 0.12  # edge of what is not skin; assumed
RIM_CM = 0.6  # over which the skin runs out at the face's border; assumed
SURE_CM = 1.0  # this far inside its outline the mesh is trusted to lie on skin; assumed
SIDE_CM = 0.8  # over which left turns into right; assumed
BROW_ROOM_CM = 0.6  # brows sit up to this much higher than the mesh's; seen on two faces
NOSTRIL_ROOM_CM = 0.25  # wings of nostrils are their shape, not creases; assumed

# Loops of the person's right half, in points of the mesh; the left half is their mirror.
LOOPS: dict[str, tuple[int, ...]] = {
    "forehead": (10, 109, 67, 103, 54, 71, 70, 63, 105, 66, 107, 9),
    "frown": (9, 107, 55, 193, 168),
    "crows_feet": (226, 113, 124, 156, 139, 34, 116, 111, 31),
    "under_eye": (31, 25, 110, 24, 23, 22, 26, 112, 244, 128, 114, 47, 100, 119, 118, 117, 111),
    "nose": (168, 193, 245, 188, 174, 236, 198, 209, 129, 98, 97, 2),
    "cheeks": (116, 117, 118, 119, 100, 142, 36, 205, 207, 192, 213, 177, 137, 227),
    "nasolabial": (209, 142, 36, 205, 207, 214, 210, 202, 57, 186, 92, 203, 129),
    "lips": (2, 98, 203, 206, 216, 212, 202, 204, 194, 201, 200),
    "chin": (18, 83, 182, 106, 204, 211, 170, 140, 171, 175),
}
_LID_RING = (130, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25)  # lashes included
_NOSTRIL = (59, 75, 60, 20, 238, 79, 166)
# The forehead above the mesh: its top border moved up and back, less towards the temples. Assumed, as on the canonical head.
_TOP = (21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251)
_RISE_CM, _BACK_CM = 1.8, 1.1
_TAPER = (0.0, 0.55, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.55, 0.0)

Sides = tuple[float, float]  # (left, right)


def mirror() -> np.ndarray:
    """(468,) the point on the other half of the face; the canonical face is exactly symmetric."""
    points = canonical_vertices_cm()[:468]
    away = ((points[:, None] * (-1, 1, 1) - points[None]) ** 2).sum(axis=-1)
    return np.asarray(away.argmin(axis=1))


def beauty_points(points: np.ndarray) -> np.ndarray:
    """The track's points followed by those of the upper forehead, (489, 2) plate px, as :func:`beauty_mesh` numbers them."""
    return np.concatenate([points, points[list(_TOP)] + HeadFrame.of(points).moved(_rise())])


def beauty_vertices_cm() -> np.ndarray:
    """(489, 3) the canonical head's points as :func:`beauty_mesh` numbers them."""
    head = canonical_vertices_cm()
    return np.concatenate([head, head[list(_TOP)] + _rise()])


@lru_cache(maxsize=1)
def beauty_mesh() -> Mesh:
    """MediaPipe's mesh continued over the forehead."""
    base = face_mesh()
    grown = beauty_vertices_cm()[len(base.uv) :]
    uv = np.concatenate([base.uv, _canonical_to_uv(grown)])
    inner, outer = np.array(_TOP), len(base.uv) + np.arange(len(_TOP))
    first = np.stack([inner[:-1], outer[:-1], outer[1:]], axis=1)[1:]  # the ends do not rise: flat triangles
    second = np.stack([inner[:-1], outer[1:], inner[1:]], axis=1)[:-1]
    added = np.concatenate([first, second])
    flip = signed_areas(uv, added) > 0
    added[flip] = added[flip][:, ::-1]
    corners = np.concatenate([added, base.triangles]).astype(np.int32)
    return Mesh(base.topology, uv.astype(np.float32), corners, edge_neighbours(corners), base.outline)


@lru_cache(maxsize=1)
def skin_texture() -> np.ndarray:
    """(T, T) 1 on skin, 0 on eyes, brows, lips and nostrils, running out softly at the face's border."""
    away = np.maximum(_features(), _both(_LID_RING))
    return _read_only(_inward(_outline(), RIM_CM) * (1 - np.clip(2 * _blurred(away, GUARD_CM), 0, 1)))


@lru_cache(maxsize=1)
def sure_texture() -> np.ndarray:
    """(T, T) 1 where the mesh surely lies on skin: away from the border, where hair and background are, and from what has
    an outline of its own that the mesh only guesses. Eyes are tracked well enough."""
    inner = cv2.erode(_filled(face_mesh().uv[list(OVAL)]), _disc(SURE_CM))
    away = cv2.dilate(_features(), _disc(SURE_CM / 2))
    return _read_only(_blurred(inner * (1 - away), GUARD_CM) * skin_texture())


@lru_cache(maxsize=1)
def region_textures() -> dict[str, np.ndarray]:
    """(T, T) of every region, both halves of the face, soft; the forehead reaches over the continued mesh."""
    uv = beauty_mesh().uv
    top = [len(face_mesh().uv) + k for k in range(len(_TOP) // 2, 0, -1)]
    out = {}
    for name, loop in LOOPS.items():
        half = [*top, *loop[4:]] if name == "forehead" else list(loop)
        polygon = uv[half]
        flipped = polygon * (-1, 1) + (2 * uv[10, 0], 0)
        both = np.maximum(_filled(polygon), _filled(flipped))
        out[name] = _read_only(_blurred(both, SOFT_CM / 2))
    return out


def amount_texture(values: Mapping[str, Sides], face: Sides = (0.0, 0.0)) -> np.ndarray:
    """How strongly a slider works at every place of the face, -1..1, from one (left, right) value a region.

    Where regions overlap they share; ``face`` comes on top of all. Shape (T, T) float32.
    """
    textures = region_textures()
    total = sum(textures.values())
    part = np.zeros((TEXTURE_PX, TEXTURE_PX), np.float32)
    for name, sides in values.items():
        if any(sides):
            part += textures[name] * _sided(sides)
    part /= np.maximum(total, 1)
    return np.asarray(np.clip(part + _sided(face), -1, 1), np.float32)


def lay_on(texture: np.ndarray, uv: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """A texture (T, T) on the pixels of a frame: uv (h, w, 2), inside (h, w) of ``rasterise``. Exactly 0 off the face."""
    place = uv * np.float32(TEXTURE_PX) - np.float32(0.5)
    laid = cv2.remap(texture, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(inside, laid, np.float32(0))


def coordinates(points: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """(uv (h, w, 2), inside (h, w)) of the face with its whole forehead."""
    return rasterise(beauty_points(points), window, beauty_mesh())


def _canonical_to_uv(vertices_cm: np.ndarray) -> np.ndarray:
    """Canonical coordinates of places (N, 3) on the canonical head, which are its view from the front."""
    known, uv = canonical_vertices_cm()[:468], face_mesh().uv[:468]
    (scale_x, at_x), (scale_y, at_y) = (np.polyfit(known[:, axis], uv[:, axis], 1) for axis in (0, 1))
    return np.stack([scale_x * vertices_cm[:, 0] + at_x, scale_y * vertices_cm[:, 1] + at_y], axis=1)


@lru_cache(maxsize=1)
def _rise() -> np.ndarray:
    taper = np.array(_TAPER)[:, None]
    return np.asarray(taper * (0.0, _RISE_CM, -_BACK_CM))


def _features() -> np.ndarray:
    """(T, T) lips, brows and nostrils."""
    uv = beauty_mesh().uv
    lift = np.array([0.0, -BROW_ROOM_CM * TEXELS_PER_CM[1] / TEXTURE_PX], np.float32)
    wings = cv2.dilate(_both(_NOSTRIL), _disc(NOSTRIL_ROOM_CM))
    brows = [_both(RIGHT_BROW, share * lift) for share in (0.0, 0.5, 1.0)]
    return np.maximum.reduce([_filled(uv[list(LIPS_OUTER)]), wings, *brows])


def _disc(radius_cm: float) -> np.ndarray:
    """For growing and shrinking textures."""
    size = [2 * round(radius_cm * texels) + 1 for texels in TEXELS_PER_CM]
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size))


def _both(loop: tuple[int, ...], lift: np.ndarray | float = 0.0) -> np.ndarray:
    """(T, T) the hull of a loop of the right half and its mirror's."""
    uv = beauty_mesh().uv
    halves = (list(loop), mirror()[list(loop)].tolist())
    return np.maximum(*(_filled(cv2.convexHull(uv[half])[:, 0] + lift) for half in halves))


def _outline() -> np.ndarray:
    """The whole face, from the left temple round the chin to the right one and over the forehead."""
    ring = OVAL[OVAL.index(_TOP[-1]) : OVAL.index(_TOP[0]) + 1]
    top = [len(face_mesh().uv) + k for k in range(1, len(_TOP) - 1)]
    return _filled(beauty_mesh().uv[[*ring, *top]])


@lru_cache(maxsize=1)
def _left_share() -> np.ndarray:
    """(T, T) 1 on the person's left half (u above one half), a soft step on the middle line."""
    u = (np.arange(TEXTURE_PX) + 0.5) / TEXTURE_PX - float(face_mesh().uv[10, 0])
    ramp = np.clip(u * TEXTURE_PX / TEXELS_PER_CM[0] / SIDE_CM + 0.5, 0, 1)
    smooth = ramp * ramp * (3 - 2 * ramp)
    return np.broadcast_to(smooth.astype(np.float32), (TEXTURE_PX, TEXTURE_PX))


def _sided(sides: Sides) -> np.ndarray:
    left, right = (np.float32(side) for side in sides)
    return _left_share() * left + (1 - _left_share()) * right


def _filled(polygon: np.ndarray) -> np.ndarray:
    canvas = np.zeros((TEXTURE_PX, TEXTURE_PX), np.uint8)
    cv2.fillPoly(canvas, [np.round((polygon * TEXTURE_PX - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return canvas.astype(np.float32) / np.float32(255)


def _blurred(texture: np.ndarray, sigma_cm: float) -> np.ndarray:
    sigma_x, sigma_y = (sigma_cm * texels for texels in TEXELS_PER_CM)
    return np.asarray(cv2.GaussianBlur(texture, (0, 0), sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_CONSTANT))


def _inward(texture: np.ndarray, edge_cm: float) -> np.ndarray:
    """A soft edge that lies wholly inside."""
    return np.asarray(np.clip(2 * _blurred(texture, edge_cm / 2) - 1, 0, 1) * texture)


def _read_only(texture: np.ndarray) -> np.ndarray:
    texture = np.ascontiguousarray(texture, np.float32)
    texture.setflags(write=False)
    return texture
