"""Checkpoint files: whole, plain tensors, and refused with a clear line when they are anything else."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint


def test_tensors_and_notes_come_back(tmp_path):
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(7, dtype=torch.int64)}
    path = checkpoint.checkpoint_path(tmp_path, 12)
    checkpoint.write(path, tensors, {"step": 12, "design": {"width": 4}})
    saved = checkpoint.read(path)
    assert path.name == "checkpoint_00000012.safetensors"
    assert saved.notes == {"step": 12, "design": {"width": 4}}
    assert all(torch.equal(saved.tensors[name], tensor) for name, tensor in tensors.items())
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]  # nothing half-written beside it


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in ("x", "y"):
        checkpoint.write(tmp_path / name, {"b": torch.ones(3), "a": torch.zeros(2)}, {"k": 1})
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", pickle.dumps({"weights": [1, 2]}), b"\xff" * 64])
def test_garbage_and_pickles_are_refused(tmp_path, content):
    path = tmp_path / "checkpoint_00000001.safetensors"
    path.write_bytes(content)
    with pytest.raises(TrainError, match=r"checkpoint_00000001.*can't be read as a checkpoint.*train again"):
        checkpoint.read(path)


def test_a_cut_off_file_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    checkpoint.write(path, {"a": torch.ones(100)}, {})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TrainError, match="can't be read as a checkpoint"):
        checkpoint.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TrainError, match=r"gone\.safetensors"):
        checkpoint.read(tmp_path / "gone.safetensors")


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.ones(1)}, str(path))
    with pytest.raises(TrainError, match="of another kind"):
        checkpoint.read(path)


def test_latest_is_the_newest_whole_checkpoint(tmp_path):
    assert checkpoint.latest(tmp_path / "nowhere") is None
    for step in (5, 20, 10):
        checkpoint.write(checkpoint.checkpoint_path(tmp_path, step), {}, {})
    (tmp_path / "state_00000099.safetensors").write_bytes(b"")  # a state without its checkpoint does not count
    (tmp_path / ".checkpoint_00000099.host-1.part.safetensors").write_bytes(b"")
    assert checkpoint.latest(tmp_path).name == "checkpoint_00000020.safetensors"


def test_old_steps_are_forgotten_with_their_states(tmp_path):
    for step in range(1, 6):
        checkpoint.write(checkpoint.state_path(tmp_path, step), {}, {})
        checkpoint.write(checkpoint.checkpoint_path(tmp_path, step), {}, {})
    checkpoint.forget_old(tmp_path, keep=2)
    assert checkpoint.saved_steps(tmp_path) == [4, 5]
    assert len(list(tmp_path.iterdir())) == 4
