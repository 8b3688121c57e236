"""What a person looks like, in numbers of our own: pictures of one person lie close, of two people far, in any light and pose.

A closed form on the face's own coordinates, and one matrix. *Texture*: the face laid flat and folded left onto right, so that faces
turned to either side compare; the coarse lightness of its skin is taken off brightness and colours, which leaves brows, lids, lips, beard,
folds and what parts of a face are against the skin around them. *Shape*: the landmarks on the head as seen from the front. What a
face does not show counts as the average face. The matrix turns both to where people differ most and pictures of one person least
(linear discriminants, Fisher 1936), learnt from drawn people by :mod:`vfx_deepfake.demo.train_features`: nobody's face is behind it.

Distances, not directions, are compared: what one kind of picture adds to every face drops out of them. How often it is wrong is
measured in docs/facesets.md. It proves nothing about who somebody is; an embedder of the studio's own may stand in for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.mesh import locate, region_mask
from vfx_deepfake.face.topology import canonical_vertices_cm, face_mesh, signed_areas
from vfx_deepfake.faceset.measures import on_head
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import LUMA

WEIGHTS = Path(__file__).with_name("likeness.safetensors")
TEXTURE_PX = 48  # the face laid flat
TEXEL = 2  # of its pixels a side become one number: landmarks are no surer
CROP_PX = 96  # the crop is shrunk to this first: about as fine as the texture
LIGHT_PX = 3.0  # sigma of what counts as light and goes, about a centimetre
WIDER = (1.0, 3.0, 9.0)  # where no skin is that near, what is seen farther off tells
FAR_TRUST = 1e-3  # of each wider one against the one before
SEEN = (0.2, 0.5)  # share of its frontal area from which a triangle is first not, then wholly believed; assumed
HALF_SEEN = 0.1  # so much of a texel seen is believed half; assumed
# brightness, red less green, green less blue; the colours count more, since they vary less
CHANNELS = np.array((LUMA, (1.5, -1.5, 0.0), (0.0, 1.5, -1.5)), np.float32)
SHAPE_WEIGHT = 0.02  # log per cm, so that both parts spread alike; assumed
THUMB_PX = 24
NUM_SHAPE = 2 * 478


@dataclass(frozen=True, eq=False)
class Likeness:
    """What one crop says of its person, and how the crop itself looks.

    features (D,) float32, see :func:`embed`. thumb (t, t) float32 log brightness of the whole crop.
    """

    features: np.ndarray
    thumb: np.ndarray


def likeness(image_log: np.ndarray, points: np.ndarray, valid: np.ndarray) -> Likeness:
    """Of one crop. Shapes: image_log (S, S, 3) model encoding, points (478, 2) crop px, valid (S, S)."""
    luma = np.ascontiguousarray(image_log) @ np.asarray(LUMA, np.float32)
    thumb = cv2.resize(luma, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA)
    return Likeness(embed([image_log], [points], [valid])[0], thumb)


def embed(
    images_log: Iterable[np.ndarray],
    points: Sequence[np.ndarray] | np.ndarray,
    valid: Sequence[np.ndarray] | np.ndarray | None = None,
) -> np.ndarray:
    """(N, D) float32: N aligned crops (S, S, 3), log, with points (478, 2) crop px, as :func:`distances` compares them.

    valid (S, S): where the picture reaches; everywhere if None.
    """
    known = matrix()
    rows = [project(*describe(image, points[k], None if valid is None else valid[k]), known)
            for k, image in enumerate(images_log)]  # fmt: skip
    return np.stack([*rows, np.zeros(known.directions.shape[1], np.float32)])[:-1]


def distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(N, M) between features (N, D) and (M, D), of pictures or means of several: about 1 for two pictures of one drawn person."""
    a, b = np.asarray(left, np.float64), np.asarray(right, np.float64)
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    return np.asarray(np.sqrt(np.clip(squared, 0, None) / (2 * a.shape[1])))


@dataclass(frozen=True, eq=False)
class Matrix:
    """The average face (P,) and the directions (P, D) in which faces are told apart; stamp: of the file that they come from."""

    mean: np.ndarray
    directions: np.ndarray
    stamp: str = ""


@lru_cache(maxsize=1)
def matrix(path: Path = WEIGHTS) -> Matrix:
    """The one that ships.

    Raises: FacesetError when the file is missing, damaged or of another design.
    """
    try:
        data = path.read_bytes()
        tensors = load(data)
        made = Matrix(tensors["mean"].astype(np.float32), tensors["directions"].astype(np.float32),
                      hashlib.sha256(data).hexdigest()[:16])  # fmt: skip
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise FacesetError(f"{path}: can't be read ({error}); install the package again") from error
    if made.mean.shape != (num_values(),) or made.directions.shape[:1] != made.mean.shape or made.directions.ndim != 2:
        raise FacesetError(f"{path}: its numbers do not fit this version; install the package again")
    return made


def project(values: np.ndarray, seen: np.ndarray, known: Matrix) -> np.ndarray:
    """(D,) of what :func:`describe` found; values that were not seen are the average face's."""
    return np.asarray((values - seen * known.mean) @ known.directions, np.float32)


