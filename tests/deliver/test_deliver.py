"""Only what was approved, is unchanged and not overtaken leaves the house; killed, packing goes on."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from tests.deliver.conftest import call
from vfx_deepfake.cli.main import main
from vfx_deepfake.files import hash_file, read_json, write_json
from vfx_deepfake.media.content import content_digest
from vfx_deepfake.media.dpx import read_codes
from vfx_deepfake.media.exr import read_exr


def copy_of(studio: Path, place: Path) -> Path:
    """The show, its database included, elsewhere."""
    shutil.copytree(studio / "show", place / "show")
    shutil.copy(studio / "key.pem", place / "key.pem")
    return place / "show" / "sh0010"


def refused(shot: Path, capsys: pytest.CaptureFixture[str], *more: object) -> str:
    capsys.readouterr()
    key = shot.parents[1] / "key.pem"
    assert (
        main(
            [
                "deliver",
                str(shot),
                "--key",
                str(key),
                "--to",
                str(shot.parents[1] / "out"),
                "--progress",
                "none",
                *map(str, more),
            ]
        )
        == 2
    )
    assert not (shot.parents[1] / "out").exists() or not list((shot.parents[1] / "out").glob("[!.]*"))
    return capsys.readouterr().err


def test_frames_are_the_approved_ones(studio):
    version, packed = studio / "show/sh0010/versions/v001", studio / "first/demo_sh0010_v001"
    for frame in range(1001, 1005):
        for kind in ("exr", "dpx"):
            name = f"{kind}/sh0010_v001.{frame}.{kind}"
            assert content_digest(packed / name) == content_digest(version / name)
    assert hash_file(packed / "version.json") == hash_file(version / "version.json")


def test_finished_picture_alone(studio):
    layered, alone = (studio / f"{name}/demo_sh0010_v001/exr/sh0010_v001.1002.exr" for name in ("first", "second"))
    assert np.array_equal(read_exr(alone).pixels, read_exr(layered, part="rgba").pixels)
    assert alone.stat().st_size < layered.stat().st_size


def test_other_codes_and_names(studio, tmp_path):
    shot = copy_of(studio, tmp_path)
    call("deliver", shot, "--key", tmp_path / "key.pem", "--to", tmp_path / "out", "--progress", "none", "--set", "pack.profile=dpx16",
         "--set", "pack.exr=", "--set", "pack.dpx=plates/{shot}_comp.#####.dpx", "--set", "pack.movie=false")  # fmt: skip
    file = tmp_path / "out/demo_sh0010_v001/plates/sh0010_comp.01002.dpx"
    codes, bits = read_codes(file)
    ten, _ = read_codes(studio / "show/sh0010/versions/v001/dpx/sh0010_v001.1002.dpx")
    assert bits == 16
    # the same picture: a 16-bit code falls into the 10-bit code it rounds to, half a code and float32's rounding apart
    assert np.abs(codes / 65535 * 1023 - ten).max() <= 0.51
    assert sorted(path.name for path in (tmp_path / "out/demo_sh0010_v001").iterdir()) == [
        "manifest.json",
        "manifest.sig",
        "plates",
        "version.json",
    ]


def test_not_approved(studio, tmp_path, capsys):
    shot = copy_of(studio, tmp_path)
    call("run", shot, "--progress", "none", "--set", "render.strength=0.5")
    call("review", "register", shot)
    assert "sh0010 v002: is not approved (it stands as 'pending_review')" in refused(shot, capsys, "--version", "v002")
    call("review", "request-changes", shot, "v002", "--why", "too waxy")
    assert "asked for changes ('too waxy')" in refused(shot, capsys, "--version", "v002")


def test_overtaken(studio, tmp_path, capsys):
    shot = copy_of(studio, tmp_path)
    call("run", shot, "--progress", "none", "--set", "render.strength=0.5")
    call("review", "register", shot)
    call("review", "approve", shot, "v002", "--why", "better")
    assert "v001: was overtaken by a newer approved version" in refused(shot, capsys, "--version", "v001")


def test_plate_changed_since(studio, tmp_path, capsys):
    shot = copy_of(studio, tmp_path)
    plate = next((shot / "plate").glob("*.1002.exr"))
    shutil.copy(next((shot / "plate").glob("*.1003.exr")), plate)
    assert "its plate has changed since it was made" in refused(shot, capsys)


def test_approved_frame_changed_on_disk(studio, tmp_path, capsys):
    shot = copy_of(studio, tmp_path)
    frame = shot / "versions/v001/dpx/sh0010_v001.1003.dpx"
    frame.chmod(stat.S_IRUSR | stat.S_IWUSR)
    frame.write_bytes(frame.read_bytes()[:-1] + b"x")
    assert "frames 1003 are not the ones that were approved" in refused(shot, capsys)


def test_record_changed_on_disk(studio, tmp_path, capsys):
    shot = copy_of(studio, tmp_path)
    record = shot / "versions/v001/version.json"
    record.chmod(stat.S_IRUSR | stat.S_IWUSR)
    write_json(record, {**read_json(record), "digitally_altered": False})
    assert "version.json is not the one that was approved" in refused(shot, capsys)


def test_release_ran_out(studio, tmp_path, capsys):
    shot = copy_of(studio, tmp_path)
    file = next((shot / "releases").glob("*.toml"))
    file.write_text(file.read_text().rstrip() + "\nrevoked = 2026-01-01\n")
    assert "was revoked on 2026-01-01" in refused(shot, capsys)


def test_a_delivery_is_never_written_over(studio, tmp_path, capsys):
    shot = copy_of(studio, tmp_path)
    options = ("--key", tmp_path / "key.pem", "--to", tmp_path / "out", "--progress", "none")
    call("deliver", shot, *options)
    assert main(["deliver", *map(str, (shot, *options))]) == 2
    assert "exists already and stays as it was delivered" in capsys.readouterr().err


def test_goes_on_after_a_kill(studio, tmp_path):
    shot = copy_of(studio, tmp_path)
    whole = studio / "first/demo_sh0010_v001"
    digest = read_json(shot / "versions/v001/version.json")["frames_hash"][:12]
    making = tmp_path / "out" / f".demo_sh0010_v001.{digest}.making"
    shutil.copytree(whole, making)  # as a kill just before the rename leaves it
    (making / "exr/sh0010_v001.1002.exr").unlink()
    kept = (making / "exr/sh0010_v001.1003.exr").stat().st_mtime_ns
    call("deliver", shot, "--key", tmp_path / "key.pem", "--to", tmp_path / "out", "--progress", "none")
    packed = tmp_path / "out/demo_sh0010_v001"
    assert (packed / "exr/sh0010_v001.1003.exr").stat().st_mtime_ns == kept
    assert not making.exists()
    for frame in range(1000, 1005):
        name = f"exr/sh0010_v001.{frame}.exr"
        assert hash_file(packed / name) == hash_file(whole / name)


@pytest.mark.parametrize(
    ("setting", "said"),
    (
        ("pack.exr=../{shot}.####.exr", "inside the delivery's folder"),
        ("pack.dpx={shot}.dpx", "put #### where"),
        ("pack.folder={take}", "known fields are"),
        ("pack.profile=dpx8", "profile is 'dpx8'"),
    ),
)
def test_names_that_can_not_be(studio, tmp_path, capsys, setting, said):
    assert said in refused(copy_of(studio, tmp_path), capsys, "--set", setting)
