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
from vfx_deepfake.demo.performer.looks import DEMO_LOOKS, Looks, Shape
from vfx_deepfake.demo.performer.performance import Moment
from vfx_deepfake.demo.performer.points import head_turn, named_points
from vfx_deepfake.demo.performer.raster import GridHits, rasterise_grid
from vfx_deepfake.demo.performer.shade import REGIONS, Surface, shade_surface
from vfx_deepfake.demo.performer.skin import Skin

SUBPIXELS = 2  # a side; edges, lids and lines are averaged from this many squared
_SMOOTH_GRID_ROWS = 300.0  # rows of the grid for which the reach of occlusion was chosen
_LIPS_FRONT_Z = 8.9  # where the mouth begins, head space
_LENS_BLUR = 0.0008  # sigma, in picture heights
_LEAST_BLUR_PX = 0.25
_ROW = 4096  # pixels are handed to OpenCV in rows of this length


@dataclass(frozen=True, slots=True)
class Picture:
    """The performer alone: colour (H, W, 3) times cover, cover (H, W), regions by name (H, W), teeth (H, W) within
    the mouth, named points (P, 2).
    """

    colour: Array
    cover: Array
    regions: dict[str, Array]
    teeth: Array
    points: Array


@dataclass(frozen=True, slots=True)
class _View:
    """The part of the fine picture that holds the performer: camera in fine pixels, window on whole plate pixels."""

    camera: Camera
    x: int
    y: int
    width: int
    height: int

    def project(self, world: Array) -> tuple[Array, Array]:
        """World points to fine pixels of the window, and nearness."""
        screen, near = self.camera.project(world)
        return screen - (self.x, self.y), near


@dataclass(frozen=True, slots=True)
class _Dots:
    """Shaded fine pixels of the window: places (N,), colour (N, 3), regions (N, len(REGIONS)), teeth (N,) a part of the
    mouth.
    """

    row: Array
    column: Array
    colour: Array
    regions: Array
    teeth: Array


def render_moment(
    grid: HeadGrid,
    skin: Skin,
    moment: Moment,
    age: float,
    camera: Camera,
    lights: Lights,
    size: tuple[int, int],
    looks: Looks = DEMO_LOOKS,
) -> Picture:
    """Render the performer at one moment; ``size`` is (width, height) of the plate, ``camera`` in plate pixels.

    ``grid`` and ``skin`` were made for the same ``looks``.
    """
    expression = replace(moment.expression, sag=age)
    world = placed(expressed(grid, expression), grid.height, moment.pose)
    view = _view(world, camera, size)
    screen, near = view.project(world)
    keep = np.ones((near.shape[0] - 1, near.shape[1] - 1), bool)
    keep[grid.lip_row] = np.abs(grid.front[grid.lip_row, :-1, 0]) > MOUTH_HALF_CM
    hits = rasterise_grid(screen, near, keep, (view.width, view.height))
    lit = replace(lights, exposure=lights.exposure * moment.brightness)
    unaged = placed(
        expressed(grid, moment.expression), grid.height, moment.pose
    )  # age must not move shadows on the neck
    surface = _surface(grid, skin, world, hits, moment, view, grid_shadow(unaged, lights.key), looks)
    colour, regions = shade_surface(surface, moment, age, lit)
    dots = [_Dots(surface.row, surface.column, colour, regions, np.zeros(len(regions), np.float32))]
    dots += _mouth_inside(moment, expression, view, hits, lit, looks.shape)
    return _averaged(dots, view, size, named_points(grid, world, camera, moment.eyes))


def _view(world: Array, camera: Camera, size: tuple[int, int]) -> _View:
    """The window around all points of the grid, at least one plate pixel."""
    fine = (camera.centre_px[0] * SUBPIXELS, camera.centre_px[1] * SUBPIXELS)
    camera = Camera(camera.focal_px * SUBPIXELS, fine, camera.distance_cm)
    screen = camera.project(world)[0].reshape(-1, 2) / SUBPIXELS
    rows, columns = _box(screen, (size[1], size[0]))
    x, y, right, bottom = (SUBPIXELS * side for side in (columns.start, rows.start, columns.stop, rows.stop))
    return _View(camera, x, y, right - x, bottom - y)


