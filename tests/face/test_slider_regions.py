"""Regions of skin over canonical coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from tests.face.posed_heads import posed
from vfx_deepfake.face.normals import face_normals, normal_texture
from vfx_deepfake.face.pose import angles, rotation
from vfx_deepfake.face.slider_regions import (
    LOOPS,
    TEXTURE_PX,
    amount_texture,
    beauty_mesh,
    beauty_points,
    coordinates,
    lay_on,
    mirror,
    region_textures,
    skin_texture,
    sure_texture,
)
from vfx_deepfake.face.topology import face_mesh, signed_areas
from vfx_deepfake.image.crop import Window

WINDOW = Window(0, 0, 256, 256)


def at_point(texture: np.ndarray, point: int) -> float:
    x, y = (beauty_mesh().uv[point] * TEXTURE_PX).astype(int)
    return float(texture[y, x])


def test_the_mirror_of_the_mirror_is_the_point():
    other = mirror()
    assert np.array_equal(other[other], np.arange(468))
    assert (other[33], other[61], other[10]) == (263, 291, 10)


def test_the_continued_forehead_faces_the_camera_and_joins_the_mesh():
    mesh = beauty_mesh()
    areas = signed_areas(mesh.uv, mesh.triangles)
    assert (areas < 0).all(), "no triangle is flat or turned over"
    assert len(mesh.triangles) == len(face_mesh().triangles) + 18
    grown = beauty_points(posed())
    assert grown.shape == (489, 2)
    assert grown[len(face_mesh().uv) :, 1].min() < posed()[:, 1].min() - 10  # 1.8 cm at 10 px/cm, less the tilt


def test_regions_lie_where_their_names_say_on_both_halves():
    places = {"forehead": 151, "frown": 8, "crows_feet": 35, "under_eye": 230, "nose": 5, "cheeks": 50, "nasolabial": 206,
              "lips": 164, "chin": 199}  # fmt: skip
    textures = region_textures()
    assert set(places) == set(LOOPS) == set(textures)
    for name, point in places.items():
        for one in (point, int(mirror()[point])):
            assert at_point(textures[name], one) > 0.5, name
        assert textures[name].min() >= 0
        assert textures[name].max() <= 1


def test_eyes_brows_lips_and_nostrils_are_no_skin():
    for point in (159, 145, 386, 105, 334, 13, 0, 17, 238, 458):
        assert at_point(skin_texture(), point) == 0
    for point in (151, 50, 280, 199):
        assert at_point(skin_texture(), point) == pytest.approx(1, abs=1e-3)
        assert at_point(sure_texture(), point) > 0.9


def test_one_side_of_a_slider_leaves_the_other_half_alone():
    amount = amount_texture({"cheeks": (0.0, 0.8), "forehead": (0.0, 0.0)})
    assert at_point(amount, 50) == pytest.approx(0.8, abs=0.01)
    assert at_point(amount, 280) == 0
    assert not amount_texture({name: (0.0, 0.0) for name in LOOPS}).any()


def test_the_whole_face_comes_on_top_and_nothing_leaves_the_range():
    amount = amount_texture({"cheeks": (1.0, 1.0)}, (0.5, 0.5))
    assert amount.max() == 1
    assert at_point(amount, 199) == pytest.approx(0.5, abs=1e-3)


def test_off_the_face_a_texture_is_exactly_zero():
    uv, inside = coordinates(posed(), WINDOW)
    laid = lay_on(np.ones((TEXTURE_PX, TEXTURE_PX), np.float32), uv, inside)
    assert np.array_equal(laid > 0, inside)


@pytest.mark.parametrize("pose", [(0, 0, 0), (30, -12, 20), (-50, 25, -8)])
def test_rotation_is_the_inverse_of_angles(pose):
    np.testing.assert_allclose(angles(rotation(*pose)), pose, atol=1e-4)
    np.testing.assert_allclose(rotation(*pose) @ rotation(*pose).T, np.eye(3), atol=1e-12)


def test_normals_look_to_the_camera_at_the_nose_and_aside_at_the_temples():
    texture = normal_texture()
    np.testing.assert_allclose(np.linalg.norm(texture, axis=-1), 1, atol=1e-5)
    uv, inside = coordinates(posed(), WINDOW)
    normals = face_normals(uv, inside, np.zeros(3))
    x, y = posed()[151].astype(int)
    assert normals[y, x, 2] < -0.9  # the forehead's middle looks into the camera, which lies at -z
    left, right = (normals[tuple(posed()[point].astype(int)[::-1])] for point in (366, 137))
    assert left[0] > 0.5  # the person's left is image right
    assert right[0] < -0.5
    turned = face_normals(*coordinates(posed(40), WINDOW), np.array((40.0, 0, 0)))
    x, y = posed(40)[151].astype(int)
    assert turned[y, x, 0] == pytest.approx(np.sin(np.radians(40)), abs=0.1)  # a forehead is nearly flat
