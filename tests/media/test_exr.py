"""EXR frames: what comes back is what went in, and nothing half-written is left."""

import os
import resource
import shutil
import subprocess

import numpy as np
import OpenImageIO as oiio
import pytest

from vfx_deepfake.errors import DeliveryError, PlateError
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import COMPRESSIONS, HALF_MAX, Part, read_exr, write_exr
from vfx_deepfake.media.header import read_header
from vfx_deepfake.media.metadata import FRAME_RATE, TIMECODE, Attribute

DISPLAY = Window(0, 0, 24, 16)
OVERSCAN = Window(-3, -2, 30, 20)
RGB, RGBA = ("R", "G", "B"), ("R", "G", "B", "A")

METADATA = {
    TIMECODE: Attribute("timecode", (0x01020304, 7)),
    FRAME_RATE: Attribute("rational2i", (24000, 1001)),
    "chromaticities": Attribute("float[8]", (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)),
    "worldToCamera": Attribute("matrix", tuple(float(i) for i in range(16))),
    "smpte:KeyCode": Attribute("keycode", (1, 2, 3, 4, 5, 4, 64)),
    "reelName": "A001C002_250101",
    "Copyright": "the production",
    "DateTime": "2025:01:02 03:04:05",
    "vfx_deepfake:plate": "Größe ✓",
    "nuke/node_hash": "abc",
    "PixelAspectRatio": 2.0,
    "camera/iso": 800,
}


def half_pixels(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Values that half holds exactly: negatives, denormals, zero of both signs, values over 1, the largest."""
    bits = np.random.default_rng(5).integers(0, 2**16, (height, width, channels), dtype=np.uint16)
    values = bits.view(np.float16)
    values = np.where(np.isfinite(values), values, np.float16(0.18)).astype(np.float32)
    values.reshape(-1)[:6] = [-0.0, 0.0, -0.5, 17.25, HALF_MAX, 2**-24]
    return values


def float_pixels(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Values that need 32 bits."""
    return np.random.default_rng(6).normal(0, 1e6, (height, width, channels)).astype(np.float32)


def write(path, pixels, channels=RGB, window=DISPLAY, **settings):
    write_exr(path, [Part("rgba", pixels, channels, window, **settings)], DISPLAY)
    return path


def foreign(path, spec_changes, pixels=None, channels=RGB, kind="half"):
    """An EXR as another application might write it."""
    spec = oiio.ImageSpec(24, 16, len(channels), kind)
    spec.channelnames = channels
    spec_changes(spec)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.zeros((16, 24, len(channels)), np.float32) if pixels is None else pixels) and out.close()
    return path


@pytest.mark.parametrize("compression", [name for name in COMPRESSIONS if name != "dwaa"])
@pytest.mark.parametrize("half", [True, False])
def test_every_bit_comes_back(tmp_path, compression, half):
    pixels = half_pixels(20, 30, 4) if half else float_pixels(20, 30, 4)
    path = tmp_path / "a.1001.exr"
    write_exr(path, [Part("rgba", pixels, RGBA, OVERSCAN, half)], DISPLAY, compression=compression)
    frame = read_exr(path)
    assert frame.pixels.tobytes() == pixels.tobytes()  # bytes, so that -0.0 counts
    assert (frame.data_window, frame.display_window) == (OVERSCAN, DISPLAY)
    assert (frame.channels, frame.half) == (RGBA, half)
    assert oiio.ImageInput.open(str(path)).spec().get_string_attribute("compression") == compression
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.1001.exr"]


def test_dwaa_is_lossy_and_near(tmp_path):
    pixels = np.linspace(0, 4, 16 * 24 * 3, dtype=np.float32).reshape(16, 24, 3)
    write_exr(tmp_path / "a.exr", [Part("rgba", pixels, RGB, DISPLAY)], DISPLAY, compression="dwaa")
    back = read_exr(tmp_path / "a.exr").pixels
    assert not np.array_equal(back, pixels.astype(np.float16))
    np.testing.assert_allclose(back, pixels, atol=0.02)  # level 45, "visually lossless"; measured 0.006


