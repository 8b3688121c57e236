"""Header values as film terms."""

from fractions import Fraction

import pytest

from vfx_deepfake.media.metadata import (
    FRAME_RATE,
    NO_TIMECODE,
    TIMECODE,
    Attribute,
    frame_rate,
    rate_attribute,
    rate_fraction,
    timecode,
    timecode_attribute,
)


@pytest.mark.parametrize(
    "decimal, expected",
    [
        (24.0, Fraction(24)),
        (25.0, Fraction(25)),
        (23.976, Fraction(24000, 1001)),
        (23.976024627685547, Fraction(24000, 1001)),  # as a DPX header rounds it
        (23.98, Fraction(1199, 50)),  # 0.004 off: not the rate it hints at; said as it is
        (29.97, Fraction(30000, 1001)),
        (47.952, Fraction(48000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (60.0, Fraction(60)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_decimal_rates_become_film_rates(decimal, expected):
    assert rate_fraction(decimal) == expected


@pytest.mark.parametrize(
    "metadata, expected",
    [
        ({}, None),
        ({FRAME_RATE: rate_attribute(Fraction(24000, 1001))}, Fraction(24000, 1001)),
        ({FRAME_RATE: Attribute("rational2i", (0, 1))}, None),
        ({FRAME_RATE: 25.0}, Fraction(25)),
        ({"dpx:FrameRate": 24.0}, Fraction(24)),
        ({"dpx:TemporalFrameRate": 1.0, "dpx:FrameRate": float("inf")}, None),  # what an undefined header reads as
        ({"dpx:FrameRate": float("nan")}, None),
    ],
)
def test_frame_rate_of_a_header(metadata, expected):
    assert frame_rate(metadata) == expected


@pytest.mark.parametrize("text", ["00:00:00:00", "01:02:03:04", "23:59:59:23", "10:00:00:24"])
def test_timecode_round_trip(text):
    assert timecode({TIMECODE: timecode_attribute(text), FRAME_RATE: rate_attribute(Fraction(24))}) == text


@pytest.mark.parametrize(
    "word, expected",
    [
        (0x01020304, "01:02:03:04"),
        (0x01020344, "01:02:03;04"),  # drop-frame flag
        (0x81828384, "01:02:03:04"),  # group flags are not digits
        (NO_TIMECODE, ""),
        (0x0A000000, ""),  # no binary-coded decimal
    ],
)
def test_timecode_words(word, expected):
    assert timecode({TIMECODE: Attribute("timecode", (word, 0))}) == expected


def test_a_dpx_without_a_television_header_has_no_timecode():
    assert timecode({TIMECODE: Attribute("timecode", (0, NO_TIMECODE))}) == ""
    assert timecode({}) == ""
