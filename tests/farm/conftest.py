"""The shot that goes to every engine, and its frames as plain ``run`` makes them."""

from __future__ import annotations

import pytest

from tests.farm.shots_for_farms import copy_of, make_shot, pictures
from vfx_deepfake.cli.main import main


@pytest.fixture(scope="session")
def farm_shot(tmp_path_factory):
    """Not worked on yet; take a copy."""
    return make_shot(tmp_path_factory.mktemp("farm") / "sh0010")


@pytest.fixture(scope="session")
def plain_frames(farm_shot):
    """Hashes of the frames of ``vfx-deepfake run``."""
    shot = copy_of(farm_shot, "plain")
    assert main(["run", str(shot), "--progress", "none"]) == 0
    return pictures(shot)
