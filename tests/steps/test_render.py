"""Rendering through real files: untouched pixels are the plate, the layers rebuild the picture, runs resume."""

import os
import subprocess
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio
import pytest

from tests.steps.shots import (
    DATA,
    DISPLAY,
    FACELESS,
    FRAMES,
    Painter,
    crop_window,
    make_job,
    open_plate,
    raw,
    write_plate,
)
from vfx_deepfake.errors import DeliveryError, KeyframeError
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import NO_GRAIN, flat_model
from vfx_deepfake.media.cryptomatte import CHANNELS
from vfx_deepfake.media.delivery import quantise
from vfx_deepfake.media.dpx import DpxHeader, read_codes, write_dpx
from vfx_deepfake.media.exr import Part, read_exr, write_exr
from vfx_deepfake.settings import MattesSpec
from vfx_deepfake.steps.elements import APPLIED, DATA_CHANNELS, ELEMENT_CHANNELS, rebuild
from vfx_deepfake.steps.render import dpx_output, exr_output, render_frames

LOGC = "ARRI LogC3 (EI800)"
GRAIN = flat_model(0.01)


def plate_and_result(folder: Path, frame: int) -> tuple[np.ndarray, np.ndarray]:
    (plate, before), (result, after) = raw(folder / f"plate.{frame}.exr"), raw(folder / f"out/exr/sh.{frame}.exr")
    assert before.channelnames == after.channelnames and before.format == after.format
    assert (before.x, before.y, before.full_x, before.full_width) == (after.x, after.y, after.full_x, after.full_width)
    return plate, result


@pytest.mark.parametrize("half", [True, False], ids=["half", "float"])
@pytest.mark.parametrize("space", ["ACEScg", "Linear Rec.709 (sRGB)", LOGC])
@pytest.mark.parametrize("grain", [NO_GRAIN, GRAIN], ids=["clean", "grain"])
@pytest.mark.parametrize("model", [Painter(delta=0.0), Painter(matte=0.0)], ids=["F=D", "M=0"])
def test_without_a_change_every_bit_is_the_plate_s(tmp_path, half, space, grain, model) -> None:
    plate = open_plate(write_plate(tmp_path, half), space)
    counts = render_frames(make_job(plate, tmp_path / "out", model, grain), FRAMES)
    for frame in FRAMES:
        assert np.array_equal(*plate_and_result(tmp_path, frame))
        assert counts[frame]["changed_px"] == 0


@pytest.mark.parametrize("half", [True, False], ids=["half", "float"])
@pytest.mark.parametrize("space", ["ACEScg", "Linear Rec.709 (sRGB)"])
@pytest.mark.parametrize("grain", [NO_GRAIN, GRAIN], ids=["clean", "grain"])
def test_outside_the_matte_every_bit_is_the_plate_s(tmp_path, half, space, grain) -> None:
    plate = open_plate(write_plate(tmp_path, half), space)
    counts = render_frames(make_job(plate, tmp_path / "out", grain=grain), FRAMES)
    for frame in FRAMES:
        before, after = plate_and_result(tmp_path, frame)
        matte = np.zeros(DATA.shape, np.float32)
        elements = read_exr(tmp_path / f"out/exr/sh.{frame}.exr", part="elements", channels=ELEMENT_CHANNELS)
        matte[elements.data_window.slices(DATA)] = elements.pixels[..., ELEMENT_CHANNELS.index(APPLIED)]
        untouched = matte == 0
        assert np.array_equal(before[untouched], after[untouched])
        assert np.array_equal(before[..., 3], after[..., 3])  # alpha, everywhere
        changed = (before[~untouched] != after[~untouched]).any(axis=-1)
        if frame == FACELESS:
            assert untouched.all() and counts[frame]["changed_px"] == 0
        else:
            assert changed.mean() > 0.9 and counts[frame]["changed_px"] == changed.sum() > 200


