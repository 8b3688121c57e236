"""Crops are read when needed, have one size, and few of them are kept."""

import numpy as np
import pytest

from tests.model.scene import FIRST, FULL, disc_scene
from vfx_deepfake.errors import KeyframeError, TrackError
from vfx_deepfake.face.topology import POINTS
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import cut
from vfx_deepfake.model.crops import KEPT_CROPS, KEPT_KEYS, CropSource


def test_nothing_is_read_before_it_is_needed():
    reads: list[int] = []
    disc_scene().source([FIRST], reads)
    assert reads == []


def test_a_crop_is_the_plate_at_whole_pixels():
    scene = disc_scene()
    source = scene.source([FIRST])
    sizes = set()
    for frame in scene.frames:
        crop = source.crop(frame)
        assert np.array_equal(crop.image_log, cut(scene.plates[frame], FULL, crop.window))
        sizes.add((crop.window.width, crop.window.height))
    ((width, height),) = sizes
    assert width % 16 == 0 and height % 16 == 0 and width >= 60


def test_what_is_kept_does_not_grow_with_the_shot():
    scene = disc_scene(step_px=0, count=40)
    reads: list[int] = []
    source = scene.source(scene.frames, reads)
    for frame in scene.frames:
        source.crop(frame)
        source.key(frame)
    assert len(source._crops) == KEPT_CROPS and len(source._keys) == KEPT_KEYS
    assert len(reads) == 40  # each once


def test_a_crop_in_use_is_read_once():
    reads: list[int] = []
    source = disc_scene().source([FIRST], reads)
    for _ in range(3):
        source.crop(FIRST)
        source.key(FIRST)
    assert reads == [FIRST]


def test_face_coordinates_are_zero_off_the_face_and_marked_on_it():
    source = disc_scene().source([FIRST])
    coordinates = source.face_coordinates(FIRST)
    on_face = coordinates[..., 2] == 1
    assert 0.2 < on_face.mean() < 0.8
    assert not coordinates[~on_face].any()
    assert np.abs(coordinates[..., :2]).max() <= 0.5


def test_a_painted_frame_without_a_face_is_named():
    scene = disc_scene()
    with pytest.raises(KeyframeError, match="painted frame 1300: no face is tracked there"):
        scene.source([FIRST, 1300])


def test_a_painting_beside_the_face_is_named():
    source = disc_scene().source([FIRST])
    source._read_painted = lambda frame, window: (np.zeros((*window.shape, 3)), np.zeros(window.shape))
    with pytest.raises(KeyframeError, match="painted frame 1001: its picture does not reach the face"):
        source.key(FIRST)


def test_a_track_without_a_face_is_refused():
    track = FaceTrack.empty([1, 2], POINTS, 5)
    with pytest.raises(TrackError, match="it holds no face"):
        CropSource(track, [], lambda f, w: np.zeros((*w.shape, 3)), lambda f, w: (None, None))


def test_a_reader_that_gives_another_size_is_our_bug():
    source = disc_scene().source([FIRST])
    source._read_plate = lambda frame, window: np.zeros((4, 4, 3), np.float32)
    with pytest.raises(ValueError, match=r"reader gave \(4, 4, 3\)"):
        source.crop(FIRST)
