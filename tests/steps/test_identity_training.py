"""Training of identity shots as real commands: killed without warning, and in several processes by torchrun."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.steps.test_identity_shot import release
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import TrainError
from vfx_deepfake.files import read_json
from vfx_deepfake.model import checkpoint
from vfx_deepfake.steps.pipeline import run_shot

ROOT = Path(__file__).parents[2]
ONE = ("-m", "vfx_deepfake")
TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "vfx_deepfake")
STEPS = 6
SETTINGS = (
    "model.method=autoencoder", "identity.faceset=['../facesets/three']", "identity.crop_px=64", "identity.capacity=small",
    f"train.steps={STEPS}", "train.batch_size=2", "train.save_every=2", "train.device=cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show's folder with one shot, ready to train; to be copied."""
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    root = tmp_path_factory.mktemp("training") / "show"
    render_faceset(3, root / "facesets" / "three", count=4, size=64, lights=(0,))
    shot = make_performer_shot(root / "sh0010", count=2, key_frames=(1001, 1002), microphone=False, overrides=SETTINGS)
    release(shot.folder / "releases", "performer 3", "train", "render")
    assert main(["track", str(shot.folder), "--progress", "none"]) == 0
    return root


@pytest.fixture(scope="module")
def undisturbed(tracked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process that nothing happened to."""
    return finished(copied(tracked, tmp_path_factory.mktemp("undisturbed")), ONE)


def copied(root: Path, to: Path) -> Path:
    return Path(shutil.copytree(root, to / "show")) / "sh0010"


def started(shot: Path, how: tuple[str, ...]) -> subprocess.Popen[str]:
    """A real ``train`` in a process group of its own; one thread, because sums depend on their number."""
    words = [sys.executable, *how, "train", str(shot), "--progress", "none"]
    return subprocess.Popen(words, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def finished(shot: Path, how: tuple[str, ...]) -> Path:
    """Train to the end; gives the run's folder, the only one."""
    process = started(shot, how)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.splitlines() == [f"run            {shot / 'runs' / 'run_0001'}", f"checkpoint     {last(STEPS)}"]
    assert [path.name for path in (shot / "runs").iterdir()] == ["run_0001"]
    record = read_json(shot / "runs" / "run_0001" / "run.json")
    assert record["checkpoint"] == last(STEPS) and record["made_of"]["identities"] == ["performer 3"]
    return shot / "runs" / "run_0001"


def last(step: int) -> str:
    return f"checkpoint_{step:08d}.safetensors"


@pytest.fixture(scope="module")
def killed(tracked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show's folder whose shot's training was killed after a checkpoint; to be copied."""
    shot = copied(tracked, tmp_path_factory.mktemp("killed"))
    process = started(shot, ONE)
    while process.poll() is None and not list(shot.glob("runs/run_0001/checkpoint_*")):
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert "checkpoint" not in read_json(shot / "runs" / "run_0001" / "run.json")
    assert not (shot / "runs" / "run_0001" / last(STEPS)).exists()
    return shot.parent


def test_a_killed_training_ends_with_the_same_weights(killed: Path, undisturbed: Path, tmp_path: Path) -> None:
    shot = copied(killed, tmp_path)
    run = finished(shot, ONE)
    assert (run / last(STEPS)).read_bytes() == (undisturbed / last(STEPS)).read_bytes()
    assert not [path for path in shot.rglob(".*") if ".part" in path.name]


@pytest.mark.slow
def test_two_processes_of_torchrun_go_on_as_one(killed: Path, undisturbed: Path, tmp_path: Path) -> None:
    """One run, told of once, with the weights of one process up to the order of sums."""
    run = finished(copied(killed, tmp_path), TWO)
    together, alone = (checkpoint.read(folder / last(STEPS)) for folder in (run, undisturbed))
    assert together.notes == alone.notes
    for name, tensor in alone.tensors.items():
        assert torch.allclose(together.tensors[name], tensor, atol=1e-5), name  # as the trainer's own test has it


def test_only_training_works_on_several_processes(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainError, match="torchrun started several processes and only 'train' works on several"):
        run_shot(tracked / "sh0010")