@pytest.mark.parametrize("half", [True, False], ids=["half", "float"])
def test_a_compositor_rebuilds_the_picture_from_the_layers(tmp_path, half) -> None:
    plate = open_plate(write_plate(tmp_path, half))
    render_frames(make_job(plate, tmp_path / "out", Painter(matte=0.7), GRAIN), FRAMES[:1])
    file = tmp_path / "out/exr/sh.1001.exr"
    elements = read_exr(file, part="elements", channels=ELEMENT_CHANNELS)
    rgba = read_exr(file).pixels[elements.data_window.slices(DATA)][..., :3]
    clean, face, noise = (
        np.abs(elements.pixels[..., [ELEMENT_CHANNELS.index(f"{layer}.{c}") for c in "RGB"]])
        for layer in ("clean", "face", "grain")
    )
    # every layer, the matte and the picture are rounded to half (2**-11 of themselves) or to float (2**-24)
    unit = 2**-11 if half else 2**-22
    bound = 3 * unit * (2 * clean + 2 * face + noise) + 2**-24
    assert (np.abs(rebuild(elements.pixels, ELEMENT_CHANNELS) - rgba) <= bound).mean() > 0.995  # 65504 is held in half


def test_every_frame_has_every_layer(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    render_frames(make_job(plate, tmp_path / "out"), FRAMES)
    for frame in FRAMES:
        specs = [raw(tmp_path / f"out/exr/sh.{frame}.exr", part)[1] for part in range(3)]
        assert [spec["name"] for spec in specs] == ["rgba", "elements", "data"]
        assert tuple(specs[0].channelnames) == ("R", "G", "B", "A")
        assert sorted(specs[1].channelnames) == sorted(ELEMENT_CHANNELS)
        assert sorted(specs[2].channelnames) == sorted(DATA_CHANNELS)
        window = Window(DATA.x, DATA.y, 1, 1) if frame == FACELESS else crop_window(frame)
        for spec in specs[1:]:
            assert Window(spec.x, spec.y, spec.width, spec.height) == window
            assert (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == (0, 0, 80, 72)
        assert specs[0].getattribute("vendor/take") == "7" and specs[0].getattribute("smpte:TimeCode")
    black = read_exr(tmp_path / f"out/exr/sh.{FACELESS}.exr", part="elements", channels=ELEMENT_CHANNELS)
    assert not black.pixels.any()


def test_coordinates_and_motion_point_where_nuke_expects(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    render_frames(make_job(plate, tmp_path / "out"), FRAMES)
    data = read_exr(tmp_path / "out/exr/sh.1001.exr", part="data", channels=DATA_CHANNELS)
    u, v, right, up, sure = np.moveaxis(data.pixels, -1, 0)
    face = (u > 0) & (v > 0)
    # at this size some triangles of lids and lips are thinner than a pixel, where weights are held
    assert np.isclose(right[face], 1.5, atol=1e-3).mean() > 0.98
    assert np.isclose(up[face], -1.0, atol=1e-3).mean() > 0.98  # down on the screen
    rows, columns = np.nonzero(face)
    assert np.corrcoef(u[face], columns)[0, 1] > 0.99 and np.corrcoef(v[face], rows)[0, 1] < -0.99
    assert sure.min() == sure.max() == 0.75
    gone = read_exr(tmp_path / "out/exr/sh.1002.exr", part="data", channels=DATA_CHANNELS)
    assert not gone.pixels[..., 2:4].any()  # the next frame has no face


def test_a_holdout_keeps_the_plate(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    left_half = np.zeros((*DISPLAY.shape, 1), np.float32)
    left_half[:, :40] = 1
    write_exr(tmp_path / "holdout.1001.exr", [Part("roto", left_half, ("A",), DISPLAY)], DISPLAY)
    render_frames(make_job(plate, tmp_path / "out", mattes=MattesSpec(holdout="holdout.####.exr")), FRAMES[:1])
    before, after = plate_and_result(tmp_path, 1001)
    split = 40 - DATA.x
    assert np.array_equal(before[:, :split], after[:, :split])
    assert not np.array_equal(before[:, split:], after[:, split:])


def test_bad_pixels_pass_and_do_not_spread(tmp_path) -> None:
    pattern = write_plate(tmp_path)
    pixels = np.full((*DATA.shape, 3), 0.2, np.float32)
    pixels[30, 45], pixels[31, 46, 1] = np.nan, np.inf
    write_exr(tmp_path / "plate.1001.exr", [Part("rgba", pixels, ("R", "G", "B"), DATA)], DISPLAY)
    for frame in FRAMES[1:]:
        (tmp_path / f"plate.{frame}.exr").unlink()
    plate = open_plate(pattern, nan_policy="neighbours")
    render_frames(make_job(plate, tmp_path / "out", grain=GRAIN), FRAMES[:1])
    before, after = plate_and_result(tmp_path, 1001)
    finite = np.isfinite(after.view(np.float16))
    assert (~finite).sum() == 4 and np.array_equal(before[~finite], after[~finite])
    assert (before[25:36, 40:50] != after[25:36, 40:50])[finite[25:36, 40:50]].all()


@pytest.mark.parametrize("bits", [10, 16])
def test_dpx_outside_the_matte_is_a_straight_conversion(tmp_path, bits) -> None:
    plate = open_plate(write_plate(tmp_path, channels="RGB"), "Linear Rec.709 (sRGB)")
    dpx = dpx_output(
        lambda frame: tmp_path / f"out/dpx/sh.{frame}.dpx",
        plate.color,
        plate.colorspace,
        LOGC,
        bits,
        lambda f: DpxHeader(),
    )
    job = make_job(plate, tmp_path / "out")
    counts = render_frames(make_job(plate, tmp_path / "out", outputs=[*job.outputs, dpx]), FRAMES)
    for frame in FRAMES:
        before, after = plate_and_result(tmp_path, frame)
        untouched = placed((before == after).all(axis=-1), False)
        straight, _ = quantise(plate.color.convert(plate.read(frame).pixels, plate.colorspace, LOGC), bits)
        decoded = decode_dpx(tmp_path / f"out/dpx/sh.{frame}.dpx", bits)
        assert np.array_equal(decoded[untouched], placed(straight, 0)[untouched])
        assert untouched.mean() < 0.9 or frame == FACELESS
        assert counts[frame]["clipped_values"] > 0  # the plate has 65504 in it


def test_dpx_in_and_out_keeps_every_untouched_code(tmp_path) -> None:
    rng = np.random.default_rng(2)
    for frame in FRAMES:
        write_dpx(tmp_path / f"plate.{frame}.dpx", rng.integers(0, 1024, (72, 80, 3), np.uint16), 10)
    plate = open_plate(str(tmp_path / "plate.####.dpx"), LOGC)
    dpx = dpx_output(
        lambda frame: tmp_path / f"out/dpx/sh.{frame}.dpx",
        plate.color,
        plate.colorspace,
        LOGC,
        10,
        lambda f: DpxHeader(),
    )
    job = make_job(plate, tmp_path / "out", grain=GRAIN)
    render_frames(make_job(plate, tmp_path / "out", grain=GRAIN, outputs=[*job.outputs, dpx]), FRAMES)
    for frame in FRAMES:
        before, _ = read_codes(tmp_path / f"plate.{frame}.dpx")
        after = decode_dpx(tmp_path / f"out/dpx/sh.{frame}.dpx", 10)
        elements = read_exr(tmp_path / f"out/exr/sh.{frame}.exr", part="elements", channels=ELEMENT_CHANNELS)
        matte = np.zeros(DISPLAY.shape, np.float32)
        matte[elements.data_window.slices(DISPLAY)] = elements.pixels[..., ELEMENT_CHANNELS.index(APPLIED)]
        assert np.array_equal(before[matte == 0], after[matte == 0])
        assert frame == FACELESS or not np.array_equal(before, after)


def placed(image: np.ndarray, outside: float) -> np.ndarray:
    """An image of the data window on the display window."""
    out = np.full((*DISPLAY.shape, *image.shape[2:]), outside, image.dtype)
    shared = DATA.intersect(DISPLAY)
    out[shared.slices(DISPLAY)] = image[shared.slices(DATA)]
    return out


def decode_dpx(path: Path, bits: int) -> np.ndarray:
    """Codes by FFmpeg, which shares nothing with the writer."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    if bits == 16:
        return frame.to_ndarray(format="rgb48le").reshape(*DISPLAY.shape, 3)
    assert frame.format.name.startswith("gbrp10")
    planes = [
        np.frombuffer(plane, ">u2" if frame.format.name.endswith("be") else "<u2").reshape(-1, plane.line_size // 2)
        for plane in frame.planes
    ]
    green, blue, red = (plane[: frame.height, : frame.width] for plane in planes)
    return np.stack([red, green, blue], axis=-1).astype(np.uint16)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.exr"))}


@pytest.mark.parametrize("space", ["ACEScg", "Linear Rec.709 (sRGB)"])
def test_chunks_in_any_order_give_the_files_of_one_run(tmp_path, space) -> None:
    plate = open_plate(write_plate(tmp_path), space)
    render_frames(make_job(plate, tmp_path / "whole", grain=GRAIN), FRAMES)
    for frame in reversed(FRAMES):
        render_frames(make_job(plate, tmp_path / "chunks", grain=GRAIN), [frame])
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "chunks")


def test_finished_frames_are_checked_and_kept(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    job = make_job(plate, tmp_path / "out")
    first = render_frames(job, FRAMES)
    whole = bytes_of(tmp_path / "out")
    made = []

    def counting(frame, picture):
        made.append(frame)
        return job.face(frame, picture)

    seen = []
    again = make_job(plate, tmp_path / "out", face=counting)
    assert render_frames(again, FRAMES, lambda *state: seen.append(state)) == first
    assert made == [] and seen == [(i + 1, 4, frame) for i, frame in enumerate(FRAMES)]

    with (tmp_path / "out/exr/sh.1002.exr").open("r+b") as file:
        file.truncate(1000)
    (tmp_path / "out/exr/sh.1004.exr").unlink()
    (tmp_path / "out/.frame.1001.json").write_text("{")
    assert render_frames(again, FRAMES) == first
    assert made == [1001, 1002, 1004] and bytes_of(tmp_path / "out") == whole

    made.clear()
    changed = make_job(plate, tmp_path / "out", face=counting, identity=lambda frame: {"test": 2, "frame": frame})
    render_frames(changed, FRAMES[:2])
    assert made == [1001, 1002]


def test_no_file_is_read_twice(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    reads: list[int] = []
    original = plate.read
    plate.read = lambda frame: reads.append(frame) or original(frame)
    render_frames(make_job(plate, tmp_path / "out"), FRAMES)
    assert sorted(reads) == list(FRAMES)


def test_an_interrupt_leaves_whole_frames_and_a_rerun_finishes(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    render_frames(make_job(plate, tmp_path / "whole"), FRAMES)

    def interrupt(done: int, total: int, frame: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_frames(make_job(plate, tmp_path / "out"), FRAMES, interrupt)
    left = bytes_of(tmp_path / "out")
    assert left and left.items() <= bytes_of(tmp_path / "whole").items()
    assert not [name for name in os.listdir(tmp_path / "out/exr") if name.startswith(".")]
    render_frames(make_job(plate, tmp_path / "out"), FRAMES)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 64 KiB, smaller than three frames."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # a failed test may still hold a file


def test_a_full_disk_is_one_clear_line_and_nothing_half_written(tmp_path, tiny_disk) -> None:
    plate = open_plate(write_plate(tmp_path))
    with pytest.raises(
        DeliveryError, match=r"^\S+sh\.\d+\.exr: could not be written: the disk is full; free some space"
    ):
        render_frames(make_job(plate, tiny_disk), FRAMES)
    for path in tiny_disk.rglob("*"):
        assert path.is_dir() or path.suffix == ".json" or oiio.ImageBuf(str(path)).read(), (
            f"{path.name} is half written"
        )


def test_a_read_only_disk_is_one_clear_line(tmp_path, tiny_disk) -> None:
    plate = open_plate(write_plate(tmp_path))
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(DeliveryError, match="could not be written: the disk is read-only; choose another folder"):
        render_frames(make_job(plate, tiny_disk), FRAMES)
    assert not list(tiny_disk.iterdir())


def test_a_model_s_bad_numbers_do_not_reach_the_picture(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    counts = render_frames(make_job(plate, tmp_path / "out", Painter(delta=float("nan"))), FRAMES)
    for frame in FRAMES:
        assert np.array_equal(*plate_and_result(tmp_path, frame)) and counts[frame]["changed_px"] == 0
    loud = render_frames(make_job(plate, tmp_path / "loud", Painter(delta=1.5)), FRAMES[:1])
    assert loud[1001]["held_values"] > 0
    result = read_exr(tmp_path / "loud/exr/sh.1001.exr").pixels
    assert np.isfinite(result).all()


def test_any_channel_of_a_roto_file_holds_out_and_the_parts_are_as_visible(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    left_half = np.zeros((*DISPLAY.shape, 2), np.float32)
    left_half[:, :40, 1] = 1
    write_exr(tmp_path / "roto.1001.exr", [Part("roto", left_half, ("A", "hand.R"), DISPLAY)], DISPLAY)
    spec = MattesSpec(holdout="roto.####.exr", holdout_channel="hand.R")
    render_frames(make_job(plate, tmp_path / "out", mattes=spec), FRAMES[:1])
    before, after = plate_and_result(tmp_path, 1001)
    split = 40 - DATA.x
    assert np.array_equal(before[:, :split], after[:, :split])
    assert not np.array_equal(before[:, split:], after[:, split:])
    layers = read_exr(tmp_path / "out/exr/sh.1001.exr", part="elements", channels=("matte.face", "matte.holdout"))
    left = 40 - layers.data_window.x
    assert not layers.pixels[:, :left, 0].any() and layers.pixels[:, left:, 0].any()
    assert (layers.pixels[:, :left, 1] == 1).all() and not layers.pixels[:, left:, 1].any()


def test_garbage_keeps_the_plate_and_the_parts_of_the_face_stay_whole(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    write_exr(tmp_path / "g.1001.exr", [Part("g", np.ones((*DISPLAY.shape, 1), np.float32), ("A",), DISPLAY)], DISPLAY)
    render_frames(make_job(plate, tmp_path / "out", mattes=MattesSpec(garbage="g.####.exr")), FRAMES[:1])
    before, after = plate_and_result(tmp_path, 1001)
    inside = Window(0, DATA.y, DISPLAY.width, DATA.height).slices(DATA)  # roto covers the display window alone
    assert np.array_equal(before[inside], after[inside])
    assert read_exr(tmp_path / "out/exr/sh.1001.exr", part="elements", channels=("matte.face",)).pixels.any()


def test_roto_that_does_not_fit_is_named(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    job = make_job(plate, tmp_path / "out", mattes=MattesSpec(holdout="h.####.exr", holdout_channel="hand.R"))
    small = Window(0, 0, 40, 30)
    write_exr(tmp_path / "h.1001.exr", [Part("h", np.ones((30, 40, 1), np.float32), ("hand.R",), small)], small)
    with pytest.raises(KeyframeError, match=r"roto of frame 1001 \(h\.1001\.exr\): is 40 x 30; the plate is 80 x 72"):
        render_frames(job, FRAMES[:1])
    write_exr(tmp_path / "h.1001.exr", [Part("h", np.ones((*DISPLAY.shape, 1), np.float32), ("A",), DISPLAY)], DISPLAY)
    with pytest.raises(KeyframeError, match=r"roto of frame 1001 \(h\.1001\.exr\): .*channels A; expected hand\.R"):
        render_frames(job, FRAMES[:1])


def test_id_mattes_come_with_every_frame(tmp_path) -> None:
    plate = open_plate(write_plate(tmp_path))
    with_ids = exr_output(lambda frame: tmp_path / f"out/exr/sh.{frame}.exr", with_ids=True)
    frames = (FRAMES[0], FACELESS)
    render_frames(make_job(plate, tmp_path / "out", outputs=[with_ids]), frames)
    found = [read_exr(tmp_path / f"out/exr/sh.{frame}.exr", part="ids", channels=CHANNELS) for frame in frames]
    assert found[0].pixels.any() and not found[1].pixels.any()
    assert any(name.endswith("/manifest") for name in read_exr(tmp_path / "out/exr/sh.1001.exr", part="rgba").metadata)
