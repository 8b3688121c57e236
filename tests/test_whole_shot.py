"""One small shot of the performer through every stage, as the command line runs it, looked at from every side."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import av
import numpy as np
import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.judge import judge
from vfx_deepfake.errors import ConsentError, DeliveryError, ShotError
from vfx_deepfake.files import hash_data, hash_file, read_json
from vfx_deepfake.media.delivery import delivery_codes
from vfx_deepfake.media.dpx import read_codes
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.media.header import read_header
from vfx_deepfake.progress import Silent
from vfx_deepfake.settings import DEFAULT_CONFIG
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.elements import DATA_CHANNELS, ELEMENT_CHANNELS
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.pipeline import plan_shot, run_shot
from vfx_deepfake.steps.render_stage import render_stage
from vfx_deepfake.steps.review import review_stage
from vfx_deepfake.steps.version import version_stage

FRAMES = tuple(range(1001, 1009))
AWAY = 1006  # the head is turned from the camera: no face
SETTINGS = ("train.steps=20", "train.batch_size=2", "train.crop_px=64", "train.save_every=10", "track.max_gap_frames=0")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "sh0010"
    return make_performer_shot(folder, width=256, height=192, count=len(FRAMES), key_frames=(1001, 1004, 1008),
                               away=(AWAY - FRAMES[0],), overrides=SETTINGS)  # fmt: skip


@pytest.fixture(scope="module")
def ran(demo):
    """The shot after ``vfx-deepfake run``."""
    assert main(["run", str(demo.folder), "--progress", "none"]) == 0
    return demo


@pytest.fixture(scope="module")
def version(ran):
    return load_shot(ran.file).paths.version(1)


def test_every_frame_is_delivered_whole_with_every_layer(version):
    for frame in FRAMES:
        assert read_header(version.exr_frame(frame), part="rgba").channels == ("R", "G", "B")
        for part, channels in (("elements", ELEMENT_CHANNELS), ("data", DATA_CHANNELS)):
            assert set(channels) <= set(
                read_header(version.exr_frame(frame), part=part, channels=channels).file_channels
            )
        assert version.dpx_frame(frame).is_file()


def test_a_frame_without_a_face_is_its_plate_bit_for_bit(ran, version):
    plate, out = read_exr(ran.plate_frame(AWAY)), read_exr(version.exr_frame(AWAY), part="rgba")
    assert out.half
    assert np.array_equal(out.pixels.view(np.uint32), plate.pixels.view(np.uint32))
    assert not read_exr(version.exr_frame(AWAY), part="elements", channels=("matte.applied",)).pixels.any()


def test_outside_the_matte_exr_and_dpx_are_the_plate_code_for_code(ran, version):
    color = Color(DEFAULT_CONFIG)
    for frame in FRAMES:
        plate, out = read_exr(ran.plate_frame(frame)), read_exr(version.exr_frame(frame), part="rgba")
        matte = read_exr(version.exr_frame(frame), part="elements", channels=("matte.applied",))
        outside = np.ones(plate.pixels.shape[:2], bool)
        outside[matte.data_window.slices(plate.data_window)] = matte.pixels[..., 0] == 0
        assert outside.mean() > 0.5
        assert np.array_equal(out.pixels.view(np.uint32)[outside], plate.pixels.view(np.uint32)[outside])
        straight, _ = delivery_codes(plate, color, "ACEScg", "ARRI LogC3 (EI800)", 10)
        codes, bits = read_codes(version.dpx_frame(frame))
        assert bits == 10
        assert np.array_equal(codes[outside], straight[outside])
        assert np.array_equal(decoded_by_ffmpeg(version.dpx_frame(frame)), codes)


def decoded_by_ffmpeg(path: Path) -> np.ndarray:
    """The codes as a second decoder sees them."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == "gbrp10le"
        planes = [np.frombuffer(plane, np.uint16).reshape(frame.height, -1)[:, : frame.width] for plane in frame.planes]
    green, blue, red = planes
    return np.stack([red, green, blue], axis=-1)


