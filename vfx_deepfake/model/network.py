"""The refining network: looks at everything propagation knows about a frame and corrects its choice.

A small U-Net. Its last layer starts at zero, so an untrained network returns propagation's own picture and matte; it
can then add a bounded correction, move the matte's edge and, if designed so, shift the candidates' weights. Where
propagation is sure of itself it is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vfx_deepfake.model.crops import LEVELS
from vfx_deepfake.model.propagate import NUM_KEYS, Stack

MEMBERS = 2
WEIGHT_GAIN = 4.0  # most that the logit of a candidate, or of the matte, can be changed
CORRECTION_GAIN = 0.05  # most that a log value can be changed
LEAST_WEIGHT = 1e-4  # a candidate that propagation gave up can come back
TILE_PX, OVERLAP_PX = 384, 48  # the network sees 38 px to each side
MIDDLE_LOG, PICTURE_GAIN, DIFFERENCE_GAIN = 0.4, 4.0, 50.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """What a network is built for; stands in its checkpoint."""

    channels: int = 3  # of the picture: 3 for faces, 1 for roto mattes
    num_keys: int = NUM_KEYS
    width: int = 24  # feature channels at full resolution
    coordinates: bool = True  # canonical face coordinates among the inputs
    selection: bool = False  # may change the candidates' weights: worse on frames between keys (docs/experiments.md)
    correction: bool = True  # may add to the picture

    @property
    def num_candidates(self) -> int:
        """Pictures in a stack."""
        return self.num_keys * (2 if self.channels == 3 else 1)

    @property
    def num_inputs(self) -> int:
        """Feature channels: plate, base, differences, weights and errors of the candidates, matte, coordinates."""
        return 3 + self.channels + self.num_candidates * (self.channels + 2) + 1 + 3

    def lit(self, inputs: Inputs, light: Tensor) -> Inputs:
        """The same face under another light: ``light`` (1, 3, 1, 1) log is added to plate and pictures, in place."""
        inputs.features[:, :3] += PICTURE_GAIN * light
        if self.channels != 3:
            return inputs
        inputs.features[:, 3:6] += PICTURE_GAIN * light
        return replace(inputs, candidates=inputs.candidates + light[:, None])

    def shuffled(self, inputs: Inputs, order: np.ndarray) -> Inputs:
        """The same inputs with the painted frames in another order; order (num_keys,)."""
        per_key = self.num_candidates // self.num_keys
        picked = torch.as_tensor(np.concatenate([np.arange(key * per_key, (key + 1) * per_key) for key in order]))
        first = 3 + self.channels
        spans = (self.channels, 1, 1)  # channels a candidate: differences, weights, errors
        features = inputs.features.clone()
        for span in spans:
            part = inputs.features[:, first : first + span * self.num_candidates]
            stacked = part.reshape(len(part), self.num_candidates, span, *part.shape[2:])[:, picked]
            features[:, first : first + part.shape[1]] = stacked.reshape(part.shape)
            first += part.shape[1]
        return replace(
            inputs, features=features, candidates=inputs.candidates[:, picked], weights=inputs.weights[:, picked]
        )

    def plate_of(self, inputs: Inputs) -> Tensor:
        """The plate among the features, log (B, 3, H, W)."""
        return inputs.features[:, :3] / PICTURE_GAIN + MIDDLE_LOG

    def as_data(self) -> dict[str, Any]:
        """Plain data for a checkpoint's notes."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """One batch: features (B, F, H, W), candidates (B, n, C, H, W), weights (B, n, H, W), matte and doubt (B, 1, H, W).

    doubt: 1 - propagation's confidence; how far the picture may be changed.
    """

    features: Tensor
    candidates: Tensor
    weights: Tensor
    matte: Tensor
    doubt: Tensor

    def to(self, device: torch.device | str) -> Inputs:
        """The same on another device."""
        return Inputs(**{name: tensor.to(device) for name, tensor in vars(self).items()})


class Refiner(nn.Module):
    """Two U-Nets whose outputs are averaged, each scaled by its gate.

    Each is taught by one half of the painted frames and checked on the other half; ``gate`` (MEMBERS,) is how far it may
    go without making any of those worse, 0 for not at all.
    """

    gate: Tensor

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.members = nn.ModuleList(UNet(design) for _ in range(MEMBERS))
        self.register_buffer("gate", torch.zeros(MEMBERS))

    def forward(self, features: Tensor) -> Tensor:
        """(B, F, H, W), sides multiples of 2 ** LEVELS, to (B, n + C + 1, H, W), for :func:`combine`."""
        outputs = [gate * member(features) for gate, member in zip(self.gate, self.members, strict=True) if gate > 0]
        if not outputs:
            count = self.design.num_candidates + self.design.channels + 1
            return features.new_zeros(features.shape[0], count, *features.shape[2:])
        return torch.stack(outputs).sum(dim=0) / MEMBERS


class UNet(nn.Module):
    """From features to candidate logits, picture correction and matte logit; the last layer starts at zero."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        widths = [design.width * share for share in (1, 2, 3, 4)]
        self.enter = nn.Sequential(_conv(design.num_inputs, widths[0]), _conv(widths[0], widths[0]))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(widths[i], widths[i + 1], stride=2), _conv(widths[i + 1], widths[i + 1]))
            for i in range(LEVELS)
        )
        self.up = nn.ModuleList(_conv(widths[i + 1] + widths[i], widths[i]) for i in reversed(range(LEVELS)))
        self.leave = nn.Conv2d(widths[0], design.num_candidates + design.channels + 1, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """(B, F, H, W), sides multiples of 2 ** LEVELS, to (B, n + C + 1, H, W)."""
        return self.leave(down_and_up(self.enter(features), self.down, self.up))


def down_and_up(finest: Tensor, down: nn.ModuleList, up: nn.ModuleList) -> Tensor:
    """A U-Net's way: each block of ``down`` halves, each of ``up`` joins what was kept on the way down. Any size goes.

    Source: Ronneberger et al. 2015, U-Net.
    """
    levels = [finest]
    for block in down:
        levels.append(block(levels[-1]))
    out = levels.pop()
    for block in up:
        skip = levels.pop()
        larger = F.interpolate(out, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        out = block(torch.cat([larger, skip], dim=1))
    return out


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.LeakyReLU(0.1, inplace=True))


def combine(design: Design, output: Tensor, inputs: Inputs) -> tuple[Tensor, Tensor]:
    """The picture (B, C, H, W) and the matte (B, 1, H, W) that a network's output stands for.

    Where propagation had no painting at all (all weights 0) the picture means nothing; the caller masks such pixels.
    """
    n = design.num_candidates
    change = inputs.candidates.new_zeros(())
    if design.selection:
        logits = torch.log(inputs.weights + LEAST_WEIGHT)
        chosen = torch.softmax(logits + WEIGHT_GAIN * torch.tanh(output[:, :n]), dim=1) - torch.softmax(logits, dim=1)
        change = change + (chosen[:, :, None] * inputs.candidates).sum(dim=1)
    if design.correction:
        change = change + CORRECTION_GAIN * torch.tanh(output[:, n:-1])
    base = (inputs.weights[:, :, None] * inputs.candidates).sum(dim=1)
    picture = base + inputs.doubt * change
    matte = torch.logit(inputs.matte.clamp(1e-3, 1 - 1e-3)) + WEIGHT_GAIN * torch.tanh(output[:, -1:])
    return picture, torch.sigmoid(matte)


def to_inputs(stack: Stack, coordinates: np.ndarray, design: Design, rows: slice, columns: slice) -> Inputs:
    """The tensors of one tile of a stack, batch 1. coordinates (h, w, 3) as of CropSource.face_coordinates."""
    base = _planes(stack.base[rows, columns])
    candidates = stack.candidates[:, rows, columns].transpose(0, 3, 1, 2)
    weights = stack.weights[:, rows, columns]
    difference = 0.5 * np.arcsinh(DIFFERENCE_GAIN * (candidates - base))
    place = _planes(coordinates[rows, columns]) * (2.0 if design.coordinates else 0.0)
    parts = [
        PICTURE_GAIN * (_planes(stack.crop.image_log[rows, columns]) - MIDDLE_LOG),
        PICTURE_GAIN * (base - MIDDLE_LOG),
        difference.reshape(-1, *weights.shape[1:]),
        2 * weights,
        stack.errors[:, rows, columns] + 5.0,
        stack.matte[None, rows, columns],
        place,
    ]
    return Inputs(
        torch.from_numpy(np.concatenate(parts).astype(np.float32))[None],
        torch.from_numpy(np.ascontiguousarray(candidates, np.float32))[None],
        torch.from_numpy(np.ascontiguousarray(weights, np.float32))[None],
        torch.from_numpy(np.ascontiguousarray(stack.matte[None, rows, columns], np.float32))[None],
        torch.from_numpy(np.ascontiguousarray(1 - stack.confidence[None, rows, columns], np.float32))[None],
    )


def _planes(image: np.ndarray) -> np.ndarray:
    return image.transpose(2, 0, 1)


@torch.inference_mode()
def refine(network: Refiner, stack: Stack, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Picture (h, w, C) and matte (h, w) after the network; large crops go through in tiles with feathered seams.

    The arithmetic is float32 on every device. Pixels that no painting reaches keep propagation's values.
    """
    height, width = stack.matte.shape
    picture = np.zeros_like(stack.base)
    matte, total = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    device = next(network.parameters()).device
    network.eval()
    for rows, columns in tiles(height, width):
        inputs = to_inputs(stack, coordinates, network.design, rows, columns)
        on_device = inputs.to(device)
        features = on_device.features.to(memory_format=torch.channels_last)
        tile_picture, tile_matte = combine(network.design, network(features), on_device)
        weight = _tile_weight(rows, columns, height, width)
        picture[rows, columns] += weight[..., None] * tile_picture[0].permute(1, 2, 0).cpu().numpy()
        matte[rows, columns] += weight * tile_matte[0, 0].cpu().numpy()
        total[rows, columns] += weight
    picture, matte = picture / total[..., None], matte / total
    reached = stack.weights.sum(axis=0) > 0
    picture = np.where(reached[..., None], picture, stack.base)
    return picture, np.where(reached & (stack.matte > 0), matte, stack.matte).astype(np.float32)


def tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Tiles of at most TILE_PX that share OVERLAP_PX and cover an image; sides are multiples of 2 ** LEVELS as its are."""
    for top in _starts(height):
        for left in _starts(width):
            yield slice(top, min(top + TILE_PX, height)), slice(left, min(left + TILE_PX, width))


def _starts(length: int) -> list[int]:
    last = max(length - TILE_PX, 0)
    return [*range(0, last, TILE_PX - OVERLAP_PX), last]


def _tile_weight(rows: slice, columns: slice, height: int, width: int) -> np.ndarray:
    """1 inside, a linear ramp over the overlap at edges that another tile continues."""
    return np.outer(_edge_weight(rows, height), _edge_weight(columns, width)).astype(np.float32)


def _edge_weight(span: slice, length: int) -> np.ndarray:
    count = span.stop - span.start
    weight = np.ones(count, np.float32)
    edge = (np.arange(OVERLAP_PX, dtype=np.float32) + 0.5) / OVERLAP_PX
    if span.start > 0:
        weight[:OVERLAP_PX] = np.minimum(weight[:OVERLAP_PX], edge)
    if span.stop < length:
        weight[-OVERLAP_PX:] = np.minimum(weight[-OVERLAP_PX:], edge[::-1])
    return weight
