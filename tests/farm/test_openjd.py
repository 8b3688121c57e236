"""``--farm openjd``: the bundle, read and run by Open Job Description's own program."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.farm.shots_for_farms import copy_of, pictures
from vfx_deepfake.farm.job import submit_shot
from vfx_deepfake.progress import Silent

OPENJD = Path(sys.executable).with_name("openjd")


def openjd(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(OPENJD), *words], capture_output=True, text=True, timeout=500)


def test_the_bundle_is_understood_by_openjd(own_shot):
    shot = own_shot()
    template, parameters = submit_shot(shot, ["farm.chunk_frames=2"], farm="openjd", progress=Silent()).files
    assert openjd("check", str(template)).returncode == 0
    summary = openjd("summary", str(template), "-p", f"file://{parameters}", "--output", "json")
    assert summary.returncode == 0, summary.stdout
    assert json.loads(summary.stdout)["status"] == "success"
    assert str(shot) not in template.read_text()


@pytest.mark.slow
def test_openjd_run_gives_the_frames_of_a_plain_run_with_paths_mapped(farm_shot, plain_frames):
    """Submitted where shot and plate have other paths than where it runs: the rules bring the worker to its own."""
    here = copy_of(farm_shot, "artist")
    plates = here.parent / "plates"
    (here / "plate").rename(plates)
    text = (here / "shot.toml").read_text()
    assert 'pattern = "plate/' in text
    (here / "shot.toml").write_text(text.replace('pattern = "plate/', f'pattern = "{plates}/'))
    template, parameters = submit_shot(here, farm="openjd", progress=Silent()).files
    bundle = shutil.copytree(template.parent, here.parent.parent / "bundle")
    there = here.parent.rename(here.parent.with_name("worker"))
    rules = {"version": "pathmapping-1.0", "path_mapping_rules": [
        {"source_path_format": "POSIX", "source_path": str(here.parent), "destination_path": str(there)}]}  # fmt: skip
    ran = openjd(
        "run",
        str(bundle / template.name),
        "-p",
        f"file://{bundle / parameters.name}",
        "--path-mapping-rules",
        json.dumps(rules),
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert not here.exists()
    assert pictures(there / here.name) == plain_frames
    assert "Session ended successfully" in ran.stdout
