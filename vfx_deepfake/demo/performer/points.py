"""Named points of the performer's surface and where each frame shows them: exact answers for a tracker."""

from __future__ import annotations

import numpy as np

from vfx_deepfake.demo.performer.camera import Camera, Pose, rotation
from vfx_deepfake.demo.performer.curves import Array
from vfx_deepfake.demo.performer.eyes import HALF_CM, Eyes, lid_heights
from vfx_deepfake.demo.performer.head import EYE_X, EYE_Y, LIP_Y, MOUTH_HALF_CM, HeadGrid

# name: rest front coordinates; names end in _r on the image's right
_FIXED = {
    "nose_bridge": (0.0, 0.3), "nose_middle": (0.0, -2.0), "nose_tip": (0.0, -4.0), "nose_base": (0.0, -5.4),
    "nose_wing": (1.55, -4.6), "brow_inner": (1.2, 1.6), "brow_peak": (3.6, 2.3), "brow_outer": (5.3, 1.3),
    "cheek": (4.4, -2.8), "lip_top": (0.0, LIP_Y + 0.5),
    "lip_bow": (0.5, LIP_Y + 0.55), "lip_bottom": (0.0, LIP_Y - 0.8),
    "chin": (0.0, -11.0), "jaw": (4.6, -9.0), "forehead": (0.0, 4.5),
}  # fmt: skip


def point_names() -> tuple[str, ...]:
    """Names in the order of :func:`named_points`."""
    sided = [n for name, (x, _) in _FIXED.items() for n in ((f"{name}_l", f"{name}_r") if x else (name,))]
    lids = [f"eye_{part}_{side}" for side in "lr" for part in ("inner", "outer", "upper", "lower")]
    return (*sided, *lids, "lip_inner_top", "lip_inner_bottom", "mouth_corner_l", "mouth_corner_r")


def named_points(grid: HeadGrid, world: Array, camera: Camera, eyes: Eyes) -> Array:
    """Plate coordinates (P, 2) of every named point for a grid placed in the world."""
    places = []
    for x, y in _FIXED.values():
        places += [(-x, y, y < LIP_Y), (x, y, y < LIP_Y)] if x else [(0.0, y, y < LIP_Y)]
    for side in (-1.0, 1.0):
        for u, edge in ((-1.0, 0), (1.0, 0), (0.0, 0), (0.0, 1)):
            height = float(lid_heights(u, eyes)[edge])
            places.append((side * (EYE_X + u * HALF_CM), EYE_Y + height, False))
    places += [(0.0, LIP_Y, False), (0.0, LIP_Y, True), (-MOUTH_HALF_CM, LIP_Y, False), (MOUTH_HALF_CM, LIP_Y, False)]
    surface = np.stack([_on_surface(grid, world, *place) for place in places])
    return camera.project(surface)[0].astype(np.float32)


def _on_surface(grid: HeadGrid, world: Array, x: float, y: float, lower: bool) -> Array:
    """World position of rest front coordinates; ``lower`` chooses the side of the lips' slit."""
    rows = slice(grid.lip_row + 1, None) if lower else slice(0, grid.lip_row + 1)
    first = grid.lip_row + 1 if lower else 0
    heights = grid.height[rows]
    row = first + float(np.interp(-y, -heights, np.arange(len(heights))))
    low = min(int(row), len(grid.height) - 2)
    blend = row - low
    facing = np.cos(grid.angle) > 0
    ends = []
    for r in (low, low + 1):
        line = grid.front[r, facing, 0]
        ends.append(np.array([np.interp(x, line, world[r, facing, k]) for k in range(3)]))
    return ends[0] * (1 - blend) + ends[1] * blend


def head_turn(pose: Pose) -> Array:
    """Matrix (3, 3) of the head's turn."""
    return rotation(pose.yaw, pose.pitch, pose.roll)
