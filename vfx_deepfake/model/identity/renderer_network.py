"""The renderer's network: textures in the face's own coordinates, and a U-Net that paints what they leave out.

What is drawn first is arithmetic: the identity's colour under the view's light. The network adds a correction, which starts
at zero. Weights that paint belong to nobody (``shared_names``); textures belong to an identity at an age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from vfx_deepfake.model.identity.eyes import EYES, NUM_RINGS
from vfx_deepfake.model.identity.light import LUMA
from vfx_deepfake.model.identity.mouth import MOUTH, NUM_NUMBERS
from vfx_deepfake.model.identity.relief import NORMAL_TEXELS
from vfx_deepfake.model.identity.renderer_inputs import NUM_PLANES, SPANS, WET
from vfx_deepfake.model.identity.retarget import Shape
from vfx_deepfake.model.identity.skin import Skin
from vfx_deepfake.model.identity.standing import TEXELS as STANDING_TEXELS
from vfx_deepfake.model.identity.tiles import in_tiles, spread_of
from vfx_deepfake.model.network import down_and_up

# capacity -> channels of the U-Net at half resolution
CAPACITIES = {"small": 24, "medium": 40, "large": 96}
GROWTH = (1.0, 1.5, 2.0, 3.0)  # of the channels from level to level
FINE_CHANNELS, COARSE_CHANNELS = 6, 12
MOST_TEXELS = 2048  # of the finest, a side, unless views are larger still: four times as many gain nothing that a lens shows. Assumed
COARSE_SHARE = 8  # texels of the fine texture to one of the coarse one, a side
TEXTURE_GAIN = 4.0  # textures are learnt at this many times the rate of the weights
COLOUR_GAIN = 8.0  # log differences are small numbers
CORRECTION_LOG = 0.25  # most that the network can add: four stops, for teeth, glints and hair
HEAD_CHANNELS = 16
MULTIPLE = 16  # sides of what goes through


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """What a network is built for; stands in its checkpoint."""

    size: int = 256  # side of the views that it learns from
    entries: int = 1  # identities and ages with textures of their own
    width: int = 40
    real_crops: bool = True

    @property
    def texels(self) -> int:
        """Side of the finest texture: finer than the views, which lie across it anyhow; for close-ups as fine."""
        return min(2 * self.size, max(self.size, MOST_TEXELS))

    def as_data(self) -> dict[str, Any]:
        """Plain data for a checkpoint's notes."""
        return asdict(self)


