"""Where features lie in pictures beside where a landmarker puts them: found again when it is known, and taken in full."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vfx_deepfake.face.topology import LEFT_EYE, OVAL, canonical_vertices_cm
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.feature_places import FEATURES, NOSTRILS, TEXELS, match_features, places_apart
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.retarget import Shape, difference, trust

PX = TEXELS / SIDE_CM


def drawing(size: int) -> np.ndarray:
    """(size, size) float32: spots of half a centimetre, log; a face that has edges everywhere."""
    noise = np.random.default_rng(3).normal(size=(TEXELS, TEXELS)).astype(np.float32)
    spots = cv2.GaussianBlur(noise, (0, 0), 0.2 * PX)
    return cv2.resize(np.asarray(0.08 * spots / spots.std(), np.float32), (size, size), interpolation=cv2.INTER_AREA)


def shifted(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    return np.asarray(
        cv2.warpAffine(picture, np.float32([[1, 0, x], [0, 1, y]]), picture.shape[:2], flags=cv2.INTER_CUBIC)
    )


def test_a_feature_that_lies_elsewhere_is_found_between_texels():
    drawn = drawing(TEXELS)
    found = match_features(drawn, shifted(drawn, 2.4, -1.3))
    # the weight of "no error" takes a sixth, 0.2 against 1; a parabola between texels is good to a tenth of one
    for points in FEATURES:
        middle = found[list(points)].mean(axis=0)
        np.testing.assert_allclose(middle * PX, np.array([2.4, 1.3]) / 1.2, atol=0.25)
    assert np.abs(found[10]).max() < 0.2 * np.abs(found).max()  # the top of the forehead is far from all of them


def test_features_beyond_a_landmarkers_error_and_blank_faces_stay():
    drawn = drawing(TEXELS)
    ramp = np.broadcast_to(np.linspace(0, 1, TEXELS, dtype=np.float32), (TEXELS, TEXELS)).copy()
    assert not match_features(ramp, ramp[:, ::-1].copy()).any()  # fits best at the end of the reach
    blank = match_features(drawn, np.zeros_like(drawn))
    assert np.isfinite(blank).all()
    assert not blank.any()


@pytest.mark.parametrize(("x_px", "y_px"), [(1.2, 0.0), (-0.8, 1.0)])
def test_points_beside_the_picture_of_a_whole_take_are_found_out(x_px, y_px):
    size = 128
    true = canonical.texture_points(size).astype(np.float32)
    picture = np.repeat((0.4 + drawing(size))[..., None], 3, axis=2)
    off = np.float32([x_px, y_px])
    views = [View(picture, true + off, np.zeros(3, np.float32), np.ones((size, size), np.float32))] * 2
    identity = np.repeat(drawing(TEXELS)[..., None], 3, axis=2)
    found = places_apart([identity], views)[0][list(NOSTRILS)].mean(axis=0)
    # what the landmarker put off is put back, up to the weight of "no error" (a sixth) and a quarter of a pixel of two samplings
    np.testing.assert_allclose(found * size / SIDE_CM, np.array([-x_px, y_px]) / 1.2, atol=0.25)


def test_what_pictures_show_is_taken_in_full_and_the_rest_by_trust():
    head = canonical_vertices_cm()
    person = Shape(head, np.zeros(3), np.zeros((3, *head.shape)), 0.0)
    places = np.full((len(head), 2), 0.1)
    places[list(OVAL)] = 0  # heads are lined up by it
    other = Shape(head + np.column_stack([places, np.zeros(len(head))]), person.openings, person.by_opening, 0.0)
    lids = list(LEFT_EYE)
    np.testing.assert_allclose(
        difference(person, other, places)[lids, :2], places[lids], atol=1e-12
    )  # exact: no rest is left
    np.testing.assert_allclose(difference(person, other)[lids, :2], trust()[lids, None] * places[lids], atol=1e-12)
