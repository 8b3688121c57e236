import pytest

from vfx_deepfake.errors import ShotError
from vfx_deepfake.frames import format_frames, parse_frames


def test_every_subset_of_ten_frames_survives_text():
    for bits in range(1, 2**10):
        frames = tuple(1001 + i for i in range(10) if bits >> i & 1)
        assert parse_frames(format_frames(frames)) == frames


def test_every_subset_across_zero_survives_text():
    for bits in range(1, 2**9):
        frames = tuple(i - 4 for i in range(9) if bits >> i & 1)
        assert parse_frames(format_frames(frames)) == frames


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ((), ""),
        ((1001,), "1001"),
        ((1001, 1002), "1001-1002"),
        ((1001, 1003, 1005), "1001-1005x2"),
        ((5, 1, 2), "1-2,5"),
        ((-3, -2, -1), "-3--1"),
    ],
)
def test_text_is_the_usual_one(frames, text):
    assert format_frames(frames) == text


@pytest.mark.parametrize("text", ["", "x", "1001-1100x", "1001..1100", "1001-", "10 01"])
def test_nonsense_is_one_plain_line(text):
    with pytest.raises(ShotError, match=r"^plate\.frames: '.*' (is not a frame range|holds no frame); write frames as"):
        parse_frames(text, "plate.frames")


def test_a_slip_of_the_finger_does_not_fill_the_memory():
    with pytest.raises(ShotError, match="check the numbers|not a frame range"):
        parse_frames("1001-1100000000")
