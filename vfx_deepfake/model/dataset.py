"""What the network learns from: painted frames foretold by the others, and neighbouring frames that should agree.

Everything is cut into tiles once and kept in memory within a fixed budget, so that neither the length of the shot nor the
size of the face decides how much memory training takes. A batch depends on the seed and the step alone: a resumed run
draws what an undisturbed one would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import identity_map, sample
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.network import MEMBERS, Design, Inputs, to_inputs
from vfx_deepfake.model.paint import Crop, PaintedKey
from vfx_deepfake.model.predict import stack_for
from vfx_deepfake.model.propagate import Stack, motion
from vfx_deepfake.model.rehearsal import make_recipe, rehearse

BUDGET_MIB = 640  # tiles held; assumed to suit a workstation
MOST_KEYS = 12  # painted frames that teach; of more, an even spread
MOST_REHEARSED = 12  # unpainted frames with a painting of our own
MOST_PAIRS = 4  # pairs of neighbouring unpainted frames
PAIR_SHARE = 0.25  # of the budget
SPARE_PX = 32  # a tile is larger than a training crop by this, for shifts
SEEN_LOG = 0.05  # neighbours that differ more along the flow show different things
EXPOSURE_LOG, TINT_LOG = 0.06, 0.02  # spread of the random exposure (1 stop) and tint (1/3 stop)


@dataclass(frozen=True, eq=False)
class Lesson:
    """One tile with its answer: wanted (1, C, H, W), matte (1, 1, H, W) where paint is, mask (1, 1, H, W) where valid.

    group: which frame it is of, counted over all lessons; weight: 1 over the error that propagation makes on that frame.
    """

    inputs: Inputs
    wanted: Tensor
    matte: Tensor
    mask: Tensor
    group: int
    weight: float


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The same piece of face on two frames; flow (1, 2, H, W) px from the first to the second, mask where both see it."""

    first: Inputs
    second: Inputs
    flow: Tensor
    mask: Tensor


@dataclass(frozen=True, eq=False)
class Lessons:
    """All tiles of a shot, in an order that depends on nothing but the shot and the seed."""

    painted: list[Lesson]
    pairs: list[Neighbours]
    num_artist: int  # groups below are the artist's own paintings, the rest rehearsed

    @property
    def groups(self) -> list[int]:
        """The frames that lessons were cut from, by number of the group."""
        return sorted({lesson.group for lesson in self.painted})

    def of_member(self, member: int) -> list[Lesson]:
        """What one half of the network learns from; the rest checks it."""
        return [lesson for lesson in self.painted if lesson.group % MEMBERS == member]

    def checks_of(self, member: int) -> list[Lesson]:
        """The artist's paintings that the member has not seen."""
        return [one for one in self.painted if one.group % MEMBERS != member and one.group < self.num_artist]


def collect(
    source: CropSource,
    design: Design,
    crop_px: int,
    seed: int,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
) -> Lessons:
    """Foretell every painted frame from the others and cut tiles; then the pairs. Some seconds a frame.

    A key is foretold twice where there are enough others: from all of them, and with the nearest left out too.
    ``on_frame`` hears how many of how many frames are done.
    """
    keys, tasks = _tasks(source)
    rehearsed = _spread([f for f in source.frames if f not in source.keyframes], MOST_REHEARSED)
    rehearsed = rehearsed if design.channels == 3 else []
    pairs = _pairs(source)
    side = min(crop_px + SPARE_PX, *source.size)
    tile_mib = design.num_inputs * 1.6 * side * side * 4 / 2**20  # features and what comes with them
    whole = len(tasks) + len(rehearsed)
    per_frame = max(int((1 - PAIR_SHARE) * BUDGET_MIB / tile_mib / max(whole, 1)), 1)
    per_pair = max(int(PAIR_SHARE * BUDGET_MIB / (2 * tile_mib) / max(len(pairs), 1)), 1)
    total = whole + len(pairs)
    painted = foretold(source, design, side, per_frame, seed, lambda done, _: on_frame(done, total))
    lessons = Lessons(painted, [], len(keys))
    for index, frame in enumerate(rehearsed):
        rng = np.random.default_rng((seed, 4, index))
        stack, key = rehearse(source, make_recipe(rng), frame)
        lessons.painted.extend(_tiles(source, design, stack, key, len(keys) + index, side, per_frame, rng))
        on_frame(len(tasks) + index + 1, total)
    for index, frame in enumerate(pairs):
        rng = np.random.default_rng((seed, 2, index))
        lessons.pairs.extend(_pair_tiles(source, design, frame, side, per_pair, rng))
        on_frame(whole + index + 1, total)
    return lessons


