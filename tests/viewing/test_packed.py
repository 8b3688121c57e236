"""Packed pictures: what a code stands for, what is marked, and that equal pixels stay equal at every size."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from vfx_deepfake.color.encoding import X_BREAK, decode_log
from vfx_deepfake.image.crop import Window
from vfx_deepfake.viewing.packed import (
    BROKEN,
    HIGH,
    LARGEST,
    LOW,
    NOTHING,
    PICTURE,
    SIZES,
    code_of,
    encoding_data,
    gzipped,
    linear_of,
    on_canvas,
    pack,
    size_of,
    unpack,
)

FULL = (96, 54)  # width, height


def light(seed=1, size=FULL):
    """Light of every kind that a plate has, as half floats hold it."""
    rng = np.random.default_rng(seed)
    pixels = np.exp2(rng.uniform(-9, 4, (size[1], size[0], 3)))
    pixels[::7, ::5] *= -0.01
    return pixels.astype(np.float16).astype(np.float32)


def test_every_code_survives_the_way_to_light_and_back():
    codes = np.arange(LARGEST + 1)
    assert np.array_equal(code_of(linear_of(codes)), codes)


def test_a_code_is_as_fine_as_the_documentation_says():
    values = linear_of(np.arange(LARGEST + 1)).astype(np.float64)
    steps, above = np.diff(values), values[:-1] > X_BREAK
    assert (steps[above] / values[:-1][above]).max() < 0.013
    assert steps[~above].max() < 9.75e-5 * 1.02  # the step over the toe's end is partly the curve's
    assert values[0] == pytest.approx(-0.0117, abs=5e-5)
    assert values[-1] == pytest.approx(222.9, abs=0.1)


def test_the_shader_is_told_all_of_the_curve():
    said = encoding_data()
    codes = np.arange(LARGEST + 1) / LARGEST
    log = codes * (said["high"] - said["low"]) + said["low"]
    toe = (log - said["toe_offset"]) / said["toe_slope"]
    shader = np.where(log <= said["y_break"], toe, 2 ** ((log - said["log_bias"]) * said["log_scale"]))
    # the shader's arithmetic in double precision against float32: seven digits, times the exponent's size
    np.testing.assert_allclose(linear_of(codes * LARGEST), shader, rtol=1e-5, atol=1e-8)
    assert (said["low"], said["high"]) == (LOW, HIGH)


@pytest.mark.parametrize("size", [FULL, (48, 27), (40, 23), (7, 5), (1, 1)])
def test_equal_pixels_give_equal_codes(size):
    """Only pixels whose area touches a change may differ."""
    one, other = light(), light()
    changed = np.zeros(one.shape[:2], bool)
    changed[20:31, 40:57] = True
    other[changed] *= 1.5
    ours, theirs = pack(one, size), pack(other, size)
    rows, columns = np.nonzero(ours != theirs)
    high, wide = FULL[1] / size[1], FULL[0] / size[0]
    for row, column in zip(rows, columns, strict=True):
        area = changed[
            int(row * high) : int(np.ceil((row + 1) * high)), int(column * wide) : int(np.ceil((column + 1) * wide))
        ]
        assert area.any()
    assert len(rows)


def test_at_its_own_size_a_picture_is_its_pixels_codes():
    codes, marks = unpack(pack(light(), FULL))
    assert np.array_equal(codes, code_of(light()))
    assert (marks == PICTURE).all()


def test_pixels_are_averaged_in_light_and_not_in_codes():
    picture = np.zeros((2, 2, 3), np.float32)
    picture[0] = (4.0, 0.5, -0.004)
    codes, _ = unpack(pack(picture, (1, 1)))
    assert np.array_equal(codes[0, 0], code_of(np.array([2.0, 0.25, -0.002], np.float32)))


def test_what_lies_outside_the_range_is_held_at_its_ends():
    picture = np.array([[[-5.0, 1e6, 65504.0], [-0.0118, 223.0, 0.0]]], np.float32)
    codes, marks = unpack(pack(picture, (2, 1)))
    black = code_of(np.zeros(1, np.float32))[0]
    assert codes.tolist() == [[[0, LARGEST, LARGEST], [0, LARGEST, black]]]
    assert (marks == PICTURE).all()
    assert linear_of(black) == pytest.approx(0, abs=5e-5)  # half a code of the toe


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_none_are_marked_and_do_not_spread(bad):
    picture = np.full((4, 6, 3), 0.18, np.float32)
    picture[1, 2, 0] = bad
    codes, marks = unpack(pack(picture, (6, 4)))
    assert np.argwhere(marks != PICTURE).tolist() == [[1, 2]]
    assert marks[1, 2] == BROKEN
    assert codes[1, 2, 0] == code_of(np.zeros(1, np.float32))[0]  # red counts as black, green is what it is
    assert codes[1, 2, 1] == codes[0, 0, 1]
    codes, marks = unpack(pack(picture, (3, 2)))
    assert np.argwhere(marks != PICTURE).tolist() == [[0, 1]]
    assert (codes[marks == PICTURE] == codes[1, 0]).all()


def test_where_there_is_no_picture_is_marked_and_overscan_is_left_away():
    display = Window(0, 0, 8, 6)
    window = Window(-2, 1, 12, 7)  # overscan left, right and below; the first row is missing
    picture = np.full((7, 12, 3), 0.5, np.float32)
    canvas, outside = on_canvas(picture, window, display)
    _, marks = unpack(pack(canvas, (8, 6), outside))
    assert (marks[0] == NOTHING).all()
    assert (marks[1:] == PICTURE).all()
    canvas, outside = on_canvas(picture, Window(-2, -1, 12, 7), display)
    assert outside is None
    assert canvas.shape == (6, 8, 3)


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize(
    "display", [Window(0, 0, 4096, 2160), Window(10, -4, 1280, 720), Window(0, 0, 320, 1), Window(0, 0, 960, 540)]
)
def test_every_width_keeps_the_shape_and_never_grows(width, display):
    wide, high = size_of(display, width)
    assert wide == (width if 0 < width < display.width else display.width)
    assert high >= 1
    assert abs(high - display.height * wide / display.width) <= max(0.5, 1 - display.height * wide / display.width)


def test_bytes_are_little_endian_and_equal_pictures_give_equal_bytes():
    packed = pack(light(), FULL)
    data = gzip.decompress(gzipped(packed))
    assert np.array_equal(np.frombuffer(data, "<u4").reshape(packed.shape), packed)
    assert gzipped(packed) == gzipped(packed.astype(">u4")) == gzipped(packed.copy())
    red = np.uint32(data[0]) | (np.uint32(data[1] & 3) << 8)
    assert red == code_of(light()[0, 0, :1])[0]


def test_the_curve_is_the_models():
    assert linear_of(0.0) == pytest.approx(decode_log(np.float32(LOW)))
