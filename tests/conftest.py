"""Shots of the procedural performer that many tests share; made once a session, to be read only."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.progress import Silent
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.qc_stage import qc_stage
from vfx_deepfake.steps.render_stage import render_stage
from vfx_deepfake.steps.review import review_stage
from vfx_deepfake.steps.track import track_stage
from vfx_deepfake.steps.version import version_stage
from vfx_deepfake.viewing.cache import FOLDER_VARIABLE


@pytest.fixture(scope="session", autouse=True)
def review_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where servers of tests, and processes that they start, keep what they make from versions."""
    folder = tmp_path_factory.mktemp("review_cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="session")
def small_shot(tmp_path_factory: pytest.TempPathFactory) -> DemoShot:
    """160 x 120, frames 1001-1006, the microphone before the face in some; read only."""
    return make_performer_shot(tmp_path_factory.mktemp("performer") / "small")


@pytest.fixture(scope="session")
def wide_shot(tmp_path_factory: pytest.TempPathFactory) -> DemoShot:
    """320 x 180, frames 1001-1008; read only."""
    return make_performer_shot(tmp_path_factory.mktemp("performer") / "wide", width=320, height=180, count=8)


@dataclass(frozen=True, slots=True)
class Dailies:
    """A show's folder with one shot that has two published versions. Nothing is registered."""

    root: Path  # the show's folder, where review.sqlite would lie
    shot: DemoShot

    @property
    def show(self) -> str:
        """As the shot file has it."""
        return "demo"

    def folder(self, number: int) -> Path:
        """Folder of a published version."""
        return self.shot.folder / "versions" / f"v{number:03d}"


@pytest.fixture(scope="session")
def dailies_shot(tmp_path_factory: pytest.TempPathFactory) -> Dailies:
    """``sh0010``, 320 x 180, frames 1001-1014, sliders: v001 without QC, v002 with other light and QC; read only.

    What differs is a setting given on the command line, as the shot file says v001 still. Take :func:`own_dailies` for a copy.
    """
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    root = tmp_path_factory.mktemp("dailies") / "show"
    sliders = ("model.method=sliders", "beauty.wrinkles.face=0.9", "beauty.lift.jaw=0.6", "track.refine=false")
    shot = make_performer_shot(root / "sh0010", width=320, height=180, count=14, key_frames=1, overrides=sliders)
    stages = (track_stage, render_stage, review_stage, version_stage)
    for dialled, work in (((), stages), (("beauty.light.key=0.8",), (*stages[:3], qc_stage, version_stage))):
        opened = open_shot(shot.file, dialled)
        for stage in work:
            stage(opened, Silent())
    return Dailies(root, shot)


@pytest.fixture
def own_dailies(dailies_shot: Dailies, tmp_path: Path) -> Dailies:
    """A copy of the dailies shot that a test may change, in a show's folder of its own."""
    root = Path(shutil.copytree(dailies_shot.root, tmp_path / "show"))
    shot = dailies_shot.shot
    folder = root / shot.folder.name
    return Dailies(root, DemoShot(folder, folder / "shot.toml", shot.frames, shot.key_frames, shot.performer))


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
