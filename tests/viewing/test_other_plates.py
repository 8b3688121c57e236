"""Plates that are not half floats over the whole picture: camera log in integers, overscan, values that are no numbers."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.dpx import write_dpx
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.progress import Silent
from vfx_deepfake.steps.init import InitRequest, init_shot
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.render_stage import render_stage
from vfx_deepfake.steps.review import review_stage
from vfx_deepfake.steps.version import version_stage
from vfx_deepfake.viewing.info import info_of
from vfx_deepfake.viewing.mattes import matte_plane
from vfx_deepfake.viewing.packed import BROKEN, NOTHING, PICTURE, code_of, pack, unpack
from vfx_deepfake.viewing.published import PLATE, VERSION, open_published
from vfx_deepfake.viewing.stills import display_picture, working_picture

FRAMES = (1001, 1002)


def published(folder, plate, space, *overrides):
    """The plate passed through, as a published version."""
    file = init_shot(InitRequest(folder=folder, template="passthrough", plate=plate, colorspace=space, frames="1001-1002",
                                 overrides=("review.movie=false", "qc.enabled=false", *overrides)))  # fmt: skip
    opened = open_shot(file)
    for stage in (render_stage, review_stage, version_stage):
        stage(opened, Silent())
    return open_published(folder, folder / "versions" / "v001")


def packed(version, of, size, frame=1001):
    linear, outside = working_picture(version, version.picture(frame, of))
    return pack(linear, size, outside)


@pytest.fixture(scope="module")
def camera_log(tmp_path_factory):
    """10-bit DPX in LogC3, every code in it."""
    folder = tmp_path_factory.mktemp("log") / "sh0010"
    codes = np.arange(1024, dtype=np.uint16).repeat(6).reshape(32, 64, 3)
    for frame in FRAMES:
        write_dpx(folder / "plate" / f"pl.{frame}.dpx", np.roll(codes, frame, axis=1), 10)
    return published(folder, str(folder / "plate" / "pl.####.dpx"), "ARRI LogC3 (EI800)")


@pytest.mark.parametrize("size", [(64, 32), (32, 16), (19, 10)])
def test_a_plate_in_camera_log_and_its_version_have_the_same_codes(camera_log, size):
    """The plate is integers and the version floats, both converted to the working space before they are made smaller."""
    ours = packed(camera_log, VERSION, size)
    assert np.array_equal(ours, packed(camera_log, PLATE, size))
    assert len(np.unique(ours)) > 100


def test_camera_log_is_shown_as_light(camera_log):
    info = info_of(camera_log)
    assert (info["source_space"], info["working_space"], info["face"]) == ("ARRI LogC3 (EI800)", "ACEScg", {})
    codes = camera_log.picture(1001, PLATE).pixels
    linear, _ = working_picture(camera_log, camera_log.picture(1001, PLATE))
    straight = camera_log.color.convert(codes, "ARRI LogC3 (EI800)", "ACEScg")
    assert np.array_equal(unpack(packed(camera_log, VERSION, (64, 32)))[0], code_of(straight))
    assert linear.max() > 20  # log code 1023 is highlights and not 1
    assert display_picture(camera_log, 1001).max() > 200


def test_overscan_is_cut_off_what_is_missing_and_what_is_no_number_is_marked(tmp_path):
    folder = tmp_path / "sh0020"
    display, data = Window(0, 0, 48, 32), Window(-4, 2, 56, 40)
    for frame in FRAMES:
        pixels = np.random.default_rng(frame).uniform(0, 1, (*data.shape, 3)).astype(np.float32)
        pixels[10, 20] = np.nan  # at x 16, y 12
        write_exr(folder / "plate" / f"pl.{frame}.exr", [Part("rgba", pixels, ("R", "G", "B"), data)], display)
    version = published(folder, str(folder / "plate" / "pl.####.exr"), "ACEScg", "plate.nan_policy=zero")
    info = info_of(version)
    assert (info["width"], info["height"]) == (48, 32)
    for of in (VERSION, PLATE):
        codes, marks = unpack(packed(version, of, (48, 32)))
        assert (marks[:2] == NOTHING).all()
        assert np.argwhere(marks == BROKEN).tolist() == [[12, 16]]
        assert (marks == PICTURE).sum() == 48 * 30 - 1
        stored = version.picture(1001, of).pixels
        assert np.array_equal(codes[5, 7], code_of(stored[3, 11]))
    assert matte_plane(version, 1001, "matte.applied", (48, 32)).max() == 0
    assert display_picture(version, 1001)[:2].max() == 0
