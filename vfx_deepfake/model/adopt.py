"""Taking over the network of another shot: its weights as they are, its gate measured anew on this shot's painted frames.

The network refines what is carried from painted frames, so weights learnt on one shot of an actor can serve others of the
same actor and change. How far they may go is not taken over: none of this shot's paintings was seen in training, so all
of them judge, and where the weights make any of them worse than plain propagation does, the gate stays shut.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.dataset import SPARE_PX, foretold
from vfx_deepfake.model.gate import TILES_A_KEY, judge
from vfx_deepfake.model.network import MEMBERS
from vfx_deepfake.model.train import load_network
from vfx_deepfake.settings import TrainSpec

KINDS = {1: "roto", 3: "pictures"}  # what is painted, by the channels of a network


def adopt_network(
    weights: Path,
    source: CropSource,
    spec: TrainSpec,
    folder: Path,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write a checkpoint into ``folder``: the network of the checkpoint ``weights``, gated by the painted frames of ``source``.

    Returns the new checkpoint; its step is that of ``weights``, because none was added.
    Raises: TrainError for paintings that can't be foretold from each other, weights made for another kind of painting, or a
    damaged file; DeliveryError when the disk refuses.
    """
    network, notes = load_network(weights, spec.device), checkpoint.read(weights).notes
    design = network.design
    channels = source.key(source.keyframes[0]).painted.shape[2] if source.keyframes else design.channels
    if design.channels != channels:
        raise TrainError(
            f"{weights}: was trained on painted {KINDS[design.channels]}, and this shot has painted {KINDS[channels]}; "
            "give both shots the same [model].target"
        )
    side = min(spec.crop_px + SPARE_PX, *source.size)
    unseen = foretold(source, design, side, TILES_A_KEY, spec.seed, on_frame)
    if not unseen:
        raise TrainError(
            "painted frames can't be foretold from each other, so that nothing tells what a shared network is worth here; "
            "paint two or more that overlap, or use model.method = 'propagate'"
        )
    errors = judge(network, [unseen] * MEMBERS)
    path = checkpoint.checkpoint_path(folder, int(notes["step"]))
    checkpoint.write(path, network.state_dict(), {**notes, "check": errors})
    return path
