"""Lights of the set and how skin answers them, scene-linear ACEScg: white facing the key reads the key's colour."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from vfx_deepfake.demo.performer.curves import Array, dot, normalised
from vfx_deepfake.demo.performer.raster import rasterise_grid

_SCATTER = np.array(
    [0.34, 0.15, 0.08]
)  # how far light bleeds past the terminator, by channel: red travels farthest in skin
_BUMP_BLEED = np.array([0.55, 0.85, 1.0])  # and how much of the fine relief each channel shows


@dataclass(frozen=True, slots=True)
class Lamp:
    """A large far lamp: direction to it (world), colour, size as added softness 0..1, whether it casts shadows."""

    direction: tuple[float, float, float]
    colour: tuple[float, float, float]
    softness: float = 0.0
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Lights:
    """Key, fill, rim and the light of the room from above and below."""

    key: Lamp = Lamp((-0.70, 0.52, 0.55), (2.15, 1.98, 1.76), 0.06, True)
    fill: Lamp = Lamp((0.85, 0.10, 0.55), (0.16, 0.19, 0.25), 0.35)
    rim: Lamp = Lamp((0.78, 0.30, -0.52), (2.6, 1.7, 0.90), 0.02)
    above: tuple[float, float, float] = (0.16, 0.18, 0.215)
    below: tuple[float, float, float] = (0.075, 0.060, 0.050)
    exposure: float = 0.72
    lamps: tuple[Lamp, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lamps", (self.key, self.fill, self.rim))


def grid_normals(world: Array, lip_row: int) -> Array:
    """Unit normals (R, C, 3) of a grid; the lips' slit is not smoothed over."""
    parts = [part for part in (world[: lip_row + 1], world[lip_row + 1 :]) if len(part) > 1]
    down = np.concatenate([np.gradient(part, axis=0) for part in parts])
    return normalised(np.cross(down, np.gradient(world, axis=1)))


def grid_occlusion(world: Array, normals: Array, rows_a_column: float) -> Array:
    """How open each grid point is to the room, 0..1: points that lie below their own surroundings are darker."""
    openness = np.ones(world.shape[:2], np.float32)
    source = world.astype(np.float32)
    for radius, weight in ((4.0, 0.75), (11.0, 0.45)):
        sigma_rows = radius * rows_a_column
        mean = cv2.GaussianBlur(source, (0, 0), radius, sigmaY=max(sigma_rows, 0.5), borderType=cv2.BORDER_REPLICATE)
        depth = ((mean - source) * normals).sum(-1)
        openness *= np.clip(1.0 - weight * np.maximum(depth, 0.0) * (4.0 / radius) * 2.2, 0.15, 1.0)
    return openness


def grid_shadow(world: Array, lamp: Lamp, detail: int = 320, soft_cm: float = 0.55) -> Array:
    """Share of the lamp each grid point sees, 0..1, by a depth picture from the lamp with a soft comparison."""
    axis = normalised(np.asarray(lamp.direction))
    side = normalised(np.cross(np.array([0.0, 1.0, 0.0]), axis))
    up = np.cross(axis, side)
    flat = np.stack([world @ side, -(world @ up)], -1)
    depth = (world @ axis).astype(np.float32)
    head = flat[: int(0.8 * len(flat))].reshape(-1, 2)
    low, high = head.min(0) - 1.0, head.max(0) + 1.0
    scale = detail / float((high - low).max())
    picture = ((flat - low) * scale).astype(np.float32)
    size = (int((high - low)[0] * scale) + 1, int((high - low)[1] * scale) + 1)
    shift = 100.0  # depth must be above 0 where something is
    hits = rasterise_grid(picture, depth + shift, np.ones((world.shape[0] - 1, world.shape[1] - 1), bool), size)
    seen = np.zeros(depth.shape, np.float32)
    taps = [(r * soft_cm * scale, a) for r in (0.35, 0.75, 1.15) for a in np.arange(6) * np.pi / 3 + r]
    for radius, angle in taps:
        u = (picture[..., 0] + radius * np.cos(angle) - 0.5).astype(np.float32)
        v = (picture[..., 1] + radius * np.sin(angle) - 0.5).astype(np.float32)
        front = cv2.remap(hits.near, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0) - shift
        seen += np.clip(1.0 - (front - depth - 0.35) / 0.5, 0.0, 1.0)
    return cv2.GaussianBlur(seen / len(taps), (0, 0), 1.2)


def diffuse(flat: Array, bumped: Array, lights: Lights, openness: Array, key_share: Array) -> Array:
    """Light leaving skin of albedo 1.

    Shapes: flat, bumped (N, 3) unit normals without and with fine relief; openness, key_share (N,). Returns (N, 3).
    """
    total = np.empty((len(flat), 3), np.float32)
    for c in range(3):
        normal_y = flat[:, 1] + (bumped[:, 1] - flat[:, 1]) * _BUMP_BLEED[c]
        room = lights.below[c] + (lights.above[c] - lights.below[c]) * (0.5 + 0.5 * normal_y)
        total[:, c] = room * openness ** (0.75 + 0.25 * c)
    for lamp in lights.lamps:
        axis = normalised(np.asarray(lamp.direction)).astype(np.float32)
        plain, fine = flat @ axis, bumped @ axis
        for c in range(3):
            wrap = (_SCATTER[c] if axis[2] > 0 else 0.3 * _SCATTER[c]) + lamp.softness
            facing = plain + (fine - plain) * _BUMP_BLEED[c]
            amount = np.clip((facing + wrap) / (1.0 + wrap), 0.0, None) ** (1.0 + 1.2 * wrap)
            if lamp.shadow:
                amount = amount * key_share ** (0.8 + 0.25 * c)
            total[:, c] += lamp.colour[c] * amount * (0.5 + 0.5 * openness)
    return total * np.float32(lights.exposure)


def gloss(
    normals: Array, view: Array, lights: Lights, strength: Array, key_share: Array, roughness: float = 0.42
) -> Array:
    """Specular reflection of skin (N, 3): a broad and a narrow spherical Gaussian, stronger at grazing angles
    (Schlick).

    Shapes: normals, view (N, 3) unit; strength, key_share (N,).
    """
    total = np.zeros((len(normals), 3), np.float32)
    for lamp in lights.lamps:
        axis = normalised(np.asarray(lamp.direction)).astype(np.float32)
        half = normalised(view + axis)
        away = 1.0 - dot(normals, half)
        grazing = 1.0 - np.clip(dot(view, half), 0.0, 1.0)
        lobes = np.zeros_like(away)
        for width, weight in ((roughness, 0.75), (0.55 * roughness, 0.25)):
            power = np.float32(2.0 / width**4)
            lobes += np.float32(weight * (power + 8.0) / 25.0) * np.exp(-power * away)
        fresnel = 0.028 + 0.5 * grazing * grazing * grazing * grazing * grazing
        amount = lobes * fresnel * np.clip(normals @ axis, 0.0, 1.0) * strength
        if lamp.shadow:
            amount = amount * key_share
        total += amount[:, None] * np.asarray(lamp.colour, np.float32)
    return total * np.float32(lights.exposure)
