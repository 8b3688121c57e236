from __future__ import annotations

from fractions import Fraction

import pytest

from vfx_deepfake.media.timecode import advanced, exists, frames_of, numbers_a_second, timecode_of

FILM, NTSC_FILM, NTSC, NTSC_60 = Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)


def test_rates_count_whole_numbers() -> None:
    assert [numbers_a_second(rate) for rate in (FILM, NTSC_FILM, Fraction(25), NTSC)] == [24, 24, 25, 30]


@pytest.mark.parametrize(
    ("frames", "rate", "drop", "text"),
    [
        (0, FILM, False, "00:00:00:00"),
        (1001, FILM, False, "00:00:41:17"),
        (86400, NTSC_FILM, False, "01:00:00:00"),
        (-1, FILM, False, "23:59:59:23"),
        # the published corners of drop-frame: 1799 and 1800 straddle the first minute, 17982 begins the tenth
        (1799, NTSC, True, "00:00:59;29"),
        (1800, NTSC, True, "00:01:00;02"),
        (17981, NTSC, True, "00:09:59;29"),
        (17982, NTSC, True, "00:10:00;00"),
        (107892, NTSC, True, "01:00:00;00"),
        (3600, NTSC_60, True, "00:01:00;04"),
    ],
)
def test_known_timecodes(frames: int, rate: Fraction, drop: bool, text: str) -> None:
    assert timecode_of(frames, rate, drop_frame=drop) == text
    assert frames_of(text, rate) == frames % frames_of_a_day(rate, drop)


def frames_of_a_day(rate: Fraction, drop: bool) -> int:
    return frames_of(f"23:59:59{';' if drop else ':'}{numbers_a_second(rate) - 1}", rate) + 1


def test_drop_frame_keeps_pace_with_the_clock() -> None:
    # a day at 30000/1001 fps has 2589410.6 frames, drop-frame counts 2589408 of them
    assert abs(frames_of_a_day(NTSC, True) - 86400 * NTSC) < 3


@pytest.mark.parametrize(("rate", "drop"), [(FILM, False), (Fraction(25), False), (NTSC, True), (NTSC_60, True)])
def test_every_frame_of_an_hour_comes_back_and_none_twice(rate: Fraction, drop: bool) -> None:
    texts = [timecode_of(frame, rate, drop_frame=drop) for frame in range(3600 * numbers_a_second(rate))]
    assert len(set(texts)) == len(texts)
    assert [frames_of(text, rate) for text in texts] == list(range(len(texts)))


def test_advancing_keeps_the_way_of_counting() -> None:
    assert advanced("00:00:59;29", 1, NTSC) == "00:01:00;02"
    assert advanced("00:00:59:29", 1, NTSC) == "00:01:00:00"
    assert advanced("01:00:00:00", -1, FILM) == "00:59:59:23"


@pytest.mark.parametrize(
    ("text", "message"),
    [("1:00:00:00", "not of the form"), ("24:00:00:00", "does not exist"), ("00:00:00:24", "at 24 frames a second")],
)
def test_a_wrong_timecode_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frames_of(text, FILM)
    assert not exists(text, FILM) and exists("23:59:59:23", FILM)
