"""Checkpoints made to do harm: none runs code, none takes memory or time beyond its size, each gets one plain line.

Each file is opened by a process of its own whose memory is limited, as a farm host would.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.header import MOST_HEADER_BYTES
from vfx_deepfake.model.network import Design, Refiner

SPARE_BYTES = 3 << 28  # 768 MiB over what the process has when torch is loaded; the good file needs 10
SECONDS = 60  # torch alone takes some to load on a busy host; an endless read would take for ever
OPEN_ALL = f"""
import resource, sys
from pathlib import Path
from vfx_deepfake.errors import TrainError
from vfx_deepfake.model.identity.registry import restore
from vfx_deepfake.model.train import load_network
import vfx_deepfake.model.identity.autoencoder, vfx_deepfake.model.identity.renderer  # before the limit is set
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + {SPARE_BYTES}
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for path in sys.argv[1:]:
    try:
        restore(Path(path), "cpu") if "identity" in Path(path).stem else load_network(Path(path), "cpu")
        print("opened")
    except TrainError as error:
        print(str(error).replace("\\n", " NEW LINE "))
"""


class RunsCode:
    """A pickle that leaves a file behind when it is opened."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> Any:
        return (open, (str(self.witness), "w"))


def with_header(path: Path, header: Any, data: bytes = b"") -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def tensor(begin: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def ours(notes: Any = None) -> dict[str, str]:
    return {checkpoint.METADATA: json.dumps({"format": checkpoint.FORMAT, "notes": notes if notes is not None else {}})}


def good(path: Path, change: Callable[[dict[str, torch.Tensor]], None] = lambda tensors: None, **design: Any) -> None:
    torch.manual_seed(1)
    network = Refiner(Design(width=4))
    tensors = dict(network.state_dict())
    change(tensors)
    checkpoint.write(path, tensors, {"step": 1, "design": {**network.design.as_data(), **design}})


def spoilt(value: float) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        name = next(iter(tensors))
        tensors[name] = tensors[name].clone()
        tensors[name].view(-1)[0] = value

    return change


def as_whole_numbers(tensors: dict[str, torch.Tensor]) -> None:
    for name in tensors:
        tensors[name] = tensors[name].to(torch.int64)


def reshaped(tensors: dict[str, torch.Tensor]) -> None:
    for name in tensors:
        tensors[name] = tensors[name].reshape(-1)


def identity(path: Path, family: Any, network: Any, **tensors: torch.Tensor) -> None:
    """A checkpoint of an identity model that says it is of ``family`` and built like ``network``."""
    design = {"network": network, "people": {"ages": [None], "partner_from": 2}, "facesets": [[]]}
    checkpoint.write(path, tensors, {"step": 1, "family": family, "design": design})


def sparse(path: Path, size: int) -> None:
    """A file of ``size`` bytes that takes no disk, whose header is sound."""
    header = json.dumps({"a": tensor(0, size, [size], "U8"), "__metadata__": ours()}).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)


def torch_zip(path: Path, witness: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(RunsCode(witness)))


