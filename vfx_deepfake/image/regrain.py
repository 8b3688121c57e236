"""N(C): the grain that a clean comp gets, behind one interface.

P plate, D degrained plate, C clean comp, s(.) the measured deviation of the grain in scene-linear light. N(D) = P - D, and where C
is D a value of N(C) is copied from it, never computed, whatever the method. Methods:

- plate  the plate's own residual, times s(C) / s(D)
- synth  grain made from the shot's model, of deviation s(C), faded in with the matte
- auto   the plate's where its residual fits the comp, the model's where it does not
- none   what changed stays clean

What degraining left in D is grain too. A face made of degrained plates (a painted change carried along) still has it; any other
face does not, and gets as much more. How much is missing is seen in the residual itself: its local energy over
the model's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import GrainModel, smooth
from vfx_deepfake.image.grain_synth import GrainField

METHODS = ("auto", "plate", "synth", "none")
GAIN_LIMIT = 16.0  # grain is never re-levelled by more than this, up or down; assumed
LEVEL_PX = 31  # side of the box over which a residual's energy is looked at: some 200 grains, 5 % of chance
NEW_ENERGY = 0.02  # fine structure of C - D, over the grain's variance, from which C is another picture; measured
DIRTY_FROM, DIRTY_TO = (
    1.4,
    2.5,
)  # energy of a residual over the grain's from which it begins to be, and is, picture; assumed


@dataclass(frozen=True)
class Regrainer:
    """Returns grain to a comp.

    ``gain``: per channel, on what changed; 1 is the plate's own level. ``seed``: the shot's name. ``of_plate``: F is made of degrained
    plates and has what grain degraining left there.
    """

    model: GrainModel
    method: str = "auto"
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    seed: str = ""
    of_plate: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"grain method '{self.method}'; known are {', '.join(METHODS)}")

    def grain(
        self,
        frame: int,
        plate_lin: np.ndarray,
        degrained_lin: np.ndarray,
        clean_lin: np.ndarray,
        matte: np.ndarray,
        window: Window,
    ) -> np.ndarray:
        """N(C) of one frame over ``window``; the bits of P - D wherever C is D.

        Shapes: plate_lin (P), degrained_lin (D), clean_lin (C) (h, w, 3) scene-linear; matte (M) (h, w) 0..1. Returns (h, w, 3). A value
        that can't be computed in float32 is the residual's.
        """
        with np.errstate(all="ignore"):
            own = plate_lin - degrained_lin
            changed = clean_lin != degrained_lin
            if self.model.clean or not changed.any():
                return own
            if self.method == "none":
                made = own * (1 - matte[..., None])
            else:
                made = self._regrained(frame, own, degrained_lin, clean_lin, matte, window)
                made *= 1 + matte[..., None] * (np.asarray(self.gain, np.float32) - 1)
        return np.where(changed & np.isfinite(made), made, own)

    def _regrained(
        self, frame: int, own: np.ndarray, degrained: np.ndarray, clean: np.ndarray, matte: np.ndarray, window: Window
    ) -> np.ndarray:
        sigma_old = np.maximum(self.model.sigma_lin(degrained), np.finfo(np.float32).tiny)
        sigma_new = np.clip(self.model.sigma_lin(clean), sigma_old / GAIN_LIMIT, sigma_old * GAIN_LIMIT)
        energy = _local(np.square(own / sigma_old))
        foreign = self._foreign((clean - degrained) / sigma_old)
        lacking = np.zeros_like(foreign) if self.of_plate else foreign  # how much of what D has left is missing in C
        level = np.sqrt((energy + lacking * (1 - energy)) / energy)
        plate = own * (sigma_new / sigma_old) * level
        if self.method == "plate":
            return plate
        share = matte[..., None] if self.method == "synth" else foreign * self._unfit(energy)
        own_share = np.minimum(energy, 1)
        deviation = sigma_new * np.sqrt(own_share + lacking * (1 - own_share))
        made = self._field.at(frame, window, np.asarray(share[..., 0] > 0)) * deviation
        return np.sqrt(1 - share) * plate + np.sqrt(share) * made

    def _foreign(self, change: np.ndarray) -> np.ndarray:
        """0 where C has D's fine structure, 1 where it is another picture; (h, w, 1). ``change``: C - D over the grain's deviation."""
        fine = change - smooth(change, 0)
        energy = _local(np.square(fine).mean(axis=-1))[..., None]
        return np.clip(energy / NEW_ENERGY, 0, 1)

    def _unfit(self, energy: np.ndarray) -> np.ndarray:
        """How little the plate's residual is good for where the picture is another, (h, w, 1)."""
        dirty = np.clip((energy.mean(axis=-1, keepdims=True) - DIRTY_FROM) / (DIRTY_TO - DIRTY_FROM), 0, 1)
        return dirty if self.of_plate else np.ones_like(dirty)

    @cached_property
    def _field(self) -> GrainField:
        return GrainField(self.model, self.seed)


def _local(energy: np.ndarray) -> np.ndarray:
    """The mean of (h, w) or (h, w, C) over LEVEL_PX, above 0."""
    mean = cv2.blur(energy, (LEVEL_PX, LEVEL_PX), borderType=cv2.BORDER_REFLECT_101)
    return np.maximum(mean, np.float32(1e-6))
