"""Eyes: the opening between the lids, the eyeball behind it, lashes and the lids' crease, drawn exactly per pixel.

The skin covers the whole eye at rest; lids are curves in front coordinates (x, y) that open it. Lengths in centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.camera import rotation
from vfx_deepfake.demo.performer.curves import Array, dot, normalised, smoothstep
from vfx_deepfake.demo.performer.head import EYE_X, EYE_Y
from vfx_deepfake.demo.performer.light import Lights
from vfx_deepfake.demo.performer.looks import DEMO_LOOKS, Looks

BALL_CM = 1.62  # larger than a real eyeball (1.2), so that it fills the corners of the opening
HALF_CM = 1.48  # half width of the opening
IRIS_CM, PUPIL_CM = 0.60, 0.23
SCLERA = np.array([0.66, 0.60, 0.55])
WET_PINK = np.array([0.38, 0.18, 0.145])


@dataclass(frozen=True, slots=True)
class Eyes:
    """What the eyes do: gaze in degrees (image's right, down), opening of the lids 0..1; a smile narrows them."""

    gaze: tuple[float, float] = (0.0, 0.0)
    opening: float = 1.0
    smile: float = 0.0


@dataclass(frozen=True, slots=True)
class LidPlaces:
    """A skin pixel by the eye's opening: u -1 (nose) .. 1 (temple), distance above each lid's edge, side -1 or 1."""

    u: Array
    over_upper: Array
    over_lower: Array
    side: Array

    @property
    def near(self) -> Array:
        """Pixels close enough for lids and lashes to matter."""
        return (np.abs(self.u) < 1.5) & (np.abs(self.over_upper + 0.3) < 1.6)

    def taken(self, numbers: Array) -> LidPlaces:
        """Some of the pixels."""
        return LidPlaces(self.u[numbers], self.over_upper[numbers], self.over_lower[numbers], self.side[numbers])

    def inside(self, footprint_cm: float) -> Array:
        """How much of a pixel ``footprint_cm`` wide lies in the opening, 0..1."""
        upper = np.clip(0.5 - self.over_upper / footprint_cm, 0.0, 1.0)
        lower = np.clip(0.5 + self.over_lower / footprint_cm, 0.0, 1.0)
        return upper * lower * (np.abs(self.u) < 1.0)


def lid_places(front: Array, eyes: Eyes) -> LidPlaces:
    """Place pixels with rest front coordinates (N, 2) relative to the lids of the nearer eye."""
    x, y = front[:, 0], front[:, 1] - EYE_Y
    u = (np.abs(x) - EYE_X) / HALF_CM
    upper, lower = lid_heights(u, eyes)
    return LidPlaces(u, y - upper, y - lower, np.where(x < 0, -1.0, 1.0))


def lid_heights(u: Array | float, eyes: Eyes) -> tuple[Array, Array]:
    """Heights of the upper and lower lid's edge over the line of the eyes."""
    u = np.asarray(u)
    bow = np.clip(1.0 - u * u, 0.0, 1.0)
    tilt = 0.05 + 0.09 * u
    lift = 0.47 - 0.012 * eyes.gaze[1] - 0.08 * eyes.smile
    upper_open = lift * bow**0.62 * (1.0 - 0.10 * u)
    lower_open = -(0.44 - 0.13 * eyes.smile) * bow**0.85 * (1.0 + 0.12 * u)
    closed = -0.27 * bow
    opening = float(np.clip(eyes.opening, 0.0, 1.15))
    upper = closed + (upper_open - closed) * opening
    lower = closed + (lower_open - closed) * (0.55 + 0.45 * opening) * min(1.0, opening * 4.0)
    return tilt + upper, tilt + np.minimum(lower, upper)


def lid_paint(places: LidPlaces, eyes: Eyes, age: float) -> tuple[Array, Array, Array]:
    """Shade of the skin around the eye: factor on its albedo (N,), lashes' cover (N,), moist rim's cover (N,)."""
    u, over = places.u, places.over_upper
    across = smoothstep(1.12, 0.85, np.abs(u))
    opening = min(eyes.opening, 1.0)
    crease_at = (0.30 - 0.10 * age) * np.clip(1.0 - 0.55 * u * u, 0.1, 1.0)
    crease = np.exp(-(((over - crease_at) / 0.055) ** 2)) * smoothstep(1.25, 0.8, np.abs(u)) * opening
    fold = np.exp(-np.clip(over - crease_at, 0, None) / 0.18) * (over > crease_at) * across * opening
    shade = 1.0 - 0.55 * crease - 0.12 * fold
    strands = 0.55 + 0.45 * np.sin(u * 46.0 + 3.0 * np.sin(u * 9.0) + over * (10.0 + 14.0 * u))
    reach = 0.16 + 0.14 * smoothstep(-0.6, 0.9, u)
    line = smoothstep(0.085, 0.02, np.abs(over - 0.02)) * across * 0.85
    hairs = smoothstep(reach, 0.0, over) * (over > -0.02) * strands * across * smoothstep(-1.0, -0.5, u) * 0.75
    below = -places.over_lower
    sparse = 0.5 + 0.5 * np.sin(u * 34.0 + below * 12.0 * u)
    lower = smoothstep(0.20, 0.02, below) * (below > -0.02) * sparse * across * 0.30
    rim = smoothstep(0.075, 0.03, below) * (below > -0.04) * across * 0.6 * opening
    return shade, np.clip(np.maximum(line, np.maximum(hairs, lower)), 0.0, 0.92), rim


def ball_centre(side: float, lid_z: float, looks: Looks = DEMO_LOOKS) -> Array:
    """Centre of an eyeball whose front lies just behind the lids' skin at ``lid_z``."""
    at_rest = np.array([side * (EYE_X - 0.03), EYE_Y + 0.05, lid_z])
    moved = looks.shape.moved(at_rest)
    return np.array([moved[0], moved[1], lid_z - BALL_CM + 0.02])


def eyeball(
    ray: tuple[Array, Array],
    places: LidPlaces,
    eyes: Eyes,
    turn: Array,
    lights: Lights,
    lid_z: float,
    age: float,
    looks: Looks = DEMO_LOOKS,
) -> Array:
    """Colour (N, 3) of the eyeball along head-space rays (origin (3,), directions (N, 3)).

    ``turn`` (3, 3) is the head's; rays that miss the ball see the moist corner.
    """
    origin, direction = ray
    direction = normalised(direction)
    colour = np.empty(direction.shape, np.float64)
    for side in (-1.0, 1.0):
        chosen = places.side == side
        if chosen.any():
            own = places.taken(np.flatnonzero(chosen))
            centre = ball_centre(side, lid_z, looks)
            colour[chosen] = _one_ball(origin, direction[chosen], own, eyes, turn, lights, centre, age, looks)
    return colour


def _one_ball(
    origin: Array,
    direction: Array,
    places: LidPlaces,
    eyes: Eyes,
    turn: Array,
    lights: Lights,
    centre: Array,
    age: float,
    looks: Looks,
) -> Array:
    away = origin - centre
    half = direction @ away
    root = half**2 - (away @ away - BALL_CM**2)
    hit = origin + direction * (-half - np.sqrt(np.maximum(root, 0.0)))[:, None]
    normal = normalised(hit - centre)
    look = rotation(eyes.gaze[0], eyes.gaze[1], 0.0)
    local = normal @ look
    radius = np.sqrt(local[:, 0] ** 2 + local[:, 1] ** 2) * BALL_CM
    albedo = _ball_albedo(radius, np.arctan2(local[:, 1], local[:, 0]), places, age, looks)
    openness = 1.0 - 0.60 * np.exp(-np.clip(-places.over_upper, 0, None) / 0.15)
    openness -= 0.25 * np.exp(-np.clip(places.over_lower, 0, None) / 0.08)
    openness *= 1.0 - 0.35 * smoothstep(0.6, 1.0, np.abs(places.u))
    world_normal = normal @ turn.T
    light = _ball_light(world_normal, lights) * np.clip(openness, 0.1, 1.0)[:, None]
    cornea = smoothstep(0.78, 0.60, radius)[:, None]
    bulged = normalised(normal + cornea * 0.75 * (normal - look[:, 2]))
    shine = _ball_gloss(bulged @ turn.T, -direction @ turn.T, lights)
    shine = shine * np.clip(1.3 * openness, 0.05, 1.0)[:, None]
    corner = np.maximum(smoothstep(-0.80, -0.93, places.u), (root <= 0).astype(float))[:, None]
    return (albedo + (WET_PINK - albedo) * corner) * light + shine


def _ball_albedo(radius: Array, angle: Array, places: LidPlaces, age: float, looks: Looks) -> Array:
    rings = radius / IRIS_CM
    fibres = 0.5 + 0.25 * np.sin(angle * 23.0 + 2.0 * np.sin(angle * 7.0)) + 0.25 * np.sin(angle * 41.0 + rings * 5.0)
    ring = np.exp(-(((rings - 0.5) / 0.16) ** 2)) * fibres
    iris = np.array(looks.iris) * (0.55 + 0.8 * fibres)[:, None] + np.array(looks.iris_ring) * ring[:, None]
    iris = iris * (1.0 - 0.75 * smoothstep(0.78, 1.0, rings))[:, None]
    veins = 0.5 + 0.5 * np.sin(angle * 17.0 + radius * 9.0 + 2.0 * np.sin(angle * 5.0 + radius * 4.0))
    red = (0.10 + 0.12 * age) * smoothstep(0.75, 1.5, radius) * (0.5 + veins)
    yellowed = SCLERA * (1.0 - 0.10 * age * np.array([0.3, 0.5, 1.2]))
    sclera = yellowed * np.exp(-red[:, None] * np.array([0.25, 1.0, 1.0]))
    white = smoothstep(0.97, 1.06, rings)[:, None]
    colour = iris + (sclera - iris) * white
    return colour * smoothstep(PUPIL_CM * 0.88, PUPIL_CM * 1.08, radius)[:, None] + 0.004


def _ball_light(normal: Array, lights: Lights) -> Array:
    below, above = np.asarray(lights.below), np.asarray(lights.above)
    total = below + (above - below) * (0.5 + 0.5 * normal[:, 1:2])
    for lamp in (lights.key, lights.fill):
        axis = normalised(np.asarray(lamp.direction))
        total = total + np.asarray(lamp.colour) * np.clip((normal @ axis + 0.30) / 1.30, 0.0, None)[:, None] * 0.85
    return total * lights.exposure


def _ball_gloss(normal: Array, view: Array, lights: Lights) -> Array:
    """Catchlights: sharp reflections of key and fill on the wet surface."""
    total = np.zeros(normal.shape)
    for lamp, sharp, strength in ((lights.key, 0.0045, 2.6), (lights.fill, 0.012, 0.35)):
        axis = normalised(np.asarray(lamp.direction))
        cosine = dot(normal, normalised(view + axis))
        total += np.asarray(lamp.colour) * (strength * smoothstep(1.0 - sharp, 1.0 - 0.4 * sharp, cosine))[:, None]
    return total * lights.exposure
