"""How each face point moves from one frame to the next, measured by dense optical flow at the plate's own pixels.

Detections are a few pixels off and shiver; flow between neighbouring frames is good to a tenth of a pixel but would
drift when summed. smooth.py joins both. Measured on the digital actor: OpenCV's DIS beat pyramidal Lucas-Kanade at
every window size (docs/experiments.md).

On the face's outline flow sees the background as well as the skin, so there it is read a little inside and trusted
less.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.face.landmarks import LUMA
from vfx_deepfake.face.topology import Mesh
from vfx_deepfake.image.crop import Window, cut

FLOW_FACE_PX = 360  # larger faces are shrunk to this for the flow; assumed, keeps 4K as fast as HD
MARGIN = 0.2  # window round both faces, a share of its size
FIELD_BLUR = (
    0.006  # the flow field is blurred by this share of the face's size; measured: less jitter, clean and grained
)
INSET = 0.06  # outline points read the flow this far inside, a share of their distance from the middle; measured
OUTLINE_REACH = 0.12  # canonical distance from the outline over which both fade; measured
FLOW_SIGMA = 0.0005  # error of the flow inside the face, a share of its size; measured 0.05 to 0.15 px on 300 px
OUTLINE_SIGMA = 0.006  # the same on the outline, where skin turns away, per frame; measured best of 0 to 0.006
DOUBT_BLUR = 0.012  # what the flow leaves unexplained is averaged over this share of the face's size
DOUBT_FREE = 2.0  # differences up to this multiple of the face's median are grain; assumed
GRADIENT_FLOOR = 3.0  # codes per pixel: in flatter skin a difference says little about the flow; assumed


@dataclass(frozen=True, eq=False)
class Step:
    """Motion of the P points over one frame: flow (P, 2) px and its weight (P,) 1 / px^2; weight 0 means unknown."""

    flow: np.ndarray
    weight: np.ndarray


def outline_share(mesh: Mesh) -> np.ndarray:
    """(P,) 1 on the mesh's outline, falling to 0 at OUTLINE_REACH inside it."""
    distance = np.linalg.norm(mesh.uv[:, None] - mesh.uv[mesh.outline][None], axis=-1).min(axis=1)
    return np.asarray(np.clip(1 - distance / OUTLINE_REACH, 0, 1))


def luma_codes(display_rgb: np.ndarray) -> np.ndarray:
    """(H, W) uint8 display luma, what the flow looks at."""
    return np.asarray((np.clip(display_rgb @ LUMA, 0, 1) * 255 + 0.5).astype(np.uint8))


def measure_step(
    here: tuple[np.ndarray, Window],
    there: tuple[np.ndarray, Window],
    points: np.ndarray,
    next_points: np.ndarray,
    outline: np.ndarray,
    gap: int = 1,
) -> Step:
    """Where each point of one frame goes in the next, ``gap`` frames later.

    Shapes: here and there (luma codes (H, W) uint8, window); points and next_points (P, 2) plate px, roughly right;
    outline (P,) from :func:`outline_share`.
    """
    face_px = float(np.ptp(points, axis=0).max())
    box = Window.around(np.concatenate([points, next_points])).expand(round(MARGIN * face_px))
    scale = min(FLOW_FACE_PX / max(face_px, 1.0), 1.0)
    first, second = (_prepared(*picture, box, scale) for picture in (here, there))
    first, second = _stretched(first, second)
    forward, backward = _flow(first, second), _flow(second, first)
    blur = FIELD_BLUR * face_px * scale
    forward, backward = (cv2.GaussianBlur(field, (0, 0), blur) for field in (forward, backward))
    middle = points.mean(axis=0)
    read_at = middle + (points - middle) * (1 - INSET * outline[:, None])
    local = (read_at - (box.x, box.y)) * scale
    moved = _sampled(forward, local)
    back = _sampled(backward, local + moved)
    mismatch = np.linalg.norm(moved + back, axis=1) / scale
    doubt = _sampled(_unexplained(first, second, forward, DOUBT_BLUR * face_px * scale), local)[:, 0] / scale
    variance = (FLOW_SIGMA * face_px) ** 2 + mismatch**2 + (OUTLINE_SIGMA * face_px * outline * gap) ** 2 + doubt**2
    return Step(moved / scale, 1 / variance)


def _prepared(luma: np.ndarray, window: Window, box: Window, scale: float) -> np.ndarray:
    pixels = cut(luma, window, box)
    size = (max(round(box.width * scale), 16), max(round(box.height * scale), 16))
    return pixels if scale == 1.0 else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _stretched(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures with one stretch to the full code range, so that dark plates have codes to compare."""
    low, high = (float(v) for v in np.quantile(np.stack([first, second]), (0.005, 0.995)))
    gain = 255 / max(high - low, 8.0)
    table = np.clip((np.arange(256) - low) * gain, 0, 255).astype(np.uint8)
    return cv2.LUT(first, table), cv2.LUT(second, table)


def _flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    return np.asarray(dis.calc(first, second, np.zeros((*first.shape, 2), np.float32)))


def _sampled(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(P, C) values of (h, w, C) at pixel positions whose centres are at .5; outside, the nearest edge."""
    x, y = ((points[:, k] - 0.5).astype(np.float32)[:, None] for k in range(2))
    found = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(len(points), -1), np.float64)


def _unexplained(first: np.ndarray, second: np.ndarray, forward: np.ndarray, blur: float) -> np.ndarray:
    """(h, w, 1) float32: how many pixels off the flow must be to leave the difference it leaves.

    A lid that closes has no counterpart in the next frame: the flow is smooth there and agrees with itself, but the carried
    picture does not match. The difference over the picture's gradient is an error in pixels.
    """
    rows, columns = np.indices(first.shape, np.float32)
    carried = cv2.remap(second, columns + forward[..., 0], rows + forward[..., 1], cv2.INTER_LINEAR)
    spread = (0, 0), max(blur, 0.5)
    difference = cv2.GaussianBlur(cv2.absdiff(first, carried).astype(np.float32), *spread)
    difference = np.maximum(difference - DOUBT_FREE * float(np.median(difference)), 0)
    smooth = cv2.GaussianBlur(first, (0, 0), 1.0).astype(np.float32)
    gradient = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 8)
    gradient = cv2.GaussianBlur(gradient, *spread)
    return np.asarray(difference / np.maximum(gradient, GRADIENT_FLOOR))[..., None]
