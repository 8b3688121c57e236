"""Facesets of drawn people are facesets like any other, and the same each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.files import hash_file

pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_faceset(3, tmp_path_factory.mktemp("facesets") / "three", count=4, lights=(0, 1), size=64)


def test_it_loads_as_a_faceset(folder: Path) -> None:
    faceset = load_faceset(folder)
    assert len(faceset) == 4 and faceset.identity == "performer 3" and faceset.size == 64
    assert {crop.source for crop in faceset.crops} == {f"performer 3, light {light}, age 0" for light in (0, 1)}
    view = faceset.view(0)
    assert view.image_log.shape == (64, 64, 3) and 0.0 < float(view.image_log.min()) < float(view.image_log.max()) < 1.1
    # the face stands in the middle: every point within the crop
    assert (faceset.points > 0).all() and (faceset.points < 64).all()


def test_its_poses_are_spread(folder: Path) -> None:
    yaw = load_faceset(folder).pose[:, 0]
    assert yaw.min() < -10 and yaw.max() > 10


def test_the_same_again_is_the_same(folder: Path, tmp_path: Path) -> None:
    again = render_faceset(3, tmp_path / "again", count=4, lights=(0, 1), size=64)
    assert load_faceset(again).hash == load_faceset(folder).hash
    assert np.array_equal(load_faceset(again).points, load_faceset(folder).points)


def test_a_complete_one_is_left_alone(folder: Path) -> None:
    before = hash_file(folder / "faceset.json")
    assert render_faceset(5, folder, count=1, size=64) == folder
    assert hash_file(folder / "faceset.json") == before
