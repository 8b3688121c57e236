"""A small network that tells real patches from made ones, for texture that no averaged difference asks for.

Off unless asked for. It learns beside the method, with an optimiser of its own, on every few steps only; its weights are
part of a run's state and of no checkpoint.

Source: patches by Isola et al. 2017, hinge loss by Lim and Ye 2017, spectral norm by Miyato et al. 2018.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vfx_deepfake.model.identity import parallel
from vfx_deepfake.model.loop import moments, to_moments, under

WIDTH, HALVINGS = 24, 3  # a patch is 38 px wide
LEARN_EVERY = 2  # steps
RATE = 4e-4


class Patches(nn.Module):
    """(B, 3, H, W) log to (B, 1, about H / 8, about W / 8): above 0 looks real."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        widths = [3, *(width * 2**level for level in range(HALVINGS))]
        halving = [nn.Conv2d(widths[i], widths[i + 1], 4, 2, padding=1) for i in range(HALVINGS)]
        self.layers = nn.ModuleList(spectral_norm(layer) for layer in halving)
        self.leave = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, picture: Tensor) -> Tensor:
        """Judge each patch."""
        out = 4 * (picture - 0.4)
        for layer in self.layers:
            out = F.leaky_relu(layer(out), 0.2)
        return self.leave(out)


class Adversary:
    """The judge and how it learns.

    ``share`` is how much :meth:`loss` counts in the method's own loss: a hundredth is much.
    """

    def __init__(self, share: float, device: torch.device, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = Patches().to(device)
        self.share = share
        self._optimiser = torch.optim.Adam(self.network.parameters(), lr=RATE, betas=(0.5, 0.99))

    def loss(self, made: Tensor, real: Tensor, matte: Tensor, step: int) -> Tensor:
        """What the method adds to its loss; every LEARN_EVERY steps the judge learns first.

        Shapes: made, real (B, 3, H, W) log, of the same faces or of others; matte (B, 1, H, W), outside it nothing counts.
        """
        made, real, matte = made.float(), real.float(), matte.float()
        with torch.autocast(made.device.type, enabled=False):
            made, real = (0.4 + matte * (picture - 0.4) for picture in (made, real))
            if step % LEARN_EVERY == 0:
                self._learn(made.detach(), real.detach())
            for parameter in self.network.parameters():
                parameter.requires_grad_(False)
            self.network.eval()  # the power iteration of the spectral norm belongs to learning
            loss = -self.network(made).mean()
            for parameter in self.network.parameters():
                parameter.requires_grad_(True)
        return self.share * loss

    def _learn(self, made: Tensor, real: Tensor) -> None:
        self.network.train()
        with torch.enable_grad():
            loss = F.relu(1 - self.network(real)).mean() + F.relu(1 + self.network(made)).mean()
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
        parallel.average_gradients(self.network.parameters())
        self._optimiser.step()

    def state(self) -> dict[str, Tensor]:
        """All it needs to go on, as tensors by name."""
        weights = {f"weight.{name}": tensor for name, tensor in self.network.state_dict().items()}
        return weights | {f"optimiser.{name}": tensor for name, tensor in moments(self._optimiser).items()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Give back what :meth:`state` took."""
        self.network.load_state_dict(under("weight.", tensors))
        to_moments(self._optimiser, under("optimiser.", tensors))
