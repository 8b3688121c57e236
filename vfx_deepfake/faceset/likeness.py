"""What a person looks like, in numbers of our own: no network, nothing learnt from other people's faces.

Two parts. *Texture*: the face in canonical coordinates, folded left onto right so that faces turned to either side
compare, its light taken out; what is left are brows, lids, lips, beard, glasses, folds and the colours of parts against
each other. *Shape*: where brows, eyes, nose, mouth and jaw sit on the face, as seen from the front.

How often it is wrong is measured in docs/facesets.md. It tells persons of one production apart, not look-alikes, and an
embedder of the studio's own may stand in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.mesh import locate, region_mask
from vfx_deepfake.face.topology import canonical_vertices_cm, face_mesh, signed_areas
from vfx_deepfake.faceset.measures import on_head
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import LUMA

TEXTURE_PX = 48
CROP_PX = 96  # the crop is shrunk to this first: about as fine as the texture
LIGHT_TEXELS = 5.0  # sigma of what counts as light and goes
CONTRAST_FLOOR = 0.01  # log; below it a place is smooth skin and noise
LEAST_SHARED = 0.25  # of the texture: with less in common two faces are not compared
CHANNELS = (0.6, 0.2, 0.2)  # weights of brightness and the two colour differences; assumed
CHANGING = ("eyes", "mouth")  # show expression and gaze, not the person
THUMB_PX = 24
# Pairs of points, image left and image right, and points on the middle line; widths and heights that expression hardly moves
WIDE = ((33, 263), (133, 362), (70, 300), (105, 334), (107, 336), (98, 327), (64, 294), (234, 454), (93, 323), (172, 397),
        (150, 379))  # fmt: skip
HIGH = ((33, 263), (133, 362), (98, 327), (64, 294), (234, 454), (93, 323), (6, 6), (4, 4), (2, 2), (10, 10))


@dataclass(frozen=True, eq=False)
class Likeness:
    """What one crop says of its person, and how the crop itself looks.

    texture (T, T // 2, 3) float32, light taken out: brightness and two differences of colour; NaN where the face does not
    show. shape (P,) float32 cm. thumb (t, t) float32 log brightness of the whole crop.
    """

    texture: np.ndarray
    shape: np.ndarray
    thumb: np.ndarray


def likeness(image_log: np.ndarray, points: np.ndarray, valid: np.ndarray) -> Likeness:
    """Of one crop. Shapes: image_log (S, S, 3) model encoding, points (478, 2) crop px, valid (S, S)."""
    scale = CROP_PX / image_log.shape[0]
    small = cv2.resize(np.ascontiguousarray(image_log), (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA)
    known = cv2.resize(np.ascontiguousarray(valid), (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA)
    texture = _without_light(_texture(small, known, np.asarray(points, np.float64) * scale))
    thumb = cv2.resize(small @ np.asarray(LUMA, np.float32), (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA)
    return Likeness(_folded(texture), _shape(points), thumb)


def texture_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(N, M): 1 - correlation of textures (N, T, T / 2, 3) and (M, T, T / 2, 3) where both show, brightness before colour.

    NaN with less than LEAST_SHARED of the face in common.
    """
    shown = [np.isfinite(each[..., 0]).reshape(len(each), -1).astype(np.float32) for each in (left, right)]
    shared = shown[0] @ shown[1].T
    total = np.zeros(shared.shape, np.float32)
    for channel, weight in enumerate(CHANNELS):
        a, b = (np.nan_to_num(each[..., channel]).reshape(len(each), -1) for each in (left, right))
        power = ((a**2) @ shown[1].T) * (shown[0] @ (b**2).T)
        total += weight * (a @ b.T) / np.sqrt(np.maximum(power, 1e-12))
    return np.where(shared >= LEAST_SHARED * shown[0].shape[1], 1 - total, np.float32(np.nan))


@lru_cache(maxsize=1)
def _places() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """On the mesh (T, T) bool; of those texels the triangle, its corners' weights (N, 3), and whether the place is steady."""
    mesh, window = face_mesh(), Window(0, 0, TEXTURE_PX, TEXTURE_PX)
    uv = mesh.uv.astype(np.float64) * TEXTURE_PX
    inside, ids, weights = locate(uv, window, mesh.triangles, mesh.neighbours)
    changing = np.max([cv2.dilate(region_mask(uv, window, name), np.ones((3, 3))) for name in CHANGING], axis=0)
    return inside, ids, np.ascontiguousarray(weights.T), (changing < 0.5)[inside]


def _texture(image_log: np.ndarray, known: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(T, T, 3) of a crop in canonical coordinates; NaN where the face is turned away or the picture ends."""
    mesh = face_mesh()
    inside, ids, weights, steady = _places()
    places = np.einsum("nk,nkc->nc", weights, points[mesh.triangles[ids]]).astype(np.float32)
    sampled = cv2.remap(image_log, places[None, :, 0] - 0.5, places[None, :, 1] - 0.5, cv2.INTER_LINEAR,
                        borderMode=cv2.BORDER_REPLICATE)[0]  # fmt: skip
    reach = cv2.remap(known, places[None, :, 0] - 0.5, places[None, :, 1] - 0.5, cv2.INTER_LINEAR)[0]
    # a triangle seen under less than a third of its frontal area is smeared
    seen = -signed_areas(points, mesh.triangles) > 0.33 * _frontal_areas() * _scale(points) ** 2
    shown = seen[ids] & steady & (reach > 0.99)
    texture = np.full((TEXTURE_PX, TEXTURE_PX, 3), np.nan, np.float32)
    texture[inside] = np.where(shown[:, None], sampled, np.float32(np.nan))
    return texture


@lru_cache(maxsize=1)
def _frontal_areas() -> np.ndarray:
    head = canonical_vertices_cm()[:, :2] * (1, -1)
    return -signed_areas(head, face_mesh().triangles)


def _scale(points: np.ndarray) -> float:
    from vfx_deepfake.face.head import HeadFrame

    return HeadFrame.of(points).px_per_cm


def _without_light(texture: np.ndarray) -> np.ndarray:
    """Brightness with its local mean and contrast evened out, and two colour differences without their local mean."""
    seen = np.isfinite(texture[..., 0])
    filled = np.where(seen[..., None], texture, 0).astype(np.float32)
    luma = filled @ np.asarray(LUMA, np.float32)
    planes = np.stack([luma, filled[..., 0] - filled[..., 1], filled[..., 1] - filled[..., 2]], axis=-1)
    weight = np.maximum(cv2.GaussianBlur(seen.astype(np.float32), (0, 0), LIGHT_TEXELS), 1e-3)[..., None]

    def local(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values * seen[..., None], (0, 0), LIGHT_TEXELS).reshape(values.shape) / weight

    flat = planes - local(planes)
    contrast = np.sqrt(local(flat[..., :1] ** 2) + CONTRAST_FLOOR**2)
    flat[..., :1] /= contrast
    flat[~seen] = np.nan
    return flat


def _folded(texture: np.ndarray) -> np.ndarray:
    """The mean of both halves where both show, else the one that does; (T, T // 2, 3), centred where it shows."""
    half = TEXTURE_PX // 2
    halves = np.stack([texture[:, :half], texture[:, : half - 1 : -1]])
    seen = np.isfinite(halves)
    count = seen.sum(axis=0)
    mean = np.where(seen, halves, 0).sum(axis=0) / np.maximum(count, 1)
    shown = count[..., 0] > 0
    if shown.any():
        mean = mean - mean[shown].mean(axis=0)
    mean[~shown] = np.nan
    return mean.astype(np.float32)


def _shape(points: np.ndarray) -> np.ndarray:
    """Half the width and the height of each pair on the face seen from the front, cm, free of the face's size."""
    head = on_head(np.asarray(points, np.float64))
    width = [(head[right, 0] - head[left, 0]) / 2 for left, right in WIDE]
    height = np.array([(head[left, 1] + head[right, 1]) / 2 for left, right in HIGH])
    return np.concatenate([width, height - height.mean()]).astype(np.float32)
