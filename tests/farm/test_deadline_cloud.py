"""Deadline Cloud's job bundle, read by its own command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.farm.engines import program
from tests.farm.jobs import FARM, GOLDEN, decoded_job, write_shot
from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends import deadline_cloud
from vfx_deepfake.farm.decoded import Decoded
from vfx_deepfake.progress import Silent

NAME = "sh {0010} $HOME 'ü' \"日本\""
SEND = {"hold": False, "dry_run": False, "progress": Silent()}


@pytest.fixture
def job(tmp_path: Path) -> Decoded:
    write_shot(tmp_path / "sh0009")
    return decoded_job(write_shot(tmp_path / NAME), overrides=["model.shared=../sh0009"])


def bundle_info(folder: Path) -> dict[str, Any]:
    beside = shutil.which("deadline", path=str(Path(sys.executable).parent)) or shutil.which("deadline")
    if not beside:
        pytest.skip("the deadline command is not installed (extra: dev)")
    done = subprocess.run(
        [beside, "bundle", "info", str(folder), "--output", "json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_deadline_reads_the_bundle(job: Decoded, tmp_path: Path) -> None:
    deadline_cloud.write_bundle(job, tmp_path / "bundle", hold=True)
    said = bundle_info(tmp_path / "bundle")
    assert said["name"] == "north sh0010" and said["steps"] == [step.name for step in job.steps]
    shown = {each["name"]: each["_display_value"] for each in said["parameters"]}
    assert shown["ShotFolder"] == str(tmp_path / NAME) and shown["Frames"] == "1001-1010"


def test_parameters_and_assets_are_the_golden_ones(job: Decoded, tmp_path: Path) -> None:
    # made by: write_bundle(the job above, hold=True), its folder called /shows
    files = deadline_cloud.write_bundle(job, tmp_path / "bundle", hold=True)
    assert json.loads(files[0].read_text(encoding="utf-8")) == job.template
    for file in files[1:]:
        made = file.read_text(encoding="utf-8").replace(str(tmp_path), "/shows")
        assert made == (GOLDEN / f"deadline_cloud_{file.name}").read_text(encoding="utf-8")


def test_only_what_lies_outside_the_shot_is_listed(tmp_path: Path) -> None:
    file = write_shot(tmp_path / "sh0010", FARM + '[color]\nconfig = "../show.ocio"\n', plate="plate/sh0010.####.exr")
    deadline_cloud.write_bundle(decoded_job(file), tmp_path / "bundle")
    inputs = json.loads((tmp_path / "bundle" / deadline_cloud.ASSETS).read_text())["assetReferences"]["inputs"]
    assert inputs == {"directories": ["/releases"], "filenames": [str(tmp_path / "show.ocio")]}


def test_it_is_checked_then_submitted(job: Decoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = 'echo "$@" >> "$CALLS"\n[ "$2" = info ] || echo "Submitted job bundle: job-0123456789abcdef"'
    calls = program(tmp_path / "bin", "deadline", answer, monkeypatch)
    folder = tmp_path / "submission"
    waiting = replace(job, outside={"train": ("job-77",)}, queue="queue-5")
    submitted = deadline_cloud.submit(waiting, folder=folder, **SEND)
    assert set(submitted.job_ids.values()) == {"job-0123456789abcdef"}
    assert calls.read_text().splitlines() == [
        f"bundle info {folder}/bundle",
        f"bundle submit {folder}/bundle --yes --queue-id queue-5",
    ]
    assert submitted.notes == (
        "train must not begin before job-77 is done, which Deadline Cloud does not know; submit with --hold until then",
    )


def test_a_bundle_that_deadline_refuses_is_not_submitted(
    job: Decoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = program(
        tmp_path / "bin", "deadline", 'echo "$@" >> "$CALLS"; echo "Could not read bundle" >&2; exit 1', monkeypatch
    )
    with pytest.raises(FarmError, match=r"deadline: Could not read bundle \(exit code 1\); submit .*/s/bundle by hand"):
        deadline_cloud.submit(job, folder=tmp_path / "s", **SEND)
    assert calls.read_text().split()[:2] == ["bundle", "info"]
    assert len(calls.read_text().splitlines()) == 1
