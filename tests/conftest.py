"""Shots of the procedural performer that many tests share; made once a session, to be read only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.shot import DemoShot


@pytest.fixture(scope="session")
def small_shot(tmp_path_factory: pytest.TempPathFactory) -> DemoShot:
    """160 x 120, frames 1001-1006, the microphone before the face in some; read only."""
    return make_performer_shot(tmp_path_factory.mktemp("performer") / "small")


@pytest.fixture(scope="session")
def wide_shot(tmp_path_factory: pytest.TempPathFactory) -> DemoShot:
    """320 x 180, frames 1001-1008; read only."""
    return make_performer_shot(tmp_path_factory.mktemp("performer") / "wide", width=320, height=180, count=8)


@pytest.fixture
def own_shot(small_shot: DemoShot, tmp_path: Path) -> Callable[[str], Path]:
    """Give a private copy of the small shot, which a test may change; call it with the name of the folder."""

    def copy(name: str = "small") -> Path:
        return Path(shutil.copytree(small_shot.folder, tmp_path / name))

    return copy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.name != "test_kill.py" and item.path in slow))
