from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from vfx_deepfake.media.slate import BACKGROUND, BURN_IN, SlateInfo, burn_in, review_frames, slate
from vfx_deepfake.media.text import font, line_height, shortened, text_width, wrapped

INFO = SlateInfo(show="demo", shot="sh0010", version="sh0010_v003", date="2026-11-21", frames="1001-1024 (24)")
GREY = np.full((180, 320, 3), 0.4, np.float32)


@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (1080, 1080), (540, 960), (64, 36), (5, 3)])
def test_a_slate_of_any_shape_is_drawn(size: tuple[int, int]) -> None:
    width, height = size
    card = slate(INFO, width, height, GREY)
    assert card.shape == (height, width, 3) and card.dtype == np.float32
    assert card.min() >= 0 and card.max() <= 1


def test_every_entry_changes_the_card() -> None:
    plain = slate(INFO, 960, 540)
    for name in SlateInfo.__dataclass_fields__:
        changed = slate(replace(INFO, **{name: "changed"}), 960, 540)
        assert not np.array_equal(plain, changed), name


def test_the_card_carries_a_grey_ramp_from_black_to_white() -> None:
    card = slate(INFO, 960, 540)
    row = card[540 - round(6 * 5.4) - 5]  # inside the ramp, which ends a margin above the lower edge
    steps = row[np.linspace(33, 926, 23).round().astype(int)[1::2]]
    np.testing.assert_allclose(steps[:, 0], np.linspace(0, 1, 11), atol=1e-6)  # exact but for float32
    assert (steps == steps[:, :1]).all()


def test_the_thumbnail_keeps_its_shape() -> None:
    red = np.zeros((200, 100, 3), np.float32)
    red[..., 0] = 1
    found = np.argwhere(slate(INFO, 960, 540, red)[..., 0] - slate(INFO, 960, 540, red)[..., 1] > 0.5)
    height, width = np.ptp(found, axis=0) + 1
    assert height == pytest.approx(2 * width, abs=2)  # both sides are rounded to whole pixels


def test_a_long_note_wraps_and_stays_off_the_thumbnail() -> None:
    thumbnail = np.ones_like(GREY)
    card = slate(replace(INFO, note="very long " * 80), 960, 540, thumbnail)
    short = slate(replace(INFO, note="x"), 960, 540, thumbnail)
    assert np.array_equal(card[:470, 600:], short[:470, 600:])  # thumbnail column, above the ramp


def test_burn_in_touches_only_the_edges_and_copies() -> None:
    before = GREY.copy()
    marked = burn_in(GREY, INFO, 1001, "01:00:00:00")
    assert np.array_equal(GREY, before)
    changed = np.flatnonzero((marked != GREY).any(axis=(1, 2)))
    assert changed.min() < 12 and changed.max() >= 168
    assert not ((changed > 18) & (changed < 162)).any()  # the middle eighty per cent of the rows is the picture's


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_burn_in_can_be_read_on_any_grey_and_is_not_white(level: float) -> None:
    picture = np.full((720, 1280, 3), level, np.float32)
    marked = burn_in(picture, INFO, 1001, "01:00:00:00")
    letters = marked[:40, :200]
    assert np.isclose(letters, BURN_IN, atol=0.02).any()  # full coverage somewhere in a letter
    if level == 1.0:
        assert letters.min() < 0.3  # the dark rim stands between white letter and white ground
    else:
        assert marked.max() <= BURN_IN + 1e-6


def test_each_part_of_the_burn_in_shows() -> None:
    plain = burn_in(GREY, INFO, 1001, "01:00:00:00")
    for other in (
        burn_in(GREY, INFO, 1002, "01:00:00:00"),
        burn_in(GREY, INFO, 1001, "01:00:00:01"),
        burn_in(GREY, replace(INFO, version="sh0010_v004"), 1001, "01:00:00:00"),
        burn_in(GREY, replace(INFO, date="2026-11-22"), 1001, "01:00:00:00"),
        burn_in(GREY, replace(INFO, status="FINAL"), 1001, "01:00:00:00"),
    ):
        assert not np.array_equal(plain, other)


def test_a_version_named_otherwise_gets_the_shots_name() -> None:
    other = replace(INFO, version="v003")
    spelled = replace(INFO, version="sh0010 v003")
    assert np.array_equal(burn_in(GREY, other, 1, "0"), burn_in(GREY, spelled, 1, "0"))


def test_a_movie_begins_with_the_slate_and_streams() -> None:
    asked = []

    def pictures():
        for frame in (1001, 1002):
            asked.append(frame)
            yield frame, GREY * (frame - 1000)

    movie = review_frames(pictures(), INFO, Fraction(24), "01:00:00:00")
    assert np.array_equal(next(movie), slate(INFO, 320, 180, GREY)) and asked == [1001]
    assert np.array_equal(next(movie), burn_in(GREY, INFO, 1001, "01:00:00:00")) and asked == [1001]
    assert np.array_equal(next(movie), burn_in(GREY * 2, INFO, 1002, "01:00:00:01"))
    assert list(movie) == []


def test_without_timecode_the_frame_number_is_counted() -> None:
    _, marked = review_frames([(1001, GREY)], INFO, Fraction(24))
    assert np.array_equal(marked, burn_in(GREY, INFO, 1001, "00:00:41:17"))


def test_no_picture_no_slate() -> None:
    assert list(review_frames([], INFO, Fraction(24))) == []


def test_wrapping_keeps_every_letter_and_the_width() -> None:
    face = font(14)
    for text in ("", "one", "a b c", "word " * 30, "unbreakable" * 20, "x " + "y" * 200 + " z"):
        lines = wrapped(text, face, 120)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(text_width(line, face) <= 120 for line in lines)


def test_shortening_ends_in_an_ellipsis_and_fits() -> None:
    face = font(14)
    assert shortened("short", face, 500) == "short"
    cut = shortened("a rather long heading", face, 80)
    assert cut.endswith("…") and text_width(cut, face) <= 80
    assert shortened("nothing fits", face, 3) == ""


def test_counters_do_not_jump() -> None:
    face = font(20, mono=True)
    assert len({text_width(f"{frame:04d}", face) for frame in range(1000, 1100)}) == 1


def test_an_empty_entry_shows_a_dash() -> None:
    assert np.array_equal(slate(replace(INFO, note=""), 960, 540), slate(replace(INFO, note="–"), 960, 540))
    assert BACKGROUND < 0.2 and line_height(font(10)) > 10
