"""Stretch of the skin: what an expression does, not what a turned or nearer head does."""

import numpy as np

from vfx_deepfake.face.stretch import neutral_shape, over_pixels, stretch_log
from vfx_deepfake.face.topology import LIPS_OUTER, canonical_vertices_cm, face_mesh
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window

MESH = face_mesh()


def head(yaw: float = 0.0, size: float = 20.0, at: tuple[float, float] = (200.0, 200.0)) -> np.ndarray:
    """The canonical head seen from afar, (P, 2) px."""
    x, y, z = canonical_vertices_cm().T
    turned = np.cos(np.radians(yaw)) * x + np.sin(np.radians(yaw)) * z
    return np.stack([turned, -y], axis=1) * size + at


def cheek_puffed(points: np.ndarray, share: float) -> np.ndarray:
    """One cheek grown round its middle by ``share``, running out over 40 px."""
    middle = points[[50, 36, 205]].mean(axis=0)
    off = points - middle
    near = np.exp(-((np.hypot(*off.T) / 40) ** 2))[:, None]
    return points + share * near * off


def track_of(shapes: list[np.ndarray]) -> FaceTrack:
    count = len(shapes)
    return FaceTrack(
        np.arange(count) + 1001,
        np.array(shapes, np.float32),
        np.ones(count, np.float32),
        np.zeros((count, 3), np.float32),
    )


def test_the_neutral_shape_is_the_median_whatever_moves() -> None:
    shapes = [head(at=(200 + 3 * index, 180)) for index in range(6)] + [cheek_puffed(head(), 0.5)]
    track = track_of(shapes)
    move = neutral_shape(track) - neutral_shape(track_of(shapes[:6]))
    # one odd frame of seven moves the mean shape that all are laid on by a fraction of a pixel, the median not at all
    assert np.abs(move - move.mean(axis=0)).max() < 0.5


def test_no_expression_is_no_stretch_however_the_head_moves() -> None:
    neutral = head()
    still = stretch_log(head(size=35.0, at=(-50, 900)), neutral, MESH)
    assert np.abs(still).max() < 1e-5  # rounding
    for yaw in (8.0, 15.0):
        turned = stretch_log(head(yaw), neutral, MESH)
        # what is left: a turn is not small any more, and the nose covers a part of the cheek
        assert np.median(np.abs(turned)) < yaw / 350


def test_a_puffed_cheek_is_stretched_and_a_pursed_mouth_compressed() -> None:
    neutral = head()
    stretch = stretch_log(cheek_puffed(neutral, 0.3), neutral, MESH)
    assert stretch[[50, 36, 205]].min() > 0.1 and abs(stretch[280]) < 0.03  # 280 is the other cheek
    pursed = neutral.copy()
    lips = list(LIPS_OUTER)
    middle = pursed[lips].mean(axis=0)
    near = np.exp(-((np.hypot(*(pursed - middle).T) / 60) ** 2))[:, None]
    pursed -= 0.3 * near * (pursed - middle)
    assert stretch_log(pursed, neutral, MESH)[lips].mean() < -0.1


def test_values_spread_over_pixels_smoothly_and_end_with_the_mesh() -> None:
    points = head()
    window = Window(20, 10, 380, 380)
    ramp = over_pixels(points[:, 0], points, window, MESH)
    inside = ramp != 0
    columns = np.broadcast_to(np.arange(window.x, window.right) + 0.5, window.shape)
    # linear values come back at their place; thin triangles seen edge-on hold their weights
    assert np.percentile(np.abs(ramp - columns)[inside], 99) < 0.1 and 0.3 < inside.mean() < 0.9
