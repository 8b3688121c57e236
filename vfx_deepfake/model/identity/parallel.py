"""Training on several processes, one a GPU: started by ``torchrun``, silent where there is one process only.

Every process draws the same batch and works on its own share of it; gradients are averaged before each update, so that
all hold the same weights. Nothing else is exchanged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model.loop import pick_device

T = TypeVar("T")


@contextmanager
def processes(device: str) -> Iterator[torch.device]:
    """Join the other processes of ``torchrun`` for the duration, if there are any; gives the device of this one.

    device as of [train]: auto and cuda take the GPU of this process's number on its host.
    Raises: TrainError for a GPU that is not there.
    """
    picked = pick_device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or not dist.is_available() or dist.is_initialized():
        yield picked
        return
    if picked.type == "cuda":
        picked = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(picked)
    dist.init_process_group("nccl" if picked.type == "cuda" else "gloo")
    try:
        yield picked
    finally:
        dist.destroy_process_group()


def count() -> int:
    """Processes that train together."""
    return dist.get_world_size() if _together() else 1


def first() -> bool:
    """True in the one process that writes files and reports."""
    return not _together() or dist.get_rank() == 0


def share(batch: Sequence[T]) -> Sequence[T]:
    """This process's part of a batch; parts have one size.

    Raises: TrainError for a batch that can't be shared out evenly.
    """
    if count() == 1:
        return batch
    if len(batch) % count():
        raise TrainError(
            f"train.batch_size is {len(batch)} and {count()} processes share it: use a multiple of {count()}"
        )
    size = len(batch) // count()
    return batch[dist.get_rank() * size : (dist.get_rank() + 1) * size]


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over the processes; one message for all of them."""
    if count() == 1:
        return
    parameters = list(parameters)
    # a parameter that only another process used still takes part
    gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= count()
    for parameter, part in zip(parameters, flat.split([one.numel() for one in parameters]), strict=True):
        parameter.grad = part.reshape(parameter.shape)


def average(value: Tensor) -> Tensor:
    """The mean of a value over the processes."""
    if count() == 1:
        return value
    value = value.detach().clone()
    dist.all_reduce(value)
    return value / count()


def wait() -> None:
    """Until every process is here."""
    if _together():
        dist.barrier()


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()
