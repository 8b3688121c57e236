"""How much of what was learnt is let through, by crops that were kept out and told as a plate is."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.model.identity import tiles
from vfx_deepfake.model.identity.eyes import EYES
from vfx_deepfake.model.identity.method import Options
from vfx_deepfake.model.identity.mouth import MOUTH
from vfx_deepfake.model.identity.registry import prepare
from vfx_deepfake.model.identity.renderer_gate import STEPS, best_step, errors_of, measure_gate
from vfx_deepfake.model.identity.renderer_inputs import NUM_PLANES, SPANS
from vfx_deepfake.model.identity.renderer_network import Design, Network

SIZE = 64


OPTIONS = Options(size=SIZE, capacity="small", device="cpu")


@pytest.fixture(scope="module")
def faceset(tmp_path_factory: pytest.TempPathFactory):
    folder = render_faceset(2, tmp_path_factory.mktemp("person") / "2", count=10, lights=(0, 7), size=SIZE)
    return load_faceset(Path(folder))


@pytest.fixture(scope="module")
def renderer(faceset):
    return prepare("renderer", [faceset], options=OPTIONS)


class Sharp:
    """Has learnt to draw what its base shows blurred."""

    def __init__(self, network):
        self._network, self.design = network, network.design
        self.offset, self.gate = network.offset, network.gate.clone()

    def base(self, told: Tensor, shares: Tensor) -> Tensor:
        sharp = self._network.base(told, shares)[0].permute(1, 2, 0).numpy()
        return torch.from_numpy(cv2.GaussianBlur(sharp, (0, 0), 1.5)).permute(2, 0, 1)[None]

    def __call__(self, told: Tensor, shares: Tensor) -> tuple[Tensor, None]:
        return self._network.base(told, shares), None


def test_what_makes_unseen_crops_worse_is_not_let_through():
    better, worse = [1.0, 0.9, 0.8, 0.85, 0.9], [1.0, 1.1, 1.2, 1.3, 1.4]
    assert best_step(torch.tensor([better, better, better])) == 0.5
    assert best_step(torch.tensor([better, worse, worse])) == 0
    assert best_step(torch.ones(3, 5)) == 0


@pytest.mark.parametrize("same", [False, True])
def test_another_person_is_judged_as_on_a_plate_and_the_performer_exactly(faceset, monkeypatch, same):
    method = prepare(
        "renderer", [faceset], options=replace(OPTIONS, performer=faceset.identity if same else "somebody")
    )
    looked: list[str] = []
    for name in ("planes", "as_on_a_plate"):
        plain = getattr(method._lessons, name)
        monkeypatch.setattr(
            method._lessons, name, lambda *at, name=name, plain=plain: looked.append(name) or plain(*at)
        )
    assert measure_gate(method.network, method._lessons) == [0.0]  # it has learnt nothing
    assert set(looked) == {"planes" if same else "as_on_a_plate"}


@torch.inference_mode()
def test_sharp_details_are_worth_less_where_a_plate_would_have_them(renderer):
    lessons, network = renderer._lessons, Sharp(renderer.network)
    gains = {}
    for name, planes in (("exact", lessons.planes), ("as on a plate", lessons.as_on_a_plate)):
        errors = torch.stack([errors_of(network, planes(0, index), 0) for index in lessons.kept_out[0]])
        gains[name] = float((errors[:, STEPS.index(1.0)] / errors[:, 0]).mean())
    assert gains["exact"] < 1  # the base lacks what the network draws
    assert gains["as on a plate"] > gains["exact"] + 0.05  # here 0.74 and 0.97


def test_only_what_is_told_is_wrong_and_it_is_the_same_each_time(renderer):
    lessons = renderer._lessons
    index = lessons.kept_out[0][0]
    exact, told = lessons._made(0, index), lessons.as_on_a_plate(0, index)
    assert torch.equal(told, lessons.as_on_a_plate(0, index))
    assert torch.equal(exact[:, NUM_PLANES:], told[:, NUM_PLANES:])  # the wanted picture, and where it counts
    assert (exact[:, :NUM_PLANES] != told[:, :NUM_PLANES]).any()


def test_a_close_up_is_judged_by_windows(renderer, monkeypatch):
    monkeypatch.setattr(tiles, "WHOLE_PX", SIZE // 2)
    monkeypatch.setattr(tiles, "LESSON_PX", SIZE // 2)
    lessons = renderer._lessons
    planes = lessons.as_on_a_plate(0, lessons.kept_out[0][0])
    assert planes.shape[1:] == (NUM_PLANES + 4, SIZE // 2, SIZE // 2) and len(planes) > 1
    assert np.isfinite(planes.numpy()).all()


def test_a_painter_leaves_eyes_alone_and_the_tint_of_mouths():
    network = Network(Design(size=SIZE, entries=1, width=8, real_crops=False)).eval()
    with torch.no_grad():
        network.painter.leave.weight.normal_(0, 0.5, generator=torch.Generator().manual_seed(3))
    planes = torch.rand(1, NUM_PLANES, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
    first = SPANS["place"] + SPANS["normals"]
    features = planes[:, first : first + SPANS["features"]]
    features[:] = 0
    features[:, EYES, : SIZE // 4] = 1
    features[:, MOUTH, SIZE // 4 : SIZE // 2] = 1
    shares = torch.ones(1, 1)
    with torch.inference_mode():
        change = network(planes, shares)[0] - network.base(planes, shares)
    eyes, mouth, skin = change[..., : SIZE // 4, :], change[..., SIZE // 4 : SIZE // 2, :], change[..., SIZE // 2 :, :]
    assert not eyes.any()
    torch.testing.assert_close(mouth, mouth.mean(dim=1, keepdim=True).expand_as(mouth), atol=1e-6, rtol=0)  # float32
    assert mouth.abs().max() > 1e-3
    assert (skin - skin.mean(dim=1, keepdim=True)).abs().max() > 1e-3
