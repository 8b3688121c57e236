"""DPX frames: every code, header by hand, FFmpeg as a second reader."""

from fractions import Fraction

import numpy as np
import OpenImageIO as oiio
import pytest

from tests.media.dpx_tools import decode_with_ffmpeg, read_header, unpack_10_bit
from tests.media.outside import material
from vfx_deepfake.errors import PlateError
from vfx_deepfake.media.dpx import TRANSFERS, DpxHeader, read_codes, read_dpx, write_dpx
from vfx_deepfake.media.metadata import FRAME_RATE, REEL, TIMECODE, Attribute, frame_rate, rate_attribute, timecode

PLATE = {
    TIMECODE: Attribute("timecode", (0x01020344, 9)),  # with the drop-frame flag
    FRAME_RATE: rate_attribute(Fraction(24000, 1001)),
    REEL: "A001C002",
    "Copyright": "the production",
    "DateTime": "2025:01:02 03:04:05",
    "oiio:ColorSpace": "scene_linear",
}


def every_code(bits: int) -> np.ndarray:
    """(H, W, 3) with each code in each channel, an odd width, channels apart from each other."""
    codes = np.arange(2**bits, dtype=np.uint16)
    width = 255
    rows = -(-len(codes) // width)
    ramp = np.resize(codes, rows * width).reshape(rows, width)
    return np.stack([ramp, ramp[::-1], np.roll(ramp, 7, axis=1)], axis=-1)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_every_code_survives_and_ffmpeg_agrees(tmp_path, bits):
    codes = every_code(bits)
    path = tmp_path / "ramp.1001.dpx"
    write_dpx(path, codes, bits)
    back, depth = read_codes(path)
    assert depth == bits and np.array_equal(back, codes)  # exact: integers in, integers out
    assert np.array_equal(decode_with_ffmpeg(path), codes)
    assert [entry.name for entry in tmp_path.iterdir()] == ["ramp.1001.dpx"]


def test_10_bit_words_unpacked_by_hand(tmp_path):
    codes = every_code(10)
    write_dpx(tmp_path / "a.dpx", codes, 10)
    assert np.array_equal(unpack_10_bit(tmp_path / "a.dpx"), codes)


@pytest.mark.parametrize("bits, packing", [(10, 1), (12, 0), (16, 1)])
def test_header(tmp_path, bits, packing):
    path = tmp_path / "sh0010_v001.1001.dpx"
    header = DpxHeader(transfer="Printing density", colorimetric="ITU-R 709-4", project="opal", position=3, length=24)
    write_dpx(path, np.zeros((30, 50, 3), np.uint16), bits, header, PLATE)
    found = read_header(path)
    assert found["magic"] == "SDPX" and found["version"] == "V2.0"
    assert (found["width"], found["height"], found["elements"]) == (50, 30, 1)
    assert (found["descriptor"], found["bits"], found["packing"], found["encoding"]) == (50, bits, packing, 0)
    assert (found["transfer"], found["colorimetric"]) == (1, 6)
    assert found["name"] == "sh0010_v001.1001.dpx"  # not the hidden name it was written under
    assert found["time"].startswith("2025:01:02:03:04:05")  # the plate's, not the clock's
    assert found["creator"].startswith("vfx_deepfake ")
    assert (found["project"], found["copyright"]) == ("opal", "the production")
    assert found["timecode"] == 0x01020304  # plain digits: the drop-frame flag is not binary-coded decimal
    assert found["film_rate"] == found["tv_rate"] == pytest.approx(24000 / 1001)
    assert (found["film_frame_position"], found["film_length"]) == (3, 24)
    assert found["input_device"] == "A001C002"
    assert (found["low_data"], found["high_data"]) == (0, 2**bits - 1)


@pytest.mark.parametrize("code, name", list(enumerate(TRANSFERS)))
def test_every_transfer_has_its_code(tmp_path, code, name):
    write_dpx(tmp_path / "a.dpx", np.zeros((2, 2, 3), np.uint16), 10, DpxHeader(transfer=name))
    assert read_header(tmp_path / "a.dpx")["transfer"] == code


def test_an_empty_plate_header_leaves_nothing_to_the_clock(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_dpx(tmp_path / name / "x.dpx", every_code(10), 10)
    assert (tmp_path / "a" / "x.dpx").read_bytes() == (tmp_path / "b" / "x.dpx").read_bytes()
    found = read_header(tmp_path / "a" / "x.dpx")
    assert found["transfer"] == 3 and found["time"] == "" and str(tmp_path) not in found["name"]


def test_a_very_long_name_fits_the_field(tmp_path):
    path = tmp_path / ("n" * 150 + ".1001.dpx")
    write_dpx(path, np.zeros((2, 2, 3), np.uint16), 10)
    assert read_header(path)["name"] == "n" * 99
    assert read_codes(path)[0].shape == (2, 2, 3)


def test_the_settings_win_over_the_plate(tmp_path):
    header = DpxHeader(rate=Fraction(25), reel="B002")
    write_dpx(tmp_path / "a.dpx", np.zeros((2, 2, 3), np.uint16), 10, header, PLATE)
    found = read_header(tmp_path / "a.dpx")
    assert found["film_rate"] == 25 and found["input_device"] == "B002"


def test_metadata_comes_back_under_the_names_exr_uses(tmp_path):
    write_dpx(tmp_path / "a.dpx", np.zeros((2, 2, 3), np.uint16), 10, DpxHeader(), PLATE)
    metadata = read_dpx(tmp_path / "a.dpx").metadata
    assert timecode(metadata) == "01:02:03:04"
    assert frame_rate(metadata) == Fraction(24000, 1001)
    assert metadata[REEL] == "A001C002"
    assert all(np.isfinite(value) for value in metadata.values() if isinstance(value, float))


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_pixels_are_code_over_largest_code(tmp_path, bits):
    codes = every_code(bits)
    write_dpx(tmp_path / "a.dpx", codes, bits)
    frame = read_dpx(tmp_path / "a.dpx")
    assert frame.pixels.dtype == np.float32
    assert np.array_equal(frame.pixels, codes.astype(np.float32) / np.float32(2**bits - 1))
    assert np.array_equal(np.rint(frame.pixels * (2**bits - 1)), codes)


@pytest.mark.parametrize(
    "codes, bits, message",
    [
        (np.zeros((2, 2, 3), np.float32), 10, "want .* uint16 codes 0..1023, got .* float32"),
        (np.full((2, 2, 3), 1024, np.uint16), 10, "uint16 codes 0..1023, got .* up to 1024"),
        (np.zeros((2, 2, 1), np.uint16), 10, r"want \(H, W, 3\)"),
        (np.zeros((0, 2, 3), np.uint16), 10, "up to none"),
        (np.zeros((2, 2, 3), np.uint16), 8, "8 bits; DPX deliveries have 10, 12, 16"),
    ],
)
def test_wrong_codes_are_our_bug(tmp_path, codes, bits, message):
    with pytest.raises(ValueError, match=message):
        write_dpx(tmp_path / "a.dpx", codes, bits)
    assert not list(tmp_path.iterdir())


def test_unknown_transfer_is_refused():
    with pytest.raises(ValueError, match="transfer is 'LogC'; choose one of User defined, Printing density, "):
        DpxHeader(transfer="LogC")


def test_float_dpx_has_no_codes(tmp_path):
    spec = oiio.ImageSpec(4, 4, 3, "float")
    out = oiio.ImageOutput.create("f.dpx")
    assert (
        out.open(str(tmp_path / "f.dpx"), spec) and out.write_image(np.full((4, 4, 3), 2.5, np.float32)) and out.close()
    )
    with pytest.raises(
        PlateError, match="f.dpx: holds float pixels; integer codes were expected; write it as 10, 12 or 16 bit"
    ):
        read_codes(tmp_path / "f.dpx")
    assert read_dpx(tmp_path / "f.dpx").pixels.max() == 2.5


def test_a_cut_or_foreign_file_is_one_line(tmp_path):
    path = tmp_path / "a.dpx"
    write_dpx(path, every_code(10), 10)
    whole = path.read_bytes()
    for length in (0, 100, 2000, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(PlateError, match=r"a.dpx: damaged or not an image \(.+\); a whole image was expected"):
            read_dpx(path)


def test_files_of_other_makers():
    folder = material("../footage")
    for path in sorted(folder.glob("*.dpx")):
        codes, bits = read_codes(path)
        assert np.array_equal(codes, decode_with_ffmpeg(path)), path.name
        assert read_header(path)["bits"] == bits
