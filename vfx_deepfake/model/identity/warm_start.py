"""Starting a network from the weights of another: what fits is taken over, and said."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.header import read_header
from vfx_deepfake.model.identity.method import Method

_FLOATING = ("F64", "F32", "F16", "BF16")
LEAST_SHARE = 0.5  # of the numbers that could be taken; a start that fits less is no start. Assumed


@dataclass(frozen=True)
class Taken:
    """What a start gives: names taken, names left as they were, and the share of what could have been taken."""

    taken: tuple[str, ...]
    left: tuple[str, ...]
    share: float

    def __str__(self) -> str:
        return (
            f"{len(self.taken)} of {len(self.taken) + len(self.left)} tensors, {self.share:.0%} of what could be taken"
        )


def shared_of(method: Method) -> tuple[str, ...] | None:
    """Names of the weights that belong to nobody in particular; None where the method does not tell."""
    names = getattr(method, "shared_names", None)
    return tuple(names()) if names is not None else None


def fitting(
    network: nn.Module, path: Path, shared: Collection[str] | None = None, identities: Iterable[str] = ()
) -> Taken:
    """What ``network`` could take from the checkpoint ``path``; only its header is read.

    Weights (no buffers: they hold what was solved from an identity's own crops and from a shot) of the same name and shape. Those of
    an identity, which are all but the ``shared`` ones, only where the checkpoint makes one of ``identities``.
    Raises: TrainError when the file can't be used.
    """
    notes = checkpoint.read_notes(path)
    entries = read_header(path).entries
    known = bool(set(identities) & set(map(str, notes.get("identities", ()))))
    taken: list[str] = []
    left: list[str] = []
    numbers, total = 0, 0
    for name, weight in network.named_parameters():
        if not known and shared is not None and name not in shared:
            left.append(name)
            continue
        total += weight.numel()
        fits = name in entries and entries[name].shape == tuple(weight.shape) and entries[name].dtype in _FLOATING
        (taken if fits else left).append(name)
        numbers += weight.numel() if fits else 0
    return Taken(tuple(taken), tuple(left), numbers / max(total, 1))


@torch.no_grad()
def load_into(
    network: nn.Module, path: Path, shared: Collection[str] | None = None, identities: Iterable[str] = ()
) -> Taken:
    """Copy into ``network`` what :func:`fitting` names.

    Raises: TrainError when the file can't be used, or fits less than LEAST_SHARE.
    """
    found = fitting(network, path, shared, identities)
    if found.share < LEAST_SHARE:
        raise TrainError(
            f"{path}: fits {found.share:.0%} of the weights to be taken, too little to start from; give one of the same method and "
            "[identity].capacity, or set [identity].warm_start = 'none'"
        )
    tensors, weights = checkpoint.read(path).tensors, dict(network.named_parameters())
    for name in found.taken:
        weights[name].copy_(tensors[name])
    return found
