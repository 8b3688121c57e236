"""How long 250 shots take on N hosts, and what stops more hosts from helping: ``python -m benchmarks.scale``.

A deterministic simulation on virtual time, in seconds; nothing is rendered. Every shot is the chain that the farm plan makes
of it: track, train, render and qc in chunks, review, version. A free host takes the first task that is ready, in the order of the
list. A task reads and writes while it computes, so it goes at the pace of the slower: its processor, or its share of the
storage (equal shares, none more than a host's network takes). The inputs are the constants below; each says whether it was
measured or assumed, and docs/scale.md discusses the result.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MIB, GIB = 2.0**20, 2.0**30

# the show
NUM_SHOTS = 250
LENGTHS = (60, 90, 110, 150, 200)  # frames of a shot, in turn: assumed; 122 on average
MODEL_SHARE = 5  # shots that share one trained network, when they do: assumed

# one host with two cores and no GPU, 4096 x 2160 with grain
RENDER_S = 5.0  # a frame: measured, 0.20 frames a second
TRACK_S = 5.2  # a frame, with grain: measured on three frames of the performer, one thread
TRAIN_S = 156.0  # 400 steps: measured at 960 x 540; a step's cost does not depend on the plate's size
PREPARE_S = (
    120.0  # painted frames foretold from each other, before training or judging: assumed, 25 CPU s at 1280 x 720
)
QC_S = 5.0  # a frame: the limit that the stage was built to, not measured at this size
REVIEW_S, VERSION_S = 6.1, 0.1  # a frame: measured on three frames, contact sheet included, so too much for a long shot
START_S = 8.0  # of a task: measured, importing the libraries from a cold disk
CHUNK = 10  # frames: the plan's default
TRACK_READS = 6.3  # times that tracking and grain read the plate: measured, 193 MiB a frame

# storage, bytes a frame at 4096 x 2160
PLATE = 30.4 * MIB  # half, three channels, zip, grain: measured, 3.6 bytes a pixel
EXR_OUT = (
    PLATE + 44.3 * MIB
)  # the plate's size and 35 bytes a pixel of the face's 15 % of the frame: measured, share assumed
DPX_OUT = 33.8 * MIB  # 10 bit: 4 bytes a pixel
NEIGHBOURS = 2  # frames read on each side of a chunk
FILE_OPERATIONS = 26  # a frame, counted in the code: two files and a record written, flushed and renamed; plates opened


@dataclass(frozen=True, kw_only=True, slots=True)
class Farm:
    """The machines."""

    num_hosts: int
    speed: float = 1.0  # of rendering and training against two cores; a GPU's is not measured
    storage: float = 2.0 * GIB  # bytes a second of the file server, all hosts together: assumed
    network: float = 1.1 * GIB  # bytes a second of one host: 10 gigabit Ethernet


@dataclass(slots=True)
class Task:
    """One task of one shot: processor seconds on the base host, bytes through the network, and what it waits for."""

    stage: str
    cpu_s: float
    moved: float
    waits: list[Task]
    fixed_s: float = START_S  # seconds that no faster host saves
    left: float = 1.0  # share still to do
    done: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a farm made of the show."""

    hours: float
    busy: float  # share of the hosts' time in which they had a task
    storage_busy: float  # share of what the storage can move that was moved
    waiting: float  # share of task time spent waiting for storage
    operations: float  # file operations a second, on average


def show(shared: bool) -> list[list[Task]]:
    """The tasks of every shot, in the order of the list."""
    shots: list[list[Task]] = []
    lender: Task | None = None
    for index in range(NUM_SHOTS):
        frames = LENGTHS[index % len(LENGTHS)]
        borrows = shared and index % MODEL_SHARE != 0
        track = Task("track", frames * TRACK_S, frames * TRACK_READS * PLATE, [])
        waits = [track, lender] if borrows and lender else [track]
        train = Task("train", PREPARE_S + (0 if borrows else TRAIN_S), 20 * PLATE, waits)
        lender = lender if borrows else train
        chunks = [_chunk(count, train) for count in _sizes(frames)]
        measured = [_qc_chunk(count, chunks) for count in _sizes(frames)]
        review = Task("review", frames * REVIEW_S, frames * EXR_OUT, list(chunks))
        version = Task("version", frames * VERSION_S, frames * (EXR_OUT + DPX_OUT), [review, *measured])
        shots.append([track, train, *chunks, *measured, review, version])
    return shots


def _chunk(count: int, train: Task) -> Task:
    moved = (count + 2 * NEIGHBOURS) * PLATE + count * (EXR_OUT + DPX_OUT)
    return Task("render", count * RENDER_S, moved, [train])


def _qc_chunk(count: int, rendered: list[Task]) -> Task:
    moved = (count + 2) * (PLATE + EXR_OUT + DPX_OUT)  # a frame is compared with the ones beside it
    return Task("qc", count * QC_S, moved, list(rendered))