def foretold(
    source: CropSource,
    design: Design,
    side: int,
    count: int,
    seed: int,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
) -> list[Lesson]:
    """The artist's painted frames foretold from each other: ``count`` tiles of ``side`` px of each."""
    keys, tasks = _tasks(source)
    painted: list[Lesson] = []
    for index, (key, left_out) in enumerate(tasks):
        rng = np.random.default_rng((seed, 1, index))
        stack = stack_for(source, key, left_out)
        painted.extend(_tiles(source, design, stack, source.key(key), keys.index(key), side, count, rng))
        on_frame(index + 1, len(tasks))
    return painted


def _tasks(source: CropSource) -> tuple[list[int], list[tuple[int, tuple[int, ...]]]]:
    """The painted frames that teach, and which to foretell without which others."""
    keys = _spread(source.keyframes, MOST_KEYS)
    return keys, [(key, left_out) for key in keys for left_out in _left_out(source.keyframes, key)]


def draw(lessons: Sequence[Lesson], count: int, crop_px: int, rng: np.random.Generator, design: Design) -> Lesson:
    """A random batch: shifted by whole pixels, mirrored, exposed and tinted, the painted frames' order shuffled."""
    chosen = [lessons[int(index)] for index in rng.integers(len(lessons), size=count)]
    cut_out = [_augmented(lesson, crop_px, rng, design) for lesson in chosen]
    inputs = Inputs(
        *(torch.cat([getattr(one.inputs, name) for one in cut_out]) for name in Inputs.__dataclass_fields__)
    )
    weights = torch.tensor([one.weight for one in cut_out]).reshape(-1, 1, 1, 1)
    wanted, matte, mask = (torch.cat([getattr(one, name) for one in cut_out]) for name in ("wanted", "matte", "mask"))
    return Lesson(inputs, wanted, matte, mask * weights, -1, 1.0)


def _augmented(lesson: Lesson, crop_px: int, rng: np.random.Generator, design: Design) -> Lesson:
    height, width = lesson.mask.shape[-2:]
    top, left = (int(rng.integers(max(side - crop_px, 0) + 1)) for side in (height, width))
    rows, columns = slice(top, top + crop_px), slice(left, left + crop_px)
    mirrored = bool(rng.random() < 0.5)

    def place(tensor: Tensor) -> Tensor:
        piece = tensor[..., rows, columns]
        return piece.flip(-1) if mirrored else piece

    features = place(lesson.inputs.features).clone()
    if mirrored:
        features[:, -3] *= -1  # u of the face coordinates, whose middle is 0
    light = torch.zeros(1, 3, 1, 1)
    if design.channels == 3:
        light += float(rng.normal(0, EXPOSURE_LOG))
        light += torch.from_numpy(rng.normal(0, TINT_LOG, (1, 3, 1, 1)).astype(np.float32))
    placed = {name: place(tensor) for name, tensor in vars(lesson.inputs).items()}
    inputs = Inputs(**{**placed, "features": features})
    inputs = design.shuffled(design.lit(inputs, light), rng.permutation(design.num_keys))
    wanted = place(lesson.wanted) + (light if design.channels == 3 else 0)
    return replace(lesson, inputs=inputs, wanted=wanted, matte=place(lesson.matte), mask=place(lesson.mask))


def _spread(values: Sequence[int], count: int) -> list[int]:
    if len(values) <= count:
        return list(values)
    return [values[round(i * (len(values) - 1) / (count - 1))] for i in range(count)]


def _left_out(keyframes: Sequence[int], key: int) -> list[tuple[int, ...]]:
    """Which painted frames are hidden while ``key`` is foretold."""
    others = sorted((other for other in keyframes if other != key), key=lambda other: (abs(other - key), other))
    if not others:
        return []
    return [(key,)] if len(others) < 3 else [(key,), (key, others[0])]


