"""Published versions as they are shown: by their own record, only what was registered, and the plate where nothing was replaced."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import ConflictError, NotThereError, PlateError
from vfx_deepfake.files import hash_data, hash_file
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.settings import DEFAULT_CONFIG
from vfx_deepfake.steps.elements import APPLIED
from vfx_deepfake.viewing.info import info_of, landmarks_of
from vfx_deepfake.viewing.mattes import CONFIDENCE, LAYERS, layers_of, matte_plane
from vfx_deepfake.viewing.packed import pack, shrunk
from vfx_deepfake.viewing.published import PLATE, VERSION, kept_published, open_published
from vfx_deepfake.viewing.stills import THUMB_PX, display_picture, jpeg, png, thumb_frame, working_picture

FRAMES = tuple(range(1001, 1015))


@pytest.fixture(scope="module")
def version(dailies_shot):
    return open_published(dailies_shot.shot.folder, dailies_shot.folder(2))


def own(dailies, number=2, registered=""):
    return open_published(dailies.shot.folder, dailies.folder(number), registered)


def writable(path):
    path.chmod(0o644)
    return path


def packed(version, frame, of, size):
    linear, outside = working_picture(version, version.picture(frame, of))
    return pack(linear, size, outside)


@pytest.mark.parametrize("frame", [1001, 1012])
@pytest.mark.parametrize("size", [(320, 180), (160, 90), (113, 64)])
def test_outside_the_matte_the_difference_to_the_plate_is_exactly_nothing(version, frame, size):
    found = read_exr(version.exr(frame), part="elements", channels=(APPLIED,))
    replaced = np.zeros(found.display_window.shape, np.float32)
    replaced[found.data_window.slices(found.display_window)] = found.pixels[..., 0] > 0
    touched = shrunk(replaced, size) > 0
    differs = packed(version, frame, VERSION, size) != packed(version, frame, PLATE, size)
    assert not (differs & ~touched).any()
    assert differs[touched].mean() > 0.5


def test_two_versions_differ_on_the_screen(dailies_shot, version):
    other = own(dailies_shot, 1)
    assert (packed(other, 1012, VERSION, (320, 180)) != packed(version, 1012, VERSION, (320, 180))).mean() > 0.05


def test_settings_are_those_of_the_record_even_without_a_shot_file(own_dailies):
    (own_dailies.shot.file).unlink()
    version = own(own_dailies)
    assert version.settings.beauty.light.key.at(1001) == pytest.approx(0.8)
    assert version.plate_space == "ACEScg"
    assert version.frames == FRAMES
    assert str(version) == "sh0010 v002"


def test_the_player_is_told_what_the_files_say(version):
    info = info_of(version)
    assert (info["width"], info["height"], info["origin"], info["rate"]) == (320, 180, [0, 0], [24, 1])
    assert info["timecode_start"] == "01:00:00:00"
    assert info["views"][info["default_view"]] == {
        "display": "sRGB - Display", "view": "ACES 1.0 - SDR Video", "name": "ACES 1.0 - SDR Video (sRGB - Display)",
    }  # fmt: skip
    assert info["layers"] == [*(name for name in LAYERS if name != CONFIDENCE), CONFIDENCE]
    assert info["sizes"] == [0]
    assert info["plate"] is True
    assert info["config_changed"] is False
    assert set(info["face"]) == set(map(str, FRAMES))
    x, y, width, height = info["face"]["1012"]
    assert 0 <= x < x + width <= 320
    assert 0 <= y < y + height <= 180
    points = np.array(landmarks_of(version)["1012"])
    assert points.shape == (478, 2)
    assert x - 1 <= points[:, 0].min()
    assert points[:, 0].max() <= x + width + 1
    json.dumps(info, allow_nan=False)


def test_another_track_than_the_versions_is_not_shown(own_dailies):
    track = own_dailies.shot.folder / "track" / "track.npz"
    writable(track).write_bytes(track.read_bytes() + b" ")
    version = own(own_dailies)
    assert info_of(version)["face"] == {}
    assert landmarks_of(version) == {}


def test_a_changed_record_is_not_shown(own_dailies):
    file = own_dailies.folder(2) / "version.json"
    registered = hash_data(json.loads(file.read_text()))
    assert own(own_dailies, registered=registered).record_hash == registered
    record = json.loads(writable(file).read_text())
    file.write_text(json.dumps({**record, "release": "somebody"}))
    with pytest.raises(ConflictError, match="was changed after it was registered .* nothing of it is shown"):
        own(own_dailies, registered=registered)


def test_a_kept_version_is_opened_again_when_its_record_changes(own_dailies):
    folder, file = own_dailies.folder(2), own_dailies.folder(2) / "version.json"
    registered = hash_data(json.loads(file.read_text()))
    kept = kept_published(own_dailies.shot.folder, folder, registered)
    assert kept_published(own_dailies.shot.folder, folder, registered) is kept
    writable(file).write_text(file.read_text().replace('"demo"', '"omed"'))
    with pytest.raises(ConflictError, match="was changed after it was registered"):
        kept_published(own_dailies.shot.folder, folder, registered)
    file.unlink()
    with pytest.raises(NotThereError, match=r"version.json: can't be read \(No such file.*not mounted on this host"):
        kept_published(own_dailies.shot.folder, folder, registered)


def test_a_frame_that_was_exchanged_or_cut_short_is_not_shown(own_dailies):
    version = own(own_dailies)
    paths = version.paths
    shutil.copy(paths.exr_frame(1003), writable(paths.exr_frame(1004)))
    data = paths.exr_frame(1005).read_bytes()
    writable(paths.exr_frame(1005)).write_bytes(data[: len(data) // 2])
    paths.exr_frame(1006).unlink()
    for frame in (1004, 1005):
        with pytest.raises(
            ConflictError, match=rf"sh0010 v002: .*{frame}.exr is not the file that was registered .* it is not shown"
        ):
            version.picture(frame)
    with pytest.raises(NotThereError, match=r"1006.exr can't be read \(No such file"):
        version.picture(1006)
    assert version.picture(1007).pixels.shape == (180, 320, 3)


def test_a_file_that_was_damaged_when_it_was_registered_is_one_line(own_dailies):
    file = own_dailies.folder(2) / "version.json"
    frame = own(own_dailies).paths.exr_frame(1005)
    writable(frame).write_bytes(frame.read_bytes()[:9000])
    record = json.loads(writable(file).read_text())
    record["frames"]["1005"][f"exr/{frame.name}"] = hash_file(frame)
    file.write_text(json.dumps(record))
    with pytest.raises(PlateError, match="1005.exr: damaged or not an image") as caught:
        own(own_dailies).picture(1005)
    assert "\n" not in str(caught.value)


def test_a_plate_that_is_gone_or_another_one_is_said(own_dailies):
    version = own(own_dailies)
    assert version.plate_problem() == ""
    first = own_dailies.shot.plate_frame(1001)
    away = first.rename(first.with_suffix(".away"))
    assert "sh0010.1001.exr can't be read (No such file or directory)" in version.plate_problem()
    with pytest.raises(NotThereError, match="1001.exr can't be read"):
        version.picture(1001, PLATE)
    assert info_of(version)["plate"] is False
    assert version.picture(1002, PLATE).pixels.shape == (180, 320, 3)
    shutil.copy(own_dailies.shot.plate_frame(1002), away)
    away.rename(first)
    with pytest.raises(ConflictError, match="1001.exr is not the file that was registered"):
        version.picture(1001, PLATE)


def test_frames_and_words_that_do_not_exist(version):
    for of in (VERSION, PLATE):
        with pytest.raises(NotThereError, match="has no frame 999; it has 1001-1014"):
            version.picture(999, of)
    with pytest.raises(NotThereError, match="'of' is 'else'; want version or plate"):
        version.picture(1001, "else")
    with pytest.raises(NotThereError, match="no layer 'matte.hat'; known: matte.applied, "):
        matte_plane(version, 1001, "matte.hat", (320, 180))


@pytest.mark.parametrize("layer", ["matte.applied", "matte.eyes", CONFIDENCE])
def test_a_matte_is_the_files_over_the_whole_picture(version, layer):
    assert layer in layers_of(version)
    place = LAYERS[layer]
    found = read_exr(version.exr(1012), part=place.part, channels=(place.channel,))
    plane = matte_plane(version, 1012, layer, (320, 180))
    inside = found.data_window.slices(found.display_window)
    assert np.array_equal(plane[inside], np.rint(np.clip(found.pixels[..., 0], 0, 1) * 255))
    outside = np.ones(plane.shape, bool)
    outside[inside] = False
    assert outside.any()
    assert not plane[outside].any()
    assert plane.max() > 200
    half = matte_plane(version, 1012, layer, (160, 90))
    # both are rounded to a byte
    assert half.mean() == pytest.approx(plane.mean(), abs=0.5)


def test_a_still_is_ocios_own_picture_and_exposure_is_in_light(version):
    color = Color(DEFAULT_CONFIG, {"SHOT": "sh0010"})
    pixels = read_exr(version.exr(1012), part="rgba").pixels[..., :3]
    for stops in (0.0, 1.5):
        straight = color.display_encode(pixels * np.float32(2**stops), "ACEScg")
        assert np.array_equal(display_picture(version, 1012, stops=stops), np.rint(straight * 255).astype(np.uint8))


def test_a_thumbnail_is_small_and_shows_a_frame_that_was_changed(version):
    picture = display_picture(version, thumb_frame(version), width=160)
    assert picture.shape == (90, 160, 3)
    assert 20 < picture.mean() < 200
    assert version.record["counts"][str(thumb_frame(version))]["changed_px"]
    assert len(jpeg(picture)) < 12_000
    assert png(picture).startswith(b"\x89PNG")
    assert display_picture(version, 1001, width=THUMB_PX).shape == (180, 320, 3)
