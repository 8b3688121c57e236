"""How far the renderer's network may go: as far as it makes no unseen crop worse than the colours under light are.

On a plate the light is another one than in any lesson. So crops of one light (one take of the faceset) are kept out of the
lessons where there are several, and judge what was learnt from the others. There the network is told what it would be told on
a plate, a face a little beside its place under a light that is a little wrong (:mod:`~vfx_deepfake.model.identity.plate_errors`): a
detail that is drawn sharply beside its place is worse than none, and exact landmarks would hide that. An actor who plays the
own younger self is told exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vfx_deepfake.model.identity.losses import picture_loss
from vfx_deepfake.model.identity.renderer_lessons import Lessons
from vfx_deepfake.model.identity.renderer_network import Network

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_JUDGED = 16  # crops of an entry, evenly spread; assumed enough to see a difference of some percent
LEAST_GAIN = 0.002  # of the mean error; less is chance


@torch.inference_mode()
def measure_gate(network: Network, lessons: Lessons) -> list[float]:
    """Set ``network.gate`` (entries,) after training; returns it. An entry whose crops were all learnt from gets 0.

    An entry's gate is the one of STEPS with the smallest mean error, among those that gain on the median crop.
    """
    was_training = network.training
    network.eval()
    for entry, kept_out in enumerate(lessons.kept_out):
        another = float(network.skin_apart[entry].max()) > 0  # than the performer
        planes = lessons.as_on_a_plate if another else lessons.planes
        picked = kept_out[:: max(len(kept_out) // MOST_JUDGED, 1)]
        errors = [errors_of(network, planes(entry, index), entry) for index in picked]
        network.gate[entry] = best_step(torch.stack(errors)) if errors else 0.0
    network.train(was_training)
    return [float(one) for one in network.gate]


def best_step(errors: Tensor) -> float:
    """The one of STEPS to take, by the errors (crops, steps) of what nobody learnt from."""
    ratio = errors / errors[:, :1].clamp_min(1e-9)
    mean = ratio.mean(dim=0)
    helpful = (ratio.median(dim=0).values <= 1) & (mean <= 1 - LEAST_GAIN)
    return STEPS[int(torch.where(helpful, mean, torch.inf).argmin())] if bool(helpful.any()) else 0.0


def errors_of(network: Network, planes: Tensor, entry: int) -> Tensor:
    """(steps,): the error of one crop at each of STEPS."""
    told, wanted, weight = planes.to(network.offset.device).split([planes.shape[1] - 4, 3, 1], dim=1)
    shares = torch.zeros(1, network.design.entries, device=told.device)
    shares[0, entry] = 1
    network.gate[entry] = 1.0
    base = network.base(told, shares)
    learnt = network(told, shares)[0] - base
    return torch.stack([picture_loss(base + step * learnt, wanted, weight).cpu() for step in STEPS])
