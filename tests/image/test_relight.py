"""A soft light on known normals."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.image.relight import REACH_CM, light_direction, relight, soft_light

FRONT = np.array([0.0, 0.0, -1.0])


def test_directions_are_as_the_settings_say():
    np.testing.assert_allclose(light_direction(0, 0), FRONT, atol=1e-12)
    np.testing.assert_allclose(light_direction(90, 0), (1, 0, 0), atol=1e-12)  # image right
    np.testing.assert_allclose(light_direction(0, 90), (0, -1, 0), atol=1e-12)  # above, y down


def test_the_series_is_the_best_of_order_two_of_a_far_light():
    """Legendre coefficients of max(0, cos) by numerical integration, orders 0 to 2, against the closed form."""
    cosine = np.linspace(-1, 1, 20_001)
    polynomials = (np.ones_like(cosine), cosine, (3 * cosine**2 - 1) / 2)
    wanted = sum(
        (2 * order + 1) / 2 * np.trapezoid(np.maximum(cosine, 0) * p, cosine) * p for order, p in enumerate(polynomials)
    )
    normals = np.stack([np.sqrt(1 - cosine**2), np.zeros_like(cosine), -cosine], axis=-1).astype(np.float32)
    found = soft_light(normals, FRONT)
    np.testing.assert_allclose(found, wanted / wanted[-1], atol=1e-5)
    assert found.max() == pytest.approx(1)
    assert found.min() > -0.07


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A face beside a dark background on the left, ending within even skin on the right; normals to the camera."""
    log = np.full((100, 200, 3), 0.5, np.float32)
    log[:, :60] = 0.3
    face = np.zeros((100, 200), np.float32)
    face[:, 64:120] = 1
    return log, np.broadcast_to(FRONT, (100, 200, 3)).astype(np.float32), face


def test_a_light_that_is_out_adds_exactly_nothing():
    log, normals, face = scene()
    assert not relight(log, normals, face, 0.0, 0.0, FRONT, 10.0).any()


def test_stops_are_stops_and_far_away_nothing_changes():
    log, normals, face = scene()
    for key, fill in ((1.0, 0.0), (0.0, -0.5), (0.5, 0.25)):
        made = relight(log, normals, face, key, fill, FRONT, 10.0)
        ratio = decode_log(log[50, 90] + made[50, 90]) / decode_log(log[50, 90])
        np.testing.assert_allclose(np.log2(ratio), key + fill, atol=0.02)  # the face's edge is 26 px off
        assert not made[:, 120 + round(4.5 * REACH_CM * 10) :].any()


def test_light_ends_at_an_edge_of_the_picture_and_fades_where_there_is_none():
    log, normals, face = scene()
    made = relight(log, normals, face, 1.0, 0.0, FRONT, 10.0)[50]
    peak = made[90]
    assert made[57] < 0.1 * peak < 0.5 * peak < made[62]  # across the edge at 60, four pixels outside the mask
    skin = made[120:150]
    assert (np.diff(skin) <= 1e-6).all()
    assert np.abs(np.diff(made[90:160])).max() < 0.12 * peak  # no step