def test_unknown_compression_is_refused_not_replaced(tmp_path):
    with pytest.raises(ValueError, match="compression is 'htj2k'; choose one of none, zip, zips, piz, dwaa"):
        write_exr(tmp_path / "a.exr", [Part("rgba", half_pixels(16, 24), RGB, DISPLAY)], DISPLAY, compression="htj2k")


def test_metadata_comes_back_with_its_types(tmp_path):
    path = tmp_path / "a.exr"
    write_exr(path, [Part("rgba", half_pixels(16, 24), RGB, DISPLAY)], DISPLAY, METADATA)
    found = read_exr(path).metadata
    expected = METADATA | {
        "chromaticities": Attribute("float[8]", tuple(map(float, np.float32(METADATA["chromaticities"].value))))
    }
    assert found == expected
    again = tmp_path / "b.exr"
    write_exr(again, [Part("rgba", half_pixels(16, 24), RGB, DISPLAY)], DISPLAY, found)
    assert read_exr(again).metadata == expected
    assert path.read_bytes() == again.read_bytes()


def test_the_clock_is_not_in_the_file(tmp_path):
    path = write(tmp_path / "a.exr", half_pixels(16, 24))
    assert "DateTime" not in read_exr(path).metadata


def test_mixed_half_and_float_channels_keep_their_types(tmp_path):
    pixels = np.concatenate([half_pixels(16, 24), float_pixels(16, 24, 1)], axis=2)
    formats = ("half", "half", "half", "float")
    frame = read_exr(write(tmp_path / "a.exr", pixels, RGBA, formats=formats))
    assert frame.pixels.tobytes() == pixels.tobytes()
    assert frame.formats == formats and not frame.half


def test_values_beyond_half_stay_finite_and_infinity_stays(tmp_path):
    pixels = np.zeros((16, 24, 3), np.float32)
    pixels[0, 0] = [1e6, -1e6, np.inf]
    frame = read_exr(write(tmp_path / "a.exr", pixels))
    assert frame.pixels[0, 0].tolist() == [HALF_MAX, -HALF_MAX, np.inf]


def test_parts_have_their_own_data_window_and_share_the_display(tmp_path):
    plate, face = half_pixels(20, 30, 4), float_pixels(5, 6, 6)
    names = ("face.R", "face.G", "face.B", "clean.R", "clean.G", "clean.B")
    parts = [Part("rgba", plate, RGBA, OVERSCAN), Part("elements", face, names, Window(4, 5, 6, 5), half=False)]
    path = tmp_path / "a.exr"
    write_exr(path, parts, DISPLAY, METADATA)
    whole = read_exr(path)
    assert whole.pixels.tobytes() == plate.tobytes() and whole.data_window == OVERSCAN
    element = read_exr(path, part="elements", layer="clean")
    assert np.array_equal(element.pixels, face[..., 3:])
    assert (element.data_window, element.display_window) == (Window(4, 5, 6, 5), DISPLAY)
    assert element.metadata[TIMECODE] == METADATA[TIMECODE]
    assert read_exr(path, layer="face").pixels.shape == (5, 6, 3)  # found in the part that has it
    assert read_header(path, part="elements", channels=["clean.G"]).channels == ("clean.G",)


def test_several_parts_that_would_do_are_not_guessed(tmp_path):
    one, two = half_pixels(16, 24), float_pixels(16, 24)
    write_exr(
        tmp_path / "a.exr", [Part("key", one, RGB, DISPLAY), Part("fill", two, RGB, DISPLAY, half=False)], DISPLAY
    )
    with pytest.raises(
        PlateError,
        match=r"a.exr: parts 'key', 'fill' all have the channels; one was expected; name it in \[plate\].part",
    ):
        read_exr(tmp_path / "a.exr")
    assert np.array_equal(read_exr(tmp_path / "a.exr", part="fill").pixels, two)
    write_exr(
        tmp_path / "b.exr", [Part("key", one, RGB, DISPLAY), Part("RGBA", two, RGB, DISPLAY, half=False)], DISPLAY
    )
    assert np.array_equal(read_exr(tmp_path / "b.exr").pixels, two)


