"""Figures of made faces against cases whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.errors import TrainError
from vfx_deepfake.face.topology import LIPS_INNER, canonical_vertices_cm
from vfx_deepfake.model.identity import evaluate

RNG = np.random.default_rng(4)
EVERYWHERE = np.ones((24, 32), np.float32)


def face() -> np.ndarray:
    """The canonical face seen from the front, 100 px high."""
    cm = canonical_vertices_cm()
    return np.stack([cm[:, 0], -cm[:, 1]], 1) * 5 + 100


def test_the_distance_of_known_gaussians() -> None:
    """Two clouds whose means lie 3 apart and whose spreads are 1 and 2 in each of four directions: 9 + 4 (1 + 4 - 2 * 2) = 13."""
    a, b = RNG.normal(0, 1, (20_000, 4)), RNG.normal(0, 2, (20_000, 4))
    b[:, 0] += 3
    # spread of the estimate: about 2 * 3 * sqrt(5 / 20000) = 0.1 from the means
    assert evaluate.frechet_distance(a, b) == pytest.approx(13, abs=0.5)
    assert evaluate.frechet_distance(a, a) == pytest.approx(0, abs=1e-8)
    with pytest.raises(TrainError, match="1 made and 3 real pictures; a distance of distributions needs two"):
        evaluate.frechet_distance(a[:1], a[:3])


def test_fewer_pictures_than_features_give_a_number_too() -> None:
    assert np.isfinite(evaluate.frechet_distance(RNG.normal(size=(5, 32)), RNG.normal(size=(6, 32))))


def test_precision_and_recall_of_clouds_that_are_known() -> None:
    real = RNG.uniform(0, 1, (300, 2))
    half = RNG.uniform(0, 1, (300, 2)) * (0.5, 1.0)  # covers half of the real ones, all of it real
    precision, recall = evaluate.precision_recall(half, real)
    assert precision > 0.95 and 0.4 < recall < 0.65  # reaches are as wide as 0.05, at the border
    away = evaluate.precision_recall(real + 10, real)
    assert away == (0.0, 0.0)
    with pytest.raises(TrainError, match="precision needs more than 3 of each"):
        evaluate.precision_recall(real[:3], real)


def test_identity_distance_of_pictures_and_of_sets() -> None:
    """Three values, so that a difference d in one of them is d / sqrt(6)."""
    anna, bert = np.array([[1.0, 0, 0], [3.0, 0, 0]]), np.array([[0, 0, 0], [4.0, 0, 0]])
    found = evaluate.identity_distance(anna, bert)
    assert found["set"] == pytest.approx(0)  # both are 2 in the mean
    assert found["nearest"] == pytest.approx(1 / np.sqrt(6))
    assert found["pair"] == pytest.approx(2 / np.sqrt(6))  # of 1, 3, 3 and 1
    assert evaluate.identity_distance(anna + 6, bert)["set"] == pytest.approx(np.sqrt(18))


def test_a_moved_face_keeps_its_performance() -> None:
    wanted = face()
    turn = np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]])
    found = evaluate.performance_error(1.3 * wanted @ turn.T + 7, wanted)
    assert found["expression"] == pytest.approx(0, abs=1e-9)
    assert found["pose_deg"] == pytest.approx(np.degrees(0.2), abs=1e-3)  # float32 angles


def test_an_opened_mouth_is_an_expression() -> None:
    wanted, made = face(), face()
    made[list(LIPS_INNER), 1] += 4
    found = evaluate.performance_error(made, wanted)
    share = len(set(LIPS_INNER)) / len(evaluate.EXPRESSION)
    assert found["expression"] == pytest.approx(100 * 4 * share / np.ptp(wanted[:, 1]))
    assert found["pose_deg"] == pytest.approx(0, abs=1e-4) and found["gaze"] == pytest.approx(0)


def test_pictures_against_themselves_and_with_known_error() -> None:
    picture = RNG.uniform(0.2, 0.7, (24, 32, 3)).astype(np.float32)
    assert evaluate.ssim(picture, picture, EVERYWHERE) == pytest.approx(1)
    assert evaluate.psnr(picture + 0.1, picture, EVERYWHERE) == pytest.approx(20, abs=1e-3)
    assert evaluate.ssim(picture[::-1], picture, EVERYWHERE) < 0.3
    assert np.isnan(evaluate.psnr(picture, picture, 0 * EVERYWHERE))


def test_flicker_is_what_the_truth_does_not_do() -> None:
    truth = [RNG.uniform(0, 1, (24, 32, 3)) for _ in range(3)]
    offset = [picture + 0.2 for picture in truth]  # wrong, but steady
    assert evaluate.flicker(offset, truth, [EVERYWHERE] * 3) == pytest.approx(0, abs=1e-12)
    blinking = [picture + 0.2 * (k % 2) for k, picture in enumerate(truth)]
    assert evaluate.flicker(blinking, truth, [EVERYWHERE] * 3) == pytest.approx(0.2)
    assert np.isnan(evaluate.flicker(truth[:1], truth[:1], [EVERYWHERE]))


def test_inception_is_only_taken_from_disk(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"gone\.pt: can't be loaded as TorchScript"):
        evaluate.inception(tmp_path / "gone.pt")
