"""A network taken over from another shot: the same weights, judged anew, and never worse than propagation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.model.scene import FIRST, disc_scene
from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.adopt import adopt_network
from vfx_deepfake.model.network import Design, Refiner
from vfx_deepfake.model.train import load_network
from vfx_deepfake.settings import TrainSpec

SPEC = TrainSpec(steps=2, batch_size=1, crop_px=32, save_every=2, device="cpu")
KEYS = [FIRST, FIRST + 4, FIRST + 8]


def lent(folder: Path, *, spoil: float = 0.0, gate: float = 1.0, channels: int = 3) -> Path:
    """A checkpoint as another shot's training leaves it; ``spoil`` is what it adds to every pixel, of at most 1."""
    network = Refiner(Design(channels=channels))
    candidates = network.design.num_candidates
    for member in network.members:
        member.leave.bias.data[candidates : candidates + channels] = spoil
    network.gate[:] = gate
    path = checkpoint.checkpoint_path(folder, 40)
    checkpoint.write(path, network.state_dict(), {"step": 40, "design": network.design.as_data(), "settings": {}})
    return path


def test_weights_stay_and_only_the_gate_is_new(tmp_path: Path) -> None:
    weights = lent(tmp_path / "lender", spoil=0.3)
    seen = []
    own = adopt_network(weights, disc_scene().source(KEYS), SPEC, tmp_path / "own", lambda *done: seen.append(done))
    assert own == tmp_path / "own" / weights.name
    mine, theirs = load_network(own).state_dict(), load_network(weights).state_dict()
    assert {name for name in mine if not torch.equal(mine[name], theirs[name])} == {"gate"}
    assert seen == [(done, len(seen)) for done in range(1, len(seen) + 1)]


def test_a_network_that_spoils_this_shot_is_shut_out(tmp_path: Path) -> None:
    weights = lent(tmp_path / "lender", spoil=0.3)
    own = adopt_network(weights, disc_scene().source(KEYS), SPEC, tmp_path / "own")
    assert load_network(weights).gate.tolist() == [1.0, 1.0]
    assert load_network(own).gate.tolist() == [0.0, 0.0]


def test_one_painted_frame_can_not_judge(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="nothing tells what a shared network is worth here; paint two or more"):
        adopt_network(lent(tmp_path), disc_scene().source(KEYS[:1]), SPEC, tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_a_network_for_roto_is_not_taken_for_pictures(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"trained on painted roto, and this shot has painted pictures; give both"):
        adopt_network(lent(tmp_path, channels=1), disc_scene().source(KEYS), SPEC, tmp_path / "own")
