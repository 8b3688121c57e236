"""Plates: checked when opened and as they are read; bad ones answered in one line."""

from fractions import Fraction

import numpy as np
import pytest

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import ColorError, PlateError
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.dpx import DpxHeader, write_dpx
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.media.metadata import FRAME_RATE, rate_attribute
from vfx_deepfake.media.plate import Plate, without_nan
from vfx_deepfake.settings import DEFAULT_CONFIG

RGB = ("R", "G", "B")
DISPLAY = Window(0, 0, 20, 12)
DATA = Window(-2, -1, 24, 14)


@pytest.fixture(scope="module")
def color():
    return Color(DEFAULT_CONFIG)


def pixels_of(frame, window=DATA, channels=3):
    values = np.random.default_rng(abs(frame)).uniform(-0.02, 4, (*window.shape, channels))
    return values.astype(np.float16).astype(np.float32)


def write_plate(folder, frames, window=DATA, display=DISPLAY, channels=RGB, half=True, change=None):
    for frame in frames:
        pixels = pixels_of(frame, window, len(channels))
        if change:
            change(pixels)
        metadata = {FRAME_RATE: rate_attribute(Fraction(24000, 1001))}
        write_exr(folder / f"sh.{frame:04d}.exr", [Part("rgba", pixels, channels, window, half)], display, metadata)
    return str(folder / "sh.%04d.exr")


def opened(pattern, color, **settings):
    return Plate(pattern, color, settings.pop("colorspace", "ACEScg"), **settings)


def test_reads_bit_for_bit_and_in_the_working_space(tmp_path, color):
    plate = opened(write_plate(tmp_path, (1001, 1002)), color, colorspace="Linear Rec.709 (sRGB)")
    assert plate.frames == (1001, 1002)
    assert (plate.data_window, plate.display_window) == (DATA, DISPLAY)
    assert plate.is_float and plate.bits == 16 and not plate.is_dpx
    assert plate.rate() == Fraction(24000, 1001)
    frame = plate.read(1002)
    assert frame.pixels.tobytes() == pixels_of(1002).tobytes()
    working = plate.read_working(1002)
    assert np.array_equal(working.pixels, color.convert(frame.pixels, "Linear Rec.709 (sRGB)", "ACEScg"))
    assert working.data_window == frame.data_window and working.metadata == frame.metadata


def test_alpha_is_carried(tmp_path, color):
    plate = opened(write_plate(tmp_path, (1,), channels=(*RGB, "A")), color)
    assert plate.read(1).channels == (*RGB, "A")
    assert np.array_equal(plate.read_working(1).pixels[..., 3], pixels_of(1, DATA, 4)[..., 3])


def test_a_log_dpx_plate(tmp_path, color):
    codes = np.random.default_rng(1).integers(0, 1024, (12, 20, 3), dtype=np.uint16)
    for frame in (998, 999, 1000):
        write_dpx(tmp_path / f"scan.{frame:04d}.dpx", codes, 10, DpxHeader(rate=Fraction(25)))
    plate = opened(str(tmp_path / "scan.####.dpx"), color, colorspace="ARRI LogC3 (EI800)")
    assert plate.is_dpx and plate.bits == 10 and not plate.is_float and plate.rate() == 25
    back = color.convert(plate.read_working(999).pixels, "ACEScg", "ARRI LogC3 (EI800)")
    assert np.array_equal(np.rint(back * 1023), codes)
    assert np.array_equal(np.rint(plate.read(1000).pixels * 1023), codes)


def test_missing_frames_are_named(tmp_path, color):
    pattern = write_plate(tmp_path, (1001, 1002, 1003, 1007, 1009))
    with pytest.raises(
        PlateError,
        match=r"sh.####.exr: frames 1004-1006,1008 of 1001-1009 are missing; all were expected; restore them",
    ):
        opened(pattern, color)
    with pytest.raises(PlateError, match=r"frames 1008,1010-1011 of 1007-1011 are missing"):
        opened(pattern, color, frames=range(1007, 1012))
    assert opened(pattern, color, frames=[1001, 1003, 1009]).frames == (1001, 1003, 1009)


