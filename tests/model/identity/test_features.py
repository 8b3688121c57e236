"""Features: people are told apart, light level is not seen, and the shipped weights are what the recipe writes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.demo.train_features import alike
from vfx_deepfake.errors import TrainError
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity.features import (
    NUM_FEATURES,
    SHIPPED,
    contrast,
    embed,
    likeness_loss,
    load,
    middle,
    train,
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small pictures: threads only cost time here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stripes(person: int) -> list:
    """Crops of somebody whose face is stripes of a direction, anywhere."""
    rows, columns = np.mgrid[:48, :48]
    along = (columns, rows, columns + rows)[person]

    def crop(shift: int) -> np.ndarray:
        return (0.4 + 0.1 * np.sin((along + 3 * shift) / 2.5))[..., None].repeat(3, axis=2).astype(np.float32)

    return [lambda shift=shift: crop(shift) for shift in range(4)]


def test_training_pulls_one_person_together_and_repeats_itself():
    people = [stripes(person) for person in range(3)]
    losses: list[float] = []
    network = train(people, 25, on_step=lambda step, loss: losses.append(loss))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    same, other = alike(network, people)
    assert same.mean() > other.mean() + 0.2
    again, first = train(people, 2).state_dict(), train(people, 2).state_dict()
    assert all(torch.equal(first[name], tensor) for name, tensor in again.items())
    with pytest.raises(TrainError, match="at least two people with two crops each"):
        train(people[:1], 1)


def test_the_loss_is_least_where_people_are_apart():
    whose = torch.tensor([0, 0, 1, 1])
    apart = torch.eye(2)[whose]
    assert float(contrast(apart, whose)) < float(contrast(apart[[0, 2, 1, 3]], whose))
    # exactly: the one alike of three others, at a temperature of 0.1
    assert float(contrast(apart, whose)) == pytest.approx(np.log(1 + 2 * np.exp(-10)), rel=1e-2)  # float32 near 0


def test_shipped_weights_tell_people_apart_whom_they_never_saw(tmp_path: Path):
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    facesets = [
        load_faceset(render_faceset(who, tmp_path / str(who), count=4, lights=(0, 6), size=96)) for who in (2, 3)
    ]
    found = [embed(np.stack([one.image_log(index) for index in range(len(one))])) for one in facesets]
    assert found[0].shape == (4, NUM_FEATURES) and found[0].dtype == np.float32
    assert np.allclose(np.linalg.norm(found[0], axis=1), 1, atol=1e-5)  # float32
    own = [float((one @ one.T)[np.triu_indices(4, 1)].mean()) for one in found]
    assert min(own) > float((found[0] @ found[1].T).mean())
    brighter = embed(facesets[0].image_log(0)[None] + np.float32(0.1))
    assert np.allclose(brighter, found[0][:1], atol=1e-4)  # the level is taken off, to float32 rounding


def test_no_picture_has_no_features():
    assert embed(np.zeros((0, 64, 64, 3), np.float32)).shape == (0, NUM_FEATURES)


def test_the_identity_term_is_nothing_for_equal_pictures_and_has_a_gradient():
    torch.manual_seed(0)
    wanted = 0.4 + 0.1 * torch.randn(2, 3, 64, 64)
    made = (wanted + 0.05 * torch.randn_like(wanted)).requires_grad_()
    assert float(likeness_loss(wanted, wanted)) == pytest.approx(0, abs=1e-6)  # float32
    loss = likeness_loss(made, wanted)
    loss.backward()
    assert 0 < float(loss.detach()) < 2 and made.grad is not None and made.grad.any()
    assert not any(one.requires_grad for one in load().parameters())


def test_the_face_is_cut_out_of_its_crop():
    crop = torch.zeros(1, 3, 128, 128)
    crop[..., 16:112, 16:112] = 1
    assert float(middle(crop).min()) == pytest.approx(1, abs=1e-6)  # float32


def test_weights_of_another_network_are_refused(tmp_path: Path):
    saved = checkpoint.read(SHIPPED)
    assert SHIPPED.stat().st_size < 3 << 20
    fewer = {name: tensor for name, tensor in saved.tensors.items() if name != "leave.bias"}
    checkpoint.write(tmp_path / "features.safetensors", fewer, saved.notes)
    with pytest.raises(TrainError, match="its weights do not fit the network"):
        load(tmp_path / "features.safetensors")
