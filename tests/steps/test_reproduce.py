"""A record is enough to have the same frames again, and what is not the same any more is named."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.files import hash_data, read_json, write_json
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.progress import SILENT
from vfx_deepfake.settings import Settings
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.reproduce import differences, largest_difference, reproduce
from vfx_deepfake.tables import as_table, build

SETTINGS = (
    "train.steps=3",
    "train.batch_size=1",
    "train.crop_px=32",
    "train.save_every=3",
    "qc.enabled=false",
    "review.movie=false",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shot with two versions, the second from other settings."""
    shot = tmp_path_factory.mktemp("made") / "sh0010"
    make_performer_shot(shot, width=96, height=72, count=3, key_frames=2, microphone=False, overrides=SETTINGS)
    for more in ((), ("--set", "render.strength=0.5")):
        assert main(["run", str(shot), "--progress", "none", *more]) == 0
    return shot


@pytest.fixture
def shot(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "sh0010"))


@pytest.mark.parametrize("from_plate", (False, True))
def test_same_bits(shot, from_plate):
    before = {path: path.stat().st_mtime_ns for path in shot.rglob("*") if path.is_file() and "work" not in path.parts}
    found = reproduce(str(shot), "v001", SILENT, from_plate=from_plate)
    assert found["bit_identical"] and found["files"] == 6 and found["lines"] == []
    assert {path: path.stat().st_mtime_ns for path in before} == before  # nothing but the work folder was touched
    assert not (shot / "work/reproduce/v001").exists()


def test_settings_are_those_of_the_record(shot):
    """The shot file says strength 1; v002 was made with 0.5."""
    found = reproduce(str(shot), "v002", SILENT, frames="1002", keep=True)
    assert found["bit_identical"] and found["reproduced"] == "1002"
    assert (shot / "work/reproduce/v002/version/exr/sh0010_v002.1002.exr").is_file()


def test_another_plate_is_named_and_measured(shot):
    shutil.copy(shot / "plate/sh0010.1003.exr", shot / "plate/sh0010.1001.exr")
    found = reproduce(str(shot), "v001", SILENT, frames="1001", from_plate=True)
    assert not found["bit_identical"] and found["largest_difference"] > 0
    assert "not the same as then: plate.sh0010.1001.exr" in found["lines"]
    assert any(line.startswith("differs: 2 files of frames 1001, by ") for line in found["lines"])


def test_a_header_alone_is_the_same_picture(shot):
    record = shot / "versions/v001/version.json"
    record.chmod(stat.S_IRUSR | stat.S_IWUSR)
    data = read_json(record)
    write_json(record, {**data, "inputs_hash": hash_data("another")})  # goes into the header of an EXR
    found = reproduce(str(shot), "v001", SILENT, frames="1001")
    assert not found["bit_identical"] and found["largest_difference"] == 0
    assert found["lines"] == ["same picture: 1 files of frames 1001"]


def test_without_a_release_nothing_is_made(shot, capsys):
    file = next((shot / "releases").glob("*.toml"))
    file.write_text(file.read_text().rstrip() + "\nrevoked = 2026-01-01\n")
    assert main(["reproduce", str(shot), "--version", "v001", "--progress", "none"]) == 2
    assert "was revoked on 2026-01-01" in capsys.readouterr().err


@pytest.mark.parametrize("version", ("v009", "newest", "v1x", "../v001"))
def test_versions_that_are_not_there(made, capsys, version):
    assert main(["reproduce", str(made), "--version", version, "--progress", "none"]) == 2
    assert f"no version '{version}'; published: v001, v002" in capsys.readouterr().err


def test_settings_come_back_from_their_record(made):
    keyed = ["beauty.blotches.chin=[[1001, 0.2], [1003, 0.4]]", "beauty.blotches.face={left=0.5, right=[[1002, 0.25]]}"]
    settings = load_shot(made, keyed).settings
    assert build(Settings, json.loads(json.dumps(as_table(settings))), "record") == settings


def test_differences_by_name():
    then = {"code": {"a": 1, "b": 2}, "plate": {"x": 1}, "frames": "1-2", "gone": 1}
    now = {"code": {"a": 1, "b": 3}, "plate": {"x": 1, "y": 2}, "frames": "1-2", "new": 2}
    assert differences(then, now) == ["code.b", "gone", "new", "plate.y"]


def test_largest_difference(tmp_path):
    window = Window(0, 0, 4, 3)
    base = np.zeros((3, 4, 3), np.float32)
    base[0, 0, 0] = np.nan

    def write(name: str, pixels: np.ndarray) -> Path:
        write_exr(tmp_path / name, [Part("rgba", pixels, ("R", "G", "B"), window)], window)
        return tmp_path / name

    changed, without_nan = base.copy(), np.nan_to_num(base)
    changed[2, 3, 1] = -0.25
    one = write("a.exr", base)
    assert largest_difference(one, write("b.exr", base)) == 0
    assert largest_difference(one, write("c.exr", changed)) == 0.25
    assert largest_difference(one, write("d.exr", without_nan)) == float("inf")
