"""The recipe of the base: drawn people in, shared weights out, from which any identity may start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.demo.pretrain import draw_takes, pretrain
from vfx_deepfake.demo.takes import FRAMES, LEAST_FRAMES
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.model import checkpoint, library
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.method import Options
from vfx_deepfake.model.identity.registry import prepare
from vfx_deepfake.model.identity.warm_start import load_into, shared_of
from vfx_deepfake.progress import Silent
from vfx_deepfake.settings import TrainSpec

pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
TINY = (
    "--people",
    "2",
    "--crops",
    "3",
    "--size",
    "64",
    "--steps",
    "3",
    "--batch",
    "1",
    "--capacity",
    "small",
    "--device",
    "cpu",
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    assert main(["library", "pretrain", str(folder), "--method", "autoencoder", *TINY, "--progress", "none"]) == 0
    return folder


def test_the_base_holds_shared_weights_only_and_nobody_s_likeness(out: Path) -> None:
    saved = checkpoint.read(out / "autoencoder.safetensors")
    assert saved.notes["base"] and saved.notes["all_identities"] == [] == saved.notes["identities"]
    assert saved.notes["drawn"] == ["performer 1", "performer 2"] and saved.notes["step"] == 3
    assert {tensor.dtype for tensor in saved.tensors.values()} == {torch.float16}
    whole = checkpoint.read(next((out / "run_autoencoder").glob("checkpoint_*.safetensors")))
    assert 0 < len(saved.tensors) < len(whole.tensors)


def test_another_identity_starts_from_it(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "BASES", out)
    chosen = library.choose_start(None, "autoencoder", ["performer 9"]).model
    assert chosen is not None and chosen.base and chosen.name == "autoencoder_base"
    faceset = load_faceset(render_faceset(9, tmp_path / "nine", count=2, size=64))
    method = prepare("autoencoder", [faceset], (), None, Options(size=64, capacity="small", device="cpu", joint=True))
    taken = load_into(method.network, chosen.file, shared_of(method), ["performer 9"])
    assert taken.share > 0.5  # some layers of the decoder depend on how many people there are
    base = checkpoint.read(chosen.file).tensors
    weights = dict(method.network.named_parameters())
    assert all(torch.equal(weights[name], base[name].float()) for name in taken.taken)


def test_a_second_call_has_nothing_to_do(out: Path) -> None:
    before = (out / "autoencoder.safetensors").read_bytes()
    assert main(["library", "pretrain", str(out), "--method", "autoencoder", *TINY, "--progress", "none"]) == 0
    assert (out / "autoencoder.safetensors").read_bytes() == before


def test_the_renderer_learns_from_people_in_each_other_s_takes(tmp_path: Path) -> None:
    takes = draw_takes(tmp_path, 2, 1, 64, Silent())
    assert [take.entry for take in takes] == [0, 1]
    assert {len(take.views) for take in takes} <= set(range(LEAST_FRAMES, FRAMES + 1))
    drawn = (tmp_path / "take_001_0.npz").read_bytes()
    draw_takes(tmp_path, 1, 1, 64, Silent())
    assert (tmp_path / "take_001_0.npz").read_bytes() == drawn
    view, truth = takes[0].views[0], takes[0].truths[0]
    face = canonical.skin(view.points, 64) > 0.5
    assert np.abs(view.image_log - truth)[face].mean() > 0.01  # two people
    facesets = [load_faceset(render_faceset(n, tmp_path / str(n), count=3, size=64)) for n in (1, 2)]
    facesets = [replace(one, age=float(n)) for n, one in enumerate(facesets, 1)]
    options = Options(size=64, batch_size=2, capacity="small", device="cpu")
    base = pretrain(tmp_path, "renderer", facesets, TrainSpec(steps=2, save_every=2), options, Silent(), takes)
    saved = checkpoint.read(base)
    assert saved.notes["takes"] == 2 and all(name.startswith("painter.") for name in saved.tensors)
    trained = checkpoint.read(next((tmp_path / "run_renderer").glob("checkpoint_*.safetensors"))).tensors
    assert not trained["textures.0.coarse"].any()  # what a new person has not got is not leant on
