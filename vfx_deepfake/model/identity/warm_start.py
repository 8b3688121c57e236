"""Starting a network from the weights of another: what fits is taken over, and said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint

LEAST_SHARE = 0.25  # of the trained numbers; a start that fits less is no start. Assumed


@dataclass(frozen=True)
class Taken:
    """What a start gave: tensors taken, names left as they were, and the share of the trained numbers that was taken."""

    taken: tuple[str, ...]
    left: tuple[str, ...]
    share: float

    def __str__(self) -> str:
        return f"{len(self.taken)} of {len(self.taken) + len(self.left)} tensors, {self.share:.0%} of the weights"


@torch.no_grad()
def load_into(network: nn.Module, path: Path) -> Taken:
    """Copy into ``network`` what training changes and what has the same name, shape and kind of number in the checkpoint ``path``.

    Buffers stay: they hold what was solved from the identity's own crops and from a shot.
    Raises: TrainError when the file can't be used, or fits less than LEAST_SHARE of the weights.
    """
    tensors = checkpoint.read(path).tensors
    taken, left, numbers, total = [], [], 0, 0
    for name, weight in network.named_parameters():
        total += weight.numel()
        found = tensors.get(name)
        if found is None or found.shape != weight.shape or found.is_floating_point() != weight.is_floating_point():
            left.append(name)
            continue
        weight.copy_(found)
        taken.append(name)
        numbers += weight.numel()
    share = numbers / max(total, 1)
    if share < LEAST_SHARE:
        raise TrainError(
            f"{path}: fits {share:.0%} of the network's weights, too little to start from; give one of the same method and "
            "[identity].capacity, or set [identity].warm_start = 'none'"
        )
    return Taken(tuple(taken), tuple(left), share)