def test_layers_and_single_channels_are_chosen(tmp_path):
    names = ("R", "G", "B", "beauty.B", "beauty.G", "beauty.R", "matte.face")
    pixels = half_pixels(16, 24, 7)
    path = write(tmp_path / "a.exr", pixels, names)
    assert np.array_equal(read_exr(path).pixels, pixels[..., :3])
    assert np.array_equal(read_exr(path, layer="beauty").pixels, pixels[..., [5, 4, 3]])
    assert np.array_equal(read_exr(path, channels=["matte.face", "R"]).pixels, pixels[..., [6, 0]])
    single = read_exr(write(tmp_path / "y.exr", pixels[..., :1], ("Y",)))
    assert single.channels == ("Y",) and np.array_equal(single.pixels, pixels[..., :1])


def test_other_formats_can_be_read_as_0_to_1(tmp_path):
    path = foreign(tmp_path / "a.png", lambda spec: None, np.full((16, 24, 3), 0.5, np.float32), kind="uint16")
    frame = read_exr(path)
    assert frame.pixels[0, 0, 0] == pytest.approx(0.5, abs=1 / 65535)
    assert not frame.half and frame.formats == ("uint16",) * 3


@pytest.mark.parametrize(
    "choice, message",
    [
        (
            {"part": "elemnts"},
            r"a.exr: no part 'elemnts'; did you mean 'elements'\? parts in the file: rgba, elements$",
        ),
        ({"layer": "fce"}, r"a.exr: channels .*; expected fce.R, fce.G, fce.B; .*choose a layer that is there$"),
        (
            {"part": "elements", "layer": "fce"},
            r"channels face.R, face.G, face.B; expected fce.R.*; did you mean 'face'\?",
        ),
        ({"part": "elements"}, r"channels face.R, face.G, face.B; expected R, G, B; name the layer in the shot file"),
        ({"channels": ["Z"]}, r"a.exr: channels R, G, B; expected Z; name one that is there$"),
    ],
)
def test_wrong_names_are_answered_with_the_known_ones(tmp_path, choice, message):
    parts = [
        Part("rgba", half_pixels(16, 24), RGB, DISPLAY),
        Part("elements", half_pixels(4, 4), ("face.R", "face.G", "face.B"), Window(0, 0, 4, 4)),
    ]
    write_exr(tmp_path / "a.exr", parts, DISPLAY)
    with pytest.raises(PlateError, match=message):
        read_exr(tmp_path / "a.exr", **choice)


def test_wrong_channel_names(tmp_path):
    path = foreign(tmp_path / "a.exr", lambda spec: None, channels=("X", "Y", "Z"))
    with pytest.raises(
        PlateError,
        match=r"a.exr: channels .*X.*; expected R, G, B; name the layer in the shot file, \[plate\].layer, or",
    ):
        read_exr(path)


def test_names_that_are_no_text_are_shown_legibly(tmp_path):
    path = foreign(tmp_path / "a.exr", lambda spec: None, channels=("X", "Y", "Z"))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"X\0\1\0\0\0", b"\xff\0\1\0\0\0", 1))  # a channel's name in the header's list
    with pytest.raises(PlateError, match=r"a.exr: channels [XYZ?, ]+; expected R, G, B") as caught:
        read_exr(path)
    assert str(caught.value).isprintable() and "?" in str(caught.value)


@pytest.mark.parametrize("names", [("r", "g", "b"), ("red", "green", "blue"), ("Red", "Green", "Blue")])
def test_other_spellings_of_colours_are_understood(tmp_path, names):
    pixels = half_pixels(16, 24)
    path = foreign(tmp_path / "a.exr", lambda spec: None, pixels, names)
    assert read_exr(path).channels == RGB
    assert np.array_equal(read_exr(path).pixels, pixels)


def test_deep_is_refused(tmp_path):
    spec = oiio.ImageSpec(4, 4, 5, "float")
    spec.channelnames = ("R", "G", "B", "A", "Z")
    spec.deep = True
    deep = oiio.DeepData()
    deep.init(spec)
    for pixel in range(16):
        deep.set_samples(pixel, 1)
    out = oiio.ImageOutput.create(str(tmp_path / "deep.exr"))
    assert out.open(str(tmp_path / "deep.exr"), spec) and out.write_deep_image(deep) and out.close()
    with pytest.raises(
        PlateError, match=r"deep.exr: deep image \(many samples a pixel\); a flat one was expected; flatten it"
    ):
        read_exr(tmp_path / "deep.exr")


