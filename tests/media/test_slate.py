from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from vfx_deepfake.errors import ShotError
from vfx_deepfake.media.slate import (
    BACKGROUND,
    BURN_IN,
    Look,
    SlateInfo,
    bar_height,
    burn_in,
    label,
    review_frames,
    slate,
)
from vfx_deepfake.media.text import font, line_height, shortened, text_width, wrapped
from vfx_deepfake.settings.delivery import BurnInSpec, ReviewSpec
from vfx_deepfake.tables import build

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


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (2048, 858), (4096, 2160), (720, 1280)])
def test_all_entries_stand_above_the_ramp(size: tuple[int, int]) -> None:
    """Also where every text is as long as it may be: what is cut off ends in an ellipsis and nothing runs into the ramp."""
    width, height = size
    long = replace(
        INFO,
        **{name: "words " * 60 for name in ("show", "types", "scope", "note", "vendor", "media_color", "likeness")},
    )
    card, plain = slate(long, width, height, GREY), slate(INFO, width, height, GREY)
    unit = min(height, width * 9 / 16) / 100
    below = height - round(11 * unit) - 1
    assert np.array_equal(card[below:], plain[below:])
    split = width - round(6 * unit) - round(0.4 * (width - 2 * round(6 * unit)))  # where the thumbnail's column begins
    assert np.array_equal(card[:, split:], plain[:, split:])


def test_a_letterbox_holds_the_burn_in() -> None:
    picture = np.full((720, 1280, 3), 0.4, np.float32)
    look = Look(letterbox=2.39)
    marked = burn_in(picture, INFO, 1001, "01:00:00:00", look)
    bar = bar_height(1280, 720, 2.39)
    assert bar == round((720 - 1280 / 2.39) / 2)
    assert np.array_equal(marked[bar : 720 - bar], picture[bar : 720 - bar])  # the picture itself is untouched
    assert marked[:bar].max() == pytest.approx(BURN_IN, abs=0.02) and (marked[:2] == 0).all()
    assert marked[720 - bar :].max() == pytest.approx(BURN_IN, abs=0.02)
    assert bar_height(1280, 720, 1.5) == bar_height(1280, 720, 0) == 0  # the picture is wider than that


def test_burn_ins_stand_where_the_settings_say() -> None:
    words = {place: "" for place in BurnInSpec.__dataclass_fields__}
    corners = {
        "top_left": (0, 0),
        "top": (0, 1),
        "top_right": (0, 2),
        "bottom_left": (1, 0),
        "bottom": (1, 1),
        "bottom_right": (1, 2),
    }
    for place, (row, column) in corners.items():
        look = Look(burn_in=BurnInSpec(**{**words, place: "{frame}"}))
        changed = np.argwhere((burn_in(GREY, INFO, 1001, "0", look) != GREY).any(axis=2))
        y, x = changed.mean(axis=0)
        assert (y > 90, int(x // (320 / 3))) == (row == 1, column), place
    assert np.array_equal(burn_in(GREY, INFO, 1001, "0", Look(burn_in=BurnInSpec(**words))), GREY)


def test_long_burn_ins_do_not_overlap() -> None:
    spec = BurnInSpec(top_left="left " * 40, top="middle " * 8, top_right="right " * 40)
    marked = burn_in(np.zeros((360, 640, 3), np.float32), INFO, 1001, "0", Look(burn_in=spec))
    columns = (marked[:20] > 0.1).any(axis=(0, 2))
    gaps = np.diff(np.flatnonzero(columns))
    assert (gaps > 10).sum() >= 2  # the three texts are apart by two blanks


def test_without_a_slate_the_first_frame_comes_first() -> None:
    found = list(review_frames([(1001, GREY)], INFO, Fraction(24), "01:00:00:00", Look(slate=False)))
    assert len(found) == 1 and np.array_equal(found[0], burn_in(GREY, INFO, 1001, "01:00:00:00"))


def test_labels_stand_left_and_right() -> None:
    left, right = GREY.copy(), GREY.copy()
    label(left, "sh0010_v001")
    label(right, "sh0010_v001", right=True)
    assert np.array_equal(left[:, 160:], GREY[:, 160:]) and not np.array_equal(left, GREY)
    assert np.array_equal(right[:, :160], GREY[:, :160]) and not np.array_equal(right, GREY)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"codecs": ["mjpeg"]}, "codecs is 'mjpeg'; choose one of h264, prores4444"),
        ({"codecs": []}, "codecs is empty; name one, or set movie = false"),
        ({"submitting_for": "wip"}, "submitting_for is 'wip'; choose one of WIP, FINAL"),
        ({"letterbox": 9}, "letterbox is 9.0; it must lie between 0.5 and 4.0"),
        ({"burn_in": {"top": "{shoot}"}}, r"burn_in\]: top is '\{shoot\}'; known fields are \{show\}, \{shot\}"),
        ({"burn_in": {"top": "{"}}, r"burn_in\]: top is '\{'; known fields"),
        ({"burn_in": {"middle": "x"}}, r"burn_in\].middle: unknown key"),
    ],
)
def test_what_can_not_be_said_is_answered(table: dict[str, object], message: str) -> None:
    with pytest.raises(ShotError, match=message):
        build(ReviewSpec, table, "shot.toml [review]")
