"""The gate opens for a network that helps paintings it has not seen, and for no other."""

import pytest
import torch

from vfx_deepfake.model.dataset import Lesson, Lessons
from vfx_deepfake.model.gate import STEPS, measure_gate
from vfx_deepfake.model.network import Design, Inputs, Refiner

DESIGN = Design(width=4)
OFFSET = 0.02  # what every painting differs from its propagation by


def lesson(group: int, offset: float = OFFSET) -> Lesson:
    generator = torch.Generator().manual_seed(group)
    n = DESIGN.num_candidates
    candidates = torch.rand(1, 1, 3, 16, 16, generator=generator).expand(1, n, 3, 16, 16)
    inputs = Inputs(
        torch.rand(1, DESIGN.num_inputs, 16, 16, generator=generator),
        candidates,
        torch.full((1, n, 16, 16), 1 / n),
        torch.ones(1, 1, 16, 16),
        torch.ones(1, 1, 16, 16),
    )
    ones = torch.ones(1, 1, 16, 16)
    return Lesson(inputs, candidates[:, 0] + offset, ones, ones, group, 1.0)


def network_that_adds(amount: float) -> Refiner:
    network = Refiner(DESIGN)
    n = DESIGN.num_candidates
    for member in network.members:
        member.leave.bias.data[n : n + 3] = torch.atanh(torch.tensor(amount / 0.05))
    return network


@pytest.mark.parametrize("amount, gate", [(OFFSET, 1.0), (-OFFSET, 0.0), (0.045, 0.5)])
def test_the_gate_is_how_far_it_helps(amount, gate):
    network = network_that_adds(amount)
    table = measure_gate(network, Lessons([lesson(0), lesson(1)], [], 2))
    # tanh bends the scaled correction a little, so a step beside the exact one may win
    assert network.gate.tolist() == pytest.approx([gate, gate], abs=0.25 if 0 < gate < 1 else 0)
    assert [len(row) for row in table] == [len(STEPS)] * 2 and table[0][0] == 1


def test_one_painting_made_worse_closes_the_gate():
    network = network_that_adds(OFFSET)
    measure_gate(network, Lessons([lesson(0), lesson(1), lesson(2, -OFFSET)], [], 3))
    assert network.gate.tolist() == [1.0, 0.0]  # the second member has not seen the paintings 0 and 2


def test_rehearsed_paintings_do_not_judge():
    network = network_that_adds(OFFSET)
    measure_gate(network, Lessons([lesson(0), lesson(1), lesson(2, -OFFSET), lesson(3, -OFFSET)], [], 2))
    assert network.gate.tolist() == [1.0, 1.0]