def _box(points: Array, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns that hold the points (N, 2) of a picture, at least one of each."""
    low, high = np.floor(points.min(0)).astype(int), np.ceil(points.max(0)).astype(int)
    x, y = (int(np.clip(low[k], 0, shape[1 - k] - 1)) for k in (0, 1))
    return slice(y, int(np.clip(high[1], y + 1, shape[0]))), slice(x, int(np.clip(high[0], x + 1, shape[1])))


def sampled(layers: Array, places: Array) -> Array:
    """Bilinear values (N, C) of a map (H, W, C) at (column, row) places (N, 2), the edge repeated."""
    count = len(places)
    rows = -(-count // _ROW)
    padded = np.zeros((2, rows * _ROW), np.float32)
    padded[:, :count] = places.T
    maps = padded.reshape(2, rows, _ROW)
    source = layers.astype(np.float32, copy=False)
    out = cv2.remap(source, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out.reshape(rows * _ROW, -1)[:count]


def _surface(
    grid: HeadGrid,
    skin: Skin,
    world: Array,
    hits: GridHits,
    moment: Moment,
    view: _View,
    key: Array,
    looks: Looks,
) -> Surface:
    """Everything shading needs for each fine pixel that sees the performer."""
    normals = grid_normals(world, grid.lip_row)
    openness = grid_occlusion(world, normals, len(grid.height) / _SMOOTH_GRID_ROWS)
    row, column = np.nonzero(hits.near > 0)
    places = hits.place[row, column]
    rest = sampled(np.dstack([grid.front, grid.painted]), places)
    facing = sampled(np.dstack([normals, openness]), places)
    spots = skin.places(rest[:, 2:])
    return Surface(
        row=row,
        column=column,
        pixels=np.stack([column + (view.x + 0.5), row + (view.y + 0.5)], 1),
        camera=view.camera,
        front=rest[:, :2],
        painted=rest[:, 2:],
        normal=normalised(facing[:, :3]),
        openness=facing[:, 3],
        key_share=sampled(key, places)[:, 0],
        colour=sampled(skin.colour, spots),
        slope=sampled(skin.slope, spots),
        moving=sampled(skin.moving, spots),
        turn=head_turn(moment.pose),
        lid_z=_lid_z(grid),
        looks=looks,
    )


def _lid_z(grid: HeadGrid) -> float:
    """How far to the front the closed lids lie, head space."""
    row = int(np.argmin(np.abs(grid.height - EYE_Y)))
    front = np.cos(grid.angle) > 0
    return float(np.interp(EYE_X, grid.front[row, front, 0], grid.position[row, front, 2]))


def _mouth_inside(
    moment: Moment, expression: Expression, view: _View, hits: GridHits, lights: Lights, shape: Shape
) -> list[_Dots]:
    """Teeth, tongue and the dark of the mouth, seen only through the gap between the lips."""
    if max(expression.jaw, expression.part, expression.smile) <= 0.0:
        return []
    opening = float(np.clip(expression.jaw + 0.35 * expression.part, 0.0, 1.0))
    parts = [replace(part, position=shape.moved(part.position)) for part in mouth.mouth_parts()]
    worlds = [placed(mouth.moved(part, expression.jaw), np.zeros(len(part.position)), moment.pose) for part in parts]
    around = _box(np.concatenate([view.project(world)[0].reshape(-1, 2) for world in worlds]), hits.near.shape)
    gap = hits.near[around] == 0
    corner = (around[1].start, around[0].start)
    found = [_part_hits(world, view, corner, (gap.shape[1], gap.shape[0])) for world in worlds]
    nearest = np.argmax([one.near for one in found], axis=0)
    dots = []
    for number, (part, world, one) in enumerate(zip(parts, worlds, found, strict=True)):
        row, column = np.nonzero(gap & (one.near > 0) & (nearest == number))
        if len(row):
            places = one.place[row, column]
            normals = normalised(sampled(grid_normals(world, len(world) - 1), places))
            depth = sampled(_LIPS_FRONT_Z - part.position[..., 2], places)[:, 0]
            where = sampled(part.where, places)
            colour = mouth.mouth_colour(part.kind, where, normals, depth, lights, opening)
            regions = np.tile(np.array([name == "mouth" for name in REGIONS], np.float32), (len(row), 1))
            teeth = mouth.enamel_share(part.kind, where)
            dots.append(_Dots(row + corner[1], column + corner[0], colour, regions, teeth))
    return dots


def _part_hits(world: Array, view: _View, corner: tuple[int, int], size: tuple[int, int]) -> GridHits:
    screen, near = view.project(world)
    return rasterise_grid(screen - corner, near, np.ones((world.shape[0] - 1, world.shape[1] - 1), bool), size)


def _through_lens(layer: Array) -> Array:
    """The softness of a good lens; a small picture is as sharp as its pixels."""
    sigma = _LENS_BLUR * layer.shape[0]
    return layer if sigma < _LEAST_BLUR_PX else cv2.GaussianBlur(layer, (0, 0), sigma)


def _averaged(dots: list[_Dots], view: _View, size: tuple[int, int], points: Array) -> Picture:
    """Fine pixels to plate pixels of the whole picture."""
    row = np.concatenate([one.row for one in dots]) + view.y
    column = np.concatenate([one.column for one in dots]) + view.x
    pixel = row // SUBPIXELS * size[0] + column // SUBPIXELS

    def total(values: list[Array] | None) -> Array:
        weights = None if values is None else np.concatenate(values)
        sums = np.bincount(pixel, weights, minlength=size[0] * size[1])
        return _through_lens((sums / SUBPIXELS**2).astype(np.float32).reshape(size[1], size[0]))

    return Picture(
        colour=np.stack([total([one.colour[:, c] for one in dots]) for c in range(3)], -1),
        cover=total(None),
        regions={name: total([one.regions[:, k] for one in dots]) for k, name in enumerate(REGIONS)},
        teeth=total([one.teeth for one in dots]),
        points=points,
    )
