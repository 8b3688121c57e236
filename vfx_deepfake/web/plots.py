"""Plots over frames as plain geometry, for SVG in a template: lines, limits, and columns that lead to their frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from vfx_deepfake.qc.verdict import verdict, worse

WIDTH, HEIGHT = 420, 130  # units of the picture, about a pixel each on a laptop; it scales with the page
LEFT, RIGHT, TOP, BOTTOM = 52, 412, 8, 108
MOST_COLUMNS = 240  # links of one plot: a pixel or two wide on a laptop, and the page stays light
DOTS_UP_TO = 120  # columns; more dots than that are a smear


@dataclass(frozen=True, slots=True)
class Column:
    """A part of the plot that leads to a frame: the worst of those it covers."""

    x: float
    width: float
    frame: int
    value: float
    dot_x: float
    dot_y: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What a template draws. ``lines``: one path a stretch of frames without a gap; ``limits``: word and height."""

    lines: tuple[str, ...]
    columns: tuple[Column, ...]
    limits: tuple[tuple[str, float], ...]
    ticks: tuple[tuple[float, float], ...]  # height, value
    frame_ticks: tuple[tuple[float, int], ...]
    has_dots: bool


def plot(values: Mapping[int, float], frames: Sequence[int], limits: tuple[float, float] | None) -> Plot | None:
    """A plot of values by frame over all ``frames``; None where there is nothing to draw."""
    shown = [frame for frame in frames if frame in values]
    if not shown:
        return None
    low = min(0.0, *values.values())
    high = max(max(values.values()), limits[0] if limits else 0.0, low + 1e-9)
    high += 0.12 * (high - low)
    step = (RIGHT - LEFT) / len(frames)
    place = {frame: LEFT + (index + 0.5) * step for index, frame in enumerate(frames)}

    def height(value: float) -> float:
        return round(BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP), 1)

    size = -(-len(frames) // MOST_COLUMNS)
    columns = []
    for start in range(0, len(frames), size):
        covered = [frame for frame in frames[start : start + size] if frame in values]
        if covered:
            worst = covered[0]
            for frame in covered[1:]:
                if worse(values[frame], values[worst], limits or (0.0, 0.0)):
                    worst = frame
            judged = verdict(values[worst], limits) if limits else ""
            columns.append(Column(round(LEFT + start * step, 1), round(size * step, 1), worst, values[worst], round(place[worst], 1),
                                  height(values[worst]), judged))  # fmt: skip
    named = {limit: word for word, limit in zip(("look", "fail"), limits or (), strict=False) if limit <= high}
    within = [(word, height(limit)) for limit, word in named.items()]
    marks = sorted({frames[0], frames[len(frames) // 2], frames[-1]})
    heights = [(place[frame], height(values[frame])) if frame in values else None for frame in frames]
    top = high / 1.12 if low == 0 else max(values.values())
    return Plot(
        lines=_lines(heights), columns=tuple(columns), limits=tuple(within), ticks=((height(low), low), (height(top), top)),
        frame_ticks=tuple((round(place[frame], 1), frame) for frame in marks), has_dots=len(columns) <= DOTS_UP_TO,
    )  # fmt: skip


def _lines(points: Sequence[tuple[float, float] | None]) -> tuple[str, ...]:
    """SVG paths through the points; None ends one."""
    stretches = [list(group) for there, group in groupby(points, key=bool) if there]
    return tuple("M" + "L".join(f"{x:.1f},{y}" for x, y in filter(None, stretch)) for stretch in stretches)
