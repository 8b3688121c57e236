"""Mattes and confidence of a version as planes of bytes over its display window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.errors import NotThereError
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.media.header import read_header
from vfx_deepfake.steps.comp import REGIONS
from vfx_deepfake.steps.elements import APPLIED
from vfx_deepfake.viewing.packed import on_canvas, shrunk
from vfx_deepfake.viewing.published import Published

CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class Layer:
    """Where a layer lies in a version's EXR."""

    part: str
    channel: str


LAYERS = {
    **{name: Layer("elements", name) for name in (APPLIED, *(f"matte.{region}" for region in REGIONS))},
    CONFIDENCE: Layer("data", "confidence.Y"),
}


def layers_of(version: Published) -> tuple[str, ...]:
    """The layers that a version has.

    Raises: PlateError where its first frame can't be read.
    """
    header = read_header(version.exr(version.frames[0]), part="elements", channels=(APPLIED,))
    return tuple(
        name for name, layer in LAYERS.items() if layer.part == "data" or layer.channel in header.file_channels
    )


def matte_plane(version: Published, frame: int, layer: str, size: tuple[int, int]) -> np.ndarray:
    """A layer of a frame over the display window, 0 black to 255 full.

    ``size``: (width, height). Returns (h, w) uint8; black outside the face's window.
    Raises: NotThereError for a layer that does not exist; what :meth:`Published.exr` raises.
    """
    place = LAYERS.get(layer)
    if place is None:
        raise NotThereError(f"{version}: no layer {ascii(layer)[:40]}; known: {', '.join(LAYERS)}")
    found = read_exr(version.exr(frame), part=place.part, channels=(place.channel,))
    plane, _ = on_canvas(found.pixels, found.data_window, found.display_window)
    small = shrunk(np.nan_to_num(plane[..., 0], posinf=0.0, neginf=0.0), size)
    return np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)
