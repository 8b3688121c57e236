from __future__ import annotations

import cv2
import numpy as np
import pytest

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.mesh import rasterise, region_mask, warp_map
from vfx_deepfake.face.topology import (
    MEDIAPIPE,
    OVAL,
    POINTS,
    REGIONS,
    canonical_uv,
    canonical_vertices_cm,
    face_mesh,
    fit_similarity,
    signed_areas,
    triangles,
)
from vfx_deepfake.image.crop import Window

WINDOW = Window(-20, 30, 260, 280)


def face_at(x: float = 0.0, y: float = 50.0, size: float = 220.0) -> np.ndarray:
    return (x, y) + canonical_uv().astype(np.float64) * size


def test_the_canonical_mesh_covers_the_face_once_without_folds() -> None:
    mesh = face_mesh()
    areas = signed_areas(mesh.uv, mesh.triangles)
    assert (areas < 0).all()
    outline = mesh.uv[list(OVAL)]
    assert np.isclose(-areas.sum() / 2, cv2.contourArea(outline), rtol=1e-4)  # float32 sums
    assert (mesh.neighbours == -1).sum() == len(OVAL)
    assert canonical_vertices_cm().shape == (478, 3)


def test_left_and_right_mirror_each_other() -> None:
    """Source: the canonical face is symmetric; its vertices mirror to 1e-5 cm and its texture to about 2 %."""
    vertices = canonical_vertices_cm()
    gap = np.linalg.norm(vertices[:, None] * (-1, 1, 1) - vertices[None], axis=-1).min(axis=1)
    assert gap[:468].max() < 1e-3


def test_rasterised_coordinates_are_exact_where_the_face_is_its_canonical_self() -> None:
    uv, inside = rasterise(face_at(), WINDOW)
    rows, columns = np.nonzero(inside)
    expected = (np.stack([columns + WINDOW.x + 0.5, rows + WINDOW.y + 0.5], axis=1) - (0, 50)) / 220
    # float32 barycentric weights in thin triangles, and drawing in 1/16 px: within a tenth of a pixel
    np.testing.assert_allclose(uv[inside], expected, atol=0.1 / 220)
    assert not uv[~inside].any()
    assert abs(inside.sum() / cv2.contourArea((face_at()[list(OVAL)]).astype(np.float32)) - 1) < 0.01


def test_a_turned_head_hides_its_far_cheek() -> None:
    """At 50 degrees of yaw some triangles face away; every covered pixel shows one that faces us."""
    turn = np.radians(50)
    head = canonical_vertices_cm()
    points = np.stack([head[:, 0] * np.cos(turn) + head[:, 2] * np.sin(turn), -head[:, 1]], axis=1) * 10 + 100
    assert (signed_areas(points, triangles()) > 0).sum() > 50
    uv, inside = rasterise(points, Window(-50, -50, 300, 300))
    assert inside.sum() > 5000
    assert uv[inside].min() >= 0
    assert uv[inside].max() <= 1


def test_a_warp_between_equal_points_moves_nothing() -> None:
    moved = warp_map(face_at(), face_at(), WINDOW)
    assert moved.shape == (280, 260, 2)
    columns, rows = np.meshgrid(np.arange(-20, 240) + 0.5, np.arange(30, 310) + 0.5)
    np.testing.assert_allclose(moved, np.stack([columns, rows], axis=-1), atol=0.02)  # 1/50 px, float32 weights


def test_a_similarity_of_the_face_is_followed_everywhere() -> None:
    dst = face_at()
    turn = 1.1 * np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]])
    src = dst @ turn.T + (7.0, -3.0)
    moved = warp_map(src, dst, WINDOW)
    columns, rows = np.meshgrid(np.arange(-20, 240) + 0.5, np.arange(30, 310) + 0.5)
    expected = np.stack([columns, rows], axis=-1) @ turn.T + (7.0, -3.0)
    np.testing.assert_allclose(moved, expected, atol=0.05)


