"""Occluders before a drawn face: found, not invented, the same on every host."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.appearance import (
    Appearance,
    SmallFace,
    compare,
    foreign,
    measure_appearance,
    occlusion,
    small_face,
)
from vfx_deepfake.face.topology import canonical_uv
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.occlusion import light_basis, usual_difference
from vfx_deepfake.image.region_matte import SkinTone

SIZE = Window(10, 20, 200, 220)
SPOT = (slice(90, 150), slice(60, 110))


def points(index: int) -> np.ndarray:
    """A face 160 px wide that sways."""
    return (canonical_uv() * (160, 180) + (SIZE.x + 20 + 2 * index, SIZE.y + 20 - index)).astype(np.float32)


def plate(index: int) -> np.ndarray:
    """Skin with texture that moves with the face, under light that changes slowly over it; log."""
    rng = np.random.default_rng(5)
    texture = cv2.GaussianBlur(rng.standard_normal((400, 400, 3)).astype(np.float32), (0, 0), 3) * 0.15
    x, y = 100 - 2 * index, 100 + index
    skin = texture[y : y + SIZE.height, x : x + SIZE.width] + np.array([0.47, 0.43, 0.41], np.float32)
    across = np.linspace(-1, 1, SIZE.width, dtype=np.float32)[None, :, None]
    grain = 0.004 * np.random.default_rng(index).standard_normal(skin.shape)
    return (skin + 0.03 * np.sin(index) * across + grain).astype(np.float32)


def covered(image: np.ndarray) -> np.ndarray:
    out = image.copy()
    out[SPOT] = (0.30, 0.31, 0.32)
    return out


@pytest.fixture(scope="module")
def appearance() -> Appearance:
    faces = [small_face(plate(index), SIZE, points(index)) for index in range(9)]
    return measure_appearance(faces, SkinTone(7.5, 0.8))


def test_a_free_face_is_left_alone(appearance: Appearance) -> None:
    for index in (0, 4, 11):  # the last was not among the references
        assert not occlusion(plate(index), SIZE, points(index), appearance).any()


def test_a_patch_before_the_face_is_found_to_its_edge(appearance: Appearance) -> None:
    made = occlusion(covered(plate(11)), SIZE, points(11), appearance)
    exact = np.zeros(SIZE.shape, np.float32)
    exact[SPOT] = 1
    overlap = ((made > 0.5) & (exact > 0.5)).sum() / ((made > 0.5) | (exact > 0.5)).sum()
    assert overlap > 0.9  # a pixel all round would be 0.93
    assert made.dtype == np.float32 and made.shape == SIZE.shape and made.min() >= 0 and made.max() <= 1


def test_an_occluder_in_some_references_is_still_found() -> None:
    faces = [small_face(covered(plate(i)) if i in (3, 4) else plate(i), SIZE, points(i)) for i in range(9)]
    made = occlusion(covered(plate(4)), SIZE, points(4), measure_appearance(faces))
    assert made[SPOT].mean() > 0.85  # the outermost pixel is soft


def test_brighter_light_is_no_occluder(appearance: Appearance) -> None:
    assert not occlusion(plate(2) + np.float32(0.06), SIZE, points(2), appearance).any()  # one stop


def test_too_few_references_say_nothing(tmp_path: Path) -> None:
    faces = [small_face(plate(index), SIZE, points(index)) for index in range(4)]
    few = measure_appearance(faces)
    assert not occlusion(covered(plate(2)), SIZE, points(2), few).any()


def test_what_is_read_back_gives_the_same_bits(appearance: Appearance, tmp_path: Path) -> None:
    appearance.save(tmp_path / "a.npz")
    again = Appearance.load(tmp_path / "a.npz")
    assert again.skin == appearance.skin
    image = covered(plate(3))
    assert np.array_equal(occlusion(image, SIZE, points(3), again), occlusion(image, SIZE, points(3), appearance))
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(TrackError, match=r"a\.npz: can't be read .*remove it, it is made again"):
        Appearance.load(tmp_path / "a.npz")


def test_nothing_is_expected_off_the_face(appearance: Appearance) -> None:
    face: SmallFace = small_face(covered(plate(1)), SIZE, points(1))
    seen = compare(face, appearance)
    np.testing.assert_array_equal(seen.expected_log[~seen.on_face], face.image_log[~seen.on_face])
    assert not seen.score[~seen.on_face].any()
    assert foreign(face, seen).any()


def test_references_that_each_miss_a_part_of_the_face_are_compared_where_both_show_it() -> None:
    rng = np.random.default_rng(3)
    places = rng.random((900, 2))
    textures = np.repeat(rng.random((1, 900, 3), np.float32), 2, axis=0)
    textures[1] += 0.1  # brighter light alone
    textures[0, :100], textures[1, -100:] = np.nan, np.nan
    usual = usual_difference(textures, light_basis(places))
    assert np.isnan(usual[:100]).all() and np.isnan(usual[-100:]).all()
    np.testing.assert_allclose(usual[100:-100], 0, atol=1e-4)  # float32 fit of a constant
