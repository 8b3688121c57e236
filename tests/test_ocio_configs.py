"""Every file in ocio_configs/: valid for OCIO, as the script writes it, with published code values."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import PyOpenColorIO as ocio
import pytest

from vfx_deepfake.color.make_show_config import BASES, CAMERA_LOGS, CORE, GRADED_VIEW, TONE_SCALE, main
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import ColorError
from vfx_deepfake.naming import data_folder

FOLDER = data_folder("ocio_configs")
CONFIGS = sorted(FOLDER.glob("*.ocio"))

# 10-bit code of 18 % grey, of 0.0 and of 1.0: from the vendors' papers (ARRI LogC3/LogC4, Sony S-Log3, Panasonic
# V-Log, RED Log3G10,
# Blackmagic Gen 5, DaVinci Intermediate, Academy S-2016-001 and ADX S-2008-002)
PUBLISHED = {
    "ARRI LogC3 (EI800)": (400.0, 94.9, 583.8),
    "ARRI LogC4": (284.8, 95.0, 437.3),
    "S-Log3 S-Gamut3": (420.0, 95.0, 609.7),
    "S-Log3 S-Gamut3.Cine": (420.0, 95.0, 609.7),
    "V-Log V-Gamut": (433.0, 127.9, 612.9),
    "Log3G10 REDWideGamutRGB": (341.0, 93.7, 504.8),
    "BMDFilm WideGamut Gen5": (392.4, 94.6, 542.7),
    "DaVinci Intermediate WideGamut": (343.8, 0.0, 525.7),
    "ACEScct": (423.1, 74.6, 567.6),
    "ADX10": (445.0, None, 649.8),
}


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda path: path.name)
def config(request):
    return request.param


def test_there_is_one_for_each_host_release():
    assert [path.stem.rpartition("-v")[2] for path in CONFIGS] == list(BASES)


def test_files_are_what_the_script_writes(tmp_path, capsys):
    main([str(tmp_path)])
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == [path.name for path in CONFIGS]
    for path in CONFIGS:
        assert (tmp_path / path.name).read_text() == path.read_text(), f"{path.name}: run the script again"


def test_ocio_finds_it_valid(config):
    loaded = ocio.Config.CreateFromFile(str(config))
    loaded.validate()
    assert loaded.isArchivable()
    assert f"{loaded.getMajorVersion()}.{loaded.getMinorVersion()}" == config.stem.rpartition("-v")[2]
    assert config.stem in loaded.getName()


def test_ociocheck_finds_it_valid(config):
    tool = shutil.which("ociocheck") or shutil.which("ociocheck", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("ociocheck of the opencolorio wheel is not beside this Python")
    done = subprocess.run([tool, "--iconfig", str(config)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and "Validation: passed" in done.stdout, done.stdout


def test_every_conversion_of_the_config_can_be_made(config):
    color = Color(str(config))
    spaces = [name for name in color.names() if not color.is_data(name)]
    assert {*CORE, *CAMERA_LOGS} <= set(color.names())
    for name in spaces:
        assert color.cache_id(name, "ACEScg") and color.cache_id("ACEScg", name)


def test_scene_linear_means_the_same_as_in_the_studio_config(config):
    show, studio = Color(str(config)), Color("ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3")
    pixels = np.random.default_rng(2).uniform(-0.01, 8, (4, 16, 3)).astype(np.float32)
    for name in CAMERA_LOGS:
        # the two releases of the studio config write some matrices with other last digits
        np.testing.assert_allclose(
            show.convert(pixels, "ACEScg", name), studio.convert(pixels, "ACEScg", name), atol=2e-6
        )


@pytest.mark.parametrize("space", PUBLISHED)
def test_published_codes(config, space):
    grey, black, white = PUBLISHED[space]
    pixels = np.repeat(np.array([0.18, 0.0, 1.0], np.float32)[None, :, None], 3, axis=2)
    codes = Color(str(config)).convert(pixels, "ACEScg", space)[0] * 1023
    assert codes[0] == pytest.approx([grey] * 3, abs=0.06)  # published with one decimal
    if black is not None:  # ADX has no code for zero
        assert codes[1] == pytest.approx([black] * 3, abs=0.06)
    assert codes[2] == pytest.approx([white] * 3, abs=0.06)


@pytest.mark.parametrize("space", CAMERA_LOGS)
def test_the_ends_of_the_code_range_survive_the_round_trip(config, space):
    color = Color(str(config))
    codes = np.array([0, 1, 2, 64, 940, 1021, 1022, 1023]) / 1023
    values = np.repeat(codes.astype(np.float32)[None, :, None], 3, axis=2)
    back = color.convert(color.convert(values, space, "ACEScg"), "ACEScg", space)
    assert np.array_equal(np.rint(back * 1023), np.rint(values * 1023))


@pytest.mark.parametrize(
    "file, space",
    [
        ("plate/sh0010.1001.exr", "ACEScg"),
        ("v001/sh0010_v001.1001.dpx", "ARRI LogC3 (EI800)"),
        ("stills/ref.JPG", "sRGB - Texture"),
        ("stills/ref.png", "sRGB - Texture"),
        ("mattes/sh0010.1001.exr", "Raw"),
        ("sh0010_matte.1001.dpx", "Raw"),
        ("sh0010.holdout.1001.exr", "Raw"),
        ("matte.1001.exr", "Raw"),
        ("C:\\shots\\sh0010_roto_v001.1001.exr", "Raw"),
        ("show_matterhorn/sh0010.1001.exr", "ACEScg"),
        ("masked_man.1001.dpx", "ARRI LogC3 (EI800)"),
    ],
)
def test_file_rules_know_mattes_first(config, file, space):
    assert Color(str(config)).rule_for(file)[0] == space


def test_roles(config):
    roles = Color(str(config)).roles()
    assert roles["scene_linear"] == "ACEScg" and roles["data"] == "Raw"
    assert roles["compositing_log"] == roles["color_timing"] == "ARRI LogC3 (EI800)"


def test_the_grade_follows_the_shot(config):
    grey = np.full((1, 1, 3), 0.18, np.float32)
    plain = Color(str(config)).display_encode(grey, "ACEScg", view=TONE_SCALE)
    default = Color(str(config)).display_encode(grey, "ACEScg")
    warm = Color(str(config), {"SHOT": "sh0010"})
    assert warm.require_view("", "", "x")[1] == GRADED_VIEW
    shown = warm.display_encode(grey, "ACEScg")[0, 0]
    cold = Color(str(config), {"SHOT": "sh0020"}).display_encode(grey, "ACEScg")[0, 0]
    np.testing.assert_allclose(default, plain, atol=2e-6)  # a neutral CDL; the trip through ACEScct rounds
    assert shown[0] > shown[1] > shown[2]
    assert cold[0] < cold[1] < cold[2]
    assert warm.config_id() != Color(str(config), {"SHOT": "sh0020"}).config_id()


def test_a_shot_without_a_grade_is_said_and_not_guessed(config):
    color = Color(str(config), {"SHOT": "sh9999"})
    with pytest.raises(
        ColorError, match="its CDL file has no entry for the shot 'sh9999'; add one, or choose a view without"
    ):
        color.check()
    color.check(view=TONE_SCALE)


def test_a_show_of_its_own(tmp_path, capsys):
    main(
        [
            str(tmp_path),
            "--show",
            "opal",
            "--log",
            "slog3_sgamut3cine",
            "--cameras",
            "S-Log3 S-Gamut3.Cine",
            "--host",
            "2.3",
        ]
    )
    color = Color(str(tmp_path / "opal_aces-v1.3_ocio-v2.3.ocio"))
    color.check()
    assert color.roles()["compositing_log"] == "S-Log3 S-Gamut3.Cine"
    assert "ARRI LogC4" not in color.names()
    assert (tmp_path / "cdl" / "show.ccc").exists()