def _pairs(source: CropSource) -> list[int]:
    """Unpainted frames whose next frame is unpainted too, evenly spread."""
    frames, painted = set(source.frames), set(source.keyframes)
    free = [f for f in source.frames if f + 1 in frames and f not in painted and f + 1 not in painted]
    return _spread(free, MOST_PAIRS)


def _tiles(
    source: CropSource,
    design: Design,
    stack: Stack,
    painted: PaintedKey,
    group: int,
    side: int,
    count: int,
    rng: np.random.Generator,
) -> list[Lesson]:
    """Tiles of a frame whose painting is known."""
    reached = (stack.weights.sum(axis=0) > 0) * painted.valid
    error = float((np.abs(stack.base - painted.painted).mean(axis=2) * reached).sum() / max(reached.sum(), 1.0))
    coordinates = source.face_coordinates(stack.crop.frame)
    out = []
    for rows, columns in _places(np.maximum(stack.matte, painted.support) * reached, side, count, rng):
        wanted, matte, mask = (
            torch.from_numpy(np.ascontiguousarray(np.atleast_3d(image)[rows, columns].transpose(2, 0, 1), np.float32))[
                None
            ]
            for image in (painted.painted, painted.support, reached)
        )
        inputs = to_inputs(stack, coordinates, design, rows, columns)
        out.append(Lesson(inputs, wanted, matte, mask, group, 1e-2 / max(error, 1e-4)))
    return out


def _pair_tiles(
    source: CropSource, design: Design, frame: int, side: int, count: int, rng: np.random.Generator
) -> list[Neighbours]:
    first, second = stack_for(source, frame), stack_for(source, frame + 1)
    mapping = _result_motion(first, second, source)
    landed = sample(second.base, second.crop.window, mapping)
    seen = (np.abs(first.base - landed).max(axis=2) < SEEN_LOG) * first.matte
    there = source.face_coordinates(frame + 1)
    here = source.face_coordinates(frame)
    out = []
    for rows, columns in _places(seen, side, count, rng):
        shift = mapping[rows, columns] - identity_map(first.crop.window)[rows, columns]
        place = _window(first.crop.window, rows, columns)
        goal = place.shift(*(int(v) for v in np.rint(shift.mean(axis=(0, 1)))))
        goal = _held_inside(goal, second.crop.window)
        flow = mapping[rows, columns] - identity_map(goal)
        goal_rows, goal_columns = goal.slices(second.crop.window)
        out.append(
            Neighbours(
                to_inputs(first, here, design, rows, columns),
                to_inputs(second, there, design, goal_rows, goal_columns),
                torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))[None],
                torch.from_numpy(np.ascontiguousarray(seen[rows, columns], np.float32))[None, None],
            )
        )
    return out


def _result_motion(first: Stack, second: Stack, source: CropSource) -> np.ndarray:
    """Motion between the two *results*; for roto, between the plates."""
    if first.base.shape[2] == 1:
        return motion(first.crop, second.crop, source.mesh)
    return motion(_showing_result(first), _showing_result(second), source.mesh)


def _showing_result(stack: Stack) -> Crop:
    return replace(stack.crop, image_log=stack.base)


def _places(weight: np.ndarray, side: int, count: int, rng: np.random.Generator) -> list[tuple[slice, slice]]:
    """Tiles whose middles lie where ``weight`` is at least 0.05; none where it is nowhere."""
    middles = np.argwhere(weight > 0.05)
    if not len(middles):
        return []
    out = []
    for row, column in middles[rng.integers(len(middles), size=count)]:
        top, left = (
            int(np.clip(middle - side // 2, 0, length - side))
            for middle, length in zip((row, column), weight.shape, strict=True)
        )
        out.append((slice(top, top + side), slice(left, left + side)))
    return out


def _window(of: Window, rows: slice, columns: slice) -> Window:
    return Window(of.x + columns.start, of.y + rows.start, columns.stop - columns.start, rows.stop - rows.start)


def _held_inside(window: Window, of: Window) -> Window:
    """The window moved back into ``of``."""
    x = min(max(window.x, of.x), of.right - window.width)
    y = min(max(window.y, of.y), of.bottom - window.height)
    return Window(x, y, window.width, window.height)
