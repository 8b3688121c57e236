"""Checkpoints of a training run: safetensors only, whole or not at all.

``checkpoint_########.safetensors`` holds the weights that render uses, with the settings as text metadata;
``state_########.safetensors`` holds what training needs to go on as if it had never stopped: raw weights, optimiser and
random states. The checkpoint is written last, so a step counts as saved when its checkpoint exists. Nothing is ever
unpickled.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vfx_deepfake.errors import TrainError
from vfx_deepfake.files import written_aside
from vfx_deepfake.model import header

FORMAT = "refiner/1"
METADATA = "vfx_deepfake"
KEPT = 3  # newest steps that stay on disk
_SPARE_NUMBERS = 1 << 24  # for tables that a network makes and no file holds; 64 MiB
_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
_ADVICE = "remove it to go on from the checkpoint before, or train again"
_NAME = re.compile(r"checkpoint_(\d{8})\.safetensors")


@dataclass(frozen=True, eq=False)
class Saved:
    """What a file holds: tensors by name, and the text beside them."""

    tensors: dict[str, Tensor]
    notes: dict[str, Any]


def checkpoint_path(folder: Path, step: int) -> Path:
    """The weights of one step."""
    return folder / f"checkpoint_{step:08d}.safetensors"


def state_path(folder: Path, step: int) -> Path:
    """The training state of one step."""
    return folder / f"state_{step:08d}.safetensors"


def write(path: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> None:
    """Write tensors with JSON notes; equal content gives equal bytes.

    Raises: DeliveryError when the disk refuses.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    # one entry only: safetensors writes several in no fixed order
    text = json.dumps({"format": FORMAT, "notes": dict(notes)}, sort_keys=True)
    with written_aside(path) as part:
        save_file(plain, str(part), metadata={METADATA: text})


def read(path: Path) -> Saved:
    """Read a file of ours. Nothing in it is run, and no more memory is taken than its size.

    Raises: TrainError naming the file when it is missing, damaged, no safetensors, not ours, or holds numbers that are none.
    """
    notes = read_notes(path)
    try:
        with safe_open(str(path), framework="pt") as data:
            tensors = {name: data.get_tensor(name) for name in data.keys()}  # noqa: SIM118  (no mapping)
    except (OSError, ValueError, SafetensorError) as error:
        raise _unreadable(path, error) from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise TrainError(f"{path}: '{name}' holds values that are no numbers (NaN or infinite); {_ADVICE}")
    return Saved(tensors, notes)


def read_notes(path: Path) -> dict[str, Any]:
    """The text beside the tensors of a file of ours; its numbers are not read.

    Raises: TrainError as :func:`read`.
    """
    try:
        text = header.read_header(path).metadata.get(METADATA, "{}")
        metadata = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    found = metadata.get("format") if isinstance(metadata, dict) else None
    if found != FORMAT or not isinstance(metadata.get("notes"), dict):
        raise TrainError(
            f"{path}: is a safetensors file of another kind ({str(found or 'no format named')[:40]}); "
            f"expected {FORMAT}; {_ADVICE}"
        )
    notes: dict[str, Any] = metadata["notes"]
    return notes


def _unreadable(path: Path, error: Exception) -> TrainError:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return TrainError(f"{path}: can't be read as a checkpoint ({words}); {_ADVICE}")


class _Bounded(TorchFunctionMode):
    """Refuses to reserve more numbers than a budget."""

    def __init__(self, budget: int) -> None:
        super().__init__()
        self.left = budget

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _FACTORIES:
            size = args[0] if args and isinstance(args[0], (tuple, list)) else args
            self.left -= math.prod(int(side) for side in size if isinstance(side, int))
            if self.left < 0:
                raise ValueError("its design asks for a network that is larger than the file")
        return func(*args, **(kwargs or {}))


def within(tensors: Mapping[str, Tensor]) -> AbstractContextManager[Any]:
    """While a network is built from the design that a file names: it may not be larger than the file's ``tensors``.

    Raises: ValueError, inside, before the memory is taken.
    """
    return _Bounded(_SPARE_NUMBERS + 2 * sum(tensor.numel() for tensor in tensors.values()))


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put the tensors of ``path`` into a network.

    Raises: TrainError when names, shapes or kinds of number differ.
    """
    floating = {name: tensor.is_floating_point() for name, tensor in network.state_dict().items()}
    wrong = [name for name, tensor in tensors.items() if tensor.is_floating_point() != floating.get(name)]
    try:
        if wrong:
            raise RuntimeError(f"{wrong[0]} is of another type")
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise TrainError(f"{path}: its weights do not fit the network; train again") from error


def saved_steps(folder: Path) -> list[int]:
    """Steps whose checkpoint is complete, rising."""
    if not folder.is_dir():
        return []
    found = (_NAME.fullmatch(entry.name) for entry in folder.iterdir())
    return sorted(int(match.group(1)) for match in found if match)


def latest(folder: Path) -> Path | None:
    """The newest complete checkpoint, or None."""
    steps = saved_steps(folder)
    return checkpoint_path(folder, steps[-1]) if steps else None


def forget_old(folder: Path, keep: int = KEPT) -> None:
    """Remove all but the newest ``keep`` steps; the state goes first, so that what stays can always be resumed."""
    for step in saved_steps(folder)[:-keep]:
        state_path(folder, step).unlink(missing_ok=True)
        checkpoint_path(folder, step).unlink(missing_ok=True)
