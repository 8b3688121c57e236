"""Shots whose face comes from facesets: gate, whole run, what makes a stage stale, driving, sweeps; on real files."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.nuke.versions import Shown
from tests.qc import faults
from tests.qc.faults import Planted
from tests.steps.shots import raw
from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.shot import IDENTITY
from vfx_deepfake.errors import ConsentError, FacesetError, PlateError, ShotError
from vfx_deepfake.farm.plan import plan_job
from vfx_deepfake.files import hash_file, read_json, write_json
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity.performance import Corrector
from vfx_deepfake.model.identity.predictor import IdentityModel
from vfx_deepfake.progress import SILENT
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.consent import require_releases
from vfx_deepfake.steps.identity_sources import open_facesets
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.pipeline import plan_shot
from vfx_deepfake.steps.qc_stage import qc_stage
from vfx_deepfake.steps.render_stage import render_stage
from vfx_deepfake.steps.shot_crops import open_crops
from vfx_deepfake.steps.train import open_model

SETTINGS = (
    "model.method=autoencoder", "identity.faceset=['../facesets/three']", "identity.mix_with=['../facesets/five']",
    "identity.crop_px=64", "identity.capacity=small", "train.steps=2", "train.batch_size=2", "train.save_every=1",
    "review.movie=false", "delivery.profile=exr",
)  # fmt: skip
PEOPLE = {"three": 3, "five": 5}
FRAMES = (1001, 1002, 1003)


def release(folder: Path, identity: str, *operations: str) -> None:
    today = dt.date.today()
    words = {
        "identity": identity, "performer": "nobody", "kind": "synthetic performer", "description": "tests", "shows": ["*"],
        "shots": ["*"], "operations": list(operations), "signed": today, "valid_from": today,
        "valid_until": today + dt.timedelta(days=9), "approved_by": "tests", "id": identity.replace(" ", "_"),
    }  # fmt: skip
    assert main(["release", "add", str(folder), *(w for k, v in words.items() for w in ("--set", f"{k}={v}"))]) == 0


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames of the performer and facesets of two other people, whom no release covers yet."""
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
    root = tmp_path_factory.mktemp("identity")
    for name, number in PEOPLE.items():
        render_faceset(number, root / "facesets" / name, count=6, size=96, lights=(0,))
    return make_performer_shot(
        root / "sh0010", count=len(FRAMES), key_frames=(1001, 1003), microphone=False, overrides=SETTINGS
    ).file


@pytest.fixture(scope="module")
def shot(bare: Path) -> Path:
    """The same, released and run to its first version."""
    folder = bare.parents[1] / "released" / "sh0010"
    shutil.copytree(bare.parent, folder)
    shutil.copytree(bare.parents[1] / "facesets", folder.parent / "facesets")
    for number in PEOPLE.values():
        release(folder / "releases", f"performer {number}", "train", "render")
    assert main(["run", str(folder), "--progress", "none"]) == 0
    return folder / "shot.toml"


def exr(shot: Path, frame: int, version: str = "v001") -> Path:
    return shot.parent / "versions" / version / "exr" / f"sh0010_{version}.{frame}.exr"


