"""Drawings between us and Kitsu: strokes in pixels of the display window there are paths of fabric.js here, on the movie's time line.

Source: fabricjs.com, JSON of fabric.Path; zou's preview_annotations_service.py (time is the frame's index times 1/rate to four digits).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from vfx_deepfake.exchange.tracker import OurNote, Published, TheirNote, TheirPerson

OUR_OBJECTS = "vfx-"  # our objects' ids begin so: the server takes each id once
COLOUR, WIDTH_PX = "#ff3860", 3.0  # where theirs says none


def annotation(note: OurNote, sent: Published) -> dict[str, Any]:
    """A note's drawing as one annotation of the preview."""
    frame = note.first_frame or sent.first_frame
    strokes = [
        _path(stroke, f"{OUR_OBJECTS}{note.id[:16]}-{number}", sent) for number, stroke in enumerate(note.drawing)
    ]
    return {"time": _time(frame, sent), "drawing": {"objects": strokes}}


def drawn(preview: Mapping[str, Any], sent: Published, person: Callable[[str], TheirPerson]) -> Iterator[TheirNote]:
    """Their drawings on a preview, one note a frame; ours are left out, because their comments come back with their marks."""
    for each in preview.get("annotations") or []:
        objects = [
            one
            for one in each.get("drawing", {}).get("objects", [])
            if not str(one.get("id", "")).startswith(OUR_OBJECTS)
        ]
        strokes = tuple(stroke for one in objects if (stroke := _stroke(one, sent)))
        text = "\n".join(one["text"] for one in objects if one.get("type") in ("i-text", "text") and one.get("text"))
        if strokes or text:
            frame = sent.movie_first + round(float(each.get("time") or 0) / _frame_s(sent.frame_rate))
            author = str(objects[0].get("createdBy") or "")
            yield TheirNote(
                id=f"drawing {preview['id']} {objects[0]['id']}", version=preview["id"], author=person(author), at=preview["updated_at"],
                text=text, first_frame=frame, last_frame=frame, drawing=strokes,
            )  # fmt: skip


def _path(stroke: Mapping[str, Any], identity: str, sent: Published) -> dict[str, Any]:
    points = stroke["points"]
    left, top = (min(point[axis] for point in points) for axis in (0, 1))
    right, bottom = (max(point[axis] for point in points) for axis in (0, 1))
    if len(points) == 1:  # a dot: a path needs two ends
        points = [points[0], [points[0][0] + 0.1, points[0][1]]]
    return {
        "type": "path", "id": identity, "path": [["M" if index == 0 else "L", *point] for index, point in enumerate(points)],
        "left": left, "top": top, "width": right - left, "height": bottom - top, "scaleX": 1, "scaleY": 1, "angle": 0,
        "fill": "transparent", "stroke": stroke["colour"], "strokeWidth": stroke["width_px"], "strokeLineCap": "round",
        "canvasWidth": sent.width, "canvasHeight": sent.height,
    }  # fmt: skip


def _stroke(one: Mapping[str, Any], sent: Published) -> dict[str, Any] | None:
    """One of their paths as a stroke; None for what is no path. Moved and scaled ones are put where they are seen."""
    commands = [command for command in one.get("path") or [] if isinstance(command, list) and len(command) >= 3]
    if one.get("type") != "path" or not commands:
        return None
    points = [(float(command[-2]), float(command[-1])) for command in commands]  # a curve's end lies on the stroke
    left, top = (min(point[axis] for point in points) for axis in (0, 1))
    scale_x, scale_y = float(one.get("scaleX") or 1), float(one.get("scaleY") or 1)
    to_x, to_y = (
        sent.width / float(one.get("canvasWidth") or sent.width),
        sent.height / float(one.get("canvasHeight") or sent.height),
    )
    half = float(one.get("strokeWidth") or WIDTH_PX) / 2
    at_x, at_y = float(one.get("left", left)), float(one.get("top", top))
    moved = abs(at_x - left) > 2 * half or abs(at_y - top) > 2 * half or (scale_x, scale_y) != (1.0, 1.0)
    placed = (
        [(at_x + half + (x - left) * scale_x, at_y + half + (y - top) * scale_y) for x, y in points]
        if moved
        else points
    )
    colour = str(one.get("stroke") or "").lower()
    return {
        "colour": colour if len(colour) == 7 and colour.startswith("#") and _is_hex(colour[1:]) else COLOUR,
        "width_px": min(max(2 * half * to_x, 0.5), 1000),
        "points": [[round(x * to_x, 1), round(y * to_y, 1)] for x, y in placed],
    }


def _is_hex(text: str) -> bool:
    return all(digit in "0123456789abcdef" for digit in text)


def _time(frame: int, sent: Published) -> float:
    """When a frame is shown, as Kitsu's player counts."""
    return round((frame - sent.movie_first) * _frame_s(sent.frame_rate), 4)


def _frame_s(rate: Fraction) -> float:
    """How long a frame is there: rounded to four digits, half up."""
    return math.floor(float(1 / rate) * 10_000 + 0.5) / 10_000