def _sizes(frames: int) -> Iterator[int]:
    """Chunks of at most CHUNK frames, evened out as Open Job Description does."""
    number = -(-frames // CHUNK)
    for index in range(number):
        yield frames * (index + 1) // number - frames * index // number


def simulate(farm: Farm, shots: Sequence[Sequence[Task]]) -> Result:
    """Run the show; deterministic."""
    tasks = [task for shot in shots for task in shot]
    waiting, running = list(tasks), [Task("", 0, 0, [])] * 0
    clock = busy_s = wanted_s = moved = 0.0
    while waiting or running:
        ready = [task for task in waiting if all(other.done for other in task.waits)][: farm.num_hosts - len(running)]
        for task in ready:
            waiting.remove(task)
        running += ready
        paces = _paces(farm, running)
        step = min(task.left / pace for task, pace in zip(running, paces, strict=True))
        clock += step
        busy_s += step * len(running)
        for task, pace in zip(running, paces, strict=True):
            moved += step * pace * task.moved
            wanted_s += step * pace * _alone_s(farm, task)
            task.left -= step * pace
        finished = [task for task in running if task.left < 1e-9]
        for task in finished:
            task.done = True
        running = [task for task in running if not task.done]
    frames = sum(LENGTHS[index % len(LENGTHS)] for index in range(NUM_SHOTS))
    return Result(
        hours=clock / 3600,
        busy=busy_s / (clock * farm.num_hosts),
        storage_busy=moved / (clock * farm.storage),
        waiting=max(1 - wanted_s / busy_s, 0.0),
        operations=frames * FILE_OPERATIONS / clock,
    )


def _alone_s(farm: Farm, task: Task) -> float:
    """Seconds of a task that has the storage for itself."""
    faster = farm.speed if task.stage in ("train", "render") else 1.0
    return max(task.fixed_s + task.cpu_s / faster, task.moved / farm.network)


def _paces(farm: Farm, running: Sequence[Task]) -> list[float]:
    """Share of each task done a second: what it could do alone, cut where the storage is asked for more than it has.

    The least demanding get what they ask for, the others equal shares of the rest (max-min fairness).
    """
    alone = [1 / _alone_s(farm, task) for task in running]
    asked = [pace * task.moved for pace, task in zip(alone, running, strict=True)]
    granted, rest = [0.0] * len(asked), farm.storage
    order = sorted(range(len(asked)), key=asked.__getitem__)
    for place, index in enumerate(order):
        granted[index] = min(asked[index], rest / (len(order) - place))
        rest -= granted[index]
    return [pace * (got / want if want else 1.0) for pace, got, want in zip(alone, granted, asked, strict=True)]


def bottleneck(result: Result) -> str:
    """What more of would help first."""
    if result.storage_busy > 0.9 or result.waiting > 0.1:
        return "storage"
    return "hosts" if result.busy > 0.8 else "chains"


def main() -> int:
    """Print tables as docs/scale.md shows them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hosts", type=int, nargs="+", default=[10, 50, 100, 250])
    parser.add_argument("--speeds", type=float, nargs="+", default=[1.0, 5.0, 20.0], help="of training and rendering")
    parser.add_argument("--storage-gib", type=float, nargs="+", default=[2.0, 10.0], help="GiB a second")
    parser.add_argument("--shared", action="store_true", help="five shots share a trained network")
    args = parser.parse_args()
    _print_sizes(args.shared)
    print(
        "| storage GiB/s | speed | hosts | hours | hosts busy | storage busy | lost to storage | file op/s | short of |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for gib in args.storage_gib:
        for speed in args.speeds:
            for num_hosts in args.hosts:
                farm = Farm(num_hosts=num_hosts, speed=speed, storage=gib * GIB)
                _print_row(farm, simulate(farm, show(args.shared)))
    return 0


def _print_sizes(shared: bool) -> None:
    frames = sum(LENGTHS[index % len(LENGTHS)] for index in range(NUM_SHOTS))
    tib = 2.0**40
    print(f"{NUM_SHOTS} shots, {frames} frames, {frames * PLATE / tib:.2f} TiB of plate, "
          f"{frames * (EXR_OUT + DPX_OUT) / tib:.2f} TiB a version of each")  # fmt: skip
    seconds = sum(task.cpu_s + task.fixed_s for shot in show(shared) for task in shot)
    print(f"{seconds / 3600:.0f} hours of one host of two cores without a GPU\n")


def _print_row(farm: Farm, result: Result) -> None:
    cells = [
        f"{farm.storage / GIB:g}", f"{farm.speed:g}", f"{farm.num_hosts}", f"{result.hours:.1f}", f"{result.busy:.0%}",
        f"{result.storage_busy:.0%}", f"{result.waiting:.0%}", f"{result.operations:.0f}", bottleneck(result),
    ]  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