@pytest.mark.parametrize(
    "other, message",
    [
        (
            {"display": Window(0, 0, 22, 12)},
            "display window 22 x 12 at 0, 0; 20 x 12 at 0, 0 was expected, as in sh.1001.exr; write all",
        ),
        ({"window": DISPLAY}, "data window 20 x 12 at 0, 0; 24 x 14 at -2, -1 was expected"),
        ({"channels": (*RGB, "A")}, "channels R, G, B, A; R, G, B were expected"),
        ({"half": False}, "pixels are float/float/float; half/half/half was expected"),
    ],
)
def test_mixed_frames_are_refused_when_opened_and_when_read(tmp_path, color, other, message):
    pattern = write_plate(tmp_path, (1001, 1002, 1003))
    write_plate(tmp_path, (1002,), **other)
    plate = opened(pattern, color)  # the first and last frame are alike
    assert plate.read(1003).pixels.shape == (14, 24, 3)
    with pytest.raises(PlateError, match=f"sh.1002.exr: {message}"):
        plate.read(1002)
    write_plate(tmp_path, (1003,), **other)
    with pytest.raises(PlateError, match=f"sh.1003.exr: {message}"):
        opened(pattern, color)


def test_every_problem_of_first_and_last_frame_is_said(tmp_path, color):
    pattern = write_plate(tmp_path, (1001, 1002), channels=("X", "Y", "Z"))
    (tmp_path / "sh.1002.exr").write_bytes(b"no image")
    with pytest.raises(PlateError) as caught:
        opened(pattern, color)
    first, second = str(caught.value).splitlines()
    assert "sh.1001.exr: channels" in first and "sh.1002.exr: damaged or not an image" in second


def test_a_matte_is_no_plate(tmp_path, color):
    pattern = write_plate(tmp_path, (1001,), channels=("A",))
    with pytest.raises(PlateError, match="sh.1001.exr: channels A; R, G, B were expected; name the layer or part"):
        opened(pattern, color)


def test_a_frame_cut_short_in_the_middle_of_the_shot(tmp_path, color):
    pattern = write_plate(tmp_path, (1001, 1002, 1003))
    middle = tmp_path / "sh.1002.exr"
    middle.write_bytes(middle.read_bytes()[:-50])
    with pytest.raises(
        PlateError, match=r"sh.1002.exr: damaged or not an image \(.*\); a whole image was expected; copy the file"
    ):
        opened(pattern, color).read(1002)


def test_wrong_colour_space(tmp_path, color):
    pattern = write_plate(tmp_path, (1001,))
    with pytest.raises(
        ColorError, match=r"\[plate\].colorspace: 'ACESgc' is not a colour space of .*did you mean 'ACEScg'"
    ):
        opened(pattern, color, colorspace="ACESgc")
    with pytest.raises(ColorError, match=r"\[color\].working: 'Rec709' is not"):
        opened(pattern, color, working="Rec709")


def holes_in(pixels):
    pixels[3, 5, 1] = np.nan
    pixels[3, 6, 2] = -np.inf
    pixels[8:11, 9:12] = np.inf


def test_nan_and_inf_are_refused_with_their_place(tmp_path, color):
    plate = opened(write_plate(tmp_path, (1001,), change=holes_in), color)
    # row 3, column 5 of a data window that starts at -2, -1
    expected = r"sh.1001.exr: 11 pixels are NaN or Inf, the first at x 3, y 2 \(G is nan\); finite values were expected; repair"
    for read in (plate.read, plate.read_working):
        with pytest.raises(PlateError, match=expected):
            read(1001)


@pytest.mark.parametrize("policy", ["zero", "neighbours"])
def test_nan_can_be_replaced_for_the_work_and_stays_in_the_plate(tmp_path, color, policy):
    pattern = write_plate(tmp_path, (1001,), change=holes_in)
    plate = opened(pattern, color, nan_policy=policy)
    stored = plate.read(1001).pixels
    assert np.isnan(stored[3, 5, 1]) and np.isneginf(stored[3, 6, 2])
    working = plate.read_working(1001).pixels
    assert np.isfinite(working).all()
    whole = np.isfinite(stored)
    assert np.array_equal(working[whole], stored[whole])  # ACEScg to ACEScg: the others are untouched
    if policy == "zero":
        assert not working[~whole].any()
    else:
        around = np.delete(stored[2:5, 4:7, 1].ravel(), 4)
        assert working[3, 5, 1] == pytest.approx(around.mean(), rel=1e-6)


def test_a_hole_of_any_size_is_filled_from_its_edge():
    pixels = np.full((9, 9, 1), 2.0, np.float32)
    pixels[2:7, 2:7] = np.nan
    assert np.array_equal(without_nan(pixels, "neighbours"), np.full((9, 9, 1), 2.0, np.float32))
    assert not without_nan(np.full((3, 3, 1), np.nan, np.float32), "neighbours").any()


def test_unknown_policy_is_our_bug(tmp_path, color):
    with pytest.raises(ValueError, match="nan_policy is 'ignore'; choose one of error, zero, neighbours"):
        opened(write_plate(tmp_path, (1,)), color, nan_policy="ignore")
