from pathlib import Path

import pytest

from vfx_deepfake.errors import ShotError
from vfx_deepfake.naming import Naming, ShotPaths, frame_path
from vfx_deepfake.shot import load_shot

GOOD = """
schema = 1
[shot]
name = "sh0010"
[plate]
pattern = "plate/sh0010.####.exr"
colorspace = "ACEScg"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "shot.toml"
    path.write_text(text)
    return path


def test_a_small_file_gets_every_default(tmp_path):
    shot = load_shot(written(tmp_path, GOOD))
    assert shot.name == "sh0010"
    assert shot.settings.delivery.profile == "dpx10"
    assert shot.paths.source("plate/{shot}.####.exr") == str(tmp_path / "plate/sh0010.####.exr")


def test_a_folder_stands_for_its_shot_file(tmp_path):
    written(tmp_path, GOOD)
    assert load_shot(tmp_path).file == tmp_path / "shot.toml"


def test_all_problems_come_at_once_with_nearest_names(tmp_path):
    text = (
        GOOD
        + '[train]\nbatchsize = 4\ncrop_px = 50\n[modle]\nx = 1\n[render]\nstrength = "full"\n[track]\nmethod = "magic"\n'
    )
    with pytest.raises(ShotError) as caught:
        load_shot(written(tmp_path, text))
    lines = str(caught.value).splitlines()
    assert lines == [
        "shot.toml.modle: unknown key; did you mean 'model'?",
        "shot.toml [train].batchsize: unknown key; did you mean 'batch_size'?",
        "shot.toml [train]: crop_px is 50; the network halves it, so use a multiple of 16, at least 32",
        "shot.toml [render].strength: is 'full'; want a number",
        "shot.toml [track]: method is 'magic'; choose one of mediapipe, import",
    ]


def test_a_missing_table_names_its_missing_keys(tmp_path):
    with pytest.raises(ShotError, match=r"shot\.toml \[plate\]\.pattern: missing; it has no default"):
        load_shot(written(tmp_path, '[shot]\nname = "a"\n'))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("schema = 1", "x"),
        ("schema = 99", r"shot\.toml\.schema: is 99; this release knows up to 2; install a newer one"),
        ("schema = 0", r"shot\.toml\.schema: is 0; want a whole number"),
        ('schema = "1"', r"shot\.toml\.schema: is '1'; want a whole number"),
    ],
)
def test_schema_is_checked(tmp_path, change, message):
    path = written(tmp_path, GOOD.replace("schema = 1", change))
    if message == "x":
        assert load_shot(path).settings.schema == 2
        return
    with pytest.raises(ShotError, match=message):
        load_shot(path)


def test_the_roto_of_a_schema_1_file_is_found_in_its_new_table(tmp_path):
    old = GOOD + '[render]\nstrength = 0.5\nholdout = "mattes/a.####.exr"\nholdout_channel = "roto.R"\n'
    settings = load_shot(written(tmp_path, old)).settings
    assert (settings.mattes.holdout, settings.mattes.holdout_channel) == ("mattes/a.####.exr", "roto.R")
    assert settings.render.strength == 0.5
    with pytest.raises(ShotError, match=r"shot\.toml \[render\]\.holdout: unknown key"):
        load_shot(written(tmp_path, old.replace("schema = 1", "schema = 2")))


def test_overrides_win_and_bare_words_are_text(tmp_path):
    shot = load_shot(written(tmp_path, GOOD), ["train.steps=7", "delivery.profile=exr", "track.box=[1, 2, 3, 4]"])
    assert (shot.settings.train.steps, shot.settings.delivery.profile, shot.settings.track.box) == (
        7,
        "exr",
        (1.0, 2.0, 3.0, 4.0),
    )


def test_an_override_without_a_value_says_how(tmp_path):
    with pytest.raises(ShotError, match=r"--set train\.steps: want table\.key=value"):
        load_shot(written(tmp_path, GOOD), ["train.steps"])


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hid", "a b", "ä"])
def test_a_shot_name_can_not_leave_its_folder(tmp_path, name):
    with pytest.raises(ShotError, match="use letters, digits, dash and underscore"):
        load_shot(written(tmp_path, GOOD.replace('"sh0010"', f'"{name}"')))


def test_a_missing_or_broken_file_is_one_line(tmp_path):
    with pytest.raises(ShotError, match="no such file; give the path"):
        load_shot(tmp_path / "none.toml")
    with pytest.raises(ShotError, match="not valid TOML"):
        load_shot(written(tmp_path, "[shot\n"))


@pytest.mark.parametrize(
    ("frame", "name"), [(1001, "a.1001.exr"), (1, "a.0001.exr"), (-3, "a.-0003.exr"), (12345, "a.12345.exr")]
)
def test_frame_numbers_are_padded(frame, name):
    assert frame_path("a.####.exr", frame) == Path(name)


def test_a_studio_changes_patterns_in_one_file(tmp_path):
    (tmp_path / "naming.toml").write_text('versions = "pub/v{version:04d}"\n')
    folder = tmp_path / "seq" / "sh"
    folder.mkdir(parents=True)
    shot = load_shot(written(folder, GOOD))
    assert shot.paths.version(7).folder == folder / "pub" / "v0007"
    (folder / "pub" / "v0002").mkdir(parents=True)
    (folder / "pub" / "other").mkdir()
    assert shot.paths.version_numbers() == [2]


def test_a_pattern_without_its_number_is_refused(tmp_path):
    (tmp_path / "naming.toml").write_text('exr = "exr/{shot}.exr"\nruns = "run_{rum:04d}"\n')
    with pytest.raises(ShotError, match=r"(?s)exr: 'exr/\{shot\}\.exr' lacks '#'.*|uses an unknown field"):
        load_shot(written(tmp_path, GOOD))


def test_a_version_under_way_is_hidden_beside_its_place(tmp_path):
    paths = ShotPaths(tmp_path, "sh", Naming())
    making = paths.making(3, "0123456789abcdef")
    assert making.folder == tmp_path / "versions" / ".v003.0123456789ab.making"
    assert making.exr_frame(1001).name == paths.version(3).exr_frame(1001).name == "sh_v003.1001.exr"
    making.folder.mkdir(parents=True)
    assert paths.unfinished() == [making.folder]
    assert paths.version_numbers() == []
