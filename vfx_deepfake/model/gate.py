"""How far each half of the network may go: as far as it makes no painted frame worse that it has not learnt from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from vfx_deepfake.model.dataset import Lesson, Lessons
from vfx_deepfake.model.losses import gradient_l1, l1
from vfx_deepfake.model.network import MEMBERS, Refiner, combine

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
TILES_A_KEY = 6  # looked at for each painted frame; assumed enough to see a difference of some percent


def measure_gate(network: Refiner, lessons: Lessons) -> list[list[float]]:
    """Set ``network.gate`` after training on ``lessons``: each member is judged by the painted frames it has not seen."""
    return judge(network, [lessons.checks_of(member) for member in range(MEMBERS)])


@torch.no_grad()
def judge(network: Refiner, unseen: Sequence[Sequence[Lesson]]) -> list[list[float]]:
    """Set ``network.gate``; returns for each member the mean error at each of STEPS over the error of propagation.

    ``unseen``: for each member, lessons from painted frames that it has not learnt from. A member's gate is the step with
    the smallest error over these frames, among those steps that make none of them worse than propagation does; 0 where
    every step does.
    """
    was_training = network.training
    network.eval()
    table = []
    for member in range(MEMBERS):
        by_key = _errors(network, member, unseen[member])  # (keys, steps)
        ratio = by_key / by_key[:, :1].clamp_min(1e-9)
        harmless = (ratio <= 1).all(dim=0)
        mean = ratio.mean(dim=0)
        best = int(torch.where(harmless, mean, torch.inf).argmin())
        network.gate[member] = STEPS[best]
        table.append([round(float(value), 5) for value in mean])
    network.train(was_training)
    return table


def _errors(network: Refiner, member: int, lessons: Sequence[Lesson]) -> Tensor:
    """(keys, steps): summed error of each unseen painted frame."""
    device = next(network.parameters()).device
    tiles: dict[int, list[Lesson]] = defaultdict(list)
    for lesson in lessons:
        tiles[lesson.group].append(lesson)
    rows = []
    for key in sorted(tiles):
        every = max(len(tiles[key]) // TILES_A_KEY, 1)
        rows.append(sum(_tile_errors(network, member, lesson, device) for lesson in tiles[key][::every]))
    return torch.stack([torch.as_tensor(row) for row in rows])


def _tile_errors(network: Refiner, member: int, lesson: Lesson, device: torch.device) -> Tensor:
    inputs = lesson.inputs.to(device)
    wanted, mask = lesson.wanted.to(device), lesson.mask.to(device)
    output = network.members[member](inputs.features.to(memory_format=torch.channels_last)).float()
    errors = []
    for step in STEPS:
        picture, _ = combine(network.design, step * output, inputs)
        errors.append(l1(picture, wanted, mask) + gradient_l1(picture, wanted, mask))
    return torch.stack(errors).cpu()
