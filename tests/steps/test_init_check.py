"""init and check on a real small shot: what an artist meets first."""

import shutil
from pathlib import Path

import pytest

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import DeliveryError, PlateError, ShotError
from vfx_deepfake.naming import data_folder
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.init import InitRequest, init_shot


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_performer_shot(
        tmp_path_factory.mktemp("check") / "sh0010", width=96, height=72, count=4, key_frames=(1001, 1004)
    )


@pytest.fixture
def shot(made, tmp_path):
    """A copy that a test may spoil."""
    folder = tmp_path / "sh0010"
    shutil.copytree(made.folder, folder)
    return folder


def request(folder: Path, plate: Path, **more) -> InitRequest:
    usual = {"template": "keyframe_deage", "plate": f"{plate}/sh0010.####.exr", "colorspace": "ACEScg"}
    return InitRequest(**{"folder": folder, **usual, **more})


def test_init_fills_the_template_and_keeps_its_comments(made, tmp_path):
    file = init_shot(request(tmp_path / "sh0020", made.folder / "plate", overrides=("train.steps=7",)))
    text = file.read_text()
    assert "# De-aging, beauty or make-up" in text
    shot = load_shot(file)
    assert (shot.name, shot.settings.plate.frames, shot.settings.train.steps) == ("sh0020", "1001-1004", 7)
    assert (file.parent / "keyframes").is_dir()


@pytest.mark.parametrize("template", sorted(path.stem for path in data_folder("shot_templates").glob("*.toml")))
def test_every_shipped_template_makes_a_shot(made, tmp_path, template):
    shot = load_shot(init_shot(request(tmp_path / "a", made.folder / "plate", template=template)))
    assert shot.settings.plate.colorspace == "ACEScg"


def test_a_slip_leaves_no_folder_behind(made, tmp_path):
    with pytest.raises(ShotError, match=r"\[train\]\.stepz: unknown key; did you mean 'steps'\?"):
        init_shot(request(tmp_path / "a", made.folder / "plate", overrides=("train.stepz=7",)))
    assert not (tmp_path / "a").exists()


def test_an_unknown_template_lists_the_known(made, tmp_path):
    with pytest.raises(
        ShotError, match="no such template; choose one of beauty, identity_deage, .*, visual_dub, or give"
    ):
        init_shot(request(tmp_path / "a", made.folder / "plate", template="keyframe_deag"))


def test_init_never_overwrites(made):
    with pytest.raises(DeliveryError, match="exists already; choose another folder"):
        init_shot(request(made.folder, made.folder / "plate"))


def test_init_of_a_plate_that_is_not_there(tmp_path):
    (tmp_path / "pl").mkdir()
    with pytest.raises(PlateError, match="no frame fits; the folder holds no numbered files"):
        init_shot(request(tmp_path / "a", tmp_path / "pl"))


def test_a_good_shot_is_ready_with_an_estimate(shot):
    report = check_shot(shot)
    assert report.problems == []
    assert report.facts["keyframes"] == "1001,1004"
    assert report.facts["plate"].startswith("1001-1004, 4 frames, 96 x 72 (R, G, B), half")
    assert "GiB of memory" in report.facts["estimate"]
    assert any("dpx10 holds 10 bits" in warning for warning in report.warnings)


def problems(shot: Path, *overrides: str) -> str:
    return "\n".join(check_shot(shot, overrides).problems)


def test_every_problem_comes_at_once(shot):
    (shot / "plate" / "sh0010.1002.exr").unlink()
    (shot / "releases" / "performer.toml").unlink()
    text = problems(shot, "plate.colorspace=ACEScgg", "delivery.colorspace=LogC9")
    assert "shot.toml [plate].colorspace: 'ACEScgg' is not a colour space" in text
    assert "did you mean" in text
    assert text.count("'ACEScgg'") == 1, "said once"
    assert "shot.toml [delivery].colorspace: 'LogC9' is not a colour space" in text
    assert "1002 of 1001-1004 are missing in plate; bring them, or change [plate].frames" in text
    assert "train of 'procedural_performer' in show 'demo', shot 'sh0010'" in text
    assert "render of 'procedural_performer' in show 'demo', shot 'sh0010'" in text


def test_no_key_frames_says_where_they_belong(shot):
    shutil.rmtree(shot / "keyframes")
    assert "no painted frame at" in problems(shot)
    assert "suggest-keyframes" in problems(shot)


def test_one_key_frame_can_not_train(shot):
    (shot / "keyframes" / "sh0010.1004.exr").unlink()
    assert "1 painted frame; training needs at least 2, or set model.method = 'propagate'" in problems(shot)
    assert problems(shot, "model.method=propagate") == ""


def test_a_key_frame_without_a_plate_frame(shot):
    shutil.copy(shot / "keyframes" / "sh0010.1001.exr", shot / "keyframes" / "sh0010.1077.exr")
    assert "1077 have no plate frame in 1001-1004; remove them or extend [plate].frames" in problems(shot)


def test_a_key_frame_of_another_size(shot, tmp_path):
    other = make_performer_shot(tmp_path / "big" / "sh0010", width=128, height=96, count=4, key_frames=(1001, 1004))
    shutil.copy(other.folder / "keyframes" / "sh0010.1001.exr", shot / "keyframes" / "sh0010.1001.exr")
    assert "key frame 1001 (sh0010.1001.exr): is 128 x 96; the plate is 96 x 72" in problems(shot)


def test_last_plate_frame_of_another_size(shot, tmp_path):
    other = make_performer_shot(tmp_path / "big" / "sh0010", width=128, height=96, count=4, key_frames=(1001, 1004))
    shutil.copy(other.folder / "plate" / "sh0010.1004.exr", shot / "plate" / "sh0010.1004.exr")
    assert "128 x 96" in problems(shot)


def test_an_unknown_config_names_the_near_ones(shot):
    assert "has no such built-in config" in problems(
        shot, "color.config=ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.4"
    )


def test_passthrough_needs_neither_release_nor_key_frames(shot):
    shutil.rmtree(shot / "releases")
    shutil.rmtree(shot / "keyframes")
    assert problems(shot, "model.method=passthrough") == ""