class Textures(nn.Module):
    """What is kept of one identity at one age: its colour, solved in closed form and then learnt on, and learned features."""

    def __init__(self, texels: int) -> None:
        super().__init__()
        coarse = max(texels // COARSE_SHARE, 4)
        self.colour = nn.Parameter(torch.zeros(1, 3, texels, texels))
        self.fine = nn.Parameter(torch.zeros(1, FINE_CHANNELS, texels // 2, texels // 2))
        self.coarse = nn.Parameter(torch.zeros(1, COARSE_CHANNELS, coarse, coarse))
        self.register_buffer("solved", torch.zeros(1, 3, texels, texels))
        self.register_buffer("normals", torch.zeros(1, 3, NORMAL_TEXELS, NORMAL_TEXELS))

    solved: Tensor
    normals: Tensor

    def sampled(self, place: Tensor) -> tuple[Tensor, Tensor]:
        """Colour (B, 3, H, W) log, and features (B, FINE + COARSE, H, W), at places (B, H, W, 2)."""
        colour = _sampled(self.solved + self.colour, place)
        features = [_sampled(TEXTURE_GAIN * texture, place) for texture in (self.fine, self.coarse)]
        return colour, torch.cat(features, dim=1)


class Network(nn.Module):
    """Everything that is trained, and the buffers that :meth:`adapt` of the method fills.

    shapes (entries, 478, 3), openings (entries, 3), by_opening (entries, 3, 478, 3): the identities' heads, see
    :class:`~vfx_deepfake.model.identity.retarget.Shape`. performer (478, 3) and nearness (): the performer's head, cm;
    apart (entries, 478, 3): what retargeting adds to it. offset (3,): log, the identity's skin less the performer's under
    one light. skin_level, skin_apart (entries, 3): the identities' skin in their own takes; own_level (entries, 3): log, what
    makes it as dark as it likely is; see :mod:`~vfx_deepfake.model.identity.skin_level`. standing (entries, t, t, 3): log, what
    stays on the performer's face; see :mod:`~vfx_deepfake.model.identity.standing`. adapted (): 1 once a shot was adapted to. gate
    (entries,): share of what was learnt in the picture, 0 to 1; not while training. See
    :func:`~vfx_deepfake.model.identity.renderer_gate.measure_gate`. eyes (entries, NUM_RINGS, 3), performer_eyes (NUM_RINGS, 3): see
    :mod:`~vfx_deepfake.model.identity.eyes`. mouths (entries, NUM_NUMBERS), performer_mouth (NUM_NUMBERS,): see
    :mod:`~vfx_deepfake.model.identity.mouth`.
    """

    shapes: Tensor
    openings: Tensor
    by_opening: Tensor
    offset: Tensor
    skin_level: Tensor
    skin_apart: Tensor
    own_level: Tensor
    performer: Tensor
    apart: Tensor
    nearness: Tensor
    adapted: Tensor
    standing: Tensor
    eyes: Tensor
    performer_eyes: Tensor
    mouths: Tensor
    performer_mouth: Tensor
    gate: Tensor

    def __init__(self, design: Design, checkpointing: bool = False) -> None:
        super().__init__()
        self.design, self._checkpointing = design, checkpointing
        self._own = [Textures(design.texels) for _ in range(design.entries)]
        self.textures = nn.ModuleList(self._own)
        self.painter = Painter(design.width)
        self.register_buffer("shapes", torch.zeros(design.entries, 478, 3))
        self.register_buffer("openings", torch.zeros(design.entries, 3))
        self.register_buffer("by_opening", torch.zeros(design.entries, 3, 478, 3))
        self.register_buffer("offset", torch.zeros(3))
        self.register_buffer("skin_level", torch.zeros(design.entries, 3))
        self.register_buffer("skin_apart", torch.zeros(design.entries, 3))  # 0: not known
        self.register_buffer("own_level", torch.zeros(design.entries, 3))
        self.register_buffer("performer", torch.zeros(478, 3))
        self.register_buffer("apart", torch.zeros(design.entries, 478, 3))
        self.register_buffer("nearness", torch.zeros(()))
        self.register_buffer("adapted", torch.zeros(()))
        self.register_buffer("standing", torch.zeros(design.entries, STANDING_TEXELS, STANDING_TEXELS, 3))
        self.register_buffer("eyes", torch.zeros(design.entries, NUM_RINGS, 3))
        self.register_buffer("performer_eyes", torch.zeros(NUM_RINGS, 3))
        self.register_buffer("mouths", torch.zeros(design.entries, NUM_NUMBERS))
        self.register_buffer("performer_mouth", torch.zeros(NUM_NUMBERS))
        self.register_buffer("gate", torch.ones(design.entries))

    def forward(self, planes: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Planes (B, NUM_PLANES, H, W) and shares (B, entries) of the textures, to the picture over the light's level (B, 3, H, W) log,
        and the logit of how far it may be off (B, 1, H, W). Sides are multiples of MULTIPLE."""
        parts = _parts(planes)
        colour, features = self._mixed(parts["place"].permute(0, 2, 3, 1), shares)
        base, real = _under_light(colour, parts)
        seen = parts["borrowed"][:, 3:]
        told = torch.cat(
            [
                COLOUR_GAIN * base, COLOUR_GAIN * parts["light"], COLOUR_GAIN * real, seen, parts["place"],
                parts["normals"], parts["features"], COLOUR_GAIN * parts["glints"], features,
            ],
            dim=1,
        )  # fmt: skip
        if self._checkpointing and self.training:
            out = checkpoint(self.painter, told, use_reentrant=False)
        else:
            out = self.painter(told)
        picture = base + CORRECTION_LOG * torch.tanh(out[:, :3])
        if not self.training:
            closed = self.base(planes, shares)
            learnt = _let_through(picture - closed, parts["features"])
            picture = closed + (shares @ self.gate)[:, None, None, None] * learnt
        return picture, out[:, 3:]

    def painted(self, planes: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`, in tiles where the view is large; not for training."""
        return in_tiles(  # type: ignore[return-value]
            lambda part: self(part.contiguous(memory_format=torch.channels_last), shares),
            planes,
            self.painter.reach,
            MULTIPLE,
        )

    def base(self, planes: Tensor, shares: Tensor) -> Tensor:
        """What training starts from: the solved colours under the light, (B, 3, H, W) log over the light's level."""
        parts = _parts(planes)
        place = parts["place"].permute(0, 2, 3, 1)
        colours = torch.stack([_sampled(textures.solved, place) for textures in self._own], dim=1)
        return _under_light((colours * shares[:, :, None, None, None]).sum(dim=1), parts)[0]

    @torch.no_grad()
    def know(self, entry: int, skin: Skin, shape: Shape) -> None:
        """Take what was solved of an entry: its skin, with normals, and its head."""
        self._own[entry].solved.copy_(torch.from_numpy(skin.colour.transpose(2, 0, 1).copy())[None])
        if skin.normals is not None:
            self._own[entry].normals.copy_(torch.from_numpy(skin.normals.transpose(2, 0, 1).copy())[None])
        buffers = (self.shapes, self.openings, self.by_opening)
        for buffer, values in zip(buffers, (shape.shape, shape.openings, shape.by_opening), strict=True):
            buffer[entry].copy_(torch.from_numpy(values))

    def skin(self, entry: int) -> Skin:
        """What was solved of an entry."""
        own = self._own[entry]
        return Skin(*(np.ascontiguousarray(one[0].permute(1, 2, 0).cpu().numpy()) for one in (own.solved, own.normals)))

    def identities(self) -> list[Shape]:
        """The heads of all entries; how near their cameras stood is no longer known, and not needed."""
        shapes, openings, slopes = (
            part.cpu().numpy().astype(np.float64) for part in (self.shapes, self.openings, self.by_opening)
        )
        return [Shape(*parts, nearness=0.0) for parts in zip(shapes, openings, slopes, strict=True)]

    def shared_names(self) -> list[str]:
        """The weights that belong to nobody in particular: a start for other identities."""
        return [name for name in self.state_dict() if name.startswith("painter.")]

    def _mixed(self, place: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Textures weighted by ``shares``; those that nobody asks for are not sampled."""
        colour = features = None
        for entry, textures in enumerate(self._own):
            share = shares[:, entry, None, None, None]
            if not self.training and not bool((share != 0).any()):
                continue
            own_colour, own_features = textures.sampled(place)
            colour = share * own_colour if colour is None else colour + share * own_colour
            features = share * own_features if features is None else features + share * own_features
        if colour is None or features is None:
            raise ValueError("the shares of all textures are 0; one of them must be asked for")
        return colour, features


class Painter(nn.Module):
    """A U-Net at half resolution with a thin head at full resolution; its last layer starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # base, light and real crops' difference; seen and the other planes but the borrowed; textures
        told = 3 + 3 + 3 + 1 + (NUM_PLANES - SPANS["light"] - SPANS["borrowed"]) + FINE_CHANNELS + COARSE_CHANNELS
        widths = [int(width * growth) // 8 * 8 for growth in GROWTH]
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * told, widths[0], 1), _conv(widths[0], widths[0]))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(few, many, stride=2), _conv(many, many)) for few, many in pairwise(widths)
        )
        self.up = nn.ModuleList(_conv(few + many, few) for few, many in reversed(list(pairwise(widths))))
        self.grow = nn.Sequential(nn.Conv2d(widths[0], 4 * HEAD_CHANNELS, 1), nn.PixelShuffle(2))
        self.look = nn.Conv2d(told, HEAD_CHANNELS, 1)
        self.head = _conv(HEAD_CHANNELS, HEAD_CHANNELS)
        self.leave = nn.Conv2d(HEAD_CHANNELS, 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    @property
    def reach(self) -> int:
        """Pixels to each side on which a pixel of the result depends, at most."""
        reach, cell = spread_of(self.enter, 2)  # two pixels a side are one cell
        for block in self.down:
            spread, cell = spread_of(block, cell)
            reach += spread
        for block in self.up:
            reach += cell  # doubled with what lies beside
            cell //= 2
            reach += spread_of(block, cell)[0]
        thin = sum(spread_of(layer, 1)[0] for layer in (self.look, self.head, self.leave))
        return reach + 1 + thin  # a pixel may lie on either side of its cell

    def forward(self, told: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 4, H, W)."""
        out = down_and_up(self.enter(told), self.down, self.up)
        return self.leave(self.head(F.leaky_relu(self.grow(out) + self.look(told), 0.1)))


def _parts(planes: Tensor) -> dict[str, Tensor]:
    return dict(zip(SPANS, planes.split(list(SPANS.values()), dim=1), strict=True))


def _under_light(colour: Tensor, parts: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The colours under the light, and what real crops say differs. Within lids and lips the real ones are shown: a mean
    over crops with other lids and lips says nothing there."""
    real = (parts["borrowed"][:, :3] - colour) * parts["borrowed"][:, 3:]
    inside = parts["features"][:, WET].amax(dim=1, keepdim=True)
    return colour + inside * real + parts["light"], real


def _let_through(learnt: Tensor, features: Tensor) -> Tensor:
    """What the painter may change, of (B, 3, H, W): nothing in eyes, which are the view's own and sharp, so that it could only hedge
    there; in the mouth lightness alone, since the tint of teeth was read from the faceset."""
    eyes, mouth = features[:, EYES : EYES + 1], features[:, MOUTH : MOUTH + 1]
    grey = (learnt * learnt.new_tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)
    return (1 - eyes) * (learnt + mouth * (grey - learnt))


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.LeakyReLU(0.1, inplace=True))


def _sampled(texture: Tensor, place: Tensor) -> Tensor:
    return F.grid_sample(
        texture.expand(len(place), -1, -1, -1), place, mode="bilinear", padding_mode="border", align_corners=False
    )
