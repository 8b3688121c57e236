"""What every way to make another identity's face has in common: what it sees, what drives it, what it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

EVERYWHERE = "all"
REGIONS = ("skin", "eyes", "brows", "nose", "mouth")


@dataclass(frozen=True, eq=False)
class View:
    """One face seen in an aligned square crop.

    image_log (S, S, 3) float32, model encoding; points (478, 2) float32 crop pixels, centres at +0.5; pose (3,) yaw, pitch,
    roll in degrees; valid (S, S) float32, 1 where the picture reaches.
    """

    image_log: np.ndarray
    points: np.ndarray
    pose: np.ndarray
    valid: np.ndarray

    @property
    def size(self) -> int:
        """Side, pixels."""
        return len(self.image_log)


@dataclass(frozen=True, eq=False)
class Drive:
    """What the artist asks of one frame beyond the plate's performance.

    mix: share 0..1 of the second identity by region, EVERYWHERE for those not named. age: wanted age, years, None for that of the faceset.
    points (478, 2) crop pixels: the performance to show instead of the view's own (another take, an expression slider).
    level: stops, how much lighter the face shall be than the method has it.
    """

    mix: Mapping[str, float] = field(default_factory=dict)
    age: float | None = None
    points: np.ndarray | None = None
    level: float = 0.0


@dataclass(frozen=True, eq=False)
class Made:
    """One face made, on the grid of its view: picture_log (S, S, 3), matte (S, S) 0..1, confidence (S, S) 0..1, all float32."""

    picture_log: np.ndarray
    matte: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True, eq=False)
class ShotViews:
    """The shot's own face: frames that show it, rising, and the view of each, read when asked for."""

    frames: Sequence[int]
    view: Callable[[int], View]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How a method is set up, whichever it is."""

    size: int = 256  # side of the views it makes, pixels: a multiple of 16
    batch_size: int = 4  # of all processes together
    seed: int = 1
    device: str = "auto"  # as [train].device
    capacity: str = "medium"  # small, medium or large: how many weights
    real_crops: bool = True  # nearest crops of the faceset as further input, where the method knows how
    checkpointing: bool = False  # compute the inner layers again on the way back: less memory, more time
    adversary: float = 0.0  # share of the patch adversary in the loss; 0 for none
    likeness: float = 0.0  # share of the identity term in the loss; 0 for none
    performer: str = ""  # the identity in the plate: a faceset of the same has the same skin
    joint: bool = False  # autoencoder: mixable codes even where there is nothing to mix


class Method(Protocol):
    """One way to make an identity: autoencoder, renderer."""

    network: nn.Module  # its state_dict is the checkpoint, what `adapt` found included (buffers)

    def design(self) -> dict[str, Any]:
        """Plain data that builds the same network again."""
        ...

    def step_loss(self, step: int) -> Tensor:
        """The loss of one training step; its batch depends on the seed and the step alone."""
        ...

    def adapt(self, shot: ShotViews) -> None:
        """Solve what belongs to the shot and not to the identity: colour, level, light, shape. Called once, after training."""
        ...

    def make(self, view: View, drive: Drive) -> Made:
        """The identity's face in a view of the plate."""
        ...

    def sheet(self) -> np.ndarray:
        """(H, W, 3) float32 log picture that shows how far training is."""
        ...
