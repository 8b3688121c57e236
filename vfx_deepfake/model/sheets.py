"""Pictures of a training run: the loss over the steps, and tiles of painted frames foretold by the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.files import written_aside
from vfx_deepfake.model.dataset import Lessons
from vfx_deepfake.model.network import Refiner, combine

MOST_ROWS = 8
GAIN = 8.0  # of the shown difference
SMOOTH_STEPS = 25


def write_loss_plot(path: Path, losses: Sequence[float]) -> None:
    """Loss of every step and its running mean, as PNG."""
    from matplotlib.figure import Figure  # slow to load; a render that opens the network does without

    figure = Figure(figsize=(8, 4))
    # fixed: matplotlib's own layout takes longer than all the rest
    figure.subplots_adjust(left=0.15, right=0.98, bottom=0.14, top=0.92)
    axes = figure.add_subplot(xlabel="step", ylabel="loss", title="training loss")
    steps = np.arange(1, len(losses) + 1)
    axes.plot(steps, losses, color="0.8", linewidth=0.8, label="each step")
    width = min(SMOOTH_STEPS, len(losses))
    mean = np.convolve(losses, np.ones(width) / width, mode="valid")
    axes.plot(steps[width - 1 :], mean, color="tab:blue", label=f"mean of {width}")
    axes.set_yscale("log" if min(losses) > 0 else "linear")
    axes.legend()
    with written_aside(path) as part:
        figure.savefig(part, dpi=120, metadata={"Software": None})


@torch.no_grad()
def write_sheet(path: Path, network: Refiner, lessons: Lessons) -> None:
    """One row a painted frame: plate, propagated, refined, painted, difference of the last two gained up; PNG."""
    device = next(network.parameters()).device
    network.eval()
    rows = []
    for group in lessons.groups[:MOST_ROWS]:
        lesson = next((one for one in lessons.painted if one.group == group), None)
        if lesson is None:
            continue
        inputs = lesson.inputs.to(device)
        refined, _ = combine(network.design, network(inputs.features), inputs)
        base = (inputs.weights[:, :, None] * inputs.candidates).sum(dim=1)
        difference = 0.5 + GAIN * (refined - lesson.wanted.to(device))
        pictures = [_shown(tensor) for tensor in (network.design.plate_of(inputs), base, refined, lesson.wanted)]
        rows.append(np.concatenate([*pictures, _levels(difference)], axis=1))
    if rows:
        with written_aside(path) as part:
            Image.fromarray(np.concatenate(rows, axis=0)).save(part, format="PNG")


def write_log_picture(path: Path, picture_log: np.ndarray) -> None:
    """An (H, W, 3) log picture as PNG for a screen."""
    planes = torch.from_numpy(np.ascontiguousarray(picture_log.transpose(2, 0, 1), np.float32))[None]
    with written_aside(path) as part:
        Image.fromarray(_shown(planes)).save(part, format="PNG")


def _shown(picture: Tensor) -> np.ndarray:
    """Log RGB as 8-bit for a screen (sRGB curve, no gamut change); a matte as grey."""
    if picture.shape[1] == 1:
        return _levels(picture)
    linear = decode_log(picture).clamp(0, 1)
    curve = torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp_min(1e-8) ** (1 / 2.4) - 0.055)
    return _levels(curve)


def _levels(picture: Tensor) -> np.ndarray:
    """(1, C, H, W) 0..1 to (H, W, 3) uint8."""
    image = picture[0].expand(3, -1, -1).permute(1, 2, 0).clamp(0, 1).cpu().numpy()
    return np.asarray(image * 255 + 0.5, np.uint8)
