"""Paintings that we make ourselves, so that the answer is known on *every* frame.

Painted frames are few and far apart, so foretelling one from the others teaches long gaps only. Here every plate is
"painted" by one and the same recipe: texture is smoothed or strengthened with edges kept, the shape is pushed about
smoothly in face coordinates, the tint changes. Carrying such paintings from the artist's frames to any other is the very
task that waits in render, with this shot's motion, light, gaze and mouth; and the recipe applied to that frame's own
plate is the exact answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from vfx_deepfake.image.flow import identity_map, sample
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.paint import PaintedKey, blur, take_apart
from vfx_deepfake.model.propagate import Stack, nearest_keys, propagate

SMOOTHING_PX = 4.0  # reach of the edge-keeping filter
EDGE_LOG = 0.06  # differences above this are edges, not texture; about a stop
PUSH_PX = 4.0  # largest push of the shape
WAVES = 1.5  # of the push over the face
TINT_LOG = 0.02
FADE_PX = 12.0  # the push runs out over this outside the face


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to change a face. texture: 1 smooth away, -0.7 strengthen; push (2, 3): size and phases of the waves."""

    texture: float
    push: tuple[tuple[float, float, float], ...]
    tint: tuple[float, float, float]


def make_recipe(rng: np.random.Generator) -> Recipe:
    """A random recipe; most smooth, as de-aging does."""
    texture = float(rng.uniform(0.5, 1.0) if rng.random() < 0.75 else rng.uniform(-0.7, -0.3))
    turn = 2 * np.pi
    push = tuple((float(rng.uniform(0.3, 1)), float(rng.uniform(0, turn)), float(rng.uniform(0, turn))) for _ in "xy")
    tint = rng.normal(0, TINT_LOG, 3)
    return Recipe(texture, push, (float(tint[0]), float(tint[1]), float(tint[2])))


def painted_by(recipe: Recipe, source: CropSource, frame: int) -> np.ndarray:
    """A frame's plate after the recipe; (h, w, 3) log."""
    crop = source.crop(frame)
    coordinates = source.face_coordinates(frame)
    face = blur(coordinates[..., 2], FADE_PX * crop.scale)[..., None]
    reach = SMOOTHING_PX * crop.scale
    size = 2 * round(1.5 * reach) + 1
    clipped = np.clip(crop.image_log, -1, 2)  # the filter takes no huge ranges; only its difference is used
    smooth = np.asarray(cv2.bilateralFilter(clipped, size, EDGE_LOG, reach), np.float32)
    changed = crop.image_log + face * (recipe.texture * (smooth - clipped) + np.asarray(recipe.tint, np.float32))
    uv = blur(coordinates[..., :2], 2 * crop.scale)
    push = [
        scale * np.sin(2 * np.pi * WAVES * uv[..., 0] + a) * np.cos(2 * np.pi * WAVES * uv[..., 1] + b)
        for scale, a, b in recipe.push
    ]
    shift = PUSH_PX * crop.scale * np.stack(push, axis=-1).astype(np.float32) * face
    return sample(changed, crop.window, identity_map(crop.window) + shift)


def rehearse(source: CropSource, recipe: Recipe, frame: int) -> tuple[Stack, PaintedKey]:
    """The artist's frames, painted by the recipe instead, carried to ``frame``; and that frame painted by it."""
    keys = nearest_keys(frame, [key for key in source.keyframes if key != frame])
    carried = [(_painted_key(source, recipe, key), share) for key, share in keys]
    return propagate(source.crop(frame), carried, source.mesh), _painted_key(source, recipe, frame)


def _painted_key(source: CropSource, recipe: Recipe, frame: int) -> PaintedKey:
    crop = source.crop(frame)
    everywhere = np.ones(crop.window.shape, np.float32)
    return replace(take_apart(crop, painted_by(recipe, source, frame), everywhere), support=everywhere)
