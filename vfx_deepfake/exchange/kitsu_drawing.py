"""Drawings between us and Kitsu: strokes in pixels of the display window here, objects of fabric.js on the movie's time line there.

Source: fabricjs.com, JSON of its objects; fabricjs-psbrush, the pen of Kitsu's player; zou's preview_annotations_service.py (the time of
an annotation is the frame's index in the movie times 1/rate to four digits).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from vfx_deepfake.exchange.tracker import OurNote, Published, TheirNote, TheirPerson

OUR_OBJECTS = "vfx-"  # our objects' ids begin so: the server takes each id once
COLOUR, WIDTH_PX = "#ff3860", 3.0  # where theirs says none
NUM_CORNERS = 24  # of a circle as we draw it
Point = tuple[float, float]


def annotation(note: OurNote, sent: Published) -> dict[str, Any]:
    """A note's drawing as one annotation of the preview."""
    frame = note.first_frame if note.first_frame is not None else sent.first_frame
    strokes = [
        _path(stroke, f"{OUR_OBJECTS}{note.id[:16]}-{number}", sent) for number, stroke in enumerate(note.drawing)
    ]
    return {"time": round((frame - sent.movie_first) * _frame_s(sent.frame_rate), 4), "drawing": {"objects": strokes}}


def drawn(preview: Mapping[str, Any], sent: Published, person: Callable[[str], TheirPerson]) -> Iterator[TheirNote]:
    """Their drawings on a preview, one note for each frame and person; ours are left out, their notes come back with their marks."""
    for each in preview.get("annotations") or []:
        by_author: dict[str, list[Mapping[str, Any]]] = {}
        for one in each.get("drawing", {}).get("objects", []):
            if not str(one.get("id", "")).startswith(OUR_OBJECTS):
                by_author.setdefault(str(one.get("createdBy") or ""), []).append(one)
        frame = sent.movie_first + round(float(each.get("time") or 0) / _frame_s(sent.frame_rate))
        for author, objects in by_author.items():
            strokes = tuple(stroke for one in objects if (stroke := stroke_of(one, sent)))
            text = "\n".join(str(one["text"]) for one in objects if one.get("text"))
            if strokes or text:
                yield TheirNote(
                    id=f"drawing {preview['id']} {objects[0].get('id')}", version=preview["id"], author=person(author),
                    at=preview["updated_at"], text=text, first_frame=frame, last_frame=frame, drawing=strokes,
                )  # fmt: skip


def stroke_of(one: Mapping[str, Any], sent: Published) -> dict[str, Any] | None:
    """One of their objects as a stroke, where it is seen: moved, scaled and turned; None for what is no line, such as text."""
    points, pivot = _points(one)
    if not points:
        return None
    left, top, right, bottom = _box(points)
    line_px = _number(one, "strokeWidth", WIDTH_PX)
    scale_x, scale_y = _number(one, "scaleX", 1.0) or 1.0, _number(one, "scaleY", 1.0) or 1.0
    turn = math.radians(_number(one, "angle", 0.0))
    corner = (
        _number(one, "left", left - line_px / 2),
        _number(one, "top", top - line_px / 2),
    )  # the box has the line's width
    half = (
        (_number(one, "width", right - left) + line_px) * scale_x / 2,
        (_number(one, "height", bottom - top) + line_px) * scale_y / 2,
    )
    centre = _turned(half, turn, corner)
    to_x, to_y = (
        sent.width / (_number(one, "canvasWidth", 0.0) or sent.width),
        sent.height / (_number(one, "canvasHeight", 0.0) or sent.height),
    )
    placed = [_turned(((x - pivot[0]) * scale_x, (y - pivot[1]) * scale_y), turn, centre) for x, y in points]
    colour = str(one.get("stroke") or "").lower()
    return {
        "colour": colour if _is_colour(colour) else COLOUR,
        "width_px": round(min(max(line_px * abs(scale_x) * to_x, 0.5), 1000), 2),
        "points": [[round(x * to_x, 1), round(y * to_y, 1)] for x, y in placed],
    }