def hostile_files(folder: Path, witness: Path) -> dict[str, tuple[Callable[[Path], Any], str]]:
    """What is wrong: how to make it, what the line says."""
    deep = b"[" * 100_000 + b"]" * 100_000
    return {
        "pickle": (lambda p: p.write_bytes(pickle.dumps(RunsCode(witness))), "is a pickle: it holds code"),
        "zip": (lambda p: torch_zip(p, witness), "is a zip archive.*never run"),
        "empty": (lambda p: p.write_bytes(b""), "is 0 bytes long"),
        "truncated": (lambda p: (good(p), p.write_bytes(p.read_bytes()[:-100])), "cut off"),
        "header_of_exabytes": (lambda p: p.write_bytes(b"\xff" * 8 + b"{}"), "header claims 18446744073709551615"),
        "header_of_many_mib": (lambda p: with_header(p, b" " * (MOST_HEADER_BYTES + 1)), "header of 4 MiB is larger"),
        "header_nested": (lambda p: with_header(p, deep), "no JSON, or nested without end"),
        "notes_nested": (
            lambda p: with_header(p, {"__metadata__": {checkpoint.METADATA: deep.decode()}}),
            "can't be read as a checkpoint",
        ),
        "notes_of_another_kind": (
            lambda p: with_header(p, {"__metadata__": {checkpoint.METADATA: "[1]"}}),
            "another kind",
        ),
        "overlap": (
            lambda p: with_header(p, {"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2]), "__metadata__": ours()}, b"\0" * 12),
            "tensors overlap",
        ),
        "gap": (lambda p: with_header(p, {"a": tensor(4, 8, [1]), "__metadata__": ours()}, b"\0" * 8), "leave a gap"),
        "beyond_the_end": (lambda p: with_header(p, {"a": tensor(0, 1 << 40, [1 << 38])}, b"\0" * 8), "its header says 1099"),
        "shape_lies": (lambda p: with_header(p, {"a": tensor(0, 8, [1 << 31, 1 << 31])}, b"\0" * 8), "not what its shape"),
        "negative_shape": (lambda p: with_header(p, {"a": tensor(0, 8, [-1, -2])}, b"\0" * 8), "a place that can't be"),
        "unknown_type": (lambda p: with_header(p, {"a": tensor(0, 8, [1], "C64")}, b"\0" * 8), "is of type 'C64'"),
        "no_tensor": (lambda p: with_header(p, {"a": 5}), "not described as a tensor"),
        "a_terabyte": (lambda p: sparse(p, 1 << 40), "no more than 8192 are read"),
        "nan": (lambda p: good(p, spoilt(float("nan"))), "values that are no numbers"),
        "infinite": (lambda p: good(p, spoilt(float("inf"))), "values that are no numbers"),
        "whole_numbers": (lambda p: good(p, as_whole_numbers), "do not fit the network"),
        "wrong_shapes": (lambda p: good(p, reshaped), "do not fit the network"),
        "huge_design": (lambda p: good(p, width=60_000), "made by another version"),
        "absurd_design": (lambda p: good(p, width="os.system('x')"), "made by another version"),
        "unknown_design": (lambda p: good(p, surprise=1), "made by another version"),
        "no_design": (lambda p: checkpoint.write(p, {}, {"step": 1}), "made by another version"),
        "foreign": (lambda p: save_file({"a": torch.ones(2)}, str(p)), "of another kind"),
        "link_to_zeros": (lambda p: p.symlink_to("/dev/zero"), "is no ordinary file"),
        "link_to_nowhere": (lambda p: p.symlink_to(folder / "nowhere"), "No such file"),
        "link_to_itself": (lambda p: p.symlink_to(p), "symbolic links"),
        "pipe": (os.mkfifo, "is no ordinary file"),
        "identity_unknown": (lambda p: identity(p, "os.system", {}), "holds no identity model"),
        "identity_list": (lambda p: identity(p, ["renderer"], {}), "holds no identity model"),
        "identity_huge": (
            lambda p: identity(p, "renderer", {"size": 1 << 20, "entries": 1 << 20}),
            "was made by another version of this program .*larger than the file",
        ),
        "identity_wide": (
            lambda p: identity(p, "autoencoder", {"size": 64, "encoder_width": 1 << 20, "decoder_width": 1 << 20}),
            "was made by another version of this program",
        ),
        "identity_text": (lambda p: identity(p, "renderer", {"size": "rm -rf"}), "was made by another version of this program"),
        "identity_empty": (lambda p: identity(p, "renderer", {"size": 64}), "do not fit the network"),
        "folder": (lambda p: p.mkdir(), "Is a directory"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What opening each file said, in one process for all of them: it must live through every one."""
    folder = tmp_path_factory.mktemp("hostile")
    files = hostile_files(folder, folder / "code_ran")
    for name, (make, _) in files.items():
        make(folder / f"{name}.safetensors")
    good(folder / "good.safetensors")
    names = [*files, "good"]
    paths = [str(folder / f"{name}.safetensors") for name in names]
    done = subprocess.run([sys.executable, "-c", OPEN_ALL, *paths], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert not (folder / "code_ran").exists()
    return dict(zip(names, done.stdout.splitlines(), strict=True))


NAMES = tuple(hostile_files(Path(), Path()))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_refused_with_one_plain_line(answers: dict[str, str], name: str) -> None:
    _, says = hostile_files(Path(), Path())[name]
    line = answers[name]
    assert line != "opened" and "NEW LINE" not in line and "Traceback" not in line
    assert f"{name}.safetensors" in line and len(line) < 600
    assert re.search(says, line), line


def test_a_good_one_opens_under_the_same_limits(answers: dict[str, str]) -> None:
    assert answers["good"] == "opened"


def test_a_network_may_not_outgrow_its_file() -> None:
    with pytest.raises(ValueError, match="larger than the file"), checkpoint.within({"a": torch.ones(4)}):
        torch.nn.Linear(1 << 20, 1 << 20)
    with checkpoint.within({"a": torch.ones(4)}):
        assert torch.nn.Linear(8, 8).weight.shape == (8, 8)


def test_notes_are_read_without_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    good(path, spoilt(float("nan")))
    assert checkpoint.read_notes(path)["step"] == 1
    with pytest.raises(TrainError, match="no numbers"):
        checkpoint.read(path)
