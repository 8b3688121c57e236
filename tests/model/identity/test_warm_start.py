"""A start gives what fits: trained weights of the same name and shape, nothing that belongs to a shot."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity.warm_start import fitting, load_into


class Small(nn.Module):
    """Shared layers, a texture for each of ``people``, and what was solved for a shot."""

    level: torch.Tensor

    def __init__(self, seed: int, people: int = 1, width: int = 8) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.shared = nn.Conv2d(3, width, 3)
        self.textures = nn.ParameterList([nn.Parameter(torch.randn(2, 2)) for _ in range(people)])
        self.register_buffer("level", torch.full((3,), float(seed)))


SHARED = ("shared.weight", "shared.bias")


def saved(tmp_path: Path, network: nn.Module, *identities: str) -> Path:
    path = tmp_path / "start.safetensors"
    checkpoint.write(path, network.state_dict(), {"step": 1, "identities": identities})
    return path


def test_it_takes_weights_and_leaves_buffers(tmp_path: Path) -> None:
    start, network = Small(1), Small(2)
    taken = load_into(network, saved(tmp_path, start))
    assert torch.equal(network.shared.weight, start.shared.weight)
    assert torch.equal(network.textures[0], start.textures[0])
    assert network.level.tolist() == [2.0, 2.0, 2.0]
    assert taken.share == 1.0 and not taken.left and str(taken) == "3 of 3 tensors, 100% of what could be taken"


def test_what_does_not_fit_is_left_and_said(tmp_path: Path) -> None:
    start, network = Small(1), Small(2, people=3)
    mine = network.textures[2].clone()
    taken = load_into(network, saved(tmp_path, start))
    assert taken.left == ("textures.1", "textures.2") and torch.equal(network.textures[2], mine)


def test_a_start_that_hardly_fits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"start\.safetensors: fits 2% of the weights to be taken, too little"):
        load_into(Small(2, width=9), saved(tmp_path, Small(1)))


def test_what_belongs_to_an_identity_is_for_that_identity(tmp_path: Path) -> None:
    start, network = Small(1), Small(2)
    mine = network.textures[0].clone()
    path = saved(tmp_path, start, "anna")
    taken = load_into(network, path, SHARED, ["bert"])
    assert taken.taken == SHARED and taken.left == ("textures.0",) and taken.share == 1.0
    assert torch.equal(network.textures[0], mine)
    assert load_into(network, path, SHARED, ["anna", "bert"]).left == ()
    assert torch.equal(network.textures[0], start.textures[0])


def test_half_weights_fill_a_network_of_floats(tmp_path: Path) -> None:
    start, network = Small(1), Small(2)
    load_into(network, saved(tmp_path, start.half()))
    assert network.shared.weight.dtype == torch.float32
    assert torch.equal(network.shared.weight, start.shared.weight.float())


def test_what_would_fit_is_told_without_changing_anything(tmp_path: Path) -> None:
    network = Small(2)
    before = network.shared.weight.clone()
    assert fitting(network, saved(tmp_path, Small(1)), SHARED).taken == SHARED
    assert torch.equal(network.shared.weight, before)