def _points(one: Mapping[str, Any]) -> tuple[list[Point], Point]:
    """An object's line in its own coordinates, and the point of them that lies in the middle of its box."""
    kind = str(one.get("type", "")).lower()
    points: list[Point] = []
    given = one.get("pathOffset") or one.get("strokeOffset")
    if kind == "path":
        points = [
            (float(each[-2]), float(each[-1]))
            for each in one.get("path") or []
            if isinstance(each, Sequence) and len(each) >= 3
        ]
    elif kind == "psstroke":
        points = [(float(each["x"]), float(each["y"])) for each in one.get("strokePoints") or []]
    elif kind in ("polyline", "polygon"):
        points = [(float(each["x"]), float(each["y"])) for each in one.get("points") or []]
        points += points[:1] if kind == "polygon" else []
    elif kind in ("line", "arrow"):
        points = [
            (_number(one, "x1", 0.0), _number(one, "y1", 0.0)),
            (_number(one, "x2", 0.0), _number(one, "y2", 0.0)),
        ]
    elif kind in ("rect", "circle", "ellipse"):
        points = _outline(one, kind)
    if not points:
        return [], (0.0, 0.0)
    left, top, right, bottom = _box(points)
    pivot = (
        (float(given["x"]), float(given["y"]))
        if isinstance(given, Mapping)
        else ((left + right) / 2, (top + bottom) / 2)
    )
    return points, pivot


def _outline(one: Mapping[str, Any], kind: str) -> list[Point]:
    """A box or a circle as a closed line round its own middle."""
    radius = _number(one, "radius", 0.0)
    across = _number(one, "rx", radius) * 2 if kind != "rect" else 0.0
    down = _number(one, "ry", radius) * 2 if kind != "rect" else 0.0
    width, height = across or _number(one, "width", 0.0), down or _number(one, "height", 0.0)
    if kind == "rect":
        corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)]
    else:
        turns = [2 * math.pi * index / NUM_CORNERS for index in range(NUM_CORNERS + 1)]
        corners = [(0.5 * math.cos(turn), 0.5 * math.sin(turn)) for turn in turns]
    return [(x * width, y * height) for x, y in corners] if width and height else []


def _path(stroke: Mapping[str, Any], identity: str, sent: Published) -> dict[str, Any]:
    """One of our strokes as fabric.js writes a path."""
    points, line_px = [tuple(point) for point in stroke["points"]], stroke["width_px"]
    left, top, right, bottom = _box(points)
    if len(points) == 1:  # a dot: a path needs two ends
        points.append((points[0][0] + 0.1, points[0][1]))
    return {
        "type": "path", "id": identity, "path": [["M" if index == 0 else "L", *point] for index, point in enumerate(points)],
        "left": left - line_px / 2, "top": top - line_px / 2, "width": right - left, "height": bottom - top,
        "pathOffset": {"x": (left + right) / 2, "y": (top + bottom) / 2}, "scaleX": 1, "scaleY": 1, "angle": 0, "fill": "transparent",
        "stroke": stroke["colour"], "strokeWidth": line_px, "strokeLineCap": "round", "strokeLineJoin": "round",
        "canvasWidth": sent.width, "canvasHeight": sent.height,
    }  # fmt: skip


def _box(points: Sequence[Point]) -> tuple[float, float, float, float]:
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return min(xs), min(ys), max(xs), max(ys)


def _turned(offset: Point, turn: float, origin: Point) -> Point:
    x, y = offset
    return origin[0] + x * math.cos(turn) - y * math.sin(turn), origin[1] + x * math.sin(turn) + y * math.cos(turn)


def _number(one: Mapping[str, Any], key: str, default: float) -> float:
    value = one.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else default


def _is_colour(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(digit in "0123456789abcdef" for digit in text[1:])


def _frame_s(rate: Fraction) -> float:
    """How long a frame is there as Kitsu's player counts: rounded to four digits, half up."""
    return math.floor(float(1 / rate) * 10_000 + 0.5) / 10_000
