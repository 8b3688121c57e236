"""The training loop: it learns, repeats itself, goes on where it stopped, and stops before it spoils anything."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.model.scene import FIRST, disc_scene
from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model import train as training
from vfx_deepfake.model.loop import pick_device
from vfx_deepfake.model.network import Design
from vfx_deepfake.model.predict import FaceModel
from vfx_deepfake.model.train import load_network, train_network
from vfx_deepfake.settings import TrainSpec

KEYS = [FIRST, FIRST + 4, FIRST + 8]
TINY = Design(width=4)


@pytest.fixture(autouse=True)
def one_thread():
    """Small pictures: threads only cost time here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def spec(**changes) -> TrainSpec:
    values = {"steps": 12, "batch_size": 2, "crop_px": 32, "save_every": 6, "device": "cpu", "learning_rate": 3e-3}
    return TrainSpec(**{**values, **changes})


def run(folder: Path, settings: TrainSpec, losses: list | None = None, warped: bool = True, **more) -> Path:
    source = disc_scene(step_px=1, warped=warped).source(KEYS)
    noted = [] if losses is None else losses
    return train_network(
        source, settings, folder, design=TINY, on_step=lambda step, loss: noted.append((step, loss)), **more
    )


def test_training_lowers_the_loss_and_leaves_its_record(tmp_path):
    losses: list[tuple[int, float]] = []
    path = run(tmp_path, spec(steps=40, save_every=20), losses)
    values = [loss for _, loss in losses]
    assert [step for step, _ in losses] == list(range(1, 41))
    assert np.mean(values[-10:]) < np.mean(values[:10])
    names = {entry.name for entry in tmp_path.iterdir()}
    assert {path.name, "loss.png", "sheets", "state_00000040.safetensors"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)
    assert (tmp_path / "sheets" / "sheet_00000040.png").stat().st_size > 1000


def test_two_seeded_runs_are_equal_and_another_seed_is_not(tmp_path):
    one, two = run(tmp_path / "1", spec()), run(tmp_path / "2", spec())
    other = run(tmp_path / "3", spec(seed=2))
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes() != other.read_bytes()


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    class KilledError(Exception):
        pass

    def killed(step: int, loss: float) -> None:
        if step == 8:  # after the checkpoint of step 6
            raise KilledError

    whole: list[tuple[int, float]] = []
    undisturbed = run(tmp_path / "whole", spec(), whole)
    source = disc_scene(step_px=1, warped=True).source(KEYS)
    with pytest.raises(KilledError):
        train_network(source, spec(), tmp_path / "cut", design=TINY, on_step=killed)
    resumed: list[tuple[int, float]] = []
    path = run(tmp_path / "cut", spec(), resumed)
    assert resumed == whole[6:]  # bit for bit
    assert path.read_bytes() == undisturbed.read_bytes()


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = run(tmp_path, spec())
    again: list[tuple[int, float]] = []
    assert run(tmp_path, spec(), again) == first
    assert again == []


def test_other_settings_need_another_folder(tmp_path):
    run(tmp_path, spec())
    with pytest.raises(TrainError, match=r"trained with other settings.*use a new run folder"):
        run(tmp_path, spec(learning_rate=1e-4))


def test_a_loss_that_is_not_finite_stops_before_the_update(tmp_path, monkeypatch):
    true_loss, seen = training.batch_loss, []

    def spoiled(network, lessons, settings, step, share):
        seen.append([parameter.detach().clone() for parameter in network.parameters()])
        loss = true_loss(network, lessons, settings, step, share)
        return loss * float("nan") if step == 8 else loss

    monkeypatch.setattr(training, "batch_loss", spoiled)
    good = r"step 8: loss is nan.*stopped before the update, checkpoint_00000006\.safetensors is good"
    with pytest.raises(TrainError, match=good):
        run(tmp_path, spec())
    assert all(torch.isfinite(parameter).all() for parameter in seen[-1])
    assert checkpoint.saved_steps(tmp_path) == [6]


def test_an_untrained_network_is_propagation(tmp_path):
    scene = disc_scene(step_px=1, warped=True)
    bare = FaceModel(scene.source(KEYS)).predict(FIRST + 2)
    network = training.Refiner(TINY)
    network.gate[:] = 1
    refined = FaceModel(scene.source(KEYS), network).predict(FIRST + 2)
    # weights go through a softmax and back: float32 rounding
    np.testing.assert_allclose(refined.delta_log, bare.delta_log, atol=2e-6)
    np.testing.assert_allclose(refined.matte, bare.matte, atol=1.1e-3)  # the matte's logit is held off 0 and 1 by 1e-3


def test_a_painted_frame_comes_back_as_painted_from_a_network_too(tmp_path):
    scene = disc_scene(step_px=1, warped=True)
    network = load_network(run(tmp_path, spec()), "cpu")
    network.gate[:] = 1
    model = FaceModel(scene.source(KEYS), network)
    prediction = model.predict(KEYS[1])
    assert np.array_equal(
        prediction.delta_log, model.source.key(KEYS[1]).painted - model.source.crop(KEYS[1]).image_log
    )


def test_the_network_is_only_let_go_where_it_helps_frames_it_has_not_seen(tmp_path):
    saved = checkpoint.read(run(tmp_path, spec(steps=40, save_every=40)))
    for gate, ratios in zip(saved.tensors["gate"].tolist(), saved.notes["check"], strict=True):
        assert ratios[0] == 1
        assert ratios[int(gate * 4)] <= 1


def test_roto_trains_too(tmp_path):
    scene = disc_scene(step_px=1)
    source = scene.source(KEYS)
    plain = source._read_painted

    def roto(frame, window):
        painted, valid = plain(frame, window)
        return (painted.mean(axis=2, keepdims=True) > 0.38).astype(np.float32), valid

    source._read_painted = roto
    path = train_network(source, spec(), tmp_path, design=Design(channels=1, width=4))
    prediction = FaceModel(source, load_network(path, "cpu")).predict(FIRST + 2)
    assert not prediction.delta_log.any()
    assert prediction.matte.min() >= 0 and prediction.matte.max() <= 1


def test_one_painted_frame_is_not_enough(tmp_path):
    with pytest.raises(TrainError, match="training needs two"):
        train_network(disc_scene().source([FIRST]), spec(), tmp_path)


def test_a_gpu_that_is_not_there_is_named():
    if torch.cuda.is_available():
        pytest.skip("this host has a GPU")
    with pytest.raises(TrainError, match="'cuda:1': this host has no CUDA GPU"):
        pick_device("cuda:1")
    assert pick_device("auto").type == "cpu"


def test_an_unknown_precision_lists_the_known(tmp_path):
    with pytest.raises(TrainError, match="choose one of auto, float32, bfloat16"):
        run(tmp_path, spec(), precision="half")
