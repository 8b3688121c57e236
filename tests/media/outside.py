"""Material that is too large or not ours to keep in the project; tests that use it skip where it is absent."""

import os
from pathlib import Path

import pytest


def material(name: str) -> Path:
    """A folder of the benchmark data, or beside it (``../footage``); skips the test where it is not there."""
    bench = Path(os.environ.get("VFX_DEEPFAKE_BENCH") or Path(__file__).parents[3] / "shared" / "bench")
    folder = bench / name
    if not folder.is_dir():
        pytest.skip(f"no folder {name} in the benchmark data; set VFX_DEEPFAKE_BENCH")
    return folder
