"""Ways to show a crop differently, so that a network learns the face and not the picture.

Everything is drawn from a numpy generator: equal seeds, equal pictures. What is asked of the network moves with what it is
shown: the turn, size and place of a crop are those of its truth, and only the fine warp belongs to the input alone. Both
are sampled from the original once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

TURN_DEG, SIZE_SHARE, SHIFT_SHARE = 6.0, 0.08, 0.03  # most; aligned crops vary less. Assumed
CELLS = (3, 5, 8)  # of the warp's control grid, a side
WARP_CELLS = 0.14  # standard deviation of a control point, in cells: 2 % of the crop at most
EXPOSURE_LOG, TINT_LOG = 0.03, 0.006  # standard deviations: half a stop, a tenth of one
CONTRAST_SHARE = 0.1  # most, of the input alone


@dataclass(frozen=True, eq=False)
class Grids:
    """Where each pixel looks in the original, for ``grid_sample`` with align_corners False: both (S, S, 2), -1..1."""

    straight: Tensor  # of the truth
    warped: Tensor  # of the input


def draw_grids(rng: np.random.Generator, size: int) -> Grids:
    """A turn, size and shift for both, and a smooth random warp on top for the input."""
    turn = np.deg2rad(rng.uniform(-TURN_DEG, TURN_DEG))
    scale = (1 + SIZE_SHARE) ** rng.uniform(-1, 1)
    shift = rng.uniform(-2 * SHIFT_SHARE, 2 * SHIFT_SHARE, 2)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    cells = int(rng.choice(CELLS))
    control = rng.normal(0, WARP_CELLS * 2 / cells, (2, cells + 1, cells + 1))
    warp = F.interpolate(_tensor(control)[None], size=(size, size), mode="bicubic", align_corners=True)[0]
    plain = F.affine_grid(torch.eye(2, 3)[None], [1, 1, size, size], align_corners=False)[0]
    matrix = _tensor(linear)
    straight = plain @ matrix.T + _tensor(shift)
    return Grids(straight, (plain + warp.permute(1, 2, 0)) @ matrix.T + _tensor(shift))


def sampled(planes: Tensor, grid: Tensor, padding: str = "border") -> Tensor:
    """(B, C, S, S) planes seen through (B, S, S, 2) grids; ``zeros`` for weights, which end where the picture does."""
    return F.grid_sample(planes, grid, mode="bilinear", padding_mode=padding, align_corners=False)


@dataclass(frozen=True)
class Light:
    """Another exposure and tint: ``offset`` (3,) log for truth and input, ``contrast`` for the input alone."""

    offset: np.ndarray
    contrast: float


def draw_light(rng: np.random.Generator) -> Light:
    """In log, another exposure is an offset: a network that sees many follows that of the picture it is shown."""
    offset = rng.normal(0, EXPOSURE_LOG) + rng.normal(0, TINT_LOG, 3)
    return Light(offset.astype(np.float32), float((1 + CONTRAST_SHARE) ** rng.uniform(-1, 1)))


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))
