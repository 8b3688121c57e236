"""The model library: what is on record, which start it chooses, and whom it leaves out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import torch

from vfx_deepfake.cli.main import main
from vfx_deepfake.errors import ConsentError, TrainError
from vfx_deepfake.files import hash_file, read_json, write_json
from vfx_deepfake.model import checkpoint, library
from vfx_deepfake.model.library import add_model, choose_start, find_model, models
from vfx_deepfake.provenance.register import add_release

DESIGN = {"width": 8, "levels": 3}


def weights(folder: Path, seed: int = 1, step: int = 100, **notes: Any) -> Path:
    path = checkpoint.checkpoint_path(folder, step)
    torch.manual_seed(seed)
    tensors = {"a.weight": torch.randn(4, 3), "b.weight": torch.randn(2)}
    checkpoint.write(path, tensors, {"step": step, "family": "renderer", "design": DESIGN, **notes})
    return path


@pytest.fixture(autouse=True)
def no_shipped_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library, "BASES", tmp_path / "no_bases")


def test_what_a_checkpoint_says_is_on_record(tmp_path: Path) -> None:
    run = tmp_path / "run"
    path = weights(run, identities=["anna"], all_identities=["anna", "bert"], ages=[31.0], releases={"anna": "anna_1"},
                   facesets=["f" * 64], ancestors=["0" * 64])  # fmt: skip
    write_json(run / "run.json", {"seconds": 93.5})
    made = add_model(tmp_path / "lib", run, code={"version": "9"}, added_at="2026-01-02")
    assert made == find_model(tmp_path / "lib", made.name) and made.name == f"renderer_anna_{made.sha256[:8]}"
    assert made.sha256 == hash_file(path) == hash_file(made.file)
    assert (made.identities, made.all_identities, made.ages) == (("anna",), ("anna", "bert"), (31.0,))
    assert (made.steps, made.seconds, made.ancestors, made.design) == (100, 93.5, ("0" * 64,), DESIGN)
    assert sorted(p.name for p in made.file.parent.iterdir()) == ["model.json", "weights.safetensors"]


def test_the_same_weights_are_one_model(tmp_path: Path) -> None:
    path = weights(tmp_path)
    first, second = (add_model(tmp_path / "lib", path, name) for name in ("one", "two"))
    assert first == second and [model.name for model in models(tmp_path / "lib")] == ["one"]


def test_a_name_is_not_given_twice_nor_anything_else_written(tmp_path: Path) -> None:
    add_model(tmp_path / "lib", weights(tmp_path / "x", seed=1), "one")
    with pytest.raises(TrainError, match=r"one: that name is taken by other weights; give --name"):
        add_model(tmp_path / "lib", weights(tmp_path / "y", seed=2), "one")
    with pytest.raises(TrainError, match=r"--name '\.\./out': use letters"):
        add_model(tmp_path / "lib", weights(tmp_path / "y", seed=2), "../out")
    assert len(models(tmp_path / "lib")) == 1 and not (tmp_path / "out").exists()


def test_a_half_added_model_does_not_count(tmp_path: Path) -> None:
    made = add_model(tmp_path / "lib", weights(tmp_path), "one")
    (made.file.parent / library.RECORD).unlink()  # as a kill between weights and record leaves it
    assert models(tmp_path / "lib") == []
    assert add_model(tmp_path / "lib", weights(tmp_path), "one").name == "one"


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="holds no finished checkpoint"):
        add_model(tmp_path / "lib", tmp_path)
    (tmp_path / "c.safetensors").write_bytes(b"PK\x03\x04 and more of it")
    with pytest.raises(TrainError, match="never run"):
        add_model(tmp_path / "lib", tmp_path / "c.safetensors")
    with pytest.raises(TrainError, match="does not say how it was made"):
        add_model(tmp_path / "lib", weights(tmp_path / "x", design=None))
    with pytest.raises(TrainError, match="holds no model 'x'; it has none yet"):
        find_model(tmp_path / "lib", "x")


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    made = add_model(tmp_path / "lib", weights(tmp_path), "one")
    record = made.file.parent / library.RECORD
    write_json(record, {**read_json(record), "surprise": 1})
    with pytest.raises(TrainError, match=r"one/model\.json: can't be read as a model's record"):
        models(tmp_path / "lib")


@pytest.fixture
def stocked(tmp_path: Path) -> Path:
    lib = tmp_path / "lib"
    for seed, (name, notes) in enumerate(
        {
            "base": {"base": True, "all_identities": [], "step": 9000},
            "anna": {"identities": ["anna"], "step": 300},
            "anna_wide": {"identities": ["anna"], "design": {**DESIGN, "width": 16}, "step": 900},
            "anna_and_bert": {"identities": ["anna", "bert"], "step": 5000},
            "carl": {"identities": ["carl"], "step": 800},
            "other_kind": {"identities": ["anna"], "family": "autoencoder", "step": 9000},
        }.items()
    ):
        add_model(lib, weights(tmp_path / name, seed=seed, **notes), name)
    return lib


def test_the_same_identity_comes_before_a_base(stocked: Path) -> None:
    assert choose_start(stocked, "renderer", ["anna"], DESIGN).model == find_model(stocked, "anna")
    assert choose_start(stocked, "renderer", ["bert"], DESIGN).model == find_model(stocked, "anna_and_bert")
    chosen = choose_start(stocked, "renderer", ["dora"], DESIGN)
    assert chosen.model == find_model(stocked, "anna_and_bert") and "of the same family" in chosen.reason
    assert choose_start(stocked, "keyframe", ["anna"]).model is None
    assert choose_start(None, "renderer", ["anna"]).reason == "no renderer on record; training starts from nothing"


def test_of_two_strangers_the_one_built_alike_is_taken(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    for seed, (name, width, step) in enumerate((("alike", 8, 10), ("wider", 16, 900))):
        design = {"network": {"width": width, "size": 64}, "facesets": [[name]]}
        add_model(lib, weights(tmp_path / name, seed=seed, step=step, identities=[name], design=design), name)
    wanted = {"network": {"width": 8, "size": 64}, "facesets": [["mine"]]}
    assert choose_start(lib, "renderer", ["dora"], wanted).model == find_model(lib, "alike")


def test_whoever_is_not_released_is_left_out_and_said(stocked: Path) -> None:
    def require(identity: str) -> None:
        if identity != "carl":
            raise ConsentError(f"train of '{identity}': no release covers it\n  more")

    chosen = choose_start(stocked, "renderer", ["anna"], DESIGN, require)
    assert chosen.model == find_model(stocked, "carl")
    assert "anna: train of 'anna': no release covers it" in chosen.refused
    nobody = choose_start(stocked, "renderer", ["anna"], DESIGN, lambda identity: require("nobody"))
    assert nobody.model == find_model(stocked, "base")  # drawn people need no release


def release(folder: Path, operations: list[str]) -> None:
    day = dt.date.today()
    add_release(folder, {"id": "_".join(operations), "identity": "anna", "performer": "A.", "kind": "synthetic performer",
                         "description": "d", "shows": ["*"], "shots": ["*"], "operations": operations, "signed": day,
                         "valid_from": day, "valid_until": day, "approved_by": "x"})  # fmt: skip


def test_the_commands_ask_for_a_release_and_show_what_is_there(
    tmp_path: Path, own_shot: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shot, lib = own_shot("small"), str(tmp_path / "lib")
    run = weights(shot / "runs" / "run_0001", identities=["anna"]).parent
    releases = shot / "releases"
    release(releases, ["train", "render"])
    assert main(["library", "add", lib, str(run), "--name", "anna"]) == 2
    assert "library of 'anna' in show" in capsys.readouterr().err
    release(releases, ["library"])
    assert main(["library", "add", lib, str(run), "--name", "anna"]) == 0
    assert main(["library", "list", lib]) == 0
    assert "anna: renderer of anna, 100 steps" in capsys.readouterr().out
    assert main(["library", "show", lib, "anna"]) == 0
    said = capsys.readouterr().out
    assert "levels 3, width 8" in said and "has seen       anna" in said
    elsewhere = weights(tmp_path / "elsewhere", identities=["anna"])
    assert main(["library", "add", lib, str(elsewhere)]) == 2
    assert "lies in no shot; give the shot whose releases count with --shot" in capsys.readouterr().err
