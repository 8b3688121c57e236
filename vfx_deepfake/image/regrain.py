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
from vfx_deepfake.image.grain import SPECTRUM_PX, GrainModel, smooth
from vfx_deepfake.image.grain_measure import radial_spectrum
from vfx_deepfake.image.grain_synth import GrainField

METHODS = ("auto", "plate", "synth", "none")
GAIN_LIMIT = 16.0  # grain is never re-levelled by more than this, up or down; assumed
LEVEL_PX = 31  # side of the box over which a residual's energy is looked at: some 200 grains, 5 % of chance
SPECTRUM_SIDE_PX = 512  # side of the part of a face whose spectrum is looked at
RING = 0.5 / SPECTRUM_PX  # half a ring of the spectrum, cycles a pixel
FILTER_REACH_PX = 6  # of the filter that corrects a residual's spectrum
BAND_GAIN_LIMIT = 3.0  # at any frequency; assumed
LEAST_VALUES = 4000  # pixels from which a spectrum and a correlation are believed; assumed
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
        unit = own / sigma_old
        foreign = self._foreign((clean - degrained) / sigma_old)
        lacking = np.zeros_like(foreign) if self.of_plate else foreign  # how much of what D has left is missing in C
        energy = _local(np.square(unit))
        if self.method == "plate":
            return (_mixed(unit, self._as_grain(unit, lacking), lacking) if lacking.any() else unit) * sigma_new
        share = matte[..., None] if self.method == "synth" else foreign * self._unfit(energy)
        deviation = np.sqrt(_mixed(np.minimum(energy, 1), np.ones_like(energy), lacking))
        made = self._field.at(frame, window, np.asarray(share[..., 0] > 0)) * deviation
        return (np.sqrt(1 - share) * unit + np.sqrt(share) * made) * sigma_new

    def _foreign(self, change: np.ndarray) -> np.ndarray:
        """0 where C has D's fine structure, 1 where it is another picture; (h, w, 1). ``change``: C - D over the grain's deviation."""
        fine = change - smooth(change, 0)
        energy = _local(np.square(fine).mean(axis=-1))[..., None]
        return np.clip(energy / NEW_ENERGY, 0, 1)

    def _unfit(self, energy: np.ndarray) -> np.ndarray:
        """How little the plate's residual is good for where the picture is another, (h, w, 1)."""
        dirty = np.clip((energy.mean(axis=-1, keepdims=True) - DIRTY_FROM) / (DIRTY_TO - DIRTY_FROM), 0, 1)
        return dirty if self.of_plate else np.ones_like(dirty)

    def _as_grain(self, unit: np.ndarray, where: np.ndarray) -> np.ndarray:
        """A residual (h, w, 3) over the grain's deviation, brought to the model's spectrum, correlation and level.

        Spectrum and correlation over all of ``where`` (h, w, 1), the level place by place, because what degraining takes differs
        with the picture.
        """
        inside = where[..., 0] > 0.5
        if inside.sum() < LEAST_VALUES:
            return unit
        shaped = _filtered(unit, self._correction(unit, inside))
        mixed = shaped @ _recolouring(shaped[inside], np.asarray(self.model.correlation)).T
        return mixed / np.sqrt(_local(np.square(mixed)))

    def _correction(self, unit: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Filters (3, K, K), the same in every direction, that give a residual the model's spectrum; ``inside`` (h, w) is looked at."""
        middle = _most_of(inside, SPECTRUM_SIDE_PX)
        freq, power = radial_spectrum(unit[middle], inside[middle])
        if not np.isfinite(power).all():
            return np.ones((3, 1, 1), np.float32)
        radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SPECTRUM_PX)] * 2))
        kernels = []
        for found, wanted in zip(power.T, self.model.power, strict=True):
            gain = np.sqrt(
                np.interp(radius, freq, np.array([wanted[abs(radius - f) < RING].mean() for f in freq]) / found)
            )
            kernels.append(np.fft.fftshift(np.fft.ifft2(np.clip(gain, 1 / BAND_GAIN_LIMIT, BAND_GAIN_LIMIT)).real))
        near = slice(SPECTRUM_PX // 2 - FILTER_REACH_PX, SPECTRUM_PX // 2 + FILTER_REACH_PX + 1)
        return np.asarray(kernels, np.float32)[:, near, near]

    @cached_property
    def _field(self) -> GrainField:
        return GrainField(self.model, self.seed)


def _local(energy: np.ndarray, side: int = LEVEL_PX) -> np.ndarray:
    """The mean of (h, w) or (h, w, C) over ``side`` pixels, above 0."""
    mean = cv2.blur(energy, (side, side), borderType=cv2.BORDER_REFLECT_101)
    return np.maximum(mean, np.float32(1e-6))


def _mixed(low: np.ndarray, high: np.ndarray, share: np.ndarray) -> np.ndarray:
    return low + share * (high - low)


def _most_of(inside: np.ndarray, side: int) -> tuple[slice, slice]:
    """A square of at most ``side`` pixels round the middle of a region (h, w)."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    centre = (rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2
    y, x = (slice(max(int(at) - side // 2, 0), int(at) + side // 2) for at in centre)
    return y, x


def _filtered(image: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Each channel of an image (h, w, 3) by its own kernel."""
    planes = [np.ascontiguousarray(image[..., c]) for c in range(3)]
    return np.stack(
        [cv2.filter2D(p, -1, k, borderType=cv2.BORDER_REFLECT_101) for p, k in zip(planes, kernels, strict=True)], -1
    )


def _recolouring(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The (3, 3) matrix that gives values (N, 3) the covariance ``wanted`` and moves them least.

    Source: the optimal transport between two normal distributions.
    """
    root, back = _roots(np.cov(values.T.astype(np.float64)) + 1e-9 * np.eye(3))
    middle, _ = _roots(root @ wanted @ root)
    return np.asarray(back @ middle @ back, np.float32)


def _roots(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The symmetric square root of a covariance, and its inverse."""
    values, vectors = np.linalg.eigh(matrix)
    root = np.sqrt(np.maximum(values, 1e-12))
    return (vectors * root) @ vectors.T, (vectors / root) @ vectors.T
