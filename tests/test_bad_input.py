"""What goes wrong on real shows, each with its one line, nothing lost: run again after the repair and it finishes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import BusyError, DeliveryError, PlateError, ShotError, TrackError
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, read_exr, write_exr
from vfx_deepfake.progress import Silent
from vfx_deepfake.steps.pipeline import run_shot

ROOT = Path(__file__).parents[1]
QUICK = ("model.method=propagate",)
FRAMES = (1001, 1002, 1003, 1004)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad") / "sh0010"
    return make_performer_shot(
        folder, width=192, height=144, count=len(FRAMES), key_frames=(1001, 1004), overrides=QUICK
    ).folder


@pytest.fixture
def shot(made, tmp_path):
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "sh0010"))


def run(shot: Path, *overrides: str) -> dict:
    return run_shot(str(shot), overrides, Silent())


def plate(shot: Path, frame: int) -> Path:
    return shot / "plate" / f"sh0010.{frame}.exr"


def rewrite(path: Path, change) -> None:
    """Write a plate frame again with other pixels or channels."""
    frame = read_exr(path)
    pixels, channels = change(frame.pixels.copy(), frame.channels)
    part = Part("", pixels, channels, frame.data_window.__class__(0, 0, pixels.shape[1], pixels.shape[0]), frame.half)
    write_exr(path, [part], Window(0, 0, pixels.shape[1], pixels.shape[0]), frame.metadata)


def nothing_partial(shot: Path) -> None:
    assert not list((shot / "versions").glob("v*"))
    assert not [p for p in shot.rglob(".*") if ".part" in p.name]


def test_a_truncated_frame_is_named_and_the_run_goes_on_after_repair(shot):
    whole = plate(shot, 1003).read_bytes()
    plate(shot, 1003).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PlateError, match=r"sh0010.*plate/sh0010\.1003\.exr: .*copy the file again from its source"):
        run(shot)
    nothing_partial(shot)
    plate(shot, 1003).write_bytes(whole)
    assert run(shot)["version"].endswith("v001")


def test_a_plate_that_changes_after_tracking_is_tracked_again(shot):
    run(shot)
    before = FaceTrack.load(shot / "track" / "track.npz").points
    rewrite(plate(shot, 1002), lambda pixels, channels: (np.roll(pixels, 6, axis=1), channels))
    result = run(shot)
    assert result["version"].endswith("v002")
    assert not np.array_equal(FaceTrack.load(shot / "track" / "track.npz").points, before)


def test_nan_is_refused_with_its_place_or_filled_on_request(shot):
    def spoil(pixels, channels):
        pixels[7, 11, 1] = np.nan
        pixels[80, 90] = np.inf
        return pixels, channels

    rewrite(plate(shot, 1002), spoil)
    with pytest.raises(
        PlateError, match=r"1002\.exr: 2 pixels are NaN or Inf, the first at x 11, y 7 \(G is nan\).*repair the plate"
    ):
        run(shot)
    nothing_partial(shot)
    assert run(shot, "plate.nan_policy=neighbours")["version"].endswith("v001")
    delivered = read_exr(shot / "versions" / "v001" / "exr" / "sh0010_v001.1002.exr", part="rgba").pixels
    assert np.isnan(delivered[7, 11, 1]), "the plate's own pixel outside the matte, bit for bit"


def test_no_face_says_so_and_what_to_do(tmp_path):
    shot = make_performer_shot(
        tmp_path / "sh0010", width=192, height=144, count=3, key_frames=(1001, 1003), overrides=QUICK
    )
    for frame in (1001, 1002, 1003):
        rewrite(shot.plate_frame(frame), lambda pixels, channels: (np.full_like(pixels, 0.18), channels))
    with pytest.raises(
        TrackError, match=r"sh0010: no face was found in any of 3 frames; check the plate's colour space"
    ):
        run(shot.folder)


def test_of_two_faces_the_box_chooses_and_the_other_stays_untouched(shot):
    for frame in FRAMES:
        rewrite(plate(shot, frame), lambda pixels, channels: (np.concatenate([pixels, pixels], axis=1), channels))
    for frame in (1001, 1004):
        wide = shot / "keyframes" / f"sh0010.{frame}.exr"
        own = read_exr(plate(shot, frame)).pixels
        rewrite(wide, lambda pixels, channels, own=own: (np.concatenate([own[:, :192], pixels], axis=1), channels))
    run(shot, "track.box=[192, 0, 192, 144]")
    track = FaceTrack.load(shot / "track" / "track.npz")
    assert np.nanmin(track.points[..., 0]) > 192
    for frame in FRAMES:
        out = read_exr(shot / "versions" / "v001" / "exr" / f"sh0010_v001.{frame}.exr", part="rgba").pixels
        own = read_exr(plate(shot, frame)).pixels
        assert np.array_equal(out[:, :192], own[:, :192])
        assert not np.array_equal(out[:, 192:], own[:, 192:])


def test_a_plate_with_other_channel_names_lists_what_it_has(shot):
    for frame in FRAMES:
        rewrite(plate(shot, frame), lambda pixels, channels: (pixels, ("X", "Y", "Z")))
    with pytest.raises(ShotError, match=r"sh0010\.1001\.exr: .*X, Y, Z"):
        run(shot)


def test_one_frame_of_another_size(shot):
    rewrite(plate(shot, 1002), lambda pixels, channels: (np.ascontiguousarray(pixels[:, :100]), channels))
    with pytest.raises(
        PlateError,
        match=r"1002\.exr: display window 100 x 144 at 0, 0; 192 x 144 at 0, 0 was expected, as in sh0010\.1001\.exr",
    ):
        run(shot)
    nothing_partial(shot)


HOLD = (
    "import sys,time; from pathlib import Path; from vfx_deepfake.files import one_writer\n"
    "with one_writer(Path(sys.argv[1]) / 'work', 'vfx-deepfake run of sh0010'):\n print('held', flush=True); time.sleep(60)"
)


def test_two_runs_on_one_shot_at_once(shot):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(shot)], stdout=subprocess.PIPE, cwd=ROOT) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            with pytest.raises(
                BusyError,
                match=rf"vfx-deepfake run of sh0010 \(host .*, process {other.pid}\) works on it; wait until it is done",
            ):
                run(shot)
        finally:
            other.kill()
    time.sleep(0.1)
    assert run(shot)["version"].endswith("v001")


@contextlib.contextmanager
def mounted(folder: Path, options: str):
    """A small file system of its own; the test is skipped where mounting is not allowed."""
    folder.mkdir(exist_ok=True)
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting a tmpfs needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(made, tmp_path):
    with mounted(tmp_path / "small", "size=2600k") as disk:
        shot = Path(shutil.copytree(made, disk / "sh0010", ignore=shutil.ignore_patterns("truth")))
        with pytest.raises((DeliveryError, ShotError), match=r"the disk is full; free some space|free some space"):
            run(shot)
        nothing_partial(shot)
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert run(shot)["version"].endswith("v001")


def test_a_read_only_disk_is_one_line(made, tmp_path):
    with mounted(tmp_path / "ro", "size=32m") as disk:
        shot = Path(shutil.copytree(made, disk / "sh0010", ignore=shutil.ignore_patterns("truth")))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises((DeliveryError, ShotError), match=r"can't be written to|read-only; choose another folder"):
            run(shot)
