"""Facesets as an artist meets them: commands, the release gate, the real landmarker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import vfx_deepfake.faceset as api
from tests.faceset.drawn import CanonicalFaces, frames
from tests.faceset.small import small_faceset
from vfx_deepfake.cli.faceset import ORDERS
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.errors import ConsentError, FacesetError
from vfx_deepfake.faceset import sort
from vfx_deepfake.faceset.spec import CullSpec, FacesetSpec, SourceSpec, load_spec, write_spec
from vfx_deepfake.steps import faceset_stage as stage

RELEASE = ("identity=performer_b", "performer=Nobody", "kind=synthetic performer", "description=test", 'shows=["north"]',
           'shots=["sh*"]', 'operations=["train", "render"]', "signed=2026-01-01", "valid_from=2026-01-01",
           "valid_until=2099-01-01", "approved_by=me")  # fmt: skip


def run(*words: str) -> int:
    return main([*words, "--progress", "none"])


def release(folder: Path, *changes: str) -> None:
    assert run("release", "add", str(folder), *(word for text in (*RELEASE, *changes) for word in ("--set", text))) == 0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A faceset.toml over three drawn frames, its release on record."""
    monkeypatch.setattr("vfx_deepfake.faceset.build.default_detector", CanonicalFaces)
    monkeypatch.setattr(
        "vfx_deepfake.faceset.build.build_faceset.__defaults__", (api.build_faceset.__defaults__[0], CanonicalFaces)
    )
    release(tmp_path / "releases")
    pattern = frames(tmp_path, 3)
    made = (
        "--identity",
        "performer_b",
        "--releases",
        str(tmp_path / "releases"),
        "--source",
        pattern,
        "--colorspace",
        "ACEScg",
        "--size",
        "48",
    )
    assert run("faceset", "new", str(tmp_path / "b"), *made) == 0
    return tmp_path / "b"


def test_new_takes_paths_from_where_it_is_run_and_writes_them_as_the_file_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    asked = ("--identity", "b", "--source", "stills/*.tif", "--source", "/archive/reel.mov", "--colorspace", "ACEScg")
    assert run("faceset", "new", "../sets/b", *asked, "--releases", "releases") == 0
    spec, sources = load_spec(tmp_path / "sets" / "b")
    assert spec.releases == "../../here/releases"
    assert [each.path for each in sources] == ["../../here/stills/*.tif", "/archive/reel.mov"]
    assert run("faceset", "new", "other", *asked) == 0
    assert load_spec(Path("other"))[0].releases == "releases"  # in the faceset, as where nothing is said


def test_from_new_to_sheets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("faceset", "build", str(folder)) == 0
    said = capsys.readouterr().out
    assert "1 of 3 in use" in said  # the drawn face only moves across the picture: its crops are one
    assert "not used: 2 double" in said
    assert "3 crops of 1001-1003" in said
    assert run("faceset", "drop", str(folder), "2", "--note", "laughs") == 0
    assert run("faceset", "info", str(folder)) == 0
    assert "not used: 1 dropped by hand" in capsys.readouterr().out
    assert run("faceset", "cull", str(folder)) == 0
    assert run("faceset", "undo", str(folder), "1-3") == 0
    assert run("faceset", "keep", str(folder), "9") == 2
    assert "has no crop 9" in capsys.readouterr().err
    assert run("faceset", "sheets", str(folder), "--order", "yaw", "--order", "similarity", "--only", "used") == 0
    assert sorted(path.name for path in (folder / "sheets").iterdir()) == [
        "similarity_used_001.png",
        "yaw_used_001.png",
    ]
    assert run("faceset", "list", str(folder.parent)) == 0
    assert "'performer_b', 1 of 3 crops in use, 48 px" in capsys.readouterr().out
    assert run("faceset", "new", str(folder), "--identity", "x", "--source", "y", "--colorspace", "z") == 2
    assert "exists already" in capsys.readouterr().err


def test_what_is_up_to_date_is_left_alone(folder: Path) -> None:
    assert not stage.faceset_is_fresh(folder)
    first = stage.faceset_stage(folder)
    assert first["new"] == 3
    assert stage.faceset_is_fresh(folder)
    assert "new" not in stage.faceset_stage(folder)
    with (folder / "faceset.toml").open("a") as file:
        file.write("\n[cull]\nyaw_degrees = 40\n")
    assert not stage.faceset_is_fresh(folder)
    assert stage.faceset_stage(folder)["new"] == 0  # judged anew, nothing cut
    assert stage.faceset_is_fresh(folder)


