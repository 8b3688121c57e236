"""The identity term of a loss: a made face is asked for the features that tell people apart.

The features are those of :mod:`vfx_deepfake.faceset.likeness`, of the texture alone: a made face and the wanted one lie in the
same place of their crops, so the same landmarks serve both, and what depends on them alone is equal.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vfx_deepfake.faceset.likeness import CROP_PX, NUM_SHAPE, constants, matrix, on_face, texture_values


def likeness_loss(made: Tensor, wanted: Tensor, texels: Tensor) -> Tensor:
    """How unlike made faces are to wanted ones, 0 to 1; a half where they differ as two pictures of one person do.

    Shapes: made, wanted (B, 3, S, S) log, aligned crops; texels (B, T, T, 3), where each texel of their faces lies and how well it is
    seen (:func:`~vfx_deepfake.faceset.likeness.texels`).
    """
    with torch.autocast(made.device.type, enabled=False):
        apart = texture_features(made.float(), texels) - texture_features(wanted.float(), texels)
        square = apart.square().mean(dim=1) / 2
        return (square / (1 + square)).mean()


def texture_features(crops: Tensor, texels: Tensor) -> Tensor:
    """(B, D): what the texture of crops (B, 3, S, S), log, adds to their features; what is not seen adds nothing."""
    directions, inside, *tables = _tables(crops.device)
    planes = F.grid_sample(_shrunk(crops), texels[..., :2], padding_mode="border", align_corners=False)
    values, _ = texture_values(planes, texels[:, None, ..., 2], tuple(tables))
    return values[..., inside].flatten(1) @ directions


def _shrunk(crops: Tensor) -> Tensor:
    """As fine as the features look at them."""
    if crops.shape[-1] <= CROP_PX:
        return crops
    return F.interpolate(crops, size=(CROP_PX, CROP_PX), mode="area")


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # whoever asks first: the tables serve training too
def _tables(device: torch.device) -> tuple[Tensor, ...]:
    directions = matrix().directions[:-NUM_SHAPE]
    return tuple(
        torch.from_numpy(np.ascontiguousarray(table)).to(device) for table in (directions, on_face(), *constants())
    )


def moved_texels(texels: Tensor, grid: Tensor) -> Tensor:
    """Texels (B, T, T, 3) of a crop where that crop is seen through a grid (B, S, S, 2) that turns, grows and shifts it."""
    size = grid.shape[1]
    first, step = grid[:, 0, 0], 2 / size
    across, down = (grid[:, 0, -1] - first) / (size - 1) / step, (grid[:, -1, 0] - first) / (size - 1) / step
    start = first + (across + down) * (1 - step / 2)  # where the middle of the picture looks
    inverse = torch.linalg.inv(torch.stack([across, down], dim=-1))
    placed = (texels[..., :2] - start[:, None, None]) @ inverse[:, None].transpose(-1, -2)
    return torch.cat([placed, texels[..., 2:]], dim=-1)
