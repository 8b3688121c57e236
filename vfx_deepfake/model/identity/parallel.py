"""Training on several processes, one a GPU: started by ``torchrun``, silent where there is one process only.

Every process draws the same batch and works on its own share of it; gradients are averaged before each update, so that
all hold the same weights. Nothing else is exchanged but a few words of the first process, before and after.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from vfx_deepfake.errors import RetryError, TrainError
from vfx_deepfake.model.identity.launch import processes_started
from vfx_deepfake.model.loop import pick_device

T = TypeVar("T")
PATIENCE = dt.timedelta(
    days=1
)  # the others wait while the first adapts and writes; a process that dies is noticed at once
SECONDS_BETWEEN_LOOKS = 0.2


@contextmanager
def processes(device: str) -> Iterator[torch.device]:
    """Join the other processes of ``torchrun`` for the duration, if there are any; gives the device of this one.

    device as of [train]: auto and cuda take the GPU of this process's number on its host.
    Raises: TrainError for a GPU that is not there.
    """
    picked = pick_device(device)
    if processes_started() == 1 or not dist.is_available() or dist.is_initialized():
        yield picked
        return
    if picked.type == "cuda":
        picked = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        if picked.index >= torch.cuda.device_count():
            raise TrainError(
                f"this host has {torch.cuda.device_count()} GPUs; start no more processes on it than that "
                "(torchrun --nproc-per-node)"
            )
        torch.cuda.set_device(picked)
    store, rank, size = _meeting()
    with _together_or_not_at_all():
        dist.init_process_group(
            "nccl" if picked.type == "cuda" else "gloo", store=store, rank=rank, world_size=size, timeout=PATIENCE
        )
    try:
        yield picked
    finally:
        dist.destroy_process_group()


class Messages:
    """What the first process tells the others, in order: plain data, kept by torchrun until they listen."""

    def __init__(self) -> None:
        with _together_or_not_at_all():
            self._store = _meeting()[0]
        self._count = 0

    def tell(self, message: Mapping[str, Any]) -> None:
        """Say something to all others; the first process alone does.

        Raises: RetryError when torchrun is gone.
        """
        with _together_or_not_at_all():
            self._store.set(f"message/{self._count}", json.dumps(message))
        self._count += 1

    def hear(self, seconds: float = math.inf) -> dict[str, Any] | None:
        """The next message; None when none comes in time.

        Raises: RetryError when torchrun is gone.
        """
        name, until = f"message/{self._count}", time.monotonic() + seconds
        with _together_or_not_at_all():
            while not self._store.check([name]):
                if time.monotonic() >= until:
                    return None
                time.sleep(SECONDS_BETWEEN_LOOKS)  # and not the store's own wait, which no signal ends
            message: dict[str, Any] = json.loads(self._store.get(name))
        self._count += 1
        return message


@cache
def _meeting() -> tuple[dist.Store, int, int]:
    """The store that torchrun's processes share, the number of this one, and how many there are."""
    store, rank, size = next(dist.rendezvous("env://"))
    return store, rank, size


@contextmanager
def _together_or_not_at_all() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise RetryError(
            "another process of this training has ended; see what it said, then run the same command again"
        ) from error


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
    with _together_or_not_at_all():
        dist.all_reduce(flat)
    flat /= count()
    for parameter, part in zip(parameters, flat.split([one.numel() for one in parameters]), strict=True):
        parameter.grad = part.reshape(parameter.shape)


def average(value: Tensor) -> Tensor:
    """The mean of a value over the processes."""
    if count() == 1:
        return value
    value = value.detach().clone()
    with _together_or_not_at_all():
        dist.all_reduce(value)
    return value / count()


def wait() -> None:
    """Until every process is here."""
    if _together():
        with _together_or_not_at_all():
            dist.barrier()


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()
