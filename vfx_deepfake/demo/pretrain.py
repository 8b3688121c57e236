"""Trains the base that identity models may start from, on people who do not exist: ``vfx-deepfake library pretrain OUT``.

Everything is drawn by this package: many performers (:mod:`vfx_deepfake.demo.performer.identities`), each of another age and in
lamps of its own, and for the renderer each in other people's takes too. One network learns to paint them all, so its shared
weights know what light, lids and lips do to faces, and nobody's face. Only those weights are kept, in half:
OUT/METHOD.safetensors, with what made it in its notes. The same arguments on the same host make the same base. Run it again
after a kill: it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.demo.takes import draw_take, load_take
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity.method import Method, Options
from vfx_deepfake.model.identity.registry import prepare
from vfx_deepfake.model.identity.renderer_takes import ForeignTake
from vfx_deepfake.model.identity.trainer import train_identity
from vfx_deepfake.model.identity.warm_start import shared_of
from vfx_deepfake.progress import Progress
from vfx_deepfake.settings import TrainSpec

AGES = (0.0, 0.5, 1.0)  # taken in turn
LAMPS = 4  # sets of them a person is seen in, the demo's among them


def draw_people(folder: Path, people: int, crops: int, size: int, progress: Progress) -> list[Faceset]:
    """Facesets of performers 1 to ``people``; those that are there already are left alone."""
    made = []
    progress.start("draw", people, "people")
    for number in range(1, people + 1):
        lights = (0, *(number + 1000 * lamp for lamp in range(1, LAMPS)))
        age = AGES[number % len(AGES)]
        made.append(
            render_faceset(number, folder / f"performer_{number:03d}", count=crops, lights=lights, size=size, age=age)
        )
        progress.advance(number)
    progress.finish()
    # methods keep one set of textures for each age of an identity; as many "ages" keep these people apart
    return [replace(load_faceset(path), age=float(number)) for number, path in enumerate(made, 1)]


def draw_takes(folder: Path, people: int, takes: int, size: int, progress: Progress) -> list[ForeignTake]:
    """Performers 1 to ``people`` in ``takes`` strangers' places each; those that are there already are left alone."""
    found = []
    progress.start("draw takes", people, "people")
    for number in range(1, people + 1):
        for take in range(takes):
            path = folder / f"take_{number:03d}_{take}.npz"
            draw_take(path, number, take, size, AGES[number % len(AGES)])
            found.append(load_take(path, number - 1))
        progress.advance(number)
    progress.finish()
    return [take for take in found if take is not None]


def pretrain(
    out: Path,
    method: str,
    facesets: Sequence[Faceset],
    spec: TrainSpec,
    options: Options,
    progress: Progress,
    takes: Sequence[ForeignTake] = (),
) -> Path:
    """Train on all of them and write OUT/METHOD.safetensors. takes: of :func:`draw_takes`, for methods that learn from such.

    Raises: TrainError.
    """
    made = prepare(method, facesets, (), None, options)
    if takes:
        made.learn_from(takes)  # type: ignore[attr-defined]
    drawn = [one.identity for one in facesets]
    notes = {"family": method, "identities": [], "all_identities": [], "base": True, "drawn": drawn, "takes": len(takes),
             "facesets": [one.hash for one in facesets]}  # fmt: skip
    progress.start("train", spec.steps, "steps")
    last = train_identity(made, spec, out / f"run_{method}", notes=notes,
                          on_step=lambda step, loss: progress.advance(step, f"loss {loss:.5f}"))  # fmt: skip
    progress.finish()
    return write_base(made, last, out / f"{method}.safetensors")


def write_base(method: Method, last: Path, base: Path) -> Path:
    """Keep the shared weights of a checkpoint, in half; returns ``base``."""
    saved = checkpoint.read(last)
    names = shared_of(method) or tuple(saved.tensors)
    halves = {name: saved.tensors[name].to(torch.float16) for name in names if saved.tensors[name].is_floating_point()}
    checkpoint.write(base, halves, saved.notes)
    return base
