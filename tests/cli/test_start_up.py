"""What a command must not load: libraries that take longer to import than most commands run, once a farm task."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vfx_deepfake.demo.fixtures import make_performer_shot

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "kornia", "tensorboard", "matplotlib", "mediapipe", "scipy")
WITHOUT_A_FACE = ("--set", "model.method=passthrough")
TELL = (
    "import sys; from vfx_deepfake.cli.main import main; code = main(sys.argv[1:]); "
    f"print('loaded', [name for name in {HEAVY!r} if name in sys.modules]); sys.exit(code)"
)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("start_up") / "sh0010"
    return str(make_performer_shot(folder, width=96, height=72, count=2, key_frames=(1001, 1002)).folder)


def loaded(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TELL, *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("command", [("check",), ("submit", "--farm", "openjd", "--dry-run"), ("status",)])
def test_asking_about_a_shot_loads_nothing_heavy(shot: str, command: tuple[str, ...]) -> None:
    assert loaded(command[0], shot, *command[1:]) == "loaded []"


def test_rendering_without_a_network_and_publishing_load_nothing_heavy(shot: str) -> None:
    assert loaded("render", shot, *WITHOUT_A_FACE) == "loaded []"
    assert "matplotlib" in loaded("review", shot, *WITHOUT_A_FACE)  # its fonts: what is loaded is seen
    assert loaded("version", shot, *WITHOUT_A_FACE) == "loaded []"
