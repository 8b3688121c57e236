"""The training loop of identity methods: it learns, repeats itself, goes on after a kill, and shares work."""

import json
import multiprocessing
import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.model.identity.painter import Painter, plate
from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity import parallel
from vfx_deepfake.model.identity.adversary import Adversary
from vfx_deepfake.model.identity.trainer import train_identity
from vfx_deepfake.settings import TrainSpec

FORK = multiprocessing.get_context("fork")  # torch is loaded once; there is one thread


def spec(**changes) -> TrainSpec:
    values = {"steps": 12, "batch_size": 4, "save_every": 6, "device": "cpu", "learning_rate": 3e-3}
    return TrainSpec(**{**values, **changes})


def run(folder: Path, settings: TrainSpec | None = None, **more) -> Path:
    return train_identity(more.pop("method", None) or Painter(), settings or spec(), folder, **more)


def test_training_lowers_the_loss_and_leaves_its_record(tmp_path):
    losses: list[float] = []
    method = Painter()
    path = run(tmp_path, spec(steps=40, save_every=20), method=method, on_step=lambda step, loss: losses.append(loss))
    assert len(losses) == 40 and np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    names = {entry.name for entry in tmp_path.iterdir()}
    assert {path.name, "loss.png", "sheets", "state_00000040.safetensors"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)
    with Image.open(tmp_path / "sheets" / "sheet_00000040.png") as sheet:
        assert sheet.size == (8, 8)
    saved = checkpoint.read(path)
    left = method.network.state_dict()
    assert all(torch.equal(left[name], tensor) for name, tensor in saved.tensors.items())


def test_the_shot_is_learnt_last_and_from_the_averaged_weights(tmp_path):
    method = Painter()
    saved = checkpoint.read(run(tmp_path, method=method, shot=plate(0.5), notes={"family": "painter"}))
    assert method.adapted_at == ["averaged"]
    assert float(saved.tensors["level"]) == 0.5
    assert saved.notes["family"] == "painter" and saved.notes["step"] == 12
    assert not torch.equal(
        checkpoint.read(tmp_path / "state_00000012.safetensors").tensors["weight.level"], torch.tensor(0.5)
    )


def test_two_seeded_runs_are_equal_and_another_seed_is_not(tmp_path):
    one, two = run(tmp_path / "1", shot=plate(0.5)), run(tmp_path / "2", shot=plate(0.5))
    assert one.read_bytes() == two.read_bytes()
    other = run(tmp_path / "3", method=Painter(seed=2), shot=plate(0.5))
    assert one.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("adversary", [False, True])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, adversary):
    def method() -> Painter:
        return Painter(Adversary(0.01, torch.device("cpu"), 3) if adversary else None)

    class KilledError(Exception):
        pass

    def killed(step: int, loss: float) -> None:
        if step == 8:  # after the checkpoint of step 6
            raise KilledError

    whole: list[tuple[int, float]] = []
    undisturbed = run(tmp_path / "whole", method=method(), on_step=lambda *said: whole.append(said), shot=plate(0.5))
    with pytest.raises(KilledError):
        run(tmp_path / "cut", method=method(), on_step=killed)
    resumed: list[tuple[int, float]] = []
    path = run(tmp_path / "cut", method=method(), on_step=lambda *said: resumed.append(said), shot=plate(0.5))
    assert resumed == whole[6:]  # bit for bit
    assert path.read_bytes() == undisturbed.read_bytes()
    again: list[tuple[int, float]] = []
    assert run(tmp_path / "cut", method=method(), on_step=lambda *said: again.append(said)) == path
    assert again == []


def test_a_process_killed_in_the_middle_loses_nothing(tmp_path):
    def die(step: int, loss: float) -> None:
        if step == 9:
            os.kill(os.getpid(), signal.SIGKILL)

    undisturbed = run(tmp_path / "whole")
    worker = FORK.Process(target=run, args=(tmp_path / "cut",), kwargs={"on_step": die})
    worker.start()
    worker.join(120)
    assert worker.exitcode == -signal.SIGKILL
    assert checkpoint.saved_steps(tmp_path / "cut") == [6]
    assert run(tmp_path / "cut").read_bytes() == undisturbed.read_bytes()


def one_of_two(rank: int, port: int, folder: Path, said: Path) -> None:
    """What torchrun starts: one of two processes that train together."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    losses: list[float] = []
    with parallel.processes("cpu") as device:
        assert device.type == "cpu" and parallel.count() == 2
        with pytest.raises(TrainError, match="batch_size is 3 and 2 processes share it: use a multiple of 2"):
            parallel.share(range(3))
        run(folder, on_step=lambda step, loss: losses.append(loss), shot=plate(0.5))
    (said / f"{rank}.json").write_text(json.dumps(losses))


def test_two_processes_train_as_one_with_the_whole_batch(tmp_path):
    """Halves of the batch in two processes: the same losses, and so weights, up to the order of sums."""
    alone: list[float] = []
    path = run(tmp_path / "alone", on_step=lambda step, loss: alone.append(loss), shot=plate(0.5))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    workers = [FORK.Process(target=one_of_two, args=(rank, port, tmp_path / "pair", tmp_path)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    together, silent = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert silent == []  # only the first reports
    assert together == pytest.approx(alone, rel=1e-4)  # float32 sums in another order, twelve updates long
    paired = checkpoint.read(tmp_path / "pair" / path.name).tensors
    for name, tensor in checkpoint.read(path).tensors.items():
        assert torch.allclose(paired[name], tensor, atol=1e-5), name  # updates of 3e-3 at most, as above


def test_a_spoilt_loss_stops_before_the_update(tmp_path):
    method = Painter(spoilt_at=8)
    with pytest.raises(TrainError, match=r"step 8: loss is nan.*checkpoint_00000006\.safetensors is good"):
        run(tmp_path, method=method)
    assert all(torch.isfinite(one).all() for one in method.network.parameters())


def test_what_a_run_was_made_from_must_not_change(tmp_path):
    run(tmp_path, notes={"facesets": ["a"]})
    with pytest.raises(TrainError, match="was trained from another facesets; use a new run folder"):
        run(tmp_path, notes={"facesets": ["b"]})
    with pytest.raises(TrainError, match="was trained from another settings"):
        run(tmp_path, spec(learning_rate=1e-3), notes={"facesets": ["a"]})
    with pytest.raises(TrainError, match="was trained from another design"):
        run(tmp_path, method=Painter(width=6), notes={"facesets": ["a"]})


def test_a_damaged_state_is_named(tmp_path):
    run(tmp_path)
    saved = checkpoint.read(tmp_path / "state_00000012.safetensors")
    del saved.tensors["average.0"]
    checkpoint.write(tmp_path / "state_00000012.safetensors", saved.tensors, saved.notes)
    with pytest.raises(TrainError, match=r"state_00000012\.safetensors: does not fit the network"):
        run(tmp_path)


def test_half_products_and_kept_weights(tmp_path):
    """bfloat16 products train too, and the weights stay float32."""
    losses: list[float] = []
    path = run(tmp_path, spec(steps=30), precision="bfloat16", on_step=lambda step, loss: losses.append(loss))
    assert losses[-1] < losses[0]
    assert {tensor.dtype for tensor in checkpoint.read(path).tensors.values()} == {torch.float32}
