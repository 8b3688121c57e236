"""Deliveries: rounding, clipping, windows, and code for code what a straight OCIO conversion gives."""

import numpy as np
import PyOpenColorIO as ocio
import pytest

from tests.media.dpx_tools import decode_with_ffmpeg
from tests.media.outside import material
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.delivery import PROFILES, delivery_codes, depth_warning, displayed, profile_named, quantise
from vfx_deepfake.media.dpx import write_dpx
from vfx_deepfake.media.exr import Frame, Part, read_exr, write_exr
from vfx_deepfake.settings import DEFAULT_CONFIG

RGB = ("R", "G", "B")


@pytest.fixture(scope="module")
def color():
    return Color(DEFAULT_CONFIG)


def frame_of(pixels, data=None, display=None, channels=RGB):
    data = data or Window.of_image(pixels)
    return Frame(pixels.astype(np.float32), data, display or data, channels)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_every_code_is_a_fixed_point(bits):
    codes = np.arange(2**bits)
    found, clipped = quantise((codes / (2**bits - 1)).astype(np.float32), bits)
    assert np.array_equal(found, codes) and clipped == 0


def test_rounding_is_to_the_nearest():
    values = np.random.default_rng(1).uniform(0, 1, 100_000).astype(np.float32)
    codes, _ = quantise(values, 10)
    # half a code, and float32's rounding of a product up to 1023
    assert np.abs(codes - values.astype(np.float64) * 1023).max() <= 0.5 + 1023 * 2**-24


def test_what_is_clipped_is_counted():
    values = np.array([-0.3 / 1023, -0.6 / 1023, 0, 1, 1023.4 / 1023, 1.1, np.nan, np.inf, -np.inf], np.float32)
    codes, clipped = quantise(values, 10)
    assert codes.tolist() == [0, 0, 0, 1023, 1023, 1023, 0, 1023, 0]
    assert clipped == 5  # what rounds into the range is not clipped
    assert quantise(np.zeros((0, 3), np.float32), 10)[1] == 0


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("target", ["ARRI LogC3 (EI800)", "S-Log3 S-Gamut3.Cine", "ACEScct"])
def test_file_to_file_equals_a_straight_ocio_conversion(tmp_path, color, bits, target):
    """Half EXR to DPX through our code, against OCIO called by hand and rounded, read back by FFmpeg."""
    pixels = np.random.default_rng(2).uniform(-0.02, 1.2, (61, 83, 3)) ** 5 * 8
    window = Window(0, 0, 83, 61)
    write_exr(tmp_path / "p.exr", [Part("rgba", pixels.astype(np.float32), RGB, window)], window)
    codes, _ = delivery_codes(read_exr(tmp_path / "p.exr"), color, "ACEScg", target, bits)
    write_dpx(tmp_path / "p.dpx", codes, bits)

    straight = pixels.astype(np.float32).astype(np.float16).astype(np.float32)
    config = ocio.Config.CreateFromBuiltinConfig(DEFAULT_CONFIG.removeprefix("ocio://"))
    config.getProcessor("ACEScg", target).getDefaultCPUProcessor().applyRGB(straight)
    expected = np.rint(np.clip(straight, 0, 1) * np.float32(2**bits - 1)).astype(np.uint16)
    assert np.array_equal(decode_with_ffmpeg(tmp_path / "p.dpx"), expected)


def test_a_rendered_plate_to_dpx_code_for_code(tmp_path, color):
    """The same on frames with highlights up to 16 and on photographs with grain, where there are some."""
    space = "Linear Rec.709 (sRGB)"
    config = ocio.Config.CreateFromBuiltinConfig(DEFAULT_CONFIG.removeprefix("ocio://"))
    straight = config.getProcessor(space, "ARRI LogC3 (EI800)").getDefaultCPUProcessor()
    files = [material("digital_actor/plate_old") / "plate_old.1017.exr", *material("../footage").glob("*.exr")]
    for file in files:
        frame = read_exr(file)
        write_dpx(tmp_path / "p.dpx", delivery_codes(frame, color, space, "ARRI LogC3 (EI800)", 10)[0], 10)
        expected = displayed(frame).copy()
        straight.applyRGB(expected)
        expected = np.rint(np.clip(expected, 0, 1) * np.float32(1023)).astype(np.uint16)
        assert np.array_equal(decode_with_ffmpeg(tmp_path / "p.dpx"), expected), file.name


def test_a_plate_in_the_delivery_space_keeps_its_codes(color):
    codes = np.random.default_rng(3).integers(0, 1024, (8, 9, 3))
    found, clipped = delivery_codes(frame_of(codes / 1023), color, "ARRI LogC3 (EI800)", "ARRI LogC3 (EI800)", 10)
    assert np.array_equal(found, codes) and clipped == 0


def test_overscan_is_cut_and_what_is_not_there_is_black():
    pixels = np.arange(6 * 8 * 4, dtype=np.float32).reshape(6, 8, 4)
    inside = displayed(frame_of(pixels, Window(-2, -1, 8, 6), Window(0, 0, 4, 3), (*RGB, "A")))
    assert np.array_equal(inside, pixels[1:4, 2:6, :3])
    small = displayed(frame_of(pixels, Window(1, 1, 8, 6), Window(0, 0, 12, 9), (*RGB, "A")))
    assert small.shape == (9, 12, 3)
    assert np.array_equal(small[1:7, 1:9], pixels[..., :3])
    small[1:7, 1:9] = 0
    assert not small.any()
    apart = displayed(frame_of(pixels, Window(100, 0, 8, 6), Window(0, 0, 4, 3), (*RGB, "A")))
    assert apart.shape == (3, 4, 3) and not apart.any()


def test_a_matte_is_no_delivery():
    with pytest.raises(ValueError, match="want a frame with R, G, B, got A"):
        displayed(frame_of(np.zeros((2, 2, 1)), channels=("A",)))


@pytest.mark.parametrize(
    "plate, bits, profile, warns",
    [
        ("half", 16, "dpx10", "16-bit float, dpx10 holds 10 bits"),
        ("float", 32, "dpx12", "32-bit float, dpx12 holds 12 bits"),
        ("uint16", 12, "dpx10", "12-bit integer, dpx10 holds 10 bits"),
        ("uint16", 16, "dpx12", "16-bit integer, dpx12 holds 12 bits"),
        ("uint16", 10, "dpx10", ""),
        ("half", 16, "dpx16", ""),
        ("half", 16, "exr", ""),
    ],
)
def test_a_plate_deeper_than_the_delivery_is_said(plate, bits, profile, warns):
    found = depth_warning(plate, bits, profile)
    assert (warns in found) if warns else found == ""
    assert not warns or "take dpx16 or exr unless the client asked for this" in found


def test_unknown_profile_names_the_known():
    with pytest.raises(ValueError, match="profile is 'dpx8'; choose one of dpx10, dpx12, dpx16, exr"):
        profile_named("dpx8")
    assert {name: profile.bits for name, profile in PROFILES.items()} == {
        "dpx10": 10,
        "dpx12": 12,
        "dpx16": 16,
        "exr": 0,
    }
