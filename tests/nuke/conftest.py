"""One version of the performer for all tests of the gizmo and of comp scripts; read only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nuke.versions import publish
from vfx_deepfake.demo.shot import DemoShot


@pytest.fixture(scope="session")
def published(small_shot: DemoShot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shot file of three frames with a face dialled by sliders, published as v001; ACEScg, half, with grain."""
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    folder = tmp_path_factory.mktemp("nuke") / "sh0010"
    return publish(small_shot, folder, "1001-1003", small_shot.plate, "ACEScg")
