"""Fifty shots in one go, five of them broken in different ways; and the rules of a batch one by one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.farm.warm_worker import warm_venv
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.files import hash_file, read_json

SETTINGS = ("train.steps=2", "train.batch_size=1", "train.crop_px=32", "train.save_every=2", "review.movie=false",
            "qc.enabled=false", "keyframes.pattern=keyframes/base.####.exr")  # fmt: skip
FRAMES = (1001, 1002, 1003)
NUM_SHARING, NUM_PLAIN = 9, 35


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracked shot, to be copied; nothing but its name differs in the copies."""
    folder = tmp_path_factory.mktemp("base") / "base"
    make_performer_shot(
        folder, width=96, height=72, count=len(FRAMES), key_frames=(1001, 1003), microphone=False, overrides=SETTINGS
    )
    shutil.rmtree(folder / "truth")
    assert main(["track", str(folder), "--progress", "none"]) == 0
    return folder


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    pytest.importorskip("openjd.sessions", reason="openjd-sessions is not installed (extra: farm)")
    with warm_venv(tmp_path_factory.mktemp("warm") / "venv") as folder:
        yield folder


def copy_of(base: Path, place: Path) -> Path:
    shutil.copytree(base, place)
    replace_in(place / "shot.toml", 'name = "base"', f'name = "{place.name}"')
    return place


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def broken_shots(base: Path, show: Path) -> dict[str, str]:
    """Five shots, each broken in its own way; what is said of each."""
    (copy_of(base, show / "gone") / "plate" / "base.1002.exr").unlink()
    replace_in(copy_of(base, show / "typo") / "shot.toml", "[train]", "[train]\nstpes = 3")
    replace_in(copy_of(base, show / "nobody") / "shot.toml", "procedural_performer", "procedural_performr")
    copy_of(base, show / "orphan")
    damaged = copy_of(base, show / "damaged") / "plate" / "base.1002.exr"
    damaged.write_bytes(
        damaged.read_bytes()[:2000]
    )  # check opens the first and last frame only: this one fails on the farm
    shutil.rmtree(show / "damaged" / "track")
    return {
        "gone": "shot.toml [plate]: 1002 of 1001-1003 are missing in plate; bring them, or change [plate].frames",
        "typo": "shot.toml [train].stpes: unknown key; did you mean 'steps'",
        "nobody": "did you mean identity 'procedural_performer'?",
        "orphan": f"[model].shared: {show}/nowhere: no such file",
        "damaged": "track",
    }


def show_list(show: Path, base: Path, venv: Path) -> Path:
    """The list: a model shot, shots that take over its network, plates to be passed through, and the broken ones among them."""
    sharing = [f"sh{number:04d}" for number in range(2, 2 + NUM_SHARING)]
    lines = ["[defaults]", 'model = "sh0001"', 'colorspace = "ACEScg"', f'set = ["farm.venv={venv}"]']
    for name in (*sharing[:5], "gone", "typo", *sharing[5:], "nobody", "damaged", "sh0001"):
        lines += ["[[shot]]", f'shot = "{name}"']
    lines += ["[[shot]]", 'shot = "orphan"', 'model = "nowhere"']
    for number in range(NUM_PLAIN):
        lines += ["[[shot]]", f'shot = "pt{number:04d}"', f'plate = "{base}/plate/base.####.exr"', 'template = "passthrough"',
                  'model = ""', 'set = ["review.movie=false", "qc.enabled=false"]']  # fmt: skip
    for name in ("sh0001", *sharing):
        copy_of(base, show / name)
    file = show / "show.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def states(show: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert main(["status", str(show), "--json"]) == 0
    return {one["shot"]: one for one in json.loads(capsys.readouterr().out)["shots"]}


