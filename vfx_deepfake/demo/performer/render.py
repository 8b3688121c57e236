"""One moment of the performer to a scene-linear picture with its masks: places, shades, averages sub-pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from vfx_deepfake.demo.performer import mouth
from vfx_deepfake.demo.performer.camera import Camera, placed
from vfx_deepfake.demo.performer.curves import Array, normalised
from vfx_deepfake.demo.performer.expression import Expression, expressed
from vfx_deepfake.demo.performer.head import EYE_X, EYE_Y, MOUTH_HALF_CM, HeadGrid
from vfx_deepfake.demo.performer.light import Lights, grid_normals, grid_occlusion, grid_shadow
from vfx_deepfake.demo.performer.performance import Moment
from vfx_deepfake.demo.performer.points import head_turn, named_points
from vfx_deepfake.demo.performer.raster import GridHits, rasterise_grid
from vfx_deepfake.demo.performer.shade import REGIONS, Surface, shade_surface
from vfx_deepfake.demo.performer.skin import Skin

SUBPIXELS = 2  # a side; edges, lids and lines are averaged from this many squared
_SAG_CM = 1.0  # how much of the sag of :func:`expressed` full age brings
_ROW = 4096  # pixels are handed to OpenCV in rows of this length


@dataclass(frozen=True, slots=True)
class Picture:
    """The performer alone: colour (H, W, 3) times cover, cover (H, W), regions by name (H, W), named points (P, 2)."""

    colour: Array
    cover: Array
    regions: dict[str, Array]
    points: Array


def render_moment(
    grid: HeadGrid, skin: Skin, moment: Moment, age: float, camera: Camera, lights: Lights, size: tuple[int, int]
) -> Picture:
    """Render the performer at one moment; ``size`` is (width, height) of the plate, ``camera`` in plate pixels."""
    expression = replace(moment.expression, sag=_SAG_CM * age)
    world = placed(expressed(grid, expression), grid.height, moment.pose)
    fine = Camera(
        camera.focal_px * SUBPIXELS,
        (camera.centre_px[0] * SUBPIXELS, camera.centre_px[1] * SUBPIXELS),
        camera.distance_cm,
    )
    screen, near = fine.project(world)
    window = _window(screen, (size[0] * SUBPIXELS, size[1] * SUBPIXELS))
    origin = np.array(window[:2], np.float64)
    keep = np.ones((near.shape[0] - 1, near.shape[1] - 1), bool)
    keep[grid.lip_row] = np.abs(grid.front[grid.lip_row, :-1, 0]) > MOUTH_HALF_CM
    hits = rasterise_grid(screen - origin, near, keep, window[2:])
    lit = replace(lights, exposure=lights.exposure * moment.brightness)
    surface = _surface(grid, skin, world, hits, moment, fine, origin, lit)
    colour, cover, regions = shade_surface(surface, moment, age, lit)
    layers = np.zeros((window[3], window[2], 4 + len(REGIONS)), np.float32)
    layers[surface.row, surface.column] = np.concatenate([colour, cover[:, None], regions], 1)
    _mouth_inside(layers, grid, moment, expression, fine, origin, hits, lit)
    layers = _averaged(layers, window, size)
    names = {name: layers[..., 4 + k].copy() for k, name in enumerate(REGIONS)}
    return Picture(layers[..., :3], layers[..., 3], names, named_points(grid, world, camera, moment.eyes))


def _window(screen: Array, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of the fine picture that holds the performer, on whole plate pixels: x, y, width, height."""
    low = np.floor(screen.reshape(-1, 2).min(0) / SUBPIXELS).astype(int) * SUBPIXELS
    high = np.ceil(screen.reshape(-1, 2).max(0) / SUBPIXELS).astype(int) * SUBPIXELS
    x, y = (int(np.clip(low[k], 0, size[k] - SUBPIXELS)) for k in (0, 1))
    right, bottom = (int(np.clip(high[k], low_k + SUBPIXELS, size[k])) for k, low_k in ((0, x), (1, y)))
    return x, y, right - x, bottom - y


