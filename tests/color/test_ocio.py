"""Colour conversion: exactness, names, context and messages."""

import numpy as np
import PyOpenColorIO as ocio
import pytest

from vfx_deepfake.color.ocio import BLOCK_PIXELS, Color, builtin_names
from vfx_deepfake.errors import ColorError
from vfx_deepfake.settings import DEFAULT_CONFIG

LOG_SPACES = (
    "ARRI LogC3 (EI800)",
    "ARRI LogC4",
    "S-Log3 S-Gamut3.Cine",
    "V-Log V-Gamut",
    "Log3G10 REDWideGamutRGB",
    "ACEScct",
    "CanonLog3 CinemaGamut D55",
)


@pytest.fixture(scope="module")
def color():
    return Color(DEFAULT_CONFIG)


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Scene-linear values from below zero to eight stops over white."""
    return np.random.default_rng(3).uniform(-0.05, 1.0, (height, width, channels)).astype(np.float32) ** 3 * 256


def test_equals_a_straight_ocio_call_bit_for_bit(color):
    # odd sizes on purpose: rows that do not fill OCIO's vectors, blocks that do not divide the picture
    pixels = picture(BLOCK_PIXELS // 331 * 9 + 5, 331)
    plain = pixels.copy()
    config = ocio.Config.CreateFromBuiltinConfig(DEFAULT_CONFIG.removeprefix("ocio://"))
    config.getProcessor("ACEScg", "ARRI LogC3 (EI800)").getDefaultCPUProcessor().applyRGB(plain)
    for threads in (1, 3):
        found = Color(DEFAULT_CONFIG, threads=threads).convert(pixels, "ACEScg", "ARRI LogC3 (EI800)")
        assert np.array_equal(found, plain)


def test_input_stays_and_float_comes_back(color):
    pixels = picture(4, 5)
    before = pixels.copy()
    out = color.convert(pixels[:, ::-1], "ACEScg", "ACES2065-1")  # a view with negative strides
    assert out.dtype == np.float32 and out.flags.c_contiguous
    assert np.array_equal(pixels, before)
    assert np.array_equal(out, color.convert(pixels, "ACEScg", "ACES2065-1")[:, ::-1])


@pytest.mark.parametrize("channels", [4, 6])
def test_further_channels_are_untouched(color, channels):
    pixels = picture(3, 7, channels)
    pixels[0, 0, 3:] = -0.0, *([np.nan] * (channels - 4))
    out = color.convert(pixels, "ACEScg", "ARRI LogC4")
    assert out[..., 3:].tobytes() == np.ascontiguousarray(pixels[..., 3:]).tobytes()
    assert np.array_equal(out[..., :3], color.convert(pixels[..., :3], "ACEScg", "ARRI LogC4"))


@pytest.mark.parametrize("space", LOG_SPACES)
def test_every_10_bit_code_survives_working_space_and_back(color, space):
    code = np.arange(1024)
    ramp = np.stack([code, code, code], axis=-1)[None]
    mixed = np.random.default_rng(1).integers(0, 1024, (64, 1024, 3))  # saturated colours too
    codes = np.concatenate([ramp, mixed])
    values = (codes / 1023).astype(np.float32)
    back = color.convert(color.convert(values, space, "ACEScg"), "ACEScg", space)
    assert np.array_equal(np.rint(back * 1023), codes)  # exact: float32 carries far more than 10 bits


def test_negatives_and_highlights_survive_a_matrix(color):
    pixels = np.array([[[-0.5, 0.1, 900.0]]], np.float32)
    back = color.convert(color.convert(pixels, "ACEScg", "Linear Rec.709 (sRGB)"), "Linear Rec.709 (sRGB)", "ACEScg")
    # two 3x3 products in float32: a few roundings of the largest term, 900
    np.testing.assert_allclose(back, pixels, atol=900 * 8 * 2**-24)


def test_empty_picture_and_no_op(color):
    assert color.convert(np.zeros((0, 4, 3), np.float32), "ACEScg", "ACEScct").shape == (0, 4, 3)
    pixels = picture(2, 2)
    same = color.convert(pixels, "ACEScg", "ACEScg")
    assert np.array_equal(same, pixels) and same is not pixels
    data = color.convert(pixels, "Raw", "ACEScg")
    assert np.array_equal(data, pixels)  # data is never converted


def test_names_are_canonical(color):
    assert color.require("lin_ap1", "x") == "ACEScg"
    assert color.require("scene_linear", "x") == "ACEScg"
    assert color.require("acescg", "x") == "ACEScg"  # OCIO compares without case
    assert color.is_data("Raw") and not color.is_data("ACEScg")
    assert color.roles()["data"] == "Raw"
    assert "ARRI LogC4" in color.names()


@pytest.mark.parametrize(
    "name, hint",
    [
        ("ACEScgg", "did you mean 'ACEScg'"),
        ("LogC3", "'ARRI LogC3 \\(EI800\\)'"),
        ("linear rec709", "did you mean 'Linear Rec.709 \\(sRGB\\)'"),
        ("slog3", "did you mean .*S-Log3"),
        ("Zebra", "known: "),
        ("", "known: "),
    ],
)
def test_an_unknown_space_names_the_nearest(color, name, hint):
    with pytest.raises(
        ColorError, match=rf"^shot.toml \[plate\].colorspace: '{name}' is not a colour space of .*; .*{hint}"
    ):
        color.require(name, "shot.toml [plate].colorspace")


def test_a_missing_or_damaged_config_is_one_line(tmp_path):
    with pytest.raises(ColorError, match=r"no such OCIO config; give an existing file"):
        Color(str(tmp_path / "show.ocio"))
    (tmp_path / "bad.ocio").write_text("ocio_profile_version: 2.1\nroles: [\n")
    with pytest.raises(ColorError, match=r"bad.ocio: OCIO can't read this config .*; correct or replace it$") as caught:
        Color(str(tmp_path / "bad.ocio"))
    assert "\n" not in str(caught.value)
    with pytest.raises(ColorError, match=r"no such built-in config; did you mean 'studio-config"):
        Color("ocio://studio-config-v2.1.0_aces")
    assert DEFAULT_CONFIG.removeprefix("ocio://") in builtin_names()


@pytest.mark.parametrize("config", ["ocio://default", "ocio://studio-config-latest", "ocio://cg-config-latest"])
def test_a_config_that_changes_under_a_shot_is_refused(config):
    with pytest.raises(
        ColorError, match="stands for another config in each OCIO release; a pinned one was expected; name one"
    ):
        Color(config)


def test_displays_and_views(color):
    displays = color.displays()
    assert next(iter(displays)) == "sRGB - Display"
    assert color.require_view("", "", "x") == ("sRGB - Display", "ACES 1.0 - SDR Video")
    with pytest.raises(
        ColorError, match=r"^\[color\].display: 'sRGB' is not a display of .*; did you mean 'sRGB - Display'"
    ):
        color.require_view("sRGB", "", "[color].display")
    with pytest.raises(ColorError, match=r"'Filmic' is not a view of the display 'sRGB - Display' in .*; known: "):
        color.require_view("", "Filmic", "[color].view")


def test_display_picture_stays_in_range_and_grey_is_grey(color):
    pixels = picture(8, 8)
    pixels[0, 0], pixels[0, 1] = 0.18, 50.0
    shown = color.display_encode(pixels, "ACEScg")
    assert shown.min() >= 0 and shown.max() <= 1
    # ACES 1.0 SDR: scene 0.18 is shown at 0.1 of peak white, so (0.1 encoded by the sRGB curve) 0.349; measured 0.3560
    assert shown[0, 0] == pytest.approx([0.356] * 3, abs=0.002)
    assert (shown[0, 1] > 0.98).all()


def test_cache_id_tells_conversions_apart(color):
    ids = {color.cache_id("ACEScg", space) for space in LOG_SPACES}
    assert len(ids) == len(LOG_SPACES)
    assert color.cache_id("ACEScg", "ACEScct") == Color(DEFAULT_CONFIG).cache_id("ACEScg", "ACEScct")


def test_wrong_shape_is_our_bug(color):
    with pytest.raises(ValueError, match=r"want pixels of shape \(H, W, 3 or more\)"):
        color.convert(np.zeros((4, 4), np.float32), "ACEScg", "ACEScct")