def test_the_face_became_younger(ran, version):
    figures = judge(ran, version)
    for frame, result, plate in zip(figures.frames, figures.result_db, figures.plate_db, strict=True):
        # every unpainted frame is clearly nearer to the exact answer than the plate was; one without a face is the plate
        assert result == plate if frame == AWAY else result > plate + 2


def test_the_record_names_everything_that_made_it(ran, version):
    record = read_json(version.record)
    assert record["version"] == "v001"
    assert record["status"] == "pending_review"
    assert record["release"] == "performer"
    assert record["digitally_altered"] is True
    assert record["settings"]["train"]["seed"] == 1
    assert record["inputs_hash"] == hash_data(record["inputs"])
    assert record["inputs"]["plate"][ran.plate_frame(1003).name] == hash_file(ran.plate_frame(1003))
    assert set(record["inputs"]["keyframes"]) == {f"sh0010.{frame}.exr" for frame in ran.key_frames}
    run = read_json(ran.folder / "runs" / "run_0001" / "run.json")
    assert record["inputs"]["checkpoint"] == run["checkpoint_hash"]
    assert {"version", "source_hash", "library.torch"} <= set(record["code"])
    assert {"host", "user", "python"} <= set(record["made_by"])
    for frame in FRAMES:
        for name, digest in record["frames"][str(frame)].items():
            assert hash_file(version.folder / name) == digest
    assert record["counts"][str(AWAY)]["changed_px"] == 0


def test_a_published_version_can_not_be_written_to(version):
    files = [path for path in version.folder.rglob("*") if path.is_file()]
    outside_qc = [path for path in files if version.qc not in path.parents]
    assert len(outside_qc) == 2 * len(FRAMES) + 3  # EXR, DPX, sheet, movie, record
    assert {version.qc / "qc.json", version.qc / "index.html"} <= set(files)
    assert all(not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) for path in files)


