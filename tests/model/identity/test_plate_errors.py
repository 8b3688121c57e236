"""Errors made on purpose: as large and as smooth as was measured, and always the same ones for one seed."""

import numpy as np

from vfx_deepfake.face.topology import LIPS_OUTER, RIGHT_EYE
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.model.identity.plate_errors import LIGHT_LOG, TINT_LOG, wrong_light, wrong_points

SIZE = 64
NOWHERE = np.zeros((478, 2))


def test_a_face_misses_by_millimetres_its_lips_more_than_its_eyes_and_a_feature_as_one():
    rng = np.random.default_rng(1)
    cm = np.stack([wrong_points(NOWHERE, SIZE, rng) for _ in range(400)]) * (SIDE_CM / SIZE)
    sizes = cm.std(axis=0)  # 400 draws: off by 3.5 %, 1 / sqrt(2 N), so what follows is more than four of those away
    assert 0.14 < sizes[list(RIGHT_EYE), 1].mean() < 0.26
    assert 0.36 < sizes[list(LIPS_OUTER), 1].mean() < 0.56
    assert np.abs(cm.mean(axis=0)).max() < 0.2  # five times 0.75 cm, the largest of them, over the root of 400
    upper_lip = np.diff(cm[:, [0, 37]], axis=1)  # two points 0.6 cm apart
    assert upper_lip.std() < 0.4 * sizes[0].mean()  # white errors would be 1.4


def test_errors_of_points_are_those_of_a_seed_and_grow_with_the_view():
    small, again, large = (wrong_points(NOWHERE, size, np.random.default_rng(2)) for size in (SIZE, SIZE, 2 * SIZE))
    np.testing.assert_array_equal(small, again)
    np.testing.assert_allclose(large, 2 * small, rtol=1e-5)
    there = np.full((478, 2), 30.0)
    np.testing.assert_allclose(wrong_points(there, SIZE, np.random.default_rng(2)) - there, small, atol=1e-5)


def test_light_is_wrong_smoothly_and_mostly_in_lightness():
    rng = np.random.default_rng(3)
    light = np.stack([wrong_light(SIZE, rng) for _ in range(60)])
    luma = light.mean(axis=-1)
    # about 400 patches that know nothing of each other a picture, 60 of them: half a percent; interpolation takes some percent
    assert 0.9 * LIGHT_LOG < luma.std() < 1.1 * LIGHT_LOG
    assert 0.7 * TINT_LOG < (light - luma[..., None]).std() < 0.95 * TINT_LOG  # sqrt(2/3) of it: less the mean of three
    assert np.diff(luma, axis=1).std() < 0.35 * luma.std()  # a pixel is 0.36 cm, the blur 0.8
