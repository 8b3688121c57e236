"""The show's views baked as 3D tables from packed log codes to display values, and how far a table is from OCIO itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import NotThereError
from vfx_deepfake.viewing.packed import LARGEST, code_of, linear_of

SIZE = 65  # entries a side; docs/review.md has the errors that 33 and 65 give
DISPLAY_CODES = 255.0  # errors are told in codes of an 8-bit screen
_SAMPLES = 20_000
_GREY = 0.18


@dataclass(frozen=True, slots=True)
class View:
    """One view of a display of the show's config."""

    display: str
    view: str

    @property
    def name(self) -> str:
        """As people read it."""
        return f"{self.view} ({self.display})"


@dataclass(frozen=True, slots=True)
class Error:
    """How far a table's display values are from OCIO's, in codes of 8 bits: mean, 99.9th percentile, largest."""

    mean: float
    most: float
    largest: float


def views_of(color: Color) -> tuple[View, ...]:
    """Every view of the config; of displays and of views the default comes first."""
    return tuple(View(display, view) for display, views in color.displays().items() for view in views)


def view_numbered(color: Color, number: int) -> View:
    """A view by its place in :func:`views_of`.

    Raises: NotThereError.
    """
    views = views_of(color)
    if not 0 <= number < len(views):
        raise NotThereError(f"{color.uri}: has no view number {number}; want 0 to {len(views) - 1}")
    return views[number]


def bake(color: Color, working: str, view: View, size: int = SIZE) -> np.ndarray:
    """Display values 0..1 at a lattice of packed codes.

    Returns (size, size, size, 4) float16, indexed by blue, green, red, so that red runs fastest; alpha is 1.
    Raises: ColorError where the view can't be made, e.g. for a look that the shot lacks.
    """
    steps = np.linspace(0, LARGEST, size, dtype=np.float32)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    codes = np.stack([red, green, blue], -1).reshape(size * size, size, 3)
    shown = color.display_encode(linear_of(codes), working, view.display, view.view)
    table = np.ones((size, size, size, 4), np.float16)
    table[..., :3] = shown.reshape(size, size, size, 3)
    return table


def look_up(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Display values by trilinear interpolation, as graphics hardware does it.

    Shapes: table of :func:`bake`; codes (N, 3), 0..LARGEST, need not be whole. Returns (N, 3) float32.
    """
    size = len(table)
    place = np.clip(np.asarray(codes, np.float32) * ((size - 1) / LARGEST), 0, size - 1)
    low = np.minimum(place.astype(np.int32), size - 2)
    share = place - low
    total = np.zeros((len(place), 3), np.float32)
    for corner in np.ndindex(2, 2, 2):
        red, green, blue = (low + corner).T
        weight = np.prod(np.where(corner, share, 1 - share), axis=1)
        total += weight[:, None] * table[blue, green, red, :3].astype(np.float32)
    return total


def table_error(table: np.ndarray, color: Color, working: str, view: View, codes: np.ndarray) -> Error:
    """How far the table is from a direct conversion of the same codes, (N, 3)."""
    straight = color.display_encode(linear_of(codes)[None], working, view.display, view.view)[0]
    off = np.abs(look_up(table, codes) - straight) * DISPLAY_CODES
    return Error(float(off.mean()), float(np.quantile(off, 0.999)), float(off.max()))


def scene_codes(count: int = _SAMPLES) -> np.ndarray:
    """Codes of light as scenes have it: eight stops under to six over mid grey, channels up to two stops apart; (count, 3)."""
    rng = np.random.default_rng(1)
    light = _GREY * np.exp2(rng.uniform(-8, 6, (count, 1)) + rng.uniform(-1, 1, (count, 3)))
    return code_of(light.astype(np.float32))
