"""Shading of the pixels that see the performer: skin, hair, cloth, lids and eyes; and which region each belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.camera import Camera, head_ray
from vfx_deepfake.demo.performer.curves import Array, normalised, smoothstep
from vfx_deepfake.demo.performer.eyes import LidPlaces, eyeball, lid_paint, lid_places
from vfx_deepfake.demo.performer.head import AROUND_CM, LIP_Y, MOUTH_HALF_CM
from vfx_deepfake.demo.performer.light import Lights, diffuse, gloss
from vfx_deepfake.demo.performer.looks import Looks
from vfx_deepfake.demo.performer.performance import Moment
from vfx_deepfake.demo.performer.skin import BROW_LENGTH_CM, BROW_START_CM, brow_height

REGIONS = ("skin", "eyes", "brows", "nose", "lips", "mouth")  # they share the face out between them
CLOTH = np.array([0.022, 0.030, 0.044])
LID_RIM = np.array([0.50, 0.27, 0.22])
LASH = np.array([0.010, 0.007, 0.006])
_COLLAR_Y = -15.7


@dataclass(frozen=True, slots=True)
class Surface:
    """The visible surface, one entry for each fine pixel (N): where, what was painted there, how it is lit."""

    row: Array
    column: Array
    pixels: Array  # (N, 2) fine plate coordinates
    camera: Camera
    front: Array  # (N, 2) rest front coordinates
    painted: Array  # (N, 2) rest (X, Y)
    normal: Array
    openness: Array
    key_share: Array
    colour: Array  # (N, 4) albedo, gloss
    slope: Array  # (N, 4) height gradient, hair, lips
    moving: Array  # (N, 4) gradients of smile and brows
    turn: Array
    lid_z: float
    looks: Looks


def shade_surface(s: Surface, moment: Moment, age: float, lights: Lights) -> tuple[Array, Array]:
    """Colour (N, 3) and shares of the regions (N, len(REGIONS))."""
    view = normalised(np.array([0.0, 0.0, s.camera.distance_cm]) - _rough_world(s)).astype(np.float32)
    cloth = smoothstep(0.25, -0.25, s.painted[:, 1] - _COLLAR_Y - 0.5 * np.cos(s.painted[:, 0] / 6.0))
    albedo, shine = _dressed(s, cloth)
    eye, lids = _eye_pixels(s, moment)
    shade, lash, rim = lid_paint(lids, moment.eyes, age)
    albedo[eye] = albedo[eye] * shade[:, None]
    albedo[eye] += (LID_RIM - albedo[eye]) * rim[:, None]
    albedo[eye] += (LASH - albedo[eye]) * lash[:, None]
    bumped = _bumped(s, moment, cloth)
    colour = albedo * diffuse(s.normal, bumped, lights, s.openness * _lip_shadow(s), s.key_share)
    colour += gloss(bumped, view, lights, shine * s.openness, s.key_share)
    regions = _regions(s)
    _open_eyes(colour, regions, s, eye, lids, moment, age, lights)
    return colour, regions


def _rough_world(s: Surface) -> Array:
    """World positions good enough for a direction to the camera: on the plane of the face."""
    offset = (s.pixels - np.asarray(s.camera.centre_px)) * (s.camera.distance_cm / s.camera.focal_px)
    return np.stack([offset[:, 0], -offset[:, 1], np.full(len(offset), 6.0)], -1)


def _dressed(s: Surface, cloth: Array) -> tuple[Array, Array]:
    """Albedo (N, 3) and strength of gloss (N,) with the collar on."""
    rib = 0.85 + 0.15 * np.sin(s.painted[:, 0] * 9.0)
    albedo = s.colour[:, :3] + (CLOTH * rib[:, None] - s.colour[:, :3]) * cloth[:, None]
    return albedo.astype(np.float32), s.colour[:, 3] * (1.0 - 0.9 * cloth)


def _bumped(s: Surface, moment: Moment, cloth: Array) -> Array:
    """Normals with the relief of skin, age and expression."""
    smile, brows = moment.expression.smile, max(moment.expression.brows, 0.0)
    slope = s.slope[:, :2] + s.moving[:, :2] * smile + s.moving[:, 2:] * brows
    slope = slope * (1.0 - cloth)[:, None]
    across = normalised(np.cross(s.turn[:, 1].astype(np.float32)[None], s.normal))
    up = np.cross(s.normal, across)
    return normalised(s.normal - slope[:, :1] * across - slope[:, 1:] * up).astype(np.float32)


def _lip_shadow(s: Surface) -> Array:
    """Lips darken toward the line where they meet."""
    gap = np.abs(s.front[:, 1] - LIP_Y)
    within = smoothstep(MOUTH_HALF_CM + 0.35, MOUTH_HALF_CM - 0.3, np.abs(s.front[:, 0]))
    return 1.0 - 0.62 * np.exp(-((gap / 0.11) ** 2)) * within


def _eye_pixels(s: Surface, moment: Moment) -> tuple[Array, LidPlaces]:
    """Numbers of the pixels around the eyes, on the front of the head, and where they lie by the lids."""
    front = np.abs(s.painted[:, 0]) < 9.0
    close = np.flatnonzero(front & (np.abs(s.front[:, 1]) < 1.6))
    places = lid_places(s.front[close], moment.eyes)
    near = np.flatnonzero(places.near)
    return close[near], places.taken(near)


def _open_eyes(
    colour: Array, regions: Array, s: Surface, eye: Array, lids: LidPlaces, moment: Moment, age: float, lights: Lights
) -> None:
    """Put the eyeball into the opening between the lids, in place."""
    footprint = s.camera.distance_cm / s.camera.focal_px
    inside = lids.inside(footprint)
    chosen = np.flatnonzero(inside > 0)
    if len(chosen) == 0:
        return
    numbers = eye[chosen]
    own = lids.taken(chosen)
    ray = head_ray(s.camera, moment.pose, s.pixels[numbers])
    seen = eyeball(ray, own, moment.eyes, s.turn, lights, s.lid_z, age, s.looks)
    cover = inside[chosen][:, None]
    colour[numbers] += (seen - colour[numbers]) * cover
    regions[numbers] *= 1.0 - cover
    regions[numbers, REGIONS.index("eyes")] += inside[chosen]


def _regions(s: Surface) -> Array:
    """Shares (N, len(REGIONS)) of the face's regions; they add up to the face's oval."""
    x, y = np.abs(s.front[:, 0]), s.front[:, 1]
    front = np.abs(s.painted[:, 0]) < 0.5 * np.pi * AROUND_CM
    face = smoothstep(1.04, 0.96, (x / 7.3) ** 2.6 + (np.abs(y + 2.5) / 9.8) ** 2.6) * front * (1.0 - s.slope[:, 2])
    lips = s.slope[:, 3]
    brow_y = brow_height(np.clip((x - BROW_START_CM) / BROW_LENGTH_CM, 0.0, 1.0))
    brows = smoothstep(0.55, 0.45, np.abs(y - brow_y - 0.1)) * smoothstep(0.8, 0.9, x) * smoothstep(5.8, 5.6, x)
    nose = (
        smoothstep(1.05, 0.95, x / np.interp(y, [-4.5, 0.5], [2.0, 0.9]))
        * smoothstep(-5.7, -5.5, y)
        * smoothstep(0.8, 0.6, y)
    )
    rest = face.copy()
    out = np.zeros((len(x), len(REGIONS)), np.float32)
    for name, share in (("lips", lips), ("brows", brows), ("nose", nose)):
        out[:, REGIONS.index(name)] = rest * share
        rest = rest * (1.0 - share)
    out[:, REGIONS.index("skin")] = rest
    return out