def test_the_movie_has_a_slate_and_every_frame(version):
    with av.open(str(version.movie)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(FRAMES) + 1


def test_a_second_run_finds_everything_up_to_date(ran):
    assert set(plan_shot(str(ran.file)).values()) == {"up to date"}
    before = {
        path: path.stat().st_mtime_ns for path in ran.folder.rglob("*") if path.is_file() and path.name != ".lock"
    }
    assert run_shot(str(ran.file), (), Silent())["version"].endswith("v001")
    after = {path: path.stat().st_mtime_ns for path in ran.folder.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == before


@pytest.fixture
def copied(ran, tmp_path):
    return Path(shutil.copytree(ran.folder, tmp_path / "sh0010"))


def test_a_render_setting_makes_a_new_version_and_leaves_training_alone(copied):
    changed = ["render.strength=0"]
    plan = plan_shot(str(copied), changed)
    assert (plan["track"], plan["train"]) == ("up to date", "up to date")
    assert (plan["render"], plan["review"], plan["version"]) == ("to be made",) * 3
    result = run_shot(str(copied), changed, Silent())
    assert result["version"].endswith("v002")
    second = load_shot(copied).paths.version(2)
    plate = load_shot(copied).paths.source("plate/{shot}.")
    for frame in FRAMES:
        out = read_exr(second.exr_frame(frame), part="rgba").pixels
        assert np.array_equal(out.view(np.uint32), read_exr(f"{plate}{frame}.exr").pixels.view(np.uint32)), (
            "F = D gives O = P"
        )


def test_chunks_on_farm_hosts_give_the_frames_of_one_run(copied, version):
    (copied / "versions").rename(copied / "before")
    opened = open_shot(copied)
    for chunk in ("1005-1008", "1001-1003", "1004"):
        render_stage(opened, Silent(), frames=chunk)
    with pytest.raises(DeliveryError, match="no review pictures of these frames; run 'vfx-deepfake review' first"):
        version_stage(opened, Silent())
    review_stage(opened, Silent())
    version_stage(opened, Silent())
    for frame in FRAMES:
        again = load_shot(copied).paths.version(1)
        assert hash_file(again.exr_frame(frame)) == hash_file(version.exr_frame(frame))
        assert hash_file(again.dpx_frame(frame)) == hash_file(version.dpx_frame(frame))


def test_a_frame_outside_the_range_is_refused(copied):
    with pytest.raises(ShotError, match=r"--frames: 1009-1010 are not in the shot's range 1001-1008"):
        render_stage(open_shot(copied), Silent(), frames="1007-1010")


def test_without_a_release_neither_training_nor_rendering(copied, capsys):
    shutil.rmtree(copied / "releases")
    for stage in ("train", "render", "review", "version"):
        assert main([stage, str(copied), "--progress", "none", "--set", "render.strength=0.5"]) == 2
        said = capsys.readouterr().err
        assert "no release covers it" in said
        assert "release add" in said
    with pytest.raises(ShotError, match="no release covers it"):
        run_shot(str(copied), ["render.strength=0.5"], Silent())
    with pytest.raises(ConsentError, match="no release covers it"):
        render_stage(open_shot(copied, ["render.strength=0.5"]), Silent())


def test_matte_template_carries_roto_to_every_frame(ran, tmp_path):
    """Painted roto of the occluder-free face: the matte of every frame, the plate untouched."""
    shot = Path(shutil.copytree(ran.folder, tmp_path / "sh0010", ignore=shutil.ignore_patterns("versions", "runs")))
    roto = shot / "mattes"
    roto.mkdir()
    for frame in ran.key_frames:
        mask = read_exr(ran.truth_frame("masks", frame), channels=("face.Y",))
        write_roto(roto / f"sh0010.{frame}.exr", mask)
    settings = [
        "model.target=matte",
        "model.method=propagate",
        "keyframes.pattern=mattes/{shot}.####.exr",
        "delivery.profile=exr",
    ]
    assert run_shot(str(shot), settings, Silent())["version"].endswith("v001")
    made = load_shot(shot).paths.version(1)
    for frame in (1002, 1003, 1005, 1007):
        truth = read_exr(ran.truth_frame("masks", frame), channels=("face.Y",)).pixels[..., 0]
        layer = read_exr(made.exr_frame(frame), part="elements", channels=("matte.applied",))
        got = np.zeros_like(truth)
        got[layer.data_window.slices(read_header(ran.plate_frame(frame)).data_window)] = layer.pixels[..., 0]
        # the roto's edge is a pixel wide and the face covers a tenth of the frame: a shift of one pixel all round costs about 0.01
        assert np.abs(got - truth).mean() < 0.02
        out = read_exr(made.exr_frame(frame), part="rgba").pixels
        assert np.array_equal(out, read_exr(ran.plate_frame(frame)).pixels)


def write_roto(path: Path, mask) -> None:
    from vfx_deepfake.media.exr import Part, write_exr

    write_exr(path, [Part("", mask.pixels, ("A",), mask.data_window)], mask.display_window)


def test_frames_to_paint_are_proposed_before_and_after(ran, copied, capsys):
    assert main(["suggest-keyframes", str(ran.folder), "--count", "2", "--progress", "none", "--json"]) == 0
    after = json.loads(capsys.readouterr().out)
    assert after["why"] == "least sure after the run"
    proposed = {one["frame"] for one in after["suggestions"]}
    assert len(proposed) == 2
    assert not proposed & {*ran.key_frames, AWAY}
    shutil.rmtree(copied / "keyframes")
    assert main(["suggest-keyframes", str(copied), "--count", "3", "--progress", "none"]) == 0
    said = capsys.readouterr().out
    assert "to cover the shot" in said
    assert "none yet" in said
    assert str(AWAY) not in said
    assert main(["suggest-keyframes", str(copied), "--count", "0", "--progress", "none"]) == 2
    assert "--count 0: ask for at least one frame" in capsys.readouterr().err


def test_json_result_is_json(ran, capsys):
    assert main(["run", str(ran.folder), "--progress", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["track"] == "up to date"
