"""Losses, unreduced or averaged under a mask; pure functions of tensors.

Shapes: pictures (B, C, H, W) float32, log encoded or 0..1 for mattes; masks (B, 1, H, W) 0..1. Every averaged loss is a
scalar; an empty mask gives 0 with a zero gradient, never NaN.
"""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of values under a mask, over channels too; the divisor is guarded before dividing."""
    weight = mask.expand_as(values)
    return (values * weight).sum() / weight.sum().clamp_min(1.0)


def l1(result: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference."""
    return masked_mean((result - wanted).abs(), mask)


def gradient_l1(result: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of the finite differences in x and y: edges and texture, whatever the level.

    A difference counts where both of its pixels lie under the mask.
    """
    error = result - wanted
    across = masked_mean((error[..., 1:] - error[..., :-1]).abs(), mask[..., 1:] * mask[..., :-1])
    down = masked_mean((error[..., 1:, :] - error[..., :-1, :]).abs(), mask[..., 1:, :] * mask[..., :-1, :])
    return across + down


def agreement(first: Tensor, second: Tensor, flow: Tensor, mask: Tensor) -> Tensor:
    """How much two frames differ once the second is moved onto the first.

    flow (B, 2, H, W): pixel x of ``first`` is found at x + flow(x) in ``second``; what lies outside does not count.
    """
    moved, seen = move(second, flow)
    return masked_mean((first - moved).abs(), mask * seen)


def move(picture: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """A picture sampled bilinearly along a flow in pixels, and (B, 1, H, W) 1 where the sample lies inside it."""
    from kornia.geometry.transform import remap  # slow to load, and only training moves pictures

    height, width = picture.shape[-2:]
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=flow.dtype, device=flow.device),
        torch.arange(width, dtype=flow.dtype, device=flow.device),
        indexing="ij",
    )
    x, y = columns + flow[:, 0], rows + flow[:, 1]
    moved = remap(picture, x, y, mode="bilinear", padding_mode="border", align_corners=True)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return moved, inside[:, None].to(picture.dtype)
