"""The aligned crop: a square that holds the same part of the head at the same size, whichever way the head looks.

A similarity fitted to points in the picture shrinks a turned head's crop, because its points lie closer together. Here
the canonical head is seen through an affine camera fitted to points that move little with expression: its scale is that
of the head, not of its outline, and its anchor lies inside the head, so that a profile stays in the middle too.

The same functions align facesets and plates: training and rendering see the same geometry. Matrices are (2, 3), from
picture pixels to crop pixels, pixel centres at .5 on both sides.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.face.pose import STABLE, angles
from vfx_deepfake.face.topology import canonical_vertices_cm
from vfx_deepfake.image.crop import Window

SIDE_CM = 23.0  # of the crop on the canonical head: hairline, ears and a dropped jaw fit, with some air. Assumed
ANCHOR_CM = (
    0.0,
    -0.9,
    2.5,
)  # canonical point in the middle of the crop: half-way from hairline to dropped jaw, nose to ear
LEAST_PX_PER_CM = 1e-3  # points that coincide show no face
MOST_SAMPLES = 16  # samples a side and pixel when a large picture is shrunk
_FLIP = (1.0, -1.0, -1.0)  # canonical axes (y up, z to the camera) to camera axes (y down, z away)


def align_matrix(points: np.ndarray, size: int) -> np.ndarray:
    """The similarity that puts a face upright into a square crop.

    Shapes: points (478, 2) picture px; size is the crop's side, px. Returns (2, 3) float32.
    Raises: ValueError for points that are not finite or coincide.
    """
    axes, origin = _affine_camera(points)
    scale = float(np.linalg.svd(axes, compute_uv=False).mean()) if np.isfinite(axes).all() else 0.0
    if scale < LEAST_PX_PER_CM:
        raise ValueError("the points of the face coincide or are not finite; they show no face")
    right, down = complex(*axes[:, 0]), complex(*-axes[:, 1])
    turn = right - 1j * down  # whichever axis is foreshortened says less about what is upright
    upright = np.conj(turn) / max(abs(turn), 1e-9) * (size / SIDE_CM / scale)
    linear = np.array([[upright.real, -upright.imag], [upright.imag, upright.real]])
    centre = axes @ np.array(ANCHOR_CM) + origin
    return np.concatenate([linear, (size / 2 - linear @ centre)[:, None]], axis=1).astype(np.float32)


def aligned_pose(points: np.ndarray) -> np.ndarray:
    """Yaw, pitch and roll of a face, degrees, as :func:`vfx_deepfake.face.pose.head_pose` counts them, without a lens.

    A weak-perspective fit: it needs no camera, so that a face has the same pose in the plate and in any crop.
    Shapes: points (478, 2) px of any picture. Returns (3,) float32, NaN where the points fit no pose.
    """
    if not np.isfinite(points).all():
        return np.full(3, np.nan, np.float32)
    axes, _ = _affine_camera(points)
    left, _, right = np.linalg.svd(axes * _FLIP, full_matrices=False)
    rows = left @ right
    return angles(np.vstack([rows, np.cross(rows[0], rows[1])]))


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 2) through a (2, 3) matrix: picture px to crop px."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def inverted(matrix: np.ndarray) -> np.ndarray:
    """The (2, 3) float64 matrix back: crop px to picture px."""
    back = np.linalg.inv(np.asarray(matrix[:, :2], np.float64))
    return np.concatenate([back, (-back @ matrix[:, 2])[:, None]], axis=1)


def source_scale(matrix: np.ndarray) -> float:
    """Picture pixels per crop pixel: above 1 the crop is a shrunk picture, below 1 an enlarged one."""
    return float(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2].astype(np.float64)))))


def source_window(matrix: np.ndarray, size: int) -> Window:
    """The window of picture pixels that the crop and its interpolation look at."""
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)], np.float64)
    return Window.around(moved(corners, inverted(matrix))).expand(4)


def warp_to_crop(image: np.ndarray, window: Window, matrix: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut the aligned crop out of a picture in the model encoding.

    Shapes: image (h, w, c) float32, log, covering ``window``; matrix as :func:`align_matrix`. Returns the crop
    (size, size, c) float32 and valid (size, size) float32, 1 where the picture reaches; beyond it the edge is repeated.
    """
    crop = resample(image, window, inverted(matrix), Window(0, 0, size, size))
    inside = np.pad(np.ones(window.shape, np.float32), 1)  # a rim of nothing round the picture, which goes on for ever
    reach = resample(inside[..., None], window.expand(1), inverted(matrix), Window(0, 0, size, size), sharp=False)
    return crop, np.ascontiguousarray(reach[..., 0])


def warp_from_crop(image: np.ndarray, matrix: np.ndarray, window: Window) -> np.ndarray:
    """Lay a crop back onto picture pixels.

    Shapes: image (S, S, c) float32; matrix as :func:`align_matrix` for size S. Returns (h, w, c) float32 over ``window``;
    outside the crop its edge is repeated: a matte keeps it from being seen.
    """
    return resample(image, Window.of_image(image), np.asarray(matrix, np.float64), window)


def resample(
    image: np.ndarray, window: Window, matrix: np.ndarray, target: Window, *, sharp: bool = True
) -> np.ndarray:
    """A picture seen through a similarity, averaged over each pixel's area where it shrinks.

    Shapes: image (h, w, c) covering ``window``; matrix (2, 3) from target px to image px. Returns (h', w', c) float32 over
    ``target``. ``sharp`` takes Lanczos over 8 x 8 pixels, held between the extremes of the 3 x 3 pixels around, so that
    nothing rings; else bilinear, for mattes.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    samples = int(np.clip(np.ceil(scale - 1e-3), 1, MOST_SAMPLES))
    columns = target.x + (np.arange(target.width * samples) + 0.5) / samples
    rows = target.y + (np.arange(target.height * samples) + 0.5) / samples
    x = (matrix[0, 0] * columns + (matrix[0, 1] * rows + matrix[0, 2])[:, None] - window.x - 0.5).astype(np.float32)
    y = (matrix[1, 0] * columns + (matrix[1, 1] * rows + matrix[1, 2])[:, None] - window.y - 0.5).astype(np.float32)
    picture = np.ascontiguousarray(image, np.float32)
    drawn = _drawn(picture, x, y, cv2.INTER_LANCZOS4 if sharp else cv2.INTER_LINEAR)
    if sharp:
        square = np.ones((3, 3), np.uint8)
        low, high = cv2.erode(picture, square), cv2.dilate(picture, square)
        drawn = np.clip(drawn, _drawn(low, x, y, cv2.INTER_NEAREST), _drawn(high, x, y, cv2.INTER_NEAREST))
    if samples > 1:
        drawn = cv2.resize(drawn, (target.width, target.height), interpolation=cv2.INTER_AREA)
    return drawn.reshape(*target.shape, image.shape[2])


def _drawn(picture: np.ndarray, x: np.ndarray, y: np.ndarray, kernel: int) -> np.ndarray:
    return np.asarray(cv2.remap(picture, x, y, kernel, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _affine_camera(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axes (2, 3), px per canonical cm, and the pixel (2,) of the canonical origin, by least squares over STABLE."""
    solved = _solver() @ np.asarray(points, np.float64)[list(STABLE)]
    return np.ascontiguousarray(solved[:3].T), solved[3]


@lru_cache(maxsize=1)
def _solver() -> np.ndarray:
    """(4, S): points to camera, the pseudo-inverse of the canonical points with a column of ones."""
    head = canonical_vertices_cm()[list(STABLE)]
    return np.linalg.pinv(np.concatenate([head, np.ones((len(head), 1))], axis=1))
