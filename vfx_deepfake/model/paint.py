"""What an artist's painted frame does to its plate: where things moved, how they look now, where anything changed.

A de-aged frame is not only lighter or darker: lips, lids, brows and jaw have moved. Adding the plain difference to
another frame would double every edge that moved. So the change is split in two,

    painted(x) = plate(x + shift(x)) + look(x)

with a smooth ``shift``; both parts are carried to other frames on their own (:mod:`vfx_deepfake.model.propagate`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import dense_flow, matching_grey

REFERENCE_FACE_PX = 320.0  # face width at which the pixel sizes of this package were measured
SHIFT_SMOOTHNESS = 80.0  # DIS alpha; shape changes are smooth, painted wrinkles are not
SHIFT_BLUR_PX = 4.0
EDGE_PX = 9  # the painting's border is not trusted for matching this deep
CHANGE_BLUR_PX = 2.0
WIDE_BLUR_PX = 8.0  # above it a blur loses nothing on half the pixels
CHANGE_LOW, CHANGE_LOW_MAX = 0.003, 0.012  # log; below is noise, not paint
QUIET_SHARE = 25.0  # percentile of the change that is taken for the noise of an unpainted area
SUPPORT_CLOSE_PX = 20.0  # holes in the painted area up to twice this wide are filled
SUPPORT_GROW_PX, SUPPORT_FEATHER_PX = 9.0, 5.0


@dataclass(frozen=True, eq=False)
class Crop:
    """One frame's pixels round the face.

    image_log (h, w, 3) float32 degrained and log encoded, covering ``window``; points (P, 2) plate px;
    scale: the face's width over REFERENCE_FACE_PX, by which filter sizes grow.
    """

    frame: int
    window: Window
    image_log: np.ndarray
    points: np.ndarray
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class PaintedKey:
    """A painted frame, taken apart.

    painted (h, w, C): the painting itself, log RGB or a 1-channel roto matte. valid (h, w) 0..1: where there is one.
    shift (h, w, 2) px: see the module's docstring; 0 for a roto matte. The look follows from painting, plate and shift.
    support (h, w) 0..1: where the artist changed anything.
    """

    crop: Crop
    painted: np.ndarray
    valid: np.ndarray
    shift: np.ndarray
    support: np.ndarray

    @property
    def frame(self) -> int:
        """The painted frame's number."""
        return self.crop.frame

    @property
    def is_matte(self) -> bool:
        """True for painted roto."""
        return self.painted.shape[2] == 1


def face_scale(points: np.ndarray) -> float:
    """Face width over REFERENCE_FACE_PX, held within what the filters were made for."""
    width = float(np.nanmax(points[:, 0]) - np.nanmin(points[:, 0]))
    return float(np.clip(width / REFERENCE_FACE_PX, 0.25, 8.0))


def blur(image: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian blur, edges repeated; shapes and type stay. Wide ones work on a smaller copy, a quarter of the time."""
    if sigma_px <= WIDE_BLUR_PX or min(image.shape[:2]) < 4 * sigma_px:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.float32)
    height, width = image.shape[:2]
    half = cv2.resize(image, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(blur(half, sigma_px / 2), (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 at ``low``, 1 at ``high``, smooth in between (a cubic with flat ends)."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def take_apart(crop: Crop, painted: np.ndarray, valid: np.ndarray) -> PaintedKey:
    """Find a painting's shift and support.

    Shapes: painted (h, w, 3) log or (h, w, 1) roto, valid (h, w) 0..1, both covering the crop's window.
    Raises: ValueError where the shapes differ.
    """
    if painted.shape[:2] != crop.window.shape or valid.shape != crop.window.shape or painted.shape[2] not in (1, 3):
        raise ValueError(f"frame {crop.frame}: painting {painted.shape} does not fit a crop of {crop.window.shape}")
    valid = np.asarray(valid, np.float32)
    if painted.shape[2] == 1:
        painted = (np.clip(painted, 0, 1) * valid[..., None]).astype(np.float32)
        return PaintedKey(crop, painted, valid, np.zeros((*valid.shape, 2), np.float32), valid)
    painted = np.where(valid[..., None] > 0, painted, crop.image_log).astype(np.float32)
    return PaintedKey(crop, painted, valid, _shift(crop, painted, valid), _support(crop, painted, valid))


def _shift(crop: Crop, painted: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Smooth motion from the painting to its own plate, 0 where there is no painting."""
    flow = dense_flow(matching_grey(painted), matching_grey(crop.image_log), SHIFT_SMOOTHNESS, finest_scale=1)
    inner = cv2.erode(valid, np.ones((EDGE_PX, EDGE_PX), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return blur(flow, SHIFT_BLUR_PX * crop.scale) * blur(inner, SHIFT_BLUR_PX * crop.scale)[..., None]


def _support(crop: Crop, painted: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Soft matte of what was painted, grown a little so that its edge lies outside the change."""
    change = blur(np.abs(painted - crop.image_log).max(axis=2), CHANGE_BLUR_PX * crop.scale)
    inside = change[valid > 0.5]
    quiet = float(np.percentile(inside, QUIET_SHARE)) if inside.size else 0.0
    low = float(np.clip(2 * quiet, CHANGE_LOW, CHANGE_LOW_MAX))
    support = ramp(change, low, 2 * low) * (valid > 0)
    wide = cv2.dilate(support, _disc((SUPPORT_CLOSE_PX + SUPPORT_GROW_PX) * crop.scale))
    grown = cv2.erode(wide, _disc(SUPPORT_CLOSE_PX * crop.scale), borderType=cv2.BORDER_REPLICATE)
    soft = blur(np.asarray(grown, np.float32), SUPPORT_FEATHER_PX * crop.scale) * valid
    return np.asarray(np.clip(soft, 0, 1), np.float32)


def _disc(radius_px: float) -> np.ndarray:
    side = 2 * max(round(radius_px), 1) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
