"""The rasteriser against what can be said without it."""

from __future__ import annotations

import numpy as np

from vfx_deepfake.demo.performer.raster import rasterise_grid


def flat_grid(width: float, height: float, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.meshgrid(np.linspace(0, height, rows), np.linspace(0, width, columns), indexing="ij")
    return np.stack([x, y], -1), np.ones((rows, columns))


def test_a_flat_grid_covers_every_pixel_and_knows_its_place() -> None:
    screen, near = flat_grid(40, 30, 7, 9)
    hits = rasterise_grid(screen, near, np.ones((6, 8), bool), (40, 30))
    assert (hits.near > 0).all()  # no crack between triangles
    y, x = np.mgrid[0:30, 0:40] + 0.5
    np.testing.assert_allclose(hits.place[..., 0], x / 5, atol=1e-4)  # float32 weights
    np.testing.assert_allclose(hits.place[..., 1], y / 5, atol=1e-4)


def test_quads_left_out_leave_holes() -> None:
    screen, near = flat_grid(40, 30, 7, 9)
    keep = np.ones((6, 8), bool)
    keep[2, 3] = False
    hits = rasterise_grid(screen, near, keep, (40, 30))
    assert (hits.near[10:15, 15:20] == 0).all()
    assert (hits.near == 0).sum() == 25


def test_the_back_is_not_drawn() -> None:
    screen, near = flat_grid(40, 30, 7, 9)
    hits = rasterise_grid(screen[:, ::-1], near, np.ones((6, 8), bool), (40, 30))
    assert (hits.near == 0).all()


def test_the_nearest_of_two_folds_is_seen() -> None:
    """A sheet folded over itself: rows 2..4 lie nearer, on the same pixels as rows 0..2."""
    screen, near = flat_grid(20, 20, 3, 5)
    folded = np.concatenate([screen, screen])
    hits = rasterise_grid(folded, np.concatenate([near, 2 * near]), np.ones((5, 4), bool), (20, 20))
    assert (hits.near == 2).all()
    assert (hits.place[..., 1] >= 3).all()


def test_what_lies_outside_the_picture_is_cut() -> None:
    screen, near = flat_grid(40, 30, 7, 9)
    hits = rasterise_grid(screen - 10, near, np.ones((6, 8), bool), (20, 15))
    assert (hits.near > 0).all()
    np.testing.assert_allclose(hits.place[0, 0], (10.5 / 5, 10.5 / 5), atol=1e-4)


def test_random_triangles_agree_with_half_planes() -> None:
    """One triangle at a time against the plain definition; pixels on an edge (within 0.01) may go either way."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:16, 0:16] + 0.5
    for _ in range(60):
        a, b, c = rng.uniform(-4, 20, (3, 2))
        screen = np.array([[a, b], [c, c]])
        hits = rasterise_grid(screen, np.ones((2, 2)), np.ones((1, 1), bool), (16, 16))
        signs = []
        for p, q in ((a, c), (c, b), (b, a)):
            length = np.hypot(*(q - p))
            signs.append(((q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])) / length)
        inside = np.max(signs, axis=0)
        drawn = hits.near > 0
        assert not drawn[inside > 0.01].any()
        assert drawn[inside < -0.01].all()
