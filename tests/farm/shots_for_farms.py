"""A performer shot for farm tests: no training, five short tasks, and the settings that bring this checkout to the worker."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.files import hash_file

ROOT = Path(__file__).parents[2]
FRAMES = range(1001, 1007)
SETTINGS = (
    "model.method=propagate", "qc.enabled=false", "farm.chunk_frames=3", "farm.cores=1", "farm.memory_mib=500",
    f"farm.venv={sys.prefix}", f"farm.variables=['PYTHONPATH={ROOT}']",
)  # fmt: skip


def make_shot(folder: Path, *more: str) -> Path:
    return make_performer_shot(folder, count=len(FRAMES), overrides=(*SETTINGS, *more)).folder


def copy_of(shot: Path, name: str) -> Path:
    """A fresh copy in a folder of another name, as another show's disk would have it."""
    return Path(shutil.copytree(shot, shot.parent / name / shot.name))


def pictures(shot: Path) -> dict[str, str]:
    """Hashes of the frames of v001, by path."""
    folder = shot / "versions" / "v001"
    found = {
        str(path.relative_to(folder)): hash_file(path)
        for kind in ("exr", "dpx")
        for path in sorted((folder / kind).iterdir())
    }
    assert len(found) == 2 * len(FRAMES)
    return found
