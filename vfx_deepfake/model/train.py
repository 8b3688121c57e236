"""Training the refining network of one shot: one loop that reads from top to bottom.

Batches depend on seed and step alone, so that a run that was killed and resumed from its last checkpoint gives the losses
and weights of one that was not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.dataset import Lessons, Neighbours, collect, draw
from vfx_deepfake.model.gate import measure_gate
from vfx_deepfake.model.loop import (
    MOST_GRADIENT,
    WEIGHT_DECAY,
    OnStep,
    autocast,
    average_decay,
    check_finite,
    learning_rate,
    moments,
    pick_device,
    to_moments,
    under,
)
from vfx_deepfake.model.losses import agreement, gradient_l1, l1
from vfx_deepfake.model.network import MEMBERS, Design, Inputs, Refiner, combine
from vfx_deepfake.model.sheets import write_loss_plot, write_sheet
from vfx_deepfake.settings import TrainSpec

MATTE_SHARE = 0.05  # of the matte's L1 in the loss
AGREEMENT_SHARE = 0.2  # of the neighbours' difference; 0 turns them off


def train_network(
    source: CropSource,
    spec: TrainSpec,
    folder: Path,
    *,
    on_step: OnStep = lambda step, loss: None,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
    precision: str = "auto",
    design: Design | None = None,
    agreement_share: float = AGREEMENT_SHARE,
) -> Path:
    """Train to ``spec.steps``, from the newest complete checkpoint in ``folder`` where there is one.

    ``on_step`` hears every step and its loss, ``on_frame`` the preparation. precision auto is bfloat16 products on a GPU
    and float32 on a CPU. Returns the last checkpoint.
    Raises: TrainError for fewer than two painted frames, a loss that is not finite, checkpoints of other settings;
    DeliveryError when the disk refuses.
    """
    if len(source.keyframes) < 2:
        raise TrainError("one painted frame: training needs two, to foretell one from the other; paint another")
    device = pick_device(spec.device)
    design = design or Design(channels=source.key(source.keyframes[0]).painted.shape[2])
    run = _Run(design, spec, folder, device)
    run.resume()
    if run.step >= spec.steps:
        return checkpoint.checkpoint_path(folder, run.step)
    lessons = collect(source, design, spec.crop_px, spec.seed, on_frame)
    _check_lessons(lessons)
    from torch.utils.tensorboard import SummaryWriter  # slow to load; a render that opens the network does without

    with closing(SummaryWriter(str(folder), purge_step=run.step + 1)) as log:
        while run.step < spec.steps:
            step = run.step + 1
            for group in run.optimiser.param_groups:
                group["lr"] = learning_rate(spec, step)
            with autocast(device, precision):
                loss = batch_loss(run.network, lessons, spec, step, agreement_share)
            run.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(run.network.parameters(), MOST_GRADIENT)
            value = float(loss.detach())
            check_finite(step, value, float(norm), folder)
            run.optimiser.step()
            run.follow(step, value)
            on_step(step, value)
            log.add_scalar("loss", value, step)
            # once in a while
            if step % spec.save_every == 0 or step == spec.steps:
                run.save(lessons)
                for member, gate in enumerate(run.average.gate.tolist()):
                    log.add_scalar(f"gate/{member}", gate, step)
                write_loss_plot(folder / "loss.png", run.losses)
                write_sheet(folder / "sheets" / f"sheet_{step:08d}.png", run.average, lessons)
    return checkpoint.checkpoint_path(folder, run.step)


def batch_loss(network: Refiner, lessons: Lessons, spec: TrainSpec, step: int, agreement_share: float) -> Tensor:
    """The loss of one step; members take turns. Depends on the seed and the step alone."""
    rng = np.random.default_rng((spec.seed, 3, step))
    member = step % MEMBERS
    device = next(network.parameters()).device
    batch = draw(lessons.of_member(member), spec.batch_size, spec.crop_px, rng, network.design)
    wanted, matte, mask = (tensor.to(device) for tensor in (batch.wanted, batch.matte, batch.mask))
    picture, made_matte = _apply(network, member, batch.inputs.to(device))
    loss = l1(picture, wanted, mask) + gradient_l1(picture, wanted, mask)
    loss = loss + MATTE_SHARE * l1(made_matte, matte, mask)
    if lessons.pairs and agreement_share > 0:
        pair = lessons.pairs[int(rng.integers(len(lessons.pairs)))]
        loss = loss + agreement_share * _pair_loss(network, member, pair, device)
    return loss


def _apply(network: Refiner, member: int, inputs: Inputs) -> tuple[Tensor, Tensor]:
    """One member alone, ungated."""
    output = network.members[member](inputs.features.to(memory_format=torch.channels_last)).float()
    return combine(network.design, output, inputs)


def _pair_loss(network: Refiner, member: int, pair: Neighbours, device: torch.device) -> Tensor:
    first, _ = _apply(network, member, pair.first.to(device))
    second, _ = _apply(network, member, pair.second.to(device))
    return agreement(first, second, pair.flow.to(device), pair.mask.to(device))


def load_network(path: Path, device: str = "auto") -> Refiner:
    """The network of a checkpoint, ready to render.

    Raises: TrainError when the file is damaged, or of another format or design.
    """
    saved = checkpoint.read(path)
    try:
        with checkpoint.within(saved.tensors):
            network = Refiner(Design(**saved.notes["design"]))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise TrainError(f"{path}: was made by another version of this program; train again") from error
    checkpoint.fill(network, saved.tensors, path)
    return network.to(pick_device(device)).eval()


def _check_lessons(lessons: Lessons) -> None:
    for member in range(MEMBERS):
        if not lessons.of_member(member):
            raise TrainError(
                "painted frames can't be foretold from each other: no painted pixel of one is reached by another; "
                "paint frames that overlap, or use model.method = 'propagate'"
            )


class _Run:
    """The state of a run: weights, their running average, optimiser, losses so far."""

    def __init__(self, design: Design, spec: TrainSpec, folder: Path, device: torch.device) -> None:
        torch.manual_seed(spec.seed)
        self.network = Refiner(design).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Refiner(design).to(device)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(self.network.parameters(), betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY)
        self.step, self.losses = 0, [0.0] * 0
        self._spec, self._folder = spec, folder

    def follow(self, step: int, loss: float) -> None:
        """Take note of a finished step."""
        self.step = step
        self.losses.append(loss)
        decay = average_decay(step)
        with torch.no_grad():
            for mean, weight in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(weight, 1 - decay)

    def save(self, lessons: Lessons) -> None:
        """Measure the gate, write state and checkpoint, forget old ones."""
        gains = measure_gate(self.average, lessons)
        notes = {"step": self.step, "design": self.network.design.as_data(), "settings": asdict(self._spec)}
        state = {f"weight.{name}": tensor for name, tensor in self.network.state_dict().items()}
        state |= {f"optimiser.{name}": tensor for name, tensor in moments(self.optimiser).items()}
        state["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        checkpoint.write(checkpoint.state_path(self._folder, self.step), state, notes)
        path = checkpoint.checkpoint_path(self._folder, self.step)
        checkpoint.write(path, self.average.state_dict(), {**notes, "check": gains})
        checkpoint.forget_old(self._folder)

    def resume(self) -> None:
        """Go on from the newest complete checkpoint, if there is one.

        Raises: TrainError when it was made with other settings, or its state is missing or damaged.
        """
        path = checkpoint.latest(self._folder)
        if path is None:
            return
        saved = checkpoint.read(path)
        mine = {"design": self.network.design.as_data(), "settings": asdict(self._spec)}
        theirs = {name: saved.notes.get(name) for name in mine}
        if theirs != mine:
            raise TrainError(f"{path}: was trained with other settings ({theirs} now {mine}); use a new run folder")
        state = checkpoint.read(checkpoint.state_path(self._folder, int(saved.notes["step"])))
        checkpoint.fill(self.average, saved.tensors, path)
        checkpoint.fill(self.network, under("weight.", state.tensors), path)
        to_moments(self.optimiser, under("optimiser.", state.tensors))
        self.losses = state.tensors["losses"].tolist()
        self.step = int(saved.notes["step"])
