"""Training of any identity method: one loop that reads from top to bottom.

A method says what a step's loss is; this says how weights follow it, how far a run has come and how it goes on after a
kill. The batch of a step depends on seed and step alone, so a resumed run ends with the weights of an undisturbed one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity import parallel
from vfx_deepfake.model.identity.adversary import Adversary
from vfx_deepfake.model.identity.method import Method, ShotViews
from vfx_deepfake.model.loop import (
    MOST_GRADIENT,
    WEIGHT_DECAY,
    OnStep,
    autocast,
    average_decay,
    check_finite,
    learning_rate,
    moments,
    to_moments,
    under,
)
from vfx_deepfake.model.sheets import write_log_picture, write_loss_plot
from vfx_deepfake.settings import TrainSpec


def train_identity(
    method: Method,
    spec: TrainSpec,
    folder: Path,
    *,
    start: Path | None = None,
    shot: ShotViews | None = None,
    notes: Mapping[str, Any] | None = None,
    on_step: OnStep = lambda step, loss: None,
    precision: str = "auto",
    compiled: bool = False,
) -> Path:
    """Train to ``spec.steps``, from the newest complete checkpoint in ``folder``, else from ``start``, else from nothing.

    The method's network is where it is to train (:func:`parallel.processes` gives the device). ``shot`` is what the
    method adapts itself to before the last checkpoint, with the averaged weights. ``notes`` say what the run is made
    from; they stand in the checkpoint and a run goes on only with equal ones; of a start's own identities those under
    "identities" are taken too. precision auto is bfloat16 products on a GPU and float32 on a CPU; compiled builds
    kernels for the network first, which takes a minute. With several processes only the first writes. Returns the last
    checkpoint; the method's network then holds its weights.
    Raises: TrainError for a loss that is not finite, checkpoints of other settings, a start that does not fit;
    DeliveryError when the disk refuses.
    """
    network, device = method.network, next(method.network.parameters()).device
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if start is not None and (starting := getattr(method, "start_from", None)) is not None:
        starting(checkpoint.read_notes(start))
    run = _Run(method, spec, folder, dict(notes or {}))
    if not run.resume() and start is not None:
        from vfx_deepfake.model.identity.warm_start import load_into, shared_of

        load_into(network, start, shared_of(method), (notes or {}).get("identities", ()))
        run.restart_average()
    if compiled:
        network.compile()
    with closing(_log(folder, run.step)) if parallel.first() else nullcontext() as log:
        while run.step < spec.steps:
            step = run.step + 1
            for group in run.optimiser.param_groups:
                group["lr"] = learning_rate(spec, step)
            network.train()
            run.optimiser.zero_grad(set_to_none=True)
            with autocast(device, precision):
                loss = method.step_loss(step)
            loss.backward()
            parallel.average_gradients(run.trained)
            norm = torch.nn.utils.clip_grad_norm_(run.trained, MOST_GRADIENT)
            value = float(parallel.average(loss.detach()))
            check_finite(step, value, float(norm), folder)
            run.optimiser.step()
            run.follow(step, value)
            if log is not None:
                on_step(step, value)
                log.add_scalar("loss", value, step)
            # once in a while
            if step % spec.save_every == 0 or step == spec.steps:
                run.save(shot if step == spec.steps else None)
    run.take_average()
    return checkpoint.checkpoint_path(folder, run.step)


def _log(folder: Path, step: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter  # slow to load; a render that opens the network does without

    return SummaryWriter(str(folder), purge_step=step + 1)


class _Run:
    """The state of a run: weights, their running average, optimiser, losses so far."""

    def __init__(self, method: Method, spec: TrainSpec, folder: Path, notes: dict[str, Any]) -> None:
        self._method, self._spec, self._folder = method, spec, folder
        self.trained = [one for one in method.network.parameters() if one.requires_grad]
        self.optimiser = torch.optim.AdamW(self.trained, betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY)
        self.step, self.losses = 0, [0.0] * 0
        made_from = {"design": method.design(), "settings": asdict(spec), **notes}
        self._notes = json.loads(json.dumps(made_from))  # as they come back from a file
        self.restart_average()

    def restart_average(self) -> None:
        """Let the running average begin at the present weights."""
        self._average = [one.detach().clone() for one in self.trained]

    def follow(self, step: int, loss: float) -> None:
        """Take note of a finished step."""
        self.step = step
        self.losses.append(loss)
        with torch.no_grad():
            for mean, weight in zip(self._average, self.trained, strict=True):
                mean.lerp_(weight, 1 - average_decay(step))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network holds the averaged weights for the duration."""
        self._swap()
        self._method.network.eval()
        try:
            yield
        finally:
            self._swap()

    def take_average(self) -> None:
        """Leave the averaged weights in the network for good."""
        self._swap()
        self._method.network.eval()

    def _swap(self) -> None:
        for mean, weight in zip(self._average, self.trained, strict=True):
            mean.data, weight.data = weight.data, mean.data

    def save(self, shot: ShotViews | None) -> None:
        """Write state, checkpoint and pictures, forget old ones; adapt to the shot first, where there is one."""
        if not parallel.first():
            parallel.wait()
            return
        notes = {"step": self.step, **self._notes}
        checkpoint.write(checkpoint.state_path(self._folder, self.step), self._state(), notes)
        with self.averaged(), torch.no_grad():
            if shot is not None:
                self._method.adapt(shot)
            path = checkpoint.checkpoint_path(self._folder, self.step)
            checkpoint.write(path, self._method.network.state_dict(), notes)
            write_log_picture(self._folder / "sheets" / f"sheet_{self.step:08d}.png", self._method.sheet())
        write_loss_plot(self._folder / "loss.png", self.losses)
        checkpoint.forget_old(self._folder)
        parallel.wait()

    def _state(self) -> dict[str, Tensor]:
        state = {f"weight.{name}": tensor for name, tensor in self._method.network.state_dict().items()}
        state |= {f"average.{index}": tensor for index, tensor in enumerate(self._average)}
        state |= {f"optimiser.{name}": tensor for name, tensor in moments(self.optimiser).items()}
        if (rival := _adversary(self._method)) is not None:
            state |= {f"adversary.{name}": tensor for name, tensor in rival.state().items()}
        return state | {"losses": torch.tensor(self.losses, dtype=torch.float64)}

    def resume(self) -> bool:
        """Go on from the newest complete checkpoint; False where there is none.

        Raises: TrainError when it was made from something else, or its state is missing or damaged.
        """
        path = checkpoint.latest(self._folder)
        if path is None:
            return False
        theirs = {name: value for name, value in checkpoint.read(path).notes.items() if name != "step"}
        if theirs != self._notes:
            names = sorted(theirs.keys() | self._notes.keys())
            other = ", ".join(name for name in names if theirs.get(name) != self._notes.get(name))
            raise TrainError(f"{path}: was trained from another {other}; use a new run folder")
        steps = checkpoint.saved_steps(self._folder)[-1]
        state_path = checkpoint.state_path(self._folder, steps)
        tensors = checkpoint.read(state_path).tensors
        try:
            self._method.network.load_state_dict(under("weight.", tensors))
            averages = under("average.", tensors)
            for index, mean in enumerate(self._average):
                mean.copy_(averages[str(index)])
            to_moments(self.optimiser, under("optimiser.", tensors))
            if (rival := _adversary(self._method)) is not None:
                rival.load_state(under("adversary.", tensors))
            self.losses = tensors["losses"].tolist()
        except (RuntimeError, KeyError, ValueError) as error:
            raise TrainError(f"{state_path}: does not fit the network ({error}); use a new run folder") from error
        self.step = steps
        return True


def _adversary(method: Method) -> Adversary | None:
    return getattr(method, "adversary", None)
