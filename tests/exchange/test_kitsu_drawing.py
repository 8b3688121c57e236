"""Drawings to Kitsu's player and back: objects as fabric.js writes them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vfx_deepfake.exchange.kitsu_drawing import annotation, drawn, stroke_of
from vfx_deepfake.exchange.tracker import OurNote, Published, TheirPerson

SENT = Published(show="demo", shot="sh0010", number=1, identity="a" * 64, first_frame=1001, last_frame=1100, frame_rate=Fraction(24),
                 movie_first=1000, width=1920, height=1080)  # fmt: skip
HALF = {"canvasWidth": 960, "canvasHeight": 540}  # a player half as big as the picture
STROKES = (
    {"colour": "#ff8800", "width_px": 3, "points": [[100.0, 50.0], [180.5, 90.0], [300.0, 40.0]]},
    {"colour": "#00ff00", "width_px": 8.5, "points": [[7.0, 1000.0]]},
)


@pytest.mark.parametrize("frame", [1001, 1002, 1050, 1100])
@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(60)])
def test_a_drawing_of_ours_is_where_it_was_drawn(frame, rate):
    sent = Published(**{**{field: getattr(SENT, field) for field in SENT.__dataclass_fields__}, "frame_rate": rate})
    made = annotation(
        OurNote(id="0" * 32, author="ana", text="", first_frame=frame, last_frame=frame, drawing=STROKES), sent
    )
    assert round(made["time"] * float(rate)) == frame - 1000  # how Kitsu's server counts frames from a time
    back = [stroke_of(one, sent) for one in made["drawing"]["objects"]]
    assert back[0] == STROKES[0]
    assert back[1]["points"][0] == STROKES[1]["points"][0]
    theirs = {"id": "p1", "updated_at": "now", "annotations": [made]}
    assert (
        list(drawn(theirs, sent, lambda _: TheirPerson(login=""))) == []
    )  # its note comes back with its mark, not the drawing
    for number, one in enumerate(made["drawing"]["objects"]):
        one["id"] = f"theirs {number}"
    (note,) = drawn(theirs, sent, lambda _: TheirPerson(login=""))
    assert (note.first_frame, note.last_frame, note.id) == (frame, frame, "drawing p1 theirs 0")


PATH = {"type": "path", "path": [["M", 10, 20], ["Q", 20, 30, 30, 20], ["L", 50, 40]], "left": 9, "top": 19, "width": 40, "height": 20,
        "stroke": "#0000ff", "strokeWidth": 2, "pathOffset": {"x": 30, "y": 30}, **HALF}  # fmt: skip
OBJECTS = [
    (PATH, [[20, 40], [60, 40], [100, 80]]),
    ({**PATH, "left": 109, "top": 119}, [[220, 240], [260, 240], [300, 280]]),  # dragged
    ({**PATH, "left": 9, "top": 19, "scaleX": 2, "scaleY": 2}, [[22, 42], [102, 42], [182, 122]]),  # a corner pulled; the line grows too
    ({**PATH, "angle": 90, "left": 100, "top": 10}, [[198, 22], [198, 62], [158, 102]]),  # turned round its corner
    ({"type": "PSStroke", "strokePoints": [{"x": 10, "y": 20, "pressure": 0.5}, {"x": 50, "y": 40, "pressure": 0.7}], "left": 9, "top": 19,
      "width": 40, "height": 20, "strokeWidth": 2, **HALF}, [[20, 40], [100, 80]]),
    ({"type": "rect", "left": 9, "top": 19, "width": 40, "height": 20, "strokeWidth": 2, **HALF},
     [[20, 40], [100, 40], [100, 80], [20, 80], [20, 40]]),
    ({"type": "arrow", "x1": 10, "y1": 20, "x2": 50, "y2": 40, "left": 9, "top": 19, "width": 40, "height": 20, "strokeWidth": 2, **HALF},
     [[20, 40], [100, 80]]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "points"), OBJECTS)
def test_what_they_draw_comes_where_they_see_it(one, points):
    rounded = [pytest.approx(point, abs=0.11) for point in points]  # to a tenth of a pixel
    assert stroke_of(one, SENT)["points"] == rounded


def test_a_circle_is_a_line_round_it():
    stroke = stroke_of(
        {"type": "circle", "radius": 50, "left": 99, "top": 199, "width": 100, "height": 100, "strokeWidth": 2}, SENT
    )
    assert all((x - 150) ** 2 + (y - 250) ** 2 == pytest.approx(2500, rel=0.01) for x, y in stroke["points"])
    assert stroke["points"][0] == stroke["points"][-1]


NO_LINES = [
    {}, {"type": "i-text", "text": "lip"}, {"type": "path"}, {"type": "path", "path": ["z"]}, {"type": "rect"},
    {"type": "group", "objects": []},
]  # fmt: skip


@pytest.mark.parametrize("one", NO_LINES)
def test_what_is_no_line_is_no_stroke(one):
    assert stroke_of(one, SENT) is None


def test_words_on_the_picture_and_who_drew():
    objects = [
        {"type": "i-text", "text": "lip", "id": "1", "createdBy": "ana"},
        {**PATH, "id": "2", "createdBy": "ana", "stroke": "red", "strokeWidth": None},
        {**PATH, "id": "3", "createdBy": "sam"},
    ]
    theirs = {"id": "p1", "updated_at": "now", "annotations": [{"time": "0.0417", "drawing": {"objects": objects}}]}
    ana, sam = drawn(theirs, SENT, lambda identity: TheirPerson(login=identity))
    assert (ana.author.login, ana.text, ana.first_frame, len(ana.drawing)) == ("ana", "lip", 1001, 1)
    assert ana.drawing[0]["colour"] == "#ff3860"
    assert (sam.author.login, sam.id) == ("sam", "drawing p1 3")
