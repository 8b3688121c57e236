"""What every training loop shares: rate, precision, device, and when to stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.settings import TrainSpec

WARM_UP_STEPS = 50
LAST_RATE = 0.02  # of the peak learning rate, at the last step
WEIGHT_DECAY = 1e-3
MOST_GRADIENT = 1.0  # norm
AVERAGE_DECAY = 0.995  # of the running mean of the weights that render uses
PRECISIONS = ("auto", "float32", "bfloat16")

OnStep = Callable[[int, float], None]


def learning_rate(spec: TrainSpec, step: int) -> float:
    """A short warm-up, then half a cosine down to LAST_RATE of the peak."""
    fall = 0.5 * (1 + math.cos(math.pi * step / spec.steps))
    return spec.learning_rate * min(1.0, step / WARM_UP_STEPS) * (LAST_RATE + (1 - LAST_RATE) * fall)


def check_finite(step: int, loss: float, gradient: float, folder: Path) -> None:
    """Stop before an update that would spoil the weights.

    Raises: TrainError naming the step and the checkpoint that is good.
    """
    if math.isfinite(loss) and math.isfinite(gradient):
        return
    newest = checkpoint.latest(folder)
    good = f"{newest.name} is good" if newest else "nothing was saved yet"
    raise TrainError(
        f"step {step}: loss is {loss}, gradient {gradient}; stopped before the update, {good}; "
        "lower train.learning_rate, or look for NaN in plate and painted frames"
    )


def pick_device(name: str) -> torch.device:
    """auto is the GPU where there is one.

    Raises: TrainError for a GPU that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise TrainError(f"train.device is '{name}': this host has no CUDA GPU; set it to auto or cpu")
    return torch.device(name)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Mixed precision as asked for.

    Raises: TrainError for an unknown name.
    """
    if precision not in PRECISIONS:
        raise TrainError(f"precision is '{precision}'; choose one of {', '.join(PRECISIONS)}")
    if precision == "float32" or (precision == "auto" and device.type == "cpu"):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def average_decay(step: int) -> float:
    """Of the running mean of the weights: short at first, so that the first weights are soon forgotten."""
    return min(AVERAGE_DECAY, 1 - 1 / (step + 1))


def moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers, as tensors by name."""
    state = optimiser.state_dict()["state"]
    return {f"{i}.{name}": torch.as_tensor(value) for i, values in state.items() for name, value in values.items()}


def to_moments(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser back what :func:`moments` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, kind = name.partition(".")
        state.setdefault(int(index), {})[kind] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose name starts with ``prefix``, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
