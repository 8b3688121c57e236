"""How the weights of :mod:`vfx_deepfake.model.identity.features` are made: ``python -m vfx_deepfake.demo.train_features FOLDER``.

Drawn people in several lights, ages and poses, nobody real. The folder keeps their facesets, so that a run that was stopped goes
on there; the same program gives the same weights.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity.features import Features, train

FIRST, PEOPLE, HELD_OUT = 5000, 30, 6  # numbers of the drawn people; the last ones are not learnt from
CROPS, SIZE_PX, LIGHTS = 10, 96, (0, 1, 2, 3, 4)
STEPS = 900


def main(folder: Path) -> int:
    """Draw, train, judge on people who were not learnt from, and write ``features.safetensors`` into ``folder``."""
    torch.set_num_threads(1)
    crops = [readers(load_faceset(one)) for one in draw(folder)]
    learnt, held_out = crops[:-HELD_OUT], crops[-HELD_OUT:]
    begun = time.monotonic()
    network = train(learnt, STEPS, on_step=lambda step, loss: say(step, loss, time.monotonic() - begun))
    same, other = alike(network, held_out)
    notes = {
        "people": len(learnt),
        "steps": STEPS,
        "same": round(float(same.mean()), 3),
        "other": round(float(other.mean()), 3),
    }
    checkpoint.write(
        folder / "features.safetensors", {name: tensor.half() for name, tensor in network.state_dict().items()}, notes
    )
    told = float((same[:, None] > other[None]).mean())
    print(f"held out: same person {same.mean():.3f}, another {other.mean():.3f}; told apart {told:.3f} of the pairs")
    return 0


def say(step: int, loss: float, seconds: float) -> None:
    """Where training is and how long it still takes, now and then."""
    if step % (STEPS // 20) == 0:
        left = seconds / step * (STEPS - step)
        print(f"step {step} of {STEPS}, loss {loss:.4f}, {left:.0f} s left", file=sys.stderr, flush=True)


def draw(folder: Path) -> list[Path]:
    """The facesets of everybody, drawn where they are not there yet."""
    return [
        render_faceset(
            FIRST + number, folder / str(number), count=CROPS, lights=LIGHTS, size=SIZE_PX, age=number % 3 / 2
        )
        for number in range(PEOPLE)
    ]


def readers(faceset: Faceset) -> list[Callable[[], np.ndarray]]:
    """What reads each crop of a faceset."""
    return [lambda index=index: faceset.image_log(index) for index in range(len(faceset))]  # type: ignore[misc]


@torch.inference_mode()
def alike(network: Features, people: list[list[Callable[[], np.ndarray]]]) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of all pairs of crops: of one person, and of two."""
    found = [
        network(torch.from_numpy(np.stack([read() for read in crops]).transpose(0, 3, 1, 2).copy())).numpy()
        for crops in people
    ]
    same = np.concatenate([(one @ one.T)[np.triu_indices(len(one), 1)] for one in found])
    other = np.concatenate([(one @ two.T).ravel() for i, one in enumerate(found) for two in found[i + 1 :]])
    return same, other


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
