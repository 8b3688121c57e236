"""Losses of the identity methods: what a made face is judged by while it learns.

Shapes: pictures (B, C, H, W), log encoded or 0..1 for mattes; weights (B, 1, H, W), 0 where a pixel does not count. Each
picture is averaged alone and the averages are averaged, so that a batch split over several processes gives the same
loss as the whole; a picture without any weight gives 0 with a zero gradient. All of it is computed in float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.image.crop import Window

WINDOW_PX = 11  # of the structural similarity; its Gaussian has a sigma of 1.5 px at every scale's own resolution
LOG_RANGE = 1.0  # of the log encoding, for the constants of the structural similarity
EYE_WEIGHT, MOUTH_WEIGHT = 3.0, 2.0  # on top of 1; assumed
LID_ROOM, LIP_ROOM = 0.25, 0.12  # lids and lashes, corners of the mouth, as shares of their own widths; assumed


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """How much each part of :func:`picture_loss` counts."""

    l1: float = 1.0
    gradient: float = 1.0
    structure: float = 0.15  # L1 of a face that is nearly right is near 0.01, its dissimilarity near 0.1


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean under a weight, over channels too, of each picture; then the mean of those."""
    spread = weight.expand_as(values)
    sums = (values * spread).flatten(1).sum(1) / spread.flatten(1).sum(1).clamp_min(1e-6)
    return sums.mean()


def l1(result: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference."""
    return weighted_mean((result.float() - wanted).abs(), weight)


def gradient_l1(result: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of the finite differences in x and y, where both of their pixels count."""
    error = result.float() - wanted
    across = weighted_mean((error[..., 1:] - error[..., :-1]).abs(), torch.minimum(weight[..., 1:], weight[..., :-1]))
    down = (error[..., 1:, :] - error[..., :-1, :]).abs()
    return across + weighted_mean(down, torch.minimum(weight[..., 1:, :], weight[..., :-1, :]))


def structure(result: Tensor, wanted: Tensor, weight: Tensor, scales: int = 3) -> Tensor:
    """Dissimilarity of structure, 0 to 1, averaged over scales a factor of two apart.

    Each scale halves the pictures and looks through the same Gaussian window, so that its sigma is 1.5, 3, 6, ... pixels
    of the full picture. (A wider window with the same sigma would see nothing new.) Scales too coarse for the picture
    are left out.
    Source: Wang, Simoncelli, Bovik 2003, without their exponents; the similarity itself is kornia's.
    """
    from kornia.metrics import ssim  # slow to load, and only training needs it

    result, wanted, weight = result.float(), wanted.float(), weight.float()
    found = []
    for scale in range(scales):
        if scale:
            result, wanted, weight = (F.avg_pool2d(tensor, 2) for tensor in (result, wanted, weight))
        if min(result.shape[-2:]) <= WINDOW_PX // 2:
            break
        found.append(weighted_mean((1 - ssim(result, wanted, WINDOW_PX, LOG_RANGE)) / 2, weight))
    return torch.stack(found).mean()


def picture_loss(result: Tensor, wanted: Tensor, weight: Tensor, shares: Shares | None = None) -> Tensor:
    """L1, gradient and structure together, in float32 whatever the precision of the network."""
    shares = shares or Shares()
    with torch.autocast(result.device.type, enabled=False):
        loss = shares.l1 * l1(result, wanted, weight)
        if shares.gradient:
            loss = loss + shares.gradient * gradient_l1(result, wanted, weight)
        if shares.structure:
            loss = loss + shares.structure * structure(result, wanted, weight)
    return loss


def priority(points: np.ndarray, size: int, eyes: float = EYE_WEIGHT, mouth: float = MOUTH_WEIGHT) -> np.ndarray:
    """(size, size) float32: 1, and 1 + ``eyes`` or ``mouth`` round the eyes with their lids and round the mouth.

    points (478, 2) crop pixels, centres at +0.5. Edges are soft over about a tenth of the feature.
    """
    window = Window(0, 0, size, size)
    out = np.ones((size, size), np.float32)
    for region, gain, room in (("eyes", eyes, LID_ROOM), ("lips", mouth, LIP_ROOM), ("mouth", mouth, LIP_ROOM)):
        mask = region_mask(points, window, region)
        columns = np.nonzero(mask.any(axis=0))[0]
        if not len(columns):
            continue
        # two eyes: each is about a third of what both span
        width = float(np.ptp(columns) + 1) / (3 if region == "eyes" else 1)
        grown = cv2.dilate(mask, _disc(room * width))
        soft = cv2.GaussianBlur(grown, (0, 0), max(0.1 * width, 0.5))
        out = np.maximum(out, 1 + gain * soft)
    return out


def _disc(radius_px: float) -> np.ndarray:
    side = 2 * max(round(radius_px), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
