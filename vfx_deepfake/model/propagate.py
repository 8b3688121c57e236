"""Carry painted frames to an unpainted one, without any training.

For each of the nearest painted frames two *candidates* are made, after the tracked mesh and dense flow have told where
every pixel comes from:

- *moved plate + look*: the target's own plate, shifted as the painting shifted its plate, plus the painted look. Keeps
  the target's gaze, teeth and light exactly; shows remains of wrinkles where the motion is a little off.
- *moved painting*: the painting itself, with the low frequencies of the light corrected. Free of remains; can't follow
  a blink or an opening mouth.

Both are weighed by the error each can be expected to make, and painted frames by that error and by distance in time.
Roto mattes have one candidate a painted frame: the moved roto.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vfx_deepfake.face.mesh import region_mask, warp_map
from vfx_deepfake.face.topology import MEDIAPIPE, Mesh
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import identity_map, refine_map, sample, sample_map
from vfx_deepfake.model.paint import Crop, PaintedKey, blur, ramp

NUM_KEYS = 3  # painted frames that are carried to one target; measured: three gain 0.1 dB over two
LIGHT_PX = 6.0  # light is what lies above this scale, texture below
ERROR_PX = 1.5  # window in which errors are averaged
LOOK_ERROR = 3.0  # error of the added look per its own contrast; measured on 0.5 to 4
# Gaze and teeth are the performance: between lids and lips the target's own plate gets this much less doubt.
OPENING_DOUBT = 0.4  # measured on 0.2 to 1
OPENING_BLUR_PX = 2.0
WEIGHT_PX = 2.0  # weights are no sharper than this
ERROR_FLOOR = 1e-3  # log
INVERSE_STEPS = 4  # fixed-point steps that solve for the painting's position; shifts are smooth, it converges in three
FLOW_PASSES = 1  # a second gained nothing (docs/experiments.md)
OCCLUDED_PX = 5.0  # an occluder is larger than this
OCCLUDED_LOW, OCCLUDED_HIGH = 0.08, 0.16  # log: 1.4 to 2.8 stops off, in every painted frame
SURE_LOG = 0.01  # expected error at which confidence is a half


@dataclass(frozen=True, eq=False)
class Stack:
    """All that is known about one target frame before a network sees it.

    candidates (n, h, w, C); weights (n, h, w) sum to 1 where a painting reaches, else all 0; errors (m, h, w) natural
    log of the expected errors; base (h, w, C) the weighted mean; matte (h, w) 0..1 where anything changes;
    confidence (h, w).
    For faces candidates are whole log pictures, for roto mattes 0..1.
    """

    crop: Crop
    candidates: np.ndarray
    weights: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    matte: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True, eq=False)
class _Carried:
    """One painted frame carried to the target: its candidates with their shares, expected errors, what comes along."""

    candidates: list[np.ndarray]
    shares: list[np.ndarray]
    errors: list[np.ndarray]
    error: np.ndarray
    mismatch: np.ndarray
    valid: np.ndarray
    support: np.ndarray


def nearest_keys(frame: int, keys: Sequence[int], count: int = NUM_KEYS) -> list[tuple[int, float]]:
    """The painted frames to carry to a frame, nearest first, each with its weight in time.

    The weight is 1 / distance less that of the first frame left out (Shepard's, with compact support), so that nothing
    pops when another painted frame becomes one of the nearest.
    """
    order = sorted(keys, key=lambda key: (abs(key - frame), key))
    left_out = 1.0 / max(abs(order[count] - frame), 1) if len(order) > count else 0.0
    weights = [1.0 / max(abs(key - frame), 1) - left_out for key in order[:count]]
    total = sum(weights)
    return [
        (key, weight / total if total > 0 else 1 / len(weights))
        for key, weight in zip(order[:count], weights, strict=True)
    ]


def motion(target: Crop, source: Crop, topology: str | Mesh = MEDIAPIPE, flow_passes: int = FLOW_PASSES) -> np.ndarray:
    """The map from a target frame to a source frame: tracked mesh first, dense flow on top. (h, w, 2).

    Faces of twice the reference size are matched at half resolution, and so on.
    """
    coarse = warp_map(source.points, target.points, target.window, topology)
    finest = max(int(np.log2(target.scale)), 0)
    return refine_map(target.image_log, target.window, source.image_log, source.window, coarse, flow_passes, finest)


def propagate(
    target: Crop,
    keys: Sequence[tuple[PaintedKey, float]],
    topology: str | Mesh = MEDIAPIPE,
    *,
    maps: Sequence[np.ndarray] | None = None,
    window: Window | None = None,
    num_keys: int = NUM_KEYS,
) -> Stack:
    """Carry painted frames, each with its weight in time, to a target frame.

    ``maps`` are the motions from the whole target to each key, made here where not given; ``window`` is the part of the
    target to make, all of it by default. Fewer than ``num_keys`` are filled up with copies of weight 0, so that a stack's
    depth is always the same.
    Raises: ValueError without any key.
    """
    if not keys:
        raise ValueError("no painted frame to carry")
    keys = keys[:num_keys]
    maps = [motion(target, key.crop, topology) for key, _ in keys] if maps is None else maps
    part = _part(target, target.window if window is None else window)
    openings = _openings(part, topology)
    doubt = 1 - (1 - OPENING_DOUBT) * blur(openings, OPENING_BLUR_PX * target.scale)
    carried = [_carry(target, part.window, key, mapping, doubt) for (key, _), mapping in zip(keys, maps, strict=True)]
    trust = [
        share * one.valid / (blur(one.error, WEIGHT_PX * target.scale) + ERROR_FLOOR) ** 2
        for one, (_, share) in zip(carried, keys, strict=False)
    ]
    total = np.maximum(np.sum(trust, axis=0), 1e-12)
    weights = [share * t / total for one, t in zip(carried, trust, strict=True) for share in one.shares]
    candidates = [picture for one in carried for picture in one.candidates]
    errors = [np.log(error + ERROR_FLOOR) for one in carried for error in one.errors]
    base = _weighted(candidates, weights)
    uncovered = np.sum(trust, axis=0) <= 0
    nothing = part.image_log if base.shape[2] == 3 else np.zeros_like(base)
    base[uncovered] = nothing[uncovered]
    matte = _matte(part, carried, trust, total, openings)
    confidence = _confidence(carried, candidates, weights, base) * ~uncovered
    for _ in range(num_keys - len(carried)):
        candidates += carried[0].candidates
        weights += [np.zeros(part.window.shape, np.float32)] * len(carried[0].candidates)
        errors += [np.log(error + ERROR_FLOOR) for error in carried[0].errors]
    return Stack(
        part, np.stack(candidates), np.stack(weights).astype(np.float32), np.stack(errors), base, matte, confidence
    )


def _openings(target: Crop, topology: str | Mesh) -> np.ndarray:
    """(h, w) 0..1: between the lids and between the lips; a surface comes and goes there without anything in front."""
    return np.maximum(*(region_mask(target.points, target.window, part, topology) for part in ("eyes", "mouth")))


def _part(target: Crop, window: Window) -> Crop:
    """A crop cut down to ``window``; the same crop where that is all of it."""
    if window == target.window:
        return target
    return replace(target, window=window, image_log=target.image_log[window.slices(target.window)])


def _carry(target: Crop, part: Window, key: PaintedKey, mapping: np.ndarray, doubt: np.ndarray) -> _Carried:
    """Make one painted frame's candidates over ``part`` of a target, given the map from the whole target to the key.

    doubt (h, w) over ``part`` scales the error expected of the moved plate. The painted look is what the painting has
    over its own plate at the position that it came from, so *moved plate + look* is the painting and all of the mismatch
    of the two plates, and *moved painting* is the painting and the mismatch's light alone.
    """
    on_plate, on_painting, on_key_plate = _follow_shift(target.window, part, key, mapping)
    window = key.crop.window
    painting = sample(key.painted, window, on_painting, sharp=not key.is_matte)
    valid, support = (sample(layer, window, on_painting, sharp=False) for layer in (key.valid, key.support))
    key_moved = sample(key.crop.image_log, window, on_key_plate)
    mismatch = sample(target.image_log, target.window, on_plate) - key_moved
    light = blur(mismatch, LIGHT_PX * target.scale)
    texture = mismatch - light
    painting_error = blur(np.abs(texture).mean(axis=2), ERROR_PX * target.scale)
    if key.is_matte:
        matte = np.clip(painting.reshape(*part.shape, 1), 0, 1)
        error = blur(np.abs(mismatch).mean(axis=2), ERROR_PX * target.scale)
        return _Carried([matte], [np.ones_like(error)], [error], error, np.abs(mismatch).mean(axis=2), valid, support)
    look = painting - key_moved
    look_texture = look - blur(look, LIGHT_PX * target.scale)
    look_error = LOOK_ERROR * doubt * blur(np.abs(look_texture).mean(axis=2), ERROR_PX * target.scale)
    tiny = np.float32(1e-8)
    plate_share = (painting_error**2 + tiny) / (look_error**2 + painting_error**2 + 2 * tiny)
    error = look_error * painting_error / np.sqrt(look_error**2 + painting_error**2 + tiny)
    return _Carried(
        [painting + mismatch, painting + light],
        [plate_share, 1 - plate_share],
        [painting_error, look_error],
        error,
        np.abs(mismatch).mean(axis=2),
        valid,
        support,
    )


def _follow_shift(
    window: Window, part: Window, key: PaintedKey, mapping: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel of the wanted picture its position on the target's plate, on the painting and on the key's plate.

    The painting at y came from its plate at y + shift(y). A wanted pixel x comes from the target's plate at x + s,
    with s the same surface's shift, so y solves y + shift(y) = mapping(x + s), s = shift(y).
    """
    here = identity_map(part)
    on_key_plate = mapping[part.slices(window)]
    if not key.shift.any():
        return here, on_key_plate, on_key_plate
    on_painting = on_key_plate
    shift = sample(key.shift, key.crop.window, on_painting, sharp=False)
    for _ in range(INVERSE_STEPS):
        on_key_plate = sample_map(mapping, window, here + shift)
        on_painting = on_key_plate - sample(key.shift, key.crop.window, on_painting, sharp=False)
        shift = sample(key.shift, key.crop.window, on_painting, sharp=False)
    return here + shift, on_painting, sample_map(mapping, window, here + shift)


def _weighted(pictures: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> np.ndarray:
    out = np.zeros_like(pictures[0])
    for picture, weight in zip(pictures, weights, strict=True):
        out += weight[..., None] * picture
    return out


def _matte(
    target: Crop, carried: Sequence[_Carried], trust: Sequence[np.ndarray], total: np.ndarray, openings: np.ndarray
) -> np.ndarray:
    """Where the change applies: the keys' supports, less what stands in front of the face."""
    support = np.sum([one.support * t for one, t in zip(carried, trust, strict=True)], axis=0) / total
    mismatch = np.min([one.mismatch for one in carried], axis=0)
    hidden = ramp(blur(mismatch, OCCLUDED_PX * target.scale), OCCLUDED_LOW, OCCLUDED_HIGH)
    hidden *= 1 - blur(openings, OCCLUDED_PX * target.scale)
    return np.asarray(np.clip(support, 0, 1) * (1 - hidden), np.float32)


def _confidence(
    carried: Sequence[_Carried], candidates: Sequence[np.ndarray], weights: Sequence[np.ndarray], base: np.ndarray
) -> np.ndarray:
    """0..1: a half where expected error and disagreement of the candidates together reach SURE_LOG."""
    spread = sum(w * ((c - base) ** 2).mean(axis=2) for c, w in zip(candidates, weights, strict=True))
    expected = np.min([one.error for one in carried], axis=0)
    return np.asarray(1 / (1 + (spread + expected**2) / SURE_LOG**2), np.float32)
