"""Learning features: what differs between people is found, what differs between pictures is not; drawn people are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.demo import train_features
from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.demo.train_features import alike, learn, project_all, values_of
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.faceset.likeness import distances, embed

RNG = np.random.default_rng(8)


def people(count: int, crops: int = 12) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """People who differ in the first four of forty values, by 1; their pictures in the next four, by 5, and in all by 0.1."""
    made = []
    for _ in range(count):
        values = np.zeros((crops, 40))
        values[:, :4] = RNG.normal(size=4)
        values[:, 4:8] = 5 * RNG.normal(size=(crops, 4))
        values += 3 + 0.1 * RNG.normal(size=values.shape)
        made.append((values, np.ones_like(values), np.arange(crops) % 3))
    return made


def test_what_tells_people_apart_is_learnt_and_what_does_not_is_left() -> None:
    known = learn(people(40))
    assert known.directions.shape == (40, train_features.NUM_FEATURES)
    fresh = people(10)
    features, lights = [project_all(one[:2], known) for one in fresh], [one[2] for one in fresh]
    plain = [one[0] for one in fresh]
    for sets in (False, True):
        same, other = alike(features, lights, sets)
        assert (same[:, None] < other[None]).mean() > 0.95  # in four directions some two are alike by chance
        blind = alike(plain, lights, sets)
        assert (blind[0][:, None] < blind[1][None]).mean() < 0.75  # the values themselves hardly do
    # no more than 1 by its unit; the ridge makes it less
    assert 0.1 < np.median(alike(features, lights, False)[0]) < 1.1


def test_what_is_not_seen_is_the_average() -> None:
    shown = people(20)
    hidden = [
        (values * (seen := (RNG.random(values.shape) < 0.5)), seen.astype(float), lights) for values, _, lights in shown
    ]
    np.testing.assert_allclose(
        learn(hidden).mean, learn(shown).mean, atol=1.0
    )  # 240 pictures, spread 5: 0.5 either way
    assert not project_all((np.zeros((1, 40)), np.zeros((1, 40))), learn(shown)).any()


def test_one_picture_is_compared_with_those_of_other_lights_only() -> None:
    features, lights = [np.arange(4.0)[:, None] * np.ones((4, 2))], [np.array([0, 0, 1, 1])]
    same, _ = alike([*features, features[0] + 10], [*lights, lights[0]], False)
    np.testing.assert_allclose(sorted(same[:4]), np.array((1, 2, 2, 3)) / np.sqrt(2))
    sets, other = alike([*features, features[0] + 10], [*lights, lights[0]], True)
    np.testing.assert_allclose(sets, np.array((2, 2)) / np.sqrt(2))
    assert other.min() == pytest.approx(8 / np.sqrt(2))


def test_drawn_people_are_told_apart_who_were_not_learnt_from(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    facesets = [
        load_faceset(render_faceset(who, tmp_path / str(who), count=4, lights=(0, 6), size=96)) for who in (2, 3)
    ]
    sets = [embed([one.image_log(i) for i in range(4)], one.points) for one in facesets]
    own = max(float(distances(one[:2], one[2:]).max()) for one in sets)
    assert own < float(distances(*sets).min())
    values, seen, lights = values_of(facesets[0], 1)
    again = values_of(facesets[0], 1)
    np.testing.assert_array_equal(values, again[0])
    assert values.shape == seen.shape and len(values) == 8 and sorted(set(lights)) == sorted(set(again[2]))
    assert np.abs(values[0] - values[1]).max() > 0.001  # the second is the worse picture