def describe(
    image_log: np.ndarray, points: np.ndarray, valid: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One crop as values (P,) and how well each is seen (P,) 0..1, float32; what is seen half is worth half.

    Shapes: image_log (S, S, 3) model encoding, points (478, 2) crop px, valid (S, S).
    """
    where = texels(points, len(image_log))
    at = (where[..., :2] + np.float32(1)) * np.float32(CROP_PX / 2) - np.float32(0.5)
    planes = np.stack([cv2.remap(plane, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                       for plane in cv2.split(_shrunk(image_log))])  # fmt: skip
    shown = where[..., 2]
    if valid is not None:
        shown = shown * (cv2.remap(_shrunk(valid), at[..., 0], at[..., 1], cv2.INTER_LINEAR) > 0.99)
    values, seen = texture_values(planes, shown[None], constants())
    shape = np.float32(SHAPE_WEIGHT) * on_head(np.asarray(points, np.float64)).ravel().astype(np.float32)
    inside = on_face()
    texture, share = values[:, inside].ravel(), np.tile(seen[0, inside], len(values))
    return np.concatenate([texture, shape]), np.concatenate([share, np.ones_like(shape)])


def texture_values(planes: Any, shown: Any, tables: tuple[Any, ...]) -> tuple[Any, Any]:
    """The unlit, folded texture, weighted by how well it is seen, and that share.

    (..., 3, T, T / 2) and (..., 1, T, T / 2), T = TEXTURE_PX / TEXEL. Arrays or tensors alike: the identity term of a
    training loss goes the same way. Shapes: planes (..., 3, T', T') log, shown (..., 1, T', T') 0..1, T' = TEXTURE_PX; tables
    of :func:`constants`.
    """
    channels, skin, rows, columns, *blurs = tables
    count = len(channels)
    size = planes.shape[-1]
    planes = (channels @ planes.reshape(*planes.shape[:-3], count, size * size)).reshape(planes.shape)
    weight, trust = shown * skin, 1.0
    mean: Any = 0.0
    share: Any = 1e-9
    for blur in blurs:
        mean = mean + trust * (blur @ (planes * weight) @ blur.T)
        share = share + trust * (blur @ weight @ blur.T)
        trust *= FAR_TRUST
    seen = rows @ shown @ columns
    return rows @ ((planes - mean / share) * shown) @ columns / (seen + HALF_SEEN), seen / (seen + HALF_SEEN)


@lru_cache(maxsize=1)
def constants() -> tuple[np.ndarray, ...]:
    """Tables of :func:`texture_values`, float32: channels (3, 3), where bare skin is (T', T'), what averages rows (T, T') and folds
    columns (T', T / 2), and blurs along an axis (T', T'), near to far."""
    side, coarse = TEXTURE_PX, TEXTURE_PX // TEXEL
    pooled = np.kron(np.eye(coarse), np.full((1, TEXEL), 1 / TEXEL))
    folded = ((pooled + pooled[:, ::-1]) / 2)[: coarse // 2].T
    uv, window = face_mesh().uv.astype(np.float64) * side, Window(0, 0, side, side)
    marks = [region_mask(uv, window, name) for name in ("eyes", "brows", "lips", "mouth")]
    skin = 1 - cv2.dilate(np.max(marks, axis=0), np.ones((3, 3)))
    apart = np.subtract.outer(np.arange(side), np.arange(side))
    blurs = [np.exp(-0.5 * (apart / (wider * LIGHT_PX)) ** 2) for wider in WIDER]
    made = (CHANNELS, skin, pooled, folded, *(blur / blur.sum(axis=1).max() for blur in blurs))
    return tuple(np.ascontiguousarray(table, np.float32) for table in made)


@lru_cache(maxsize=1)
def on_face() -> np.ndarray:
    """(T, T / 2) bool: the numbers of a folded texture that lie on the mesh."""
    _, _, rows, columns, *_ = constants()
    return np.asarray(rows @ _mesh_texels()[0].astype(np.float32) @ columns > 0.5)


def num_values() -> int:
    """How many numbers :func:`describe` gives."""
    return len(CHANNELS) * int(on_face().sum()) + NUM_SHAPE


def texels(points: np.ndarray, size: int) -> np.ndarray:
    """(T', T', 3) float32: where each pixel of the texture lies in a crop of ``size`` px, -1..1 from edge to edge, and how well it is
    seen, 0..1."""
    mesh = face_mesh()
    inside, ids, weights = _mesh_texels()
    points = np.asarray(points, np.float64)
    frontal = _frontal_areas() * HeadFrame.of(points).px_per_cm ** 2
    turned = -signed_areas(points, mesh.triangles) / frontal
    seen = np.clip((turned - SEEN[0]) / (SEEN[1] - SEEN[0]), 0, 1)
    where = np.zeros((TEXTURE_PX, TEXTURE_PX, 3), np.float32)
    where[inside, :2] = np.einsum("nk,nkc->nc", weights, points[mesh.triangles[ids]]) * (2 / size) - 1
    where[inside, 2] = seen[ids]
    return where


@lru_cache(maxsize=1)
def _mesh_texels() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """On the mesh (T', T') bool; of those pixels the triangle and its corners' weights (N, 3)."""
    mesh, window = face_mesh(), Window(0, 0, TEXTURE_PX, TEXTURE_PX)
    inside, ids, weights = locate(mesh.uv.astype(np.float64) * TEXTURE_PX, window, mesh.triangles, mesh.neighbours)
    return inside, ids, np.ascontiguousarray(weights.T)


@lru_cache(maxsize=1)
def _frontal_areas() -> np.ndarray:
    head = canonical_vertices_cm()[:, :2] * (1, -1)
    return -signed_areas(head, face_mesh().triangles)


def _shrunk(image: np.ndarray) -> np.ndarray:
    method = cv2.INTER_AREA if len(image) > CROP_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(image, np.float32), (CROP_PX, CROP_PX), interpolation=method))