def test_everybody_needs_a_release(bare: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sh0010"
    shutil.copytree(bare.parent, folder)
    shutil.copytree(bare.parents[1] / "facesets", tmp_path / "facesets")
    problems = "\n".join(check_shot(folder).problems)
    assert f"the faceset {tmp_path / 'facesets' / 'three'}: train of 'performer 3'" in problems
    assert "train of 'performer 5'" in problems and f"of '{IDENTITY}'" not in problems
    release(folder / "releases", "performer 3", "train", "render")
    release(folder / "releases", "performer 5", "train")
    assert list(require_releases(load_shot(folder), "train")) == [IDENTITY, "performer 3", "performer 5"]
    with pytest.raises(ConsentError, match=r"five: render of 'performer 5'"):
        require_releases(load_shot(folder), "render")


def test_check_says_what_is_wrong_with_facesets(bare: Path) -> None:
    def found(*overrides: str) -> str:
        report = check_shot(bare, overrides)
        return "\n".join([*report.problems, *report.warnings, *(f"{k} {v}" for k, v in report.facts.items())])

    assert "facesets three (performer 3, 6 crops), five (performer 5, 6 crops)" in found()
    assert "three has 6 crops in use: poses and looks will be missing" in found()
    assert "three has crops of 96 px and the face is made at 128" in found("identity.crop_px=128")
    assert "autoencoder makes faces whole, of at most 1024 px; set model.method = 'renderer'" in found(
        "identity.crop_px=1040"
    )
    assert "makes faces whole" not in found("identity.crop_px=1040", "model.method=renderer")
    assert "[identity].faceset: names none; give the folder of at least one" in found("identity.faceset=[]")
    assert "nobody: no such faceset" in found("identity.faceset=['../facesets/nobody']")
    both = "identity.faceset=['../facesets/three','../facesets/five']"
    assert "holds performer 3 and performer 5; one list is one identity: put another into mix_with" in found(both)
    assert "was built in ACEScg and the shot works in ACES2065-1" in found("color.working=ACES2065-1")
    assert "[identity].warm_start: " in found("identity.warm_start=gone.safetensors")
    assert "[identity].age: 50 is asked for and the facesets name 1 age(s)" in found("identity.age=50")
    assert "[identity] is set and model.method is 'passthrough': it does nothing" in found("model.method=passthrough")


def test_a_driving_shot_must_be_another_one_and_tracked(bare: Path, tmp_path: Path) -> None:
    assert any("names this shot itself" in text for text in check_shot(bare, ("identity.drive=shot.toml",)).problems)
    take = shutil.copytree(bare.parent, tmp_path / "take")
    shutil.rmtree(take / "track", ignore_errors=True)
    problems = check_shot(bare, (f"identity.drive={take}",)).problems
    assert any("[identity].drive: sh0010 is not tracked yet; run 'vfx-deepfake track" in text for text in problems)


def test_a_damaged_faceset_is_named(bare: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(bare.parents[1] / "facesets" / "three", tmp_path / "broken")
    (broken / "points.npz").write_bytes(b"no archive")
    with pytest.raises(FacesetError, match=r"points.npz: can't be read"):
        open_facesets(open_shot(bare, (f"identity.faceset=['{broken}']",)))


def test_a_whole_run_leaves_a_version_and_says_what_made_it(shot: Path) -> None:
    made_of = read_json(shot.parent / "runs" / "run_0001" / "run.json")["made_of"]
    assert made_of["identities"] == ["performer 3", "performer 5"]
    assert made_of["all_identities"] == sorted([IDENTITY, "performer 3", "performer 5"])
    assert set(made_of["releases"]) == {IDENTITY, "performer 3", "performer 5"}
    weights = checkpoint.latest(shot.parent / "runs" / "run_0001")
    notes = checkpoint.read(weights).notes
    assert (notes["family"], notes["identities"]) == ("autoencoder", made_of["identities"])
    assert str(shot.parent.parent) not in str(notes)  # no path of this host
    record = read_json(shot.parent / "versions" / "v001" / "version.json")
    assert record["inputs"]["checkpoint"] == hash_file(weights)
    assert (shot.parent / "coverage" / "coverage.json").is_file()
    assert set(plan_shot(str(shot)).values()) == {"up to date"}
    for frame in FRAMES:
        out, plate = read_exr(exr(shot, frame), part="rgba"), read_exr(shot.parent / "plate" / f"sh0010.{frame}.exr")
        matte = read_exr(exr(shot, frame), part="elements", channels=("matte.applied",))
        under = np.zeros(plate.pixels.shape[:2], bool)
        under[matte.data_window.slices(plate.data_window)] = matte.pixels[..., 0] > 0
        changed = (out.pixels != plate.pixels).any(axis=-1)
        assert changed.mean() > 0.05
        assert not (changed & ~under).any()


def test_a_lone_frame_is_the_frame_of_the_whole_run(shot: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(shot.parent, tmp_path / "sh0010", ignore=shutil.ignore_patterns("versions", "work"))
    shutil.copytree(shot.parents[1] / "facesets", tmp_path / "facesets")
    folder = Path(render_stage(open_shot(alone), SILENT, frames="1002")["folder"])
    (lone,) = folder.glob("exr/*.1002.exr")
    for part in range(3):
        assert np.array_equal(raw(lone, part)[0], raw(exr(shot, 1002), part)[0])


def test_a_dial_renders_again_and_a_faceset_trains_again(shot: Path) -> None:
    dialled = plan_shot(str(shot), ("identity.mix=[[1001,0.0],[1003,1.0]]", "identity.region=mouth"))
    assert (dialled["facesets"], dialled["train"], dialled["render"]) == ("up to date", "up to date", "to be made")
    assert plan_shot(str(shot), ("identity.crop_px=80",))["train"] == "to be made"
    record = shot.parents[1] / "facesets" / "three" / "faceset.json"
    before = record.read_bytes()
    data = read_json(record)
    data["crops"][0]["culled"] = "dropped by hand"
    try:
        write_json(record, data)
        plan = plan_shot(str(shot))
        assert (plan["track"], plan["facesets"], plan["train"]) == ("up to date", "to be made", "to be made")
    finally:
        record.write_bytes(before)
    assert set(plan_shot(str(shot)).values()) == {"up to date"}


def test_another_take_drives_the_mouth(shot: Path, tmp_path: Path) -> None:
    take = shutil.copytree(shot.parent, tmp_path / "take", ignore=shutil.ignore_patterns("versions", "runs", "work"))
    release(shot.parent / "releases", "double", "train", "render", "dubbing")
    driven = (f"identity.drive={take}", "identity.drive_offset=1", "identity.region=mouth", "identity.correct=false")
    report = check_shot(shot, driven)
    assert any(
        "shows no face for 1003, 1 of 3 frames; the plate's own mouth stays there" in text for text in report.warnings
    )
    folder = Path(render_stage(open_shot(shot, driven), SILENT, frames="1001")["folder"])
    (made,) = folder.glob("exr/*.1001.exr")
    matte, whole = (
        read_exr(path, part="elements", channels=("matte.applied",)).pixels for path in (made, exr(shot, 1001))
    )
    assert 0 < (matte > 0).sum() < (whole > 0).sum()


def test_a_driven_face_is_held_against_what_drives_it(shot: Path) -> None:
    def wanted_and_driving(*overrides: str) -> tuple[np.ndarray, np.ndarray]:
        opened = open_shot(shot, overrides)
        model = open_model(opened, open_crops(opened))
        assert isinstance(model, IdentityModel) and isinstance(model.correct, Corrector)
        drift = model.correct.drift
        assert len(drift.wanted) == len(FRAMES)
        return drift.wanted, drift.state

    wanted, driving = wanted_and_driving()
    assert not np.array_equal(wanted, driving)  # the plate's, by the landmarker that looks at the result
    np.testing.assert_array_equal(*wanted_and_driving("identity.expression.smile=0.5"))


def test_a_version_may_carry_the_second_identity_for_the_gizmo(shot: Path) -> None:
    def rendered(*overrides: str) -> Path:
        faces = ("identity.correct=false", "render.compression=zip", *overrides)
        (file,) = Path(render_stage(open_shot(shot, faces), SILENT, frames="1002")["folder"]).glob("exr/*.1002.exr")
        return file

    second = tuple(f"face_b.{channel}" for channel in "RGB")
    both, alone = rendered("identity.mix=0.25", "identity.write_partner=true"), rendered("identity.mix=1.0")
    face = read_exr(alone, part="elements", channels=("face.R", "face.G", "face.B")).pixels
    assert np.array_equal(read_exr(both, part="elements", channels=second).pixels, face)
    with pytest.raises(PlateError, match=r"face_b"):
        read_exr(alone, part="elements", channels=second)
    shown = Shown(str(both).replace(".1002.", ".####."), str(shot.parent / "plate" / "sh0010.####.exr"))
    first, mixed = (
        shown.look(1002, view="face element", has_face_b=True, identity_mix=share).rgb() for share in (0, 1)
    )
    own = shown.version(1002)
    assert np.array_equal(mixed, np.stack([own.get(f"face_b.{c}") for c in ("red", "green", "blue")], -1))
    assert not np.array_equal(first, mixed)


def test_a_sweep_is_one_sheet(shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "mix.png"
    words = ["sweep", str(shot), "--mix", "0,0.5,1", "--frames", "1001,1003", "--to", str(sheet), "--progress", "none"]
    assert main([*words, "--set", "identity.correct=false"]) == 0
    assert sheet.stat().st_size > 10_000
    capsys.readouterr()
    assert main(["sweep", str(shot), "--mix", "2", "--progress", "none"]) == 2
    assert "mix is 2.0; it must lie between 0.0 and 1.0" in capsys.readouterr().err
    assert main(["sweep", str(shot), "--dial", "region=nose", "--progress", "none"]) == 2
    assert "region is 'nose'; choose one of face, mouth, upper" in capsys.readouterr().err
    assert main(["sweep", str(shot), "--age", "40", "--set", "model.method=sliders", "--progress", "none"]) == 2
    assert "only renderer and autoencoder have such dials" in capsys.readouterr().err


def test_training_starts_from_a_named_checkpoint_and_its_people_are_asked_for(
    shot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = checkpoint.read(checkpoint.latest(shot.parent / "runs" / "run_0001"))
    start = shot.parent / "start.safetensors"
    words = [
        "train",
        str(shot),
        "--set",
        f"identity.warm_start={start}",
        "--set",
        "train.steps=1",
        "--progress",
        "none",
    ]
    checkpoint.write(start, first.tensors, {**first.notes, "all_identities": ["performer 3", "a stranger"]})
    assert main(words) == 2
    assert "the network that training started from: train of 'a stranger'" in capsys.readouterr().err
    checkpoint.write(start, first.tensors, {**first.notes, "ancestors": ["abc"]})
    assert main(words) == 0
    newest = open_shot(shot).shot.paths.run_numbers()[-1]
    made_of = read_json(shot.parent / "runs" / f"run_{newest:04d}" / "run.json")["made_of"]
    assert made_of["start"]["hash"] == hash_file(start) and made_of["ancestors"] == ["abc", hash_file(start)]


def test_the_renderer_goes_the_same_way(shot: Path) -> None:
    renderer = (
        "model.method=renderer",
        "identity.mix_with=[]",
        "train.steps=1",
        "train.batch_size=1",
        "qc.enabled=false",
    )
    words = [word for text in renderer for word in ("--set", text)]
    assert main(["run", str(shot), *words, "--progress", "none"]) == 0
    newest = open_shot(shot).shot.paths.version_numbers()[-1]
    record = read_json(shot.parent / "versions" / f"v{newest:03d}" / "version.json")
    assert record["settings"]["model"]["method"] == "renderer"
    face = read_exr(exr(shot, 1002, f"v{newest:03d}"), part="elements", channels=("matte.applied",))
    assert face.pixels.max() > 0.9  # its matte is the mesh's, trained or not


def test_a_farm_job_has_the_facesets_before_the_training(shot: Path) -> None:
    steps = {step["name"]: step for step in plan_job(open_shot(shot))["steps"]}
    assert list(steps)[:4] == ["track", "facesets", "train", "render"]
    assert [each["dependsOn"] for each in steps["train"]["dependencies"]] == ["track", "facesets"]


def test_a_key_frame_shot_knows_no_facesets(shot: Path) -> None:
    plan = plan_shot(str(shot), ("model.method=propagate",))
    assert "facesets" not in plan and "train" not in plan
    with pytest.raises(ShotError, match="names none"):
        open_facesets(open_shot(shot, ("identity.faceset=[]",)))


def test_qc_holds_another_persons_face_against_its_own_layers(shot: Path):
    planted = Planted(shot.parent, shot.parents[1] / "planted")
    places = planted.opened.shot.paths.published_qc(1) / "frames"

    def beside() -> list[float]:
        qc_stage(planted.opened, SILENT, version="v001")
        return [read_json(places / f"{frame}.json")["values"]["registration"] for frame in FRAMES]

    assert max(beside()) < 0.1  # a quarter of the limit at which someone is asked to look
    planted.change(1002, faults.shifted, follow=False)
    found = beside()
    assert found[1] == pytest.approx(1, abs=0.1)
    assert max(found[0], found[2]) < 0.1