def test_sources_that_fail_are_told_and_the_code_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (folder / "faceset.toml").open("a") as file:
        file.write('\n[[source]]\npath = "nowhere/*.tif"\ncolorspace = "ACEScg"\n')
    assert run("faceset", "build", str(folder)) == 2
    told = capsys.readouterr()
    assert "1 of 3 in use" in told.out
    assert "nowhere/*.tif: no such file or folder of pictures" in told.err


def test_a_faceset_made_elsewhere_is_fresh(tmp_path: Path) -> None:
    small_faceset(tmp_path)
    assert stage.faceset_is_fresh(tmp_path)
    assert stage.faceset_stage(tmp_path)["crops"] == "4 of 4 in use"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((), ""),
        (('release = "other"',), r"release 'other' is not on record in \S+/releases; there: performer_b_2026-01-01"),
        (('show = "south"',), "is for show 'north'"),
        (('identity = "somebody"',), "no release covers it"),
    ],
)
def test_nothing_is_cut_without_a_release(folder: Path, changes: Sequence[str], words: str) -> None:
    text = (folder / "faceset.toml").read_text()
    for line in changes:
        name = line.split(" ", 1)[0]
        kept = [each for each in text.splitlines() if not each.startswith(f"{name} ")]
        text = "\n".join([line, *kept])
    (folder / "faceset.toml").write_text(text)
    if words:
        with pytest.raises(ConsentError, match=words):
            stage.faceset_stage(folder)
        assert not (folder / "crops").exists()
    else:
        assert stage.covering_release(folder, load_spec(folder)[0], "north", "sh010").id == "performer_b_2026-01-01"
        with pytest.raises(ConsentError, match="is for shot"):
            stage.covering_release(folder, load_spec(folder)[0], "north", "ab010")


TOML = [
    ("", "has no \\[\\[source\\]\\]"),
    ("identty = 3", r"identty: unknown key; did you mean 'identity'"),
    ('identity = "x"\nsize_px = 250', "size_px is 250; want a multiple of 16"),
    ('identity = "x"\n[[source]]\npath = "a"\ncolorspace = "b"\nevery = 0', "every is 0"),
    ('identity = "x"\n[[source]]\npath = "a"', "colorspace: missing"),
    ('identity = "x"\n[[source]]\npath = "a"\ncolorspace = "b"\nframes = "1-x"', "is not a frame range"),
    ('identity = "x"\n[cull]\nembedder = "here"', "write module:function"),
    ('identity = "x"\n[cull]\nscore = -1', "score can't be negative"),
    ("identity = ", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "words"), TOML)
def test_a_wrong_faceset_toml_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "faceset.toml").write_text(text)
    with pytest.raises(FacesetError, match=words):
        load_spec(tmp_path)


def test_a_faceset_toml_comes_back_as_written(tmp_path: Path) -> None:
    spec = FacesetSpec(identity="b", age=33.5, size_px=384, releases="../r")
    sources = (
        SourceSpec(path="a/*.tif", colorspace="ACEScg", label="day"),
        SourceSpec(path="b.mov", colorspace="x", every=5, age=20),
    )
    write_spec(tmp_path, spec, sources)
    assert load_spec(tmp_path) == (spec, sources)
    assert CullSpec() == load_spec(tmp_path)[0].cull


def test_the_orders_of_the_command_line_are_all_there_are() -> None:
    assert set(ORDERS) == {*sort.ORDERS, sort.SIMILARITY}


def test_the_python_api_has_what_it_names() -> None:
    for name in api.__all__:
        assert getattr(api, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        api.nothing  # noqa: B018


def test_the_real_landmarker_cuts_a_performer(wide_shot: DemoShot, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe", reason="needs the landmarker")
    plate = json.loads(json.dumps(str(next((wide_shot.folder / "plate").glob("*.1001.exr"))))).replace("1001", "####")
    sources = (SourceSpec(path=plate, colorspace="ACEScg", every=4),)
    built = api.build_faceset(tmp_path, FacesetSpec(identity="performer", size_px=96), sources)
    assert built.problems == ()
    faceset = api.load_faceset(tmp_path)
    assert len(faceset) == 2
    assert np.abs(faceset.pose[:, 2]).max() < 10  # upright
    low, high = faceset.points.min(axis=(0, 1)), faceset.points.max(axis=(0, 1))
    assert low.min() > 8
    assert high.max() < 88  # the face with room around it