def test_outside_the_face_the_warp_is_continuous_and_fades_into_the_head_motion() -> None:
    dst = face_at()
    src = dst.copy()
    src[152] += (0, 25)  # the chin drops
    moved = warp_map(src, dst, WINDOW)
    steps = np.abs(np.diff(moved, axis=0)).max(), np.abs(np.diff(moved, axis=1)).max()
    assert max(steps) < 6.0  # px; a tear would jump by most of the 25 px
    still = warp_map(dst, dst, WINDOW)
    assert np.abs(moved - still)[:5, :5].max() < 1.0  # far from the chin


@pytest.mark.parametrize("size", [3, 7, 20])
def test_tracked_points_make_a_mesh_over_their_hull(size: int) -> None:
    shape = np.random.default_rng(size).uniform(50, 150, (size, 2))
    mesh = face_mesh(POINTS, shape)
    hull = cv2.contourArea(cv2.convexHull(mesh.uv))
    assert np.isclose(-signed_areas(mesh.uv, mesh.triangles).sum() / 2, hull, rtol=1e-4)
    uv, inside = rasterise(shape, Window(40, 40, 120, 120), mesh)
    assert uv[inside].min() >= 0
    assert inside.sum() > 0.9 * hull * np.prod(np.ptp(shape, axis=0)) - 60
    warp_map(shape + 2, shape, Window(40, 40, 120, 120), mesh)


def test_points_on_a_line_are_refused() -> None:
    with pytest.raises(TrackError, match="span no area"):
        face_mesh(POINTS, np.array([[0, 0], [1, 1], [2, 2.0]]))
    with pytest.raises(TrackError, match="give the mean shape"):
        face_mesh(POINTS)
    with pytest.raises(TrackError, match="known: mediapipe478, points"):
        face_mesh("dlib68")


def test_region_mattes_lie_where_they_should() -> None:
    masks = {name: region_mask(face_at(), WINDOW, name) for name in REGIONS}
    for name, mask in masks.items():
        assert mask.dtype == np.float32
        assert mask.min() >= 0
        assert mask.max() == 1, name
    for name in ("eyes", "brows", "lips", "mouth", "nose"):
        assert (masks[name] * (1 - masks["oval"])).max() == 0, name
    for name in ("eyes", "brows", "lips", "mouth"):
        assert (masks[name] * masks["skin"]).max() <= 0.26, name  # two anti-aliased edges multiplied: at most a quarter
    row = {name: float((mask.sum(axis=1) @ np.arange(280)) / mask.sum()) for name, mask in masks.items()}
    assert row["brows"] < row["eyes"] < row["nose"] < row["lips"]
    with pytest.raises(TrackError, match="region 'beard' is unknown; known: oval"):
        region_mask(face_at(), WINDOW, "beard")


def test_unknown_regions_of_an_artists_points_are_empty() -> None:
    shape = np.array([[0, 0], [100, 0], [100, 100], [0, 100.0]])
    mesh = face_mesh(POINTS, shape)
    assert region_mask(shape, Window(0, 0, 100, 100), "eyes", mesh).max() == 0
    assert region_mask(shape, Window(0, 0, 100, 100), "skin", mesh).mean() > 0.97


def test_points_without_a_face_are_refused() -> None:
    with pytest.raises(ValueError, match="ask has_face"):
        rasterise(np.full((478, 2), np.nan), WINDOW)
    with pytest.raises(ValueError, match=r"\(478, 2\)"):
        rasterise(np.zeros((68, 2)), WINDOW)


def test_similarity_fit_finds_what_made_the_points() -> None:
    src = np.random.default_rng(0).normal(size=(9, 2))
    turn = 2.5 * np.array([[np.cos(2), -np.sin(2)], [np.sin(2), np.cos(2)]])
    found = fit_similarity(src, src @ turn.T + (4, 5))
    np.testing.assert_allclose(found, np.c_[turn, (4, 5)], atol=1e-12)
    np.testing.assert_allclose(fit_similarity(np.ones((3, 2)), np.full((3, 2), 4.0)), [[1, 0, 3], [0, 1, 3]])


def test_an_empty_window_gives_empty_maps() -> None:
    uv, inside = rasterise(face_at(), Window(0, 0, 0, 0), MEDIAPIPE)
    assert uv.shape == (0, 0, 2)
    assert inside.shape == (0, 0)
