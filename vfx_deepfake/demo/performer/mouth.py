"""What shows between open lips: two rows of teeth, tongue and dark of the mouth, as small grids behind the lips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfx_deepfake.demo.performer.curves import Array, normalised, smoothstep
from vfx_deepfake.demo.performer.expression import turned_with_jaw
from vfx_deepfake.demo.performer.light import Lights

TOOTH = np.array([0.62, 0.55, 0.44])
GUM = np.array([0.36, 0.13, 0.11])
INSIDE = np.array([0.16, 0.045, 0.036])
TONGUE = np.array([0.30, 0.10, 0.085])
# widths of the teeth from the middle outward, cm
_WIDTHS = np.cumsum([0.0, 0.43, 0.35, 0.39, 0.36, 0.36, 0.5])


@dataclass(frozen=True, slots=True)
class MouthPart:
    """A grid inside the mouth: position (R, C, 3) head space, where (R, C, 2) paint coordinates."""

    position: Array
    where: Array
    with_jaw: bool
    kind: str


def mouth_parts(detail: int = 40) -> tuple[MouthPart, ...]:
    """Upper teeth, lower teeth and the bag of the mouth with the tongue."""
    return (
        _teeth(detail, top=-6.35, edge=-7.42, front=8.42, with_jaw=False, kind="upper"),
        _teeth(detail, top=-7.46, edge=-8.6, front=8.12, with_jaw=True, kind="lower"),
        _bag(detail),
    )


def _teeth(detail: int, *, top: float, edge: float, front: float, with_jaw: bool, kind: str) -> MouthPart:
    s, y = np.meshgrid(np.linspace(-2.6, 2.6, 2 * detail), np.linspace(top, edge, detail // 2))
    x = 2.35 * np.sin(s / 2.35)
    z = front - 0.30 * s * s * (1.0 - 0.03 * s * s) - 0.12 * ((y - edge) / (top - edge)) ** 2
    return MouthPart(np.stack([x, y, z], -1), np.stack([s, (y - edge) / (top - edge)], -1), with_jaw, kind)


def _bag(detail: int) -> MouthPart:
    x, y = np.meshgrid(np.linspace(-3.5, 3.5, detail), np.linspace(-5.6, -10.6, detail))
    x = x * np.interp(-y, [7.8, 10.6], [1.0, 0.6])
    tongue = np.exp(-((x / 1.3) ** 2) - ((y + 8.7) / 0.7) ** 2)
    z = 5.3 + 1.7 * (x / 3.5) ** 2 + 1.9 * tongue
    return MouthPart(np.stack([x, y, z], -1), np.stack([x, tongue], -1), False, "bag")


def moved(part: MouthPart, jaw: float) -> Array:
    """Positions (R, C, 3) of a part in head space when the jaw is open by 0..1."""
    if not part.with_jaw:
        return part.position
    return turned_with_jaw(part.position, jaw)


def mouth_colour(kind: str, where: Array, normals: Array, depth_cm: Array, lights: Lights, lips_open: float) -> Array:
    """Colour (N, 3) inside the mouth; ``depth_cm`` behind the lips' front, deeper is darker."""
    albedo, shine = (_bag_albedo(where), 0.15) if kind == "bag" else (_tooth_albedo(kind, where), 0.6)
    reach = np.exp(-np.clip(depth_cm - 0.25, 0, None) / (0.75 + 0.9 * lips_open))[:, None]
    light = np.asarray(lights.below) + np.asarray(lights.above)
    view = np.array([0.0, 0.0, 1.0])
    gloss = np.zeros((len(where), 3))
    for lamp in (lights.key, lights.fill):
        axis = normalised(np.asarray(lamp.direction))
        light = light + np.asarray(lamp.colour) * np.clip((normals @ axis + 0.2) / 1.2, 0, None)[:, None] * 0.7
        sharp = np.clip(normals @ normalised(axis + view), 0, 1) ** 60
        gloss += np.asarray(lamp.colour) * (shine * 0.25 * sharp)[:, None]
    return (albedo * light + gloss) * reach * lights.exposure


def enamel_share(kind: str, where: Array) -> Array:
    """(N,) 0..1: how much of each point is tooth, not gum, tongue or dark."""
    return np.zeros(len(where)) if kind == "bag" else 1.0 - _gum_share(_across_tooth(kind, where)[0], where[:, 1])


def _across_tooth(kind: str, where: Array) -> tuple[Array, Array]:
    """Distance (N,) of each point from the middle of its tooth, 1 at its edge, and from the middle of the row, cm."""
    s = np.abs(where[:, 0])
    widths = _WIDTHS * (1.0 if kind == "upper" else 0.72)
    number = np.clip(np.searchsorted(widths, s, side="right") - 1, 0, len(widths) - 2)
    middle, half = (widths[number] + widths[number + 1]) / 2, (widths[number + 1] - widths[number]) / 2
    return np.abs(s - middle) / half, s


def _gum_share(across: Array, up: Array) -> Array:
    gum_at = 0.80 - 0.10 * (1 - across**2)
    return smoothstep(gum_at - 0.03, gum_at + 0.03, up + 0.14 * across**2 - 0.14)


def _tooth_albedo(kind: str, where: Array) -> Array:
    across, s = _across_tooth(kind, where)
    up = where[:, 1]
    gap = smoothstep(0.80, 1.0, across) * 0.55
    rounded = smoothstep(0.10, 0.0, up - 0.10 * across**4) * 0.8
    gum = _gum_share(across, up)
    tooth = TOOTH * ((1.0 - gap) * (1.0 - rounded) * (0.82 + 0.25 * up) * np.exp(-0.16 * s))[:, None]
    return tooth + (GUM - tooth) * gum[:, None]


def _bag_albedo(where: Array) -> Array:
    return INSIDE + (TONGUE - INSIDE) * where[:, 1:2]
