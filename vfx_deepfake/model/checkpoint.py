"""Checkpoints of a training run: safetensors only, whole or not at all.

``checkpoint_########.safetensors`` holds the weights that render uses, with the settings as text metadata;
``state_########.safetensors`` holds what training needs to go on as if it had never stopped: raw weights, optimiser and
random states. The checkpoint is written last, so a step counts as saved when its checkpoint exists. Nothing is ever
unpickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vfx_deepfake.errors import TrainError
from vfx_deepfake.files import written_aside

FORMAT = "refiner/1"
METADATA = "vfx_deepfake"
KEPT = 3  # newest steps that stay on disk
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
    """Read a file of ours.

    Raises: TrainError naming the file when it is missing, damaged, no safetensors, or not ours.
    """
    advice = "remove it to go on from the checkpoint before, or train again"
    try:
        with safe_open(str(path), framework="pt") as data:
            metadata = json.loads((data.metadata() or {}).get(METADATA, "{}"))
            tensors = {name: data.get_tensor(name) for name in data.keys()}  # noqa: SIM118  (no mapping)
    except (OSError, ValueError, SafetensorError) as error:
        raise TrainError(f"{path}: can't be read as a checkpoint ({error}); {advice}") from error
    if metadata.get("format") != FORMAT:
        raise TrainError(
            f"{path}: is a safetensors file of another kind ({metadata.get('format', 'no format named')}); "
            f"expected {FORMAT}; {advice}"
        )
    return Saved(tensors, metadata["notes"])


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