@pytest.mark.slow
def test_fifty_shots_five_of_them_broken(
    base: Path, venv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show = tmp_path / "show"
    file, said = show_list(show, base, venv), broken_shots(base, show)
    before = {path: hash_file(path) for path in show.rglob("plate/*.exr")}

    assert main(["batch", str(file), "--progress", "none"]) == 2

    told = capsys.readouterr()
    problems = told.err.splitlines()
    assert len(problems) == len(said) == 5, told.err
    for name, reason in said.items():
        (line,) = [line for line in problems if line.startswith(f"vfx-deepfake batch: {name}: broken: ")]
        assert reason in line
    good = [f"sh{number:04d}" for number in range(1, 2 + NUM_SHARING)] + [
        f"pt{number:04d}" for number in range(NUM_PLAIN)
    ]
    assert len(good) == 45
    for name in good:
        assert f"{name}: submitted" in told.out
        version = read_json(show / name / "versions" / "v001" / "version.json")
        assert sorted(version["frames"]) == [str(frame) for frame in FRAMES]
        assert [path.name for path in (show / name / "versions").iterdir()] == ["v001"]
    for name in said:
        assert not list((show / name).glob("versions/v*"))
    assert {path: hash_file(path) for path in before} == before

    runs = {
        name: read_json(show / name / "runs" / "run_0001" / "run.json")["shared_from"]
        for name in good
        if name.startswith("sh")
    }
    assert runs.pop("sh0001") == "" and set(runs.values()) == {"sh0001"} and len(runs) == NUM_SHARING
    same_as_run(show, "sh0002", ["model.shared=../sh0001"])
    same_as_run(show, "pt0000", [])

    found = states(file, capsys)
    assert {name for name, one in found.items() if one["state"] == "done"} == set(good)
    assert {name for name, one in found.items() if one["state"] == "failed"} == set(said)
    assert "base.1002.exr" in found["damaged"]["why"] and found["damaged"]["why"].startswith("track: ")
    rerun(show, file, base, capsys, good)


def same_as_run(show: Path, name: str, overrides: list[str]) -> None:
    """The farm's frames are those of a plain run, byte for byte."""
    again = show / "again" / name
    shutil.copytree(show / name, again, ignore=shutil.ignore_patterns("versions", "runs", "work"))
    for text in overrides:
        replace_in(again / "shot.toml", "[model]", f'[model]\nshared = "{text.split("=")[1].replace("../", "../../")}"')
    assert main(["run", str(again), "--progress", "none"]) == 0
    for frame in FRAMES:
        theirs, ours = (
            folder / "versions" / "v001" / "exr" / f"{name}_v001.{frame}.exr" for folder in (show / name, again)
        )
        assert parts(theirs) == parts(ours)


def parts(file: Path) -> list[bytes]:
    """Pixels of every part; headers name the inputs' hash, which knows how the model shot was written."""
    import OpenImageIO as oiio

    source, found = oiio.ImageInput.open(str(file)), []
    while source.seek_subimage(len(found), 0):
        found.append(source.read_image(len(found), 0, 0, source.spec().nchannels, source.spec().format).tobytes())
    assert len(found) >= 1
    return found


def rerun(show: Path, file: Path, base: Path, capsys: pytest.CaptureFixture[str], good: list[str]) -> None:
    """Two of the broken ones are put right: they alone are done."""
    for name in ("gone", "damaged"):
        shutil.copy(base / "plate" / "base.1002.exr", show / name / "plate")
    made = {name: (show / name / "versions" / "v001" / "version.json").stat().st_mtime_ns for name in good}
    assert main(["batch", str(file), "--rerun-failed", "--json", "--progress", "none"]) == 2
    result = json.loads(capsys.readouterr().out)
    assert (result["left alone"], result["submitted"], result["broken"]) == (45, 2, 3)
    assert {name: (show / name / "versions" / "v001" / "version.json").stat().st_mtime_ns for name in good} == made
    found = states(file, capsys)
    assert {name for name, one in found.items() if one["state"] != "done"} == {"typo", "nobody", "orphan"}
    assert (found["damaged"]["why"], found["damaged"]["version"]) == ("", "v001")
