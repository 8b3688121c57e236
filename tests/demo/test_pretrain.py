"""The recipe of the base: drawn people in, shared weights out, from which any identity may start."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.model import checkpoint, library
from vfx_deepfake.model.identity.method import Options
from vfx_deepfake.model.identity.registry import prepare
from vfx_deepfake.model.identity.warm_start import load_into, shared_of

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
