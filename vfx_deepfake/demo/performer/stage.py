"""Around the performer: the room out of focus with a practical lamp, and the microphone that crosses the face."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vfx_deepfake.demo.performer.curves import Array, smoothstep
from vfx_deepfake.demo.performer.noise import generator, soft_noise

LAMP_PEAK = 26.0  # scene-linear value in the middle of the practical lamp
LAMP_COLOUR = np.array([1.0, 0.72, 0.40])


def room(width: int, height: int, seed: int) -> Array:
    """The set out of focus, (H, W, 3) scene-linear."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    u, v = (x / height).astype(np.float32), (y / height).astype(np.float32)  # in picture heights
    aspect = width / height
    wall = 0.030 + 0.035 * smoothstep(0.9, 0.1, v) + 0.018 * np.sin(2.1 * u / aspect + 0.4)
    picture = wall[..., None] * np.array([0.80, 0.95, 1.15])
    glow = np.exp(-((u - 0.84 * aspect) ** 2 + (v - 0.28) ** 2) / 0.09)
    picture += (0.28 * glow)[..., None] * LAMP_COLOUR
    picture *= 1.0 + 0.10 * soft_noise(generator(seed, 81), (height, width), 0.05 * height)[..., None]
    picture *= 1.0 - 0.96 * (smoothstep(0.04, 0.13, u / aspect) * smoothstep(0.29, 0.20, u / aspect))[..., None]
    _discs(picture, u, v, aspect, generator(seed, 82))
    picture += 0.008 * smoothstep(0.86, 0.9, v)[..., None]
    _lamp(picture, u, v, aspect)
    return np.maximum(picture, 0.0015).astype(np.float32)


def _discs(picture: Array, u: Array, v: Array, aspect: float, rng: np.random.Generator) -> None:
    """Distant lights as defocused discs, in place."""
    for _ in range(16):
        cx, cy = rng.uniform(0, aspect), rng.uniform(0.05, 0.8)
        radius = rng.uniform(0.022, 0.045)
        colour = np.array([1.0, rng.uniform(0.55, 0.95), rng.uniform(0.25, 0.9)]) * rng.uniform(0.04, 0.4)
        distance = np.sqrt((u - cx) ** 2 + (v - cy) ** 2) / radius
        disc = smoothstep(1.08, 0.92, distance) * (0.8 + 0.35 * smoothstep(0.6, 1.0, distance))
        picture += disc[..., None] * colour


def _lamp(picture: Array, u: Array, v: Array, aspect: float) -> None:
    """The practical: a bulb far above 1.0 in a shade, in place."""
    du, dv = u - 0.84 * aspect, v - 0.27
    shade = smoothstep(0.105, 0.085, np.abs(du) - 0.10 * dv) * smoothstep(0.115, 0.095, np.abs(dv))
    picture += (shade * (1.1 + 2.0 * np.exp(-(du**2 + dv**2) / 0.006)))[..., None] * LAMP_COLOUR
    bulb = smoothstep(0.042, 0.018, np.sqrt(du**2 + (dv - 0.01) ** 2))
    picture += (LAMP_PEAK * bulb)[..., None] * np.array([1.0, 0.86, 0.62])
    stand = smoothstep(0.012, 0.006, np.abs(du)) * smoothstep(0.10, 0.12, dv)
    picture *= 1.0 - 0.6 * stand[..., None]


@dataclass(frozen=True, slots=True)
class Microphone:
    """A foam microphone on a boom, in picture heights: its tip from the middle of the picture (right, down), where the
    boom leads (degrees, 0 to the right, 90 down), how far it travels while the shutter is open.
    """

    tip: tuple[float, float]
    angle: float = 110.0
    travel: tuple[float, float] = (0.0, 0.0)
    length: float = 0.30
    radius: float = 0.062


def microphone(width: int, height: int, mic: Microphone, seed: int) -> tuple[Array, Array]:
    """The microphone as colour (H, W, 3) times its cover, and cover (H, W): smeared by the shutter, a little soft."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    u, v = (x - 0.5 * width) / height, y / height - 0.5
    turn = np.deg2rad(mic.angle)
    along = (u - mic.tip[0]) * np.cos(turn) + (v - mic.tip[1]) * np.sin(turn)
    across = -(u - mic.tip[0]) * np.sin(turn) + (v - mic.tip[1]) * np.cos(turn)
    foam_along = np.clip(along, mic.radius, mic.length)
    distance = np.sqrt((along - foam_along) ** 2 + across**2) / mic.radius
    soft = 1.5 / (height * mic.radius)
    foam = smoothstep(1.0 + soft, 1.0 - soft, distance)
    pole = smoothstep(0.014 + 0.002, 0.014, np.abs(across)) * smoothstep(mic.length - 0.02, mic.length, along)
    rough = soft_noise(generator(seed, 91), (height, width), max(0.0022 * height, 0.5))
    round_light = np.sqrt(np.clip(1.0 - distance**2, 0.0, 1.0))
    shade = 0.018 + 0.10 * np.clip(round_light * 0.5 - 0.55 * across / mic.radius, 0, None) * (1 + 0.30 * rough)
    metal = 0.05 + 0.30 * np.exp(-(((across + 0.004) / 0.004) ** 2))
    cover = np.maximum(foam, pole)
    colour = np.where(foam > pole, shade, metal)[..., None] * np.array([1.0, 0.97, 0.95])
    layers: Array = np.dstack([colour * cover[..., None], cover]).astype(np.float32)
    layers = _smeared(layers, mic.travel, height)
    layers = cv2.GaussianBlur(layers, (0, 0), max(0.0016 * height, 0.3))
    return layers[..., :3], np.clip(layers[..., 3], 0.0, 1.0)


def _smeared(layers: Array, travel: tuple[float, float], height: int) -> Array:
    """Average over the way travelled while the shutter is open."""
    steps = 7
    total = np.zeros_like(layers)
    for t in np.linspace(-0.5, 0.5, steps):
        move = np.array([[1, 0, t * travel[0] * height], [0, 1, t * travel[1] * height]], np.float32)
        total += cv2.warpAffine(layers, move, (layers.shape[1], layers.shape[0]), flags=cv2.INTER_LINEAR)
    return total / steps
