"""The autoencoder: one encoder for everybody, and what tells identities apart behind it.

Two variants. *Separate*: every identity has a decoder of its own; nothing lies between two of them. *Joint*: one decoder
paints whatever code it is given, and a code is half the identity's own reading of the encoder's features, half a
reading that all share; mixing the own halves gives in-betweens.

Faces are log pictures round 0.4; the encoder halves them to at most COARSEST_PX a side, a dense layer sees the face as a
whole, the decoder doubles it back. Any side that is a multiple of 16 goes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

COARSEST_PX, LEAST_HALVINGS = 8, 4
MIDDLE_LOG, SPREAD_LOG = 0.4, 0.2  # of faces in the log encoding
WIDEST = 8  # times the first layer's width
SLOPE = 0.1  # of the leaky rectifier
CAPACITIES = {"small": (16, 16, 128), "medium": (32, 24, 256), "large": (64, 48, 512)}  # encoder, decoder, code


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """What a network is built for; stands in its checkpoint."""

    size: int = 128  # side of its pictures, a multiple of 16
    identities: int = 2  # the plate's performer first
    joint: bool = False  # one decoder and mixable codes
    encoder_width: int = 32
    decoder_width: int = 24
    code: int = 256  # numbers that describe a face

    @property
    def sides(self) -> list[int]:
        """Sides of the feature maps, from the picture's down."""
        sides = [self.size]
        while sides[-1] > COARSEST_PX or len(sides) <= LEAST_HALVINGS:
            sides.append((sides[-1] + 1) // 2)
        return sides

    def widths(self, first: int) -> list[int]:
        """Channels of each level when the finest has ``first``."""
        return [first * min(2**level, WIDEST) for level in range(len(self.sides) - 1)]

    def as_data(self) -> dict[str, Any]:
        """Plain data for a checkpoint's notes."""
        return asdict(self)


class Network(nn.Module):
    """Faces in, the same performances with the asked-for identities out.

    ``offset`` (3,) is the colour of one shot: what is added to what the decoder paints, in log.
    ``checkpointing`` computes the decoder's inner layers again on the way back.
    """

    offset: Tensor

    def __init__(self, design: Design, checkpointing: bool = False) -> None:
        super().__init__()
        self.design, self.checkpointing = design, checkpointing
        self.encoder = Encoder(design)
        readings = design.identities + 1 if design.joint else 1
        self.readings = nn.ModuleList(Reading(design) for _ in range(readings))  # joint: the shared one last
        decoders = 1 if design.joint else design.identities
        self.decoders = nn.ModuleList(Decoder(design, 2 if design.joint else 1) for _ in range(decoders))
        self.register_buffer("offset", torch.zeros(3))

    def forward(self, pictures: Tensor, whose: Tensor) -> tuple[Tensor, Tensor]:
        """Paint every picture as the identity asked for, without the shot's colour.

        Shapes: pictures (B, 3, S, S) log; whose (B, identities), shares that add up to 1, for separate decoders 1 for one
        of them. Returns picture (B, 3, S, S) float32 log and matte logits (B, 1, S, S) float32.
        """
        features = self.encoder((pictures - MIDDLE_LOG) / SPREAD_LOG)
        out = self._joint(features, whose) if self.design.joint else self._separate(features, whose)
        out = out.float()
        return MIDDLE_LOG + SPREAD_LOG * out[:, :3], out[:, 3:]

    def _joint(self, features: Tensor, whose: Tensor) -> Tensor:
        own = torch.stack([reading(features) for reading in list(self.readings)[:-1]], dim=1)
        mixed = (whose.to(own.dtype)[:, :, None, None, None] * own).sum(dim=1)
        return self._decode(0, torch.cat([mixed, self.readings[-1](features)], dim=1))

    def _separate(self, features: Tensor, whose: Tensor) -> Tensor:
        code = self.readings[0](features)
        chosen = whose.argmax(dim=1)
        out = code.new_zeros(len(code), 4, self.design.size, self.design.size)
        for index in range(self.design.identities):
            rows = (chosen == index).nonzero()[:, 0]
            if len(rows):
                out = out.index_copy(0, rows, self._decode(index, code[rows]).to(out.dtype))
        return out

    def _decode(self, index: int, code: Tensor) -> Tensor:
        return self.decoders[index](code, self.checkpointing and self.training)


class Encoder(nn.Module):
    """(B, 3, S, S) to (B, C, s, s): strided convolutions, each halving the side."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        widths = [3, *design.widths(design.encoder_width)]
        self.layers = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 5, stride=2, padding=2) for i in range(len(widths) - 1)
        )

    def forward(self, out: Tensor) -> Tensor:
        """Halve, widen, rectify."""
        for layer in self.layers:
            out = F.leaky_relu(layer(out), SLOPE)
        return out


class Reading(nn.Module):
    """Encoder features through a short code back to a small map, (B, C, s, s) to (B, D, s, s)."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self._side = design.sides[-1]
        self._channels = design.widths(design.decoder_width)[-1]
        self.narrow = nn.Linear(design.widths(design.encoder_width)[-1] * self._side**2, design.code)
        self.widen = nn.Linear(design.code, self._channels * self._side**2)

    def forward(self, features: Tensor) -> Tensor:
        """The face as a whole."""
        flat = features.flatten(1)
        flat = flat / flat.float().square().mean(dim=1, keepdim=True).add(1e-6).sqrt().to(flat.dtype)
        code = self.widen(self.narrow(flat))
        return F.leaky_relu(code, SLOPE).reshape(len(features), self._channels, self._side, self._side)


class Decoder(nn.Module):
    """(B, D * halves, s, s) to (B, 4, S, S): picture and matte logit, doubling the side with every level."""

    def __init__(self, design: Design, halves: int) -> None:
        super().__init__()
        widths = design.widths(design.decoder_width)[::-1]
        self._sides = design.sides[-2::-1]
        inputs = [widths[0] * halves, *widths[:-1]]
        self.levels = nn.ModuleList(Doubling(inputs[i], widths[i]) for i in range(len(widths)))
        self.leave = nn.Conv2d(widths[-1], 4, 3, padding=1)

    def forward(self, out: Tensor, checkpointing: bool = False) -> Tensor:
        """Double until the picture's size is reached."""
        for level, side in zip(self.levels, self._sides, strict=True):
            grown = checkpoint(level, out, use_reentrant=False) if checkpointing else level(out)
            out = grown[..., :side, :side]
        return self.leave(out)


class Doubling(nn.Module):
    """(B, I, h, w) to (B, O, 2h, 2w): convolution, channels to space, and a residual convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.grow = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)
        self.mend = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, out: Tensor) -> Tensor:
        """Grow, then mend what growing left in blocks."""
        out = F.leaky_relu(F.pixel_shuffle(self.grow(out), 2), SLOPE)
        return F.leaky_relu(out + self.mend(out), SLOPE)
