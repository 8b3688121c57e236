"""What made a version and what changed since another: one query each, on both engines; and the pure parts of it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.review.versions import CHECKPOINT, evidence, make_version, name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.files import read_json
from vfx_deepfake.review.evidence import parts_of, qc_rows
from vfx_deepfake.review.lineage import as_lines, changed_since, differences, made_from
from vfx_deepfake.review.registering import register


@pytest.fixture
def two(store):
    """v001 and v002 of a shot, which differ in every area."""
    root = store.place.root
    make = lambda *more, **named: register(store, "art", evidence(make_version(root, *more, **named), root))  # noqa: E731
    make(1, keyframes={"sh.1001.exr": "k" * 64, "sh.1003.exr": "l" * 64})
    make(
        2, strength=0.8, keyframes={"sh.1001.exr": "m" * 64, "sh.1002.exr": "n" * 64}, plate="b", code="0.2.0", run=True
    )
    return store


def statements(store):
    seen = []
    sa.event.listen(store._engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2]))
    return seen


def test_what_made_a_version(two):
    seen = statements(two)
    found = made_from(two, name(2))
    assert len([text for text in seen if text.startswith("SELECT")]) == 1
    made = found["made_from"]
    assert made["settings"]["render"] == {"strength": 0.8}
    assert made["key_frames"] == {"sh.1001.exr": "m" * 64, "sh.1002.exr": "n" * 64}
    assert made["plate"]["plate.1002.exr"] == "b" * 64
    assert made["data"] == {
        "frames": "1001-1003",
        "color_config": "aces",
        "track": "7" * 64,
        "checkpoint": CHECKPOINT,
        "release": "ana_2026",
    }
    assert made["code"] == {"version": "0.2.0"}
    assert found["run"]["number"] == 1
    assert (found["author"], found["state"], found["release"]) == (found["author"], "pending_review", "ana_2026")
    assert made_from(two, name(1))["run"] is None


def test_what_changed_since(two):
    seen = statements(two)
    changed = changed_since(two, name(2), name(1))
    assert len([text for text in seen if text.startswith("SELECT")]) == 1
    assert changed["settings"] == [{"key": "render.strength", "before": 1.0, "after": 0.8}]
    assert [(row["key"], row["before"] is None, row["after"] is None) for row in changed["key_frames"]] == [
        ("sh.1001.exr", False, False), ("sh.1002.exr", True, False), ("sh.1003.exr", False, True)]  # fmt: skip
    assert len(changed["plate"]) == 3
    assert changed["data"] == [{"key": "checkpoint", "before": None, "after": CHECKPOINT}]
    assert changed["code"] == [{"key": "version", "before": "0.1.0", "after": "0.2.0"}]
    assert as_lines(changed) == [
        "settings: render.strength 1.0 -> 0.8",
        "key frames: sh.1001.exr was painted over",
        "key frames: sh.1002.exr is new",
        "key frames: sh.1003.exr was taken out",
        "plate: 3 files differ, from plate.1001.exr to plate.1003.exr",
        "data: checkpoint - -> cccccccccccc...",
        "code: version 0.1.0 -> 0.2.0",
    ]
    assert as_lines(changed_since(two, name(2), name(2))) == ["nothing: v002 and v002 were made from the same"]


def test_a_version_that_is_not_registered(two):
    with pytest.raises(ReviewError, match="sh0010 v003: is not registered; on record: v001, v002"):
        changed_since(two, name(3), name(1))


def test_every_input_of_a_record_is_in_one_area(tmp_path):
    record = read_json(make_version(tmp_path, run=True))
    parts = parts_of(record)
    for key, value in record["inputs"].items():
        area = {"plate": "plate", "keyframes": "key_frames", "code": "code"}.get(key)
        where = (
            parts[area]
            if area
            else (parts["settings"] if key in parts["settings"] and key != "track" else parts["data"])
        )
        assert where == value or where[key] == value, key


def test_an_input_that_is_not_what_the_settings_say_is_kept():
    record = {
        "inputs": {"render": {"strength": 2}, "shot": {"name": "s"}},
        "settings": {"render": {"strength": 1}, "shot": {"name": "s"}},
    }
    assert parts_of(record)["data"] == {"render": {"strength": 2}, "release": ""}


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        ({}, {}, []),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 0}}, ["a.b", "a.c"]),
        ({"a": {"b": 1}}, {"a": {}}, ["a", "a.b"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["a"]),
    ],
)
def test_differences_name_the_dotted_key(before, after, keys):
    assert [row["key"] for row in differences(before, after)] == keys
    assert [row["key"] for row in differences(after, before)] == keys


@pytest.mark.parametrize(
    ("summary", "rows"),
    [
        (None, []),
        ([], []),
        ({"measures": 3}, []),
        ({"psnr_db": 41, "note": "text", "ok": True}, [("psnr_db", 41.0, "")]),
        (
            {"verdict": "pass", "measures": {"seam": {"worst": 1, "verdict": "pass"}, "x": 2.5, "y": None}},
            [("seam", 1.0, "pass"), ("x", 2.5, "")],
        ),
        ({"measures": {"seam": {"worst": "high", "worst_frame": 1.5}}}, [("seam", None, "")]),
    ],
)
def test_qc_numbers_are_taken_as_they_come(summary, rows):
    assert [(row["measure"], row["value"], row["verdict"]) for row in qc_rows(summary)] == rows
