"""How fast identity methods train and render, beside the field's classic model in plain PyTorch in the same run.

    python -m benchmarks.identity_speed [--sizes 64,128,256] [--seconds 20] [--out FOLDER]

The classic shares one encoder between two decoders and makes 64 x 64 pictures; here it is written plainly (strided 5 x 5
convolutions, dense middle, pixel shuffling, L1, Adam) and as wide as gives it the parameter count of our autoencoder at
64 px. Both sides take their crops from memory. A step of ours draws, lights and warps its crops, judges structure and
gradients too, and averages its weights; the classic's does not.

Per method: images a second in training and frames a second in rendering, per second of CPU time on a CPU (other load on the
host does not show, one thread) and of wall time on a GPU. There also what share of the GPU's measured bfloat16 matrix rate the
training reaches. Then where the time of a training step goes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.model.identity.method import Drive, Method, Options, ShotViews, View
from vfx_deepfake.model.identity.registry import prepare
from vfx_deepfake.model.loop import autocast, pick_device

BATCH, CROPS, ROUNDS = 4, 12, 3
CLASSIC_PX = 64
MATRIX = 8192  # side of the matrices that the GPU's rate is measured on
SHOWN_OPERATIONS = 12


class Classic(nn.Module):
    """The shared-encoder model of 2017, ``width`` channels after its first convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        down = [3, width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for few, many in pairwise(down):
            layers += [nn.Conv2d(few, many, 5, 2, 2), nn.LeakyReLU(0.1)]
        middle = [nn.Flatten(), nn.Linear(128 * width, 8 * width), nn.Linear(8 * width, 128 * width)]
        self.encoder = nn.Sequential(*layers, *middle, nn.Unflatten(1, (8 * width, 4, 4)), *grow(8 * width, 4 * width))
        self.decoders = nn.ModuleList(
            nn.Sequential(*grow(4 * width, 2 * width), *grow(2 * width, width), *grow(width, width // 2),
                          nn.Conv2d(width // 2, 3, 5, 1, 2), nn.Sigmoid())
            for _ in range(2)
        )  # fmt: skip

    def forward(self, pictures: Tensor, identity: int) -> Tensor:
        """(B, 3, 64, 64) 0..1 as one of the two."""
        return self.decoders[identity](self.encoder(pictures))


def grow(few: int, many: int) -> list[nn.Module]:
    return [nn.Conv2d(few, 4 * many, 3, 1, 1), nn.LeakyReLU(0.1), nn.PixelShuffle(2)]


def classic_of(parameters: int) -> Classic:
    """The classic whose parameter count is nearest."""
    widths = range(8, 160, 2)
    with torch.device("meta"):
        counts = {width: count(Classic(width)) for width in widths}
    return Classic(min(widths, key=lambda width: abs(counts[width] - parameters)))


def count(network: nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


class Case:
    """A method with its training step and its rendering of one frame."""

    def __init__(
        self, name: str, network: nn.Module, step: Callable[[int], object], frame: Callable[[], object]
    ) -> None:
        self.name, self.network, self.step, self.frame = name, network, step, frame


def classic_case(parameters: int, device: torch.device) -> Case:
    network = classic_of(parameters).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-5, betas=(0.5, 0.999))
    pictures = torch.rand(BATCH // 2, 3, CLASSIC_PX, CLASSIC_PX, device=device)

    def step(_: int) -> None:
        with autocast(device, "auto"):
            loss = sum(F.l1_loss(network(pictures, who).float(), pictures) for who in (0, 1))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[union-attr]
        optimiser.step()

    def frame() -> Tensor:
        with torch.inference_mode():
            return network(pictures[:1], 1).cpu()

    return Case(f"classic {CLASSIC_PX} px, plain PyTorch", network, step, frame)


def our_case(family: str, size: int, facesets: list[Faceset], shot: ShotViews, device: torch.device) -> Case:
    options = Options(size=size, batch_size=BATCH, device=str(device))
    method: Method = prepare(family, facesets[1:], (), shot, options)
    method.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(method.network.parameters(), lr=1e-4)
    view = View(*facesets[0].view(0))

    def step(number: int) -> None:
        method.network.train()
        with autocast(device, "auto"):
            loss = method.step_loss(number)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def frame() -> object:
        return method.make(view, Drive())

    return Case(f"{family} {size} px", method.network, step, frame)


def clock(device: torch.device) -> float:
    """CPU seconds on a CPU, wall seconds on a GPU whose work is done."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def rates(cases: list[Case], device: torch.device, seconds: float) -> Iterator[tuple[Case, float, float]]:
    """Steps and frames a second of each case: the best of some rounds that take turns."""
    best = {case.name: [0.0, 0.0] for case in cases}
    for case in cases:
        for number in range(CROPS):  # every crop has been read
            case.step(number)
        case.frame()
    for _ in range(ROUNDS):
        for case in cases:
            for kind, work in enumerate((case.step, lambda _, case=case: case.frame())):  # type: ignore[misc]
                begun, done = clock(device), 0
                while clock(device) - begun < seconds / (2 * ROUNDS * len(cases)):
                    work(done)
                    done += 1
                best[case.name][kind] = max(best[case.name][kind], done / (clock(device) - begun))
    for case in cases:
        yield case, *best[case.name]  # type: ignore[misc]


def step_flops(case: Case) -> float:
    """Floating-point operations of one training step, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        case.step(0)
    return float(counter.get_total_flops())


def matrix_rate(device: torch.device) -> float:
    """bfloat16 operations a second of a large matrix product on the GPU, measured."""
    one = torch.randn(MATRIX, MATRIX, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        one @ one
    begun, rounds = clock(device), 20
    for _ in range(rounds):
        one @ one
    return 2.0 * MATRIX**3 * rounds / (clock(device) - begun)


def show_profile(case: Case, device: torch.device) -> None:
    """Where the time of a training step goes, by operation."""
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as record:
        for number in range(4):
            case.step(number)
    events = record.key_averages()
    spent = {one.key: one.self_device_time_total if on_gpu else one.self_cpu_time_total for one in events}
    total = sum(spent.values())
    print(f"\n{case.name}: share of a training step")
    for name, value in sorted(spent.items(), key=lambda item: -item[1])[:SHOWN_OPERATIONS]:
        print(f"  {value / total:6.1%}  {name}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="64,128,256")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    device = pick_device("auto")
    torch.set_num_threads(1)
    out = args.out or Path(tempfile.mkdtemp(prefix="identity_speed"))
    sizes = [int(size) for size in args.sizes.split(",")]
    facesets = [load_faceset(render_faceset(who, out / str(who), count=CROPS, size=max(sizes))) for who in (1, 2)]
    shot = ShotViews(list(range(CROPS)), lambda frame: View(*facesets[0].view(frame)))
    ours = [our_case("autoencoder", size, facesets, shot, device) for size in sizes]
    ours += [our_case("renderer", size, facesets, shot, device) for size in sizes[1:]]
    cases = [classic_case(count(ours[0].network), device), *ours]
    peak = matrix_rate(device) if device.type == "cuda" else 0.0
    print(f"{device}, torch {torch.__version__}, {torch.get_num_threads()} thread, {BATCH} images a step")
    print("| method | million weights | GFLOP an image | train images/s | against classic | frames/s | bf16 share |")
    print("|---|---|---|---|---|---|---|")
    first = 0.0
    for case, steps, frames in rates(cases, device, args.seconds):
        flops, images = step_flops(case), steps * BATCH
        first = first or images
        share = f"{flops * steps / peak:.1%}" if peak else "no GPU"
        print(
            f"| {case.name} | {count(case.network) / 1e6:.1f} | {flops / BATCH / 1e9:.2f} | {images:.1f} | {images / first:.2f} "
            f"| {frames:.1f} | {share} |"
        )
    for case in cases:
        show_profile(case, device)
    return 0


if __name__ == "__main__":
    sys.exit(main())
