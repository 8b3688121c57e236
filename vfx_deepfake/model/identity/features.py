"""Features that tell people apart, of a small network of ours: pictures of one person lie close, of two far.

It saw drawn people only (:mod:`vfx_deepfake.demo.train_features` makes the weights that ship). Drawn people whom it never saw
it tells apart; of other material pose and light count nearly as much as the person (docs/experiments.md). It ranks results
made of the same frames, and proves nothing about who somebody is.

Source: supervised contrastive loss, Khosla et al. 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity.augment import draw_grids, draw_light, sampled

SIZE = 64  # side of what the network sees, pixels
MIDDLE_SHARE = 0.75  # of an aligned crop's side: the face without the room round it
WIDTHS = (24, 48, 96, 128)
PLACES = 4  # a side: what lies where on the face counts
NUM_FEATURES = 128
WARMTH = 0.1  # temperature of the contrastive loss
PEOPLE, EACH = 10, 3  # in a batch
RATE = 1e-3
SHIPPED = Path(__file__).with_name("features.safetensors")


class Features(nn.Module):
    """(B, 3, S, S) aligned crops, log, any size, to (B, NUM_FEATURES) directions of length 1."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *WIDTHS)
        self.layers = nn.ModuleList(nn.Conv2d(widths[i], widths[i + 1], 3, 2, 1) for i in range(len(WIDTHS)))
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for width in WIDTHS)
        self.leave = nn.Linear(WIDTHS[-1] * PLACES**2, NUM_FEATURES)

    def forward(self, crops: Tensor) -> Tensor:
        """Level, tint and contrast of a picture's light are taken off: what stays is shape."""
        out = middle(crops)
        out = out - out.mean(dim=(2, 3), keepdim=True)
        out = out / out.square().mean(dim=(1, 2, 3), keepdim=True).add(1e-6).sqrt()
        for layer, norm in zip(self.layers, self.norms, strict=True):
            out = F.relu(norm(layer(out)))
        return F.normalize(self.leave(out.flatten(1)), dim=1)


def middle(crops: Tensor) -> Tensor:
    """The middle of aligned crops (B, 3, S, S) at SIZE pixels a side, averaged where it shrinks."""
    side = crops.shape[-1]
    cut = round(side * (1 - MIDDLE_SHARE) / 2)
    inner = crops[..., cut : side - cut, cut : side - cut]
    return F.interpolate(inner, size=(SIZE, SIZE), mode="bilinear", align_corners=False, antialias=True)


@lru_cache(maxsize=1)
@torch.inference_mode(False)  # whoever asks first: the weights serve training too
def load(path: Path = SHIPPED) -> Features:
    """The network with trained weights, ready to use and not to be trained on.

    Raises: TrainError when the file is missing, damaged or of another design.
    """
    network = Features()
    tensors = {name: tensor.float() for name, tensor in checkpoint.read(path).tensors.items()}
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise TrainError(f"{path}: its weights do not fit the network; make it again") from error
    return network.eval().requires_grad_(False)


@torch.inference_mode()
def embed(images_log: np.ndarray) -> np.ndarray:
    """(N, NUM_FEATURES) float32 of N aligned crops (N, S, S, 3), log. Equal pictures give equal features."""
    planes = torch.from_numpy(np.ascontiguousarray(np.asarray(images_log, np.float32).transpose(0, 3, 1, 2)))
    network = load()
    return np.concatenate([network(part).numpy() for part in planes.split(32)] or [np.zeros((0, NUM_FEATURES))])


def likeness_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Mean cosine distance of made faces from wanted ones, 0 to 2; shapes (B, 3, S, S) log, aligned crops."""
    network = load().to(made.device)
    with torch.autocast(made.device.type, enabled=False):
        return 1 - (network(made.float()) * network(wanted.float())).sum(dim=1).mean()


def train(
    people: Sequence[Sequence[Callable[[], np.ndarray]]],
    steps: int,
    seed: int = 1,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> Features:
    """A network from scratch. people[k] gives the crops of one person, (S, S, 3) log; equal seeds give equal weights.

    Raises: TrainError for fewer than two people, or somebody with fewer than two crops.
    """
    if len(people) < 2 or min(map(len, people)) < 2:
        raise TrainError("features are learnt by comparing: give at least two people with two crops each")
    torch.manual_seed(seed)
    network = Features()
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
    planes = [[_planes(read()) for read in crops] for crops in people]
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - (step - 1) / steps)
        crops, whose = zip(*_batch(planes, np.random.default_rng((seed, step))), strict=True)
        loss = contrast(network(torch.cat(crops)), torch.tensor(whose))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        on_step(step, float(loss.detach()))
    return network.eval()


def contrast(features: Tensor, whose: Tensor) -> Tensor:
    """The supervised contrastive loss of directions (B, D) that belong to persons (B,)."""
    alike = features @ features.T / WARMTH
    own = torch.eye(len(features), dtype=torch.bool)
    shares = alike.masked_fill(own, -torch.inf).log_softmax(dim=1)
    same = (whose[:, None] == whose[None]) & ~own
    return -(shares.masked_fill(~same, 0).sum(dim=1) / same.sum(dim=1).clamp_min(1)).mean()


def _planes(image_log: np.ndarray) -> Tensor:
    """(1, 3, S, S), no larger than the network needs."""
    side = round(SIZE / MIDDLE_SHARE * 1.2)
    if len(image_log) > side:
        image_log = cv2.resize(np.ascontiguousarray(image_log), (side, side), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(np.ascontiguousarray(image_log.transpose(2, 0, 1), np.float32))[None]


def _batch(planes: Sequence[Sequence[Tensor]], rng: np.random.Generator) -> Iterator[tuple[Tensor, int]]:
    """Some people, a few crops of each, seen differently: place, light, colour, softness, a mirror for everybody."""
    mirrored = bool(rng.random() < 0.5)
    for person in rng.permutation(len(planes))[:PEOPLE]:
        for index in rng.permutation(len(planes[person]))[:EACH]:
            light = draw_light(rng)
            # the inner part is looked at later: a crop is sampled at the size whose middle has SIZE pixels
            grid = draw_grids(rng, round(SIZE / MIDDLE_SHARE)).straight[None]
            crop = sampled(planes[person][index], grid.flip(2) if mirrored else grid)
            crop = light.contrast * crop + torch.from_numpy(light.offset)[None, :, None, None]
            grey = crop.mean(dim=1, keepdim=True)
            crop = grey + float(rng.random()) * (crop - grey)  # skin must not be all that tells people apart
            softer = int(rng.integers(SIZE // 2, SIZE + 1))
            crop = F.interpolate(crop, size=(softer, softer), mode="bilinear", antialias=True)
            yield F.interpolate(crop, size=grid.shape[1:3], mode="bilinear"), int(person)