def sampled(layers: Array, places: Array) -> Array:
    """Bilinear values (N, C) of a map (H, W, C) at (column, row) places (N, 2), the edge repeated."""
    count = len(places)
    rows = -(-count // _ROW)
    padded = np.zeros((rows * _ROW, 2), np.float32)
    padded[:count] = places
    maps = padded.reshape(rows, _ROW, 2)
    out = cv2.remap(layers, maps[..., 0].copy(), maps[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out.reshape(rows * _ROW, -1)[:count]


def _surface(
    grid: HeadGrid,
    skin: Skin,
    world: Array,
    hits: GridHits,
    moment: Moment,
    camera: Camera,
    origin: Array,
    lights: Lights,
) -> Surface:
    """Everything shading needs for each fine pixel that sees the performer."""
    normals = grid_normals(world, grid.lip_row)
    openness = grid_occlusion(world, normals, len(grid.height) / 300.0)
    key = grid_shadow(world, lights.key)
    row, column = np.nonzero(hits.near > 0)
    places = hits.place[row, column]
    rest = sampled(np.dstack([grid.front, grid.painted]).astype(np.float32), places)
    facing = sampled(np.dstack([normals, openness]).astype(np.float32), places)
    spots = skin.places(rest[:, 2:])
    pixels = np.stack([column, row], 1) + 0.5 + origin
    eye = np.argmin(np.abs(grid.height - EYE_Y))
    lid_z = float(
        np.interp(
            EYE_X, grid.front[eye, :, 0][np.cos(grid.angle) > 0], grid.position[eye, :, 2][np.cos(grid.angle) > 0]
        )
    )
    return Surface(
        row=row,
        column=column,
        pixels=pixels,
        camera=camera,
        front=rest[:, :2],
        painted=rest[:, 2:],
        normal=normalised(facing[:, :3]),
        openness=facing[:, 3],
        key_share=sampled(key.astype(np.float32), places)[:, 0],
        colour=sampled(skin.colour, spots),
        slope=sampled(skin.slope, spots),
        moving=sampled(skin.moving, spots),
        turn=head_turn(moment.pose),
        lid_z=lid_z,
    )


def _mouth_inside(
    layers: Array,
    grid: HeadGrid,
    moment: Moment,
    expression: Expression,
    camera: Camera,
    origin: Array,
    hits: GridHits,
    lights: Lights,
) -> None:
    """Draw teeth and the dark of the mouth where they lie before the head's surface, in place."""
    if expression.jaw + expression.part + expression.smile < 0.02:
        return
    opening = float(np.clip(expression.jaw + 0.35 * expression.part, 0.0, 1.0))
    parts = [
        (part, placed(mouth.moved(part, expression.jaw), np.zeros(len(part.position)), moment.pose))
        for part in mouth.mouth_parts()
    ]
    around = _box(
        np.concatenate([camera.project(world)[0].reshape(-1, 2) for _, world in parts]) - origin, hits.near.shape
    )
    near, layers = hits.near[around].copy(), layers[around]
    open_to = near == 0  # only through the gap between the lips
    corner = origin + (around[1].start, around[0].start)
    for part, world in parts:
        screen, part_near = camera.project(world)
        found = rasterise_grid(
            screen - corner, part_near, np.ones((world.shape[0] - 1, world.shape[1] - 1), bool), near.shape[::-1]
        )
        row, column = np.nonzero((found.near > near) & open_to)
        if len(row) == 0:
            continue
        near[row, column] = found.near[row, column]
        places = found.place[row, column]
        normals = normalised(sampled(grid_normals(world, world.shape[0] - 1).astype(np.float32), places))
        depth = sampled((8.9 - part.position[..., 2]).astype(np.float32), places)[:, 0]
        colour = mouth.mouth_colour(
            part.kind, sampled(part.where.astype(np.float32), places), normals, depth, lights, opening
        )
        layers[row, column] = 0.0
        layers[row, column, :3] = colour
        layers[row, column, 3] = 1.0
        layers[row, column, 4 + REGIONS.index("mouth")] = 1.0


def _box(points: Array, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns that hold the points (N, 2) of a picture, at least one of each."""
    low, high = np.floor(points.min(0)).astype(int), np.ceil(points.max(0)).astype(int)
    x, y = (int(np.clip(low[k], 0, shape[1 - k] - 1)) for k in (0, 1))
    return slice(y, int(np.clip(high[1], y + 1, shape[0]))), slice(x, int(np.clip(high[0], x + 1, shape[1])))


def _averaged(layers: Array, window: tuple[int, int, int, int], size: tuple[int, int]) -> Array:
    """Fine pixels of the window to plate pixels of the whole picture."""
    x, y, width, height = (value // SUBPIXELS for value in window)
    total = np.zeros((height, width, layers.shape[2]), np.float32)
    for dy in range(SUBPIXELS):
        for dx in range(SUBPIXELS):
            total += layers[dy::SUBPIXELS, dx::SUBPIXELS]
    out = np.zeros((size[1], size[0], layers.shape[2]), np.float32)
    out[y : y + height, x : x + width] = total / SUBPIXELS**2
    return out
