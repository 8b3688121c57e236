"""The smallest identity method: two convolutions that learn to paint noise a little brighter."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vfx_deepfake.model.identity import parallel
from vfx_deepfake.model.identity.adversary import Adversary
from vfx_deepfake.model.identity.losses import l1
from vfx_deepfake.model.identity.method import Drive, Made, ShotViews, View

SIZE = 16


class Network(nn.Module):
    level: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter, self.leave = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)
        self.register_buffer("level", torch.zeros(()))

    def forward(self, picture: Tensor) -> Tensor:
        return self.leave(torch.relu(self.enter(picture)))


class Painter:
    """Implements Method; ``spoilt_at`` gives a loss that is no number at that step."""

    def __init__(
        self, adversary: Adversary | None = None, *, seed: int = 1, width: int = 4, spoilt_at: int = 0
    ) -> None:
        torch.manual_seed(seed)
        self.network: nn.Module = Network(width)
        self.adversary, self.adapted_at = adversary, [""] * 0
        self._seed, self._width, self._spoilt_at = seed, width, spoilt_at

    def design(self) -> dict[str, Any]:
        return {"width": self._width}

    def step_loss(self, step: int) -> Tensor:
        rng = np.random.default_rng((self._seed, step))
        pictures = torch.from_numpy(rng.random((4, 3, SIZE, SIZE), np.float32))
        mine = torch.stack([pictures[index] for index in parallel.share(range(4))])
        made, ones = self.network(mine), torch.ones_like(mine[:, :1])
        loss = l1(made, mine + 0.1, ones)
        if self.adversary is not None:
            loss = loss + self.adversary.loss(made, mine + 0.1, ones, step)
        return loss * (float("nan") if step == self._spoilt_at else 1.0)

    def adapt(self, shot: ShotViews) -> None:
        self.adapted_at.append("averaged" if not self.network.training else "in training")
        level = self.network.get_buffer("level")
        level.fill_(float(np.mean([shot.view(frame).image_log.mean() for frame in shot.frames])))

    def make(self, view: View, drive: Drive) -> Made:
        return Made(view.image_log, view.valid, view.valid)

    def sheet(self) -> np.ndarray:
        return np.full((8, 8, 3), 0.4, np.float32)


def plate(level: float) -> ShotViews:
    """A shot of two flat frames."""
    picture = np.full((SIZE, SIZE, 3), level, np.float32)
    view = View(picture, np.zeros((478, 2), np.float32), np.zeros(3, np.float32), picture[..., 0])
    return ShotViews([1001, 1002], lambda frame: view)
