"""The layers of a version's EXR, named as Nuke shows them, in parts of their own data windows.

=========  =====================================================================  ========================
part       channels                                                               window and type
=========  =====================================================================  ========================
rgba       R G B (A)                                                              the plate's, plate space
elements   face.RGB clean.RGB grain.RGB, matte.applied and those of REGIONS;      the face's, plate's type
           face_b.RGB where [identity].write_partner asks for it
data       st.uv motion.uv confidence.Y                                           the face's, float
ids        cryptoFace00 cryptoFace01, where [mattes].cryptomatte asks for it      the face's, float
=========  =====================================================================  ========================

``face`` F, ``clean`` D, ``grain`` N(C) and ``face_b``, the second identity's F, are scene-linear in the working space, so
that inside the window

    rgba = clean + matte.applied (face - clean) + grain     (working space)

Every frame has every layer; without a face they are one black pixel at the corner of the plate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.region_matte import disjoint
from vfx_deepfake.media.cryptomatte import CHANNELS, ranked
from vfx_deepfake.media.exr import Part
from vfx_deepfake.steps.comp import REGIONS, Rendered

PICTURES = ("face", "clean", "grain")
APPLIED = "matte.applied"  # M of the compositing rule
ELEMENT_CHANNELS = (
    *(f"{layer}.{channel}" for layer in PICTURES for channel in "RGB"),
    APPLIED,
    *(f"matte.{region}" for region in REGIONS),
)
SECOND_FACE = "face_b"  # layer of the second identity alone
SECOND_CHANNELS = tuple(f"{SECOND_FACE}.{channel}" for channel in "RGB")
DATA_CHANNELS = ("st.u", "st.v", "motion.u", "motion.v", "confidence.Y")


def id_part(rendered: Rendered) -> Part:
    """The parts of the face, and what stands in front, as an ID matte; one black pixel without a face."""
    if rendered.face is None:
        window = rendered.frame.data_window
        corner = Window(window.x, window.y, 1, 1)
        return Part("ids", np.zeros((1, 1, len(CHANNELS)), np.float32), CHANNELS, corner, half=False)
    return Part("ids", ranked(disjoint(rendered.face.regions)), CHANNELS, rendered.face.window, half=False)


def exr_parts(rendered: Rendered, with_second: bool = False) -> list[Part]:
    """The parts of one frame's EXR; ``rgba`` comes first, so that software that reads one part gets the picture.

    ``with_second``: the version carries the second identity's face.
    """
    channels = (*ELEMENT_CHANNELS, *(SECOND_CHANNELS if with_second else ()))
    frame, face = rendered.frame, rendered.face
    formats = frame.formats if set(frame.formats) <= {"half", "float"} else ()  # integer plates become float
    rgba = Part("rgba", frame.pixels, frame.channels, frame.data_window, frame.half, formats)
    if face is None or rendered.grain_lin is None:
        corner = Window(frame.data_window.x, frame.data_window.y, 1, 1)
        black = np.zeros((1, 1, len(channels) + len(DATA_CHANNELS)), np.float32)
        elements, data = np.split(black, [len(channels)], axis=-1)
        return [
            rgba,
            Part("elements", elements, channels, corner, frame.half),
            Part("data", data, DATA_CHANNELS, corner, half=False),
        ]
    second = [face.second_lin] if with_second and face.second_lin is not None else []
    elements = _stack(
        face.face_lin,
        face.degrained_lin,
        rendered.grain_lin,
        face.matte,
        *(face.regions[name] for name in REGIONS),
        *second,
    )
    data = _stack(face.st, face.motion, face.confidence)
    return [
        rgba,
        Part("elements", elements, channels, face.window, frame.half),
        Part("data", data, DATA_CHANNELS, face.window, half=False),
    ]


def _stack(*layers: np.ndarray) -> np.ndarray:
    """(h, w, C) float32 of images and mattes side by side; NaN and Inf of a bad plate pixel are 0 in an element."""
    planes = [layer[..., None] if layer.ndim == 2 else layer for layer in layers]
    stacked = np.concatenate(planes, axis=-1, dtype=np.float32)
    return np.nan_to_num(stacked, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def rebuild(pixels: np.ndarray, channels: tuple[str, ...]) -> np.ndarray:
    """O from the element layers alone, as a compositor would: clean + matte (face - clean) + grain.

    Shapes: pixels (h, w, C) of the ``elements`` part. Returns (h, w, 3) scene-linear working space.
    """
    layer = {name: pixels[..., [channels.index(f"{name}.{c}") for c in "RGB"]] for name in PICTURES}
    matte = pixels[..., channels.index(APPLIED), None]
    return np.asarray(layer["clean"] + matte * (layer["face"] - layer["clean"]) + layer["grain"])


def header_notes(metadata: Mapping[str, Any], notes: Mapping[str, str]) -> dict[str, Any]:
    """The plate's metadata with ours beside it, under ``vfx_deepfake:``."""
    return {**metadata, **{f"vfx_deepfake:{name}": text for name, text in notes.items()}}