def test_stereo_in_one_part_is_refused(tmp_path):
    views = lambda spec: spec.attribute("multiView", oiio.TypeDesc("string[2]"), ("left", "right"))  # noqa: E731
    path = foreign(tmp_path / "s.exr", views)
    with pytest.raises(
        PlateError, match=r"s.exr: stereo image, views left, right; one view was expected; write each view as its own"
    ):
        read_exr(path)


def test_stereo_in_two_parts_is_refused(tmp_path):
    specs = []
    for view in ("left", "right"):
        spec = oiio.ImageSpec(4, 4, 3, "half")
        spec.attribute("view", view)
        spec.attribute("name", f"rgba.{view}")
        specs.append(spec)
    path = str(tmp_path / "s.exr")
    out = oiio.ImageOutput.create(path)
    pixels = np.zeros((4, 4, 3), np.float32)
    assert out.open(path, tuple(specs)) and out.write_image(pixels)
    assert out.open(path, specs[1], "AppendSubimage") and out.write_image(pixels) and out.close()
    with pytest.raises(PlateError, match="stereo image, views left, right"):
        read_header(path)


@pytest.mark.parametrize("compression", ["none", "zip", "piz"])
def test_a_file_cut_short_anywhere_is_one_line(tmp_path, compression):
    path = tmp_path / "a.1001.exr"
    write_exr(path, [Part("rgba", half_pixels(20, 30, 4), RGBA, OVERSCAN)], DISPLAY, METADATA, compression)
    whole = path.read_bytes()
    for length in (0, 3, 8, 100, len(whole) // 2, len(whole) - 60, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(
            PlateError, match=r"a.1001.exr: damaged or not an image \(.+\); a whole image was expected; copy"
        ) as caught:
            read_exr(path)
        assert "\n" not in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(PlateError, match=r"a.exr: no such file; a readable image was expected; check the path"):
        read_exr(tmp_path / "a.exr")
    with pytest.raises(PlateError, match=r": is a folder; a readable image was expected"):
        read_exr(tmp_path)


@pytest.mark.parametrize(
    "part, message",
    [
        (Part("rgba", half_pixels(4, 4), RGB, DISPLAY), r"part 'rgba': pixels \(4, 4, 3\) do not fit"),
        (Part("rgba", half_pixels(16, 24), RGBA, DISPLAY), "do not fit .* with channels"),
        (
            Part("rgba", half_pixels(16, 24), RGB, DISPLAY, formats=("half", "half", "uint32")),
            "want half or float for each",
        ),
        (Part("rgba", half_pixels(16, 24), ("R", "G", "R"), DISPLAY), "channel names repeat"),
        (Part("rgba", np.zeros((0, 0, 3), np.float32), RGB, Window(0, 0, 0, 0)), "EXR can't hold an empty window"),
    ],
)
def test_parts_that_contradict_themselves_are_our_bug(tmp_path, part, message):
    with pytest.raises(ValueError, match=message):
        write_exr(tmp_path / "a.exr", [part], DISPLAY)
    assert not list(tmp_path.iterdir())


def test_two_parts_of_one_name_are_our_bug(tmp_path):
    part = Part("rgba", half_pixels(16, 24), RGB, DISPLAY)
    with pytest.raises(ValueError, match=r"parts need names of their own, got \['rgba', 'rgba'\]"):
        write_exr(tmp_path / "a.exr", [part, part], DISPLAY)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path / "a.exr", half_pixels(16, 24))
    before = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))  # the kernel refuses to let any file grow past this
    try:
        with pytest.raises(
            DeliveryError, match="a.exr: could not be written: .*; check the disk and run the same command again"
        ):
            write(path, float_pixels(16, 24), half=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.exr"]


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root and mount for a small tmpfs")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        big = Window(0, 0, 256, 256)
        noise = float_pixels(256, 256)
        with pytest.raises(
            DeliveryError, match=r"a.exr: could not be written: the disk is full; free some space and run"
        ):
            write_exr(disk / "a.exr", [Part("rgba", noise, RGB, big, half=False)], big)
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)
