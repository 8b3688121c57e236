"""The exported network: loaded alone, in a process of its own, it does what the Python one does, at any size, in float and half."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.model.export_network import (
    CHANNELS_IN,
    CHANNELS_OUT,
    KNOBS,
    LEGAL_CHANNELS,
    ForNuke,
    Student,
    scripted,
)
from vfx_deepfake.model.export_student import Pair, StudentMethod
from vfx_deepfake.model.identity.trainer import train_identity
from vfx_deepfake.settings import TrainSpec

SIZES = ((16, 16), (17, 31), (1, 1), (50, 33))
# loads the file with torch alone: nothing of this package may be needed, as in Nuke
RUN = """
import sys, torch, numpy
model = torch.jit.load(sys.argv[1], map_location="cpu").eval()
assert "vfx_deepfake" not in sys.modules
inputs = numpy.load(sys.argv[2])
out = {}
with torch.no_grad():
    for name, value in inputs.items():
        out[name] = model(torch.from_numpy(value)).numpy()
        model.strength = 0.0
        out["off_" + name] = model(torch.from_numpy(value)).numpy()
        model.strength = 1.0
    half = torch.jit.load(sys.argv[1]).eval().half()
    for name, value in inputs.items():
        out["half_" + name] = half(torch.from_numpy(value).half()).numpy()
numpy.savez(sys.argv[3], **out)
"""


def plate(height: int, width: int, seed: int = 1) -> np.ndarray:
    """Scene-linear with negatives and highlights."""
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 0.02, (height, width, 3)) + np.exp2(rng.uniform(-6, 4, (height, width, 1)))).astype(
        np.float32
    )


def pairs() -> list[Pair]:
    """A patch that gets brighter in two frames."""
    made = []
    for frame in (1, 2):
        own = 0.18 + 0.02 * plate(48, 64, frame)
        matte = np.zeros((48, 64), np.float32)
        matte[10:38, 12:50] = 1.0
        own[matte > 0] *= (1.4, 1.0, 0.7)
        face = own * np.where(matte > 0, 1.5, 1.0)[..., None].astype(np.float32)
        made.append(Pair.of(frame, own, face, own, matte))
    return made


SPEC = TrainSpec(steps=160, batch_size=2, crop_px=32, learning_rate=4e-3, save_every=80, device="cpu")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> StudentMethod:
    method = StudentMethod(pairs(), SPEC, torch.device("cpu"))
    train_identity(method, SPEC, tmp_path_factory.mktemp("student"))
    return method


@pytest.fixture(scope="module")
def exported(
    taught: StudentMethod, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What went in, and what came out of the file in a fresh process."""
    folder = tmp_path_factory.mktemp("export")
    assert isinstance(taught.network, Student)
    scripted(taught.network).save(str(folder / "model.pt"))
    inputs = {f"{h}x{w}": plate(h, w).transpose(2, 0, 1)[None].copy() for h, w in SIZES}
    np.savez(folder / "in.npz", **inputs)
    command = [sys.executable, "-c", RUN, str(folder / "model.pt"), str(folder / "in.npz"), str(folder / "out.npz")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as out:
        return inputs, dict(out)


def test_it_learns_the_change(taught: StudentMethod) -> None:
    pair = pairs()[0]
    made = taught.apply(pair.plate_log)
    error = np.abs(made[..., :3] * made[..., 3:] - pair.change_log)
    # a student that changes nothing is off by the whole change; these steps take away most of it
    assert error.mean() < 0.5 * np.abs(pair.change_log.astype(np.float32)).mean()
    assert taught.sheet().ndim == 3


def test_the_file_equals_the_network(
    taught: StudentMethod, exported: tuple[dict[str, np.ndarray], dict[str, np.ndarray]]
) -> None:
    inputs, out = exported
    network = ForNuke(taught.network).eval()  # type: ignore[arg-type]
    for name, value in inputs.items():
        with torch.no_grad():
            mine = network(torch.from_numpy(value)).numpy()
        assert out[name].shape == (1, len(CHANNELS_OUT), *value.shape[2:]) and out[name].dtype == np.float32
        # the same sums by the same library; a fused order may round the last bits, and decoding multiplies log errors by 12
        np.testing.assert_allclose(out[name], mine, rtol=2e-5, atol=1e-6)


def test_half_stays_near_and_finite(exported: tuple[dict[str, np.ndarray], dict[str, np.ndarray]]) -> None:
    inputs, out = exported
    for name in inputs:
        half, full = out[f"half_{name}"], out[name]
        assert half.dtype == np.float16 and np.isfinite(half).all()
        # half rounds a value by 2 ** -11 of itself; through the network's ten layers that grows to a hundredth in log (measured: 0.004)
        assert np.abs(encode_log(half[:, :3].astype(np.float32)) - encode_log(full[:, :3])).max() < 0.01


def test_strength_is_a_knob_and_zero_is_the_plate(
    exported: tuple[dict[str, np.ndarray], dict[str, np.ndarray]],
) -> None:
    inputs, out = exported
    assert set(KNOBS) == {"strength"}
    for name, value in inputs.items():
        assert np.array_equal(out[f"off_{name}"][:, :3], value)  # bit for bit
        assert np.array_equal(out[f"off_{name}"][:, 3], out[name][:, 3])


def test_where_the_matte_is_empty_the_plate_is_untouched() -> None:
    student = Student()
    with torch.no_grad():
        student.leave.bias[3] = -9.0  # type: ignore[index]
        student.leave.bias[0] = 1.0  # type: ignore[index]
        value = torch.from_numpy(plate(20, 21).transpose(2, 0, 1)[None].copy())
        made = ForNuke(student).eval()(value)
    assert torch.equal(made[:, :3], value) and not made[:, 3].any()


def test_bad_pixels_do_not_spread() -> None:
    value = torch.from_numpy(plate(20, 21).transpose(2, 0, 1)[None].copy())
    value[0, 0, 3, 4], value[0, 1, 9, 9] = float("nan"), float("inf")
    with torch.no_grad():
        made = ForNuke(Student()).eval()(value)
    assert torch.isfinite(made).sum() >= made.numel() - 2


def test_its_curves_are_the_package_s() -> None:
    values = torch.linspace(-2.0, 60.0, 4001)
    network = ForNuke(Student())
    torch.testing.assert_close(network.encoded(values), encode_log(values), rtol=0, atol=0)
    torch.testing.assert_close(network.decoded(encode_log(values)), decode_log(encode_log(values)), rtol=0, atol=0)


def test_it_names_only_channels_that_inference_takes() -> None:
    assert len(LEGAL_CHANNELS) == len(set(LEGAL_CHANNELS)) == 19
    assert {*CHANNELS_IN, *CHANNELS_OUT} <= set(LEGAL_CHANNELS)


def test_a_killed_export_goes_on_where_it_was(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(step: int, loss: float) -> None:
        if step == 7:
            raise Stopped

    spec = replace(SPEC, steps=9, save_every=3)
    whole, again = (StudentMethod(pairs(), spec, torch.device("cpu")) for _ in range(2))
    train_identity(whole, spec, tmp_path / "whole")
    with pytest.raises(Stopped):
        train_identity(StudentMethod(pairs(), spec, torch.device("cpu")), spec, tmp_path / "killed", on_step=stop)
    train_identity(again, spec, tmp_path / "killed")
    assert all(torch.equal(a, b) for a, b in zip(again.network.parameters(), whole.network.parameters(), strict=True))
