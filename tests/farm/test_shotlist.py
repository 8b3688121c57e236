"""Lists of shots: both forms say the same, every problem is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from vfx_deepfake.errors import ShotError
from vfx_deepfake.farm.shotlist import Entry, read_shotlist

TOML = """
[defaults]
colorspace = "ACEScg"
model = "sh0010"
set = ["shot.show=north"]

[[shot]]
shot = "sh0010"

[[shot]]
shot = "comp/sh0020"
plate = "../plates/sh0020.####.exr"
template = "keyframe_deage"
frames = "1001-1010"
set = ["train.steps=800", "consent.identity=old man"]

[[shot]]
shot = "sh0030/alternative.toml"
model = ""
"""
CSV = """shot,plate,colorspace,template,frames,model,set,shot.show,train.steps
sh0010,,ACEScg,,,sh0010,,north,
comp/sh0020,../plates/sh0020.####.exr,ACEScg,keyframe_deage,1001-1010,sh0010,shot.show=north; consent.identity=old man,,800
"""


def write(folder: Path, text: str, name: str = "show.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_paths_and_the_model_shot(tmp_path: Path) -> None:
    lender, new, other = read_shotlist(write(tmp_path, TOML))
    assert [one.file for one in (lender, new, other)] == [
        tmp_path / "sh0010" / "shot.toml",
        tmp_path / "comp" / "sh0020" / "shot.toml",
        tmp_path / "sh0030" / "alternative.toml",
    ]
    assert lender.entry == Entry(shot="sh0010", colorspace="ACEScg", model="sh0010", set=("shot.show=north",))
    assert lender.model_file is None and lender.overrides == ("shot.show=north",) and lender.plate == ""
    assert new.model_file == lender.file
    assert new.plate == str(tmp_path.parent / "plates" / "sh0020.####.exr")
    assert new.overrides == (
        "shot.show=north",
        "train.steps=800",
        "consent.identity=old man",
        "model.shared=../../sh0010",
    )
    assert other.model_file is None and other.overrides == ("shot.show=north",)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_spreadsheet_says_the_same(tmp_path: Path, mark: str) -> None:
    ours = read_shotlist(write(tmp_path, TOML))[:2]
    theirs = read_shotlist(write(tmp_path, mark + CSV, "show.csv"))
    assert [one.file for one in theirs] == [one.file for one in ours]
    assert [sorted(one.overrides) for one in theirs] == [sorted(one.overrides) for one in ours]
    assert [one.plate for one in theirs] == [one.plate for one in ours]


TWO = '[[shot]]\nshot = "a"\n'
WRONG = [
    ("", "show.toml: lists no shot; add one"),
    ("shot = 3", r"show.toml: write one \[defaults\] table and one \[\[shot\]\] table a shot"),
    ("shots = []", r"show.toml: knows \[defaults\] and \[\[shot\]\], not shots"),
    (TWO + "plat = 'x'", r"show.toml \[\[shot\]\] 1.plat: unknown key; did you mean 'plate'"),
    (TWO + "plate = 'x'", r"show.toml \[\[shot\]\] 1: plate needs a colorspace"),
    (TWO + "set = 'a=1'", r"show.toml \[\[shot\]\] 1.set: is 'a=1'; want a list"),
    (TWO + "[[shot]]\nshot = './b/../a'", r"show.toml \[\[shot\]\] 2: ./b/../a is listed twice"),
    (TWO + "[[shot]]\nshot = ' '", r"show.toml \[\[shot\]\] 2: shot is empty; name the shot's folder"),
    ("[[shot]]\nname = 3", r"1.name: is 3; want a text\n.*1.shot: missing"),
    (TWO + "x", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_with_a_list_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ShotError, match=said):
        read_shotlist(write(tmp_path, text))


WRONG_CSV = [
    ("shot,tepmlate\na,b\n", "show.csv line 2.tepmlate: unknown key; did you mean 'template'"),
    ("shot\na,b\n", "show.csv line 2: has more cells than the line of column names"),
    ('shot\n"a\n', r"show.csv: can't be read as CSV \(unexpected end of data\)"),
    ("template\nx\n", "show.csv line 2.shot: missing"),
]


@pytest.mark.parametrize(("text", "said"), WRONG_CSV)
def test_what_is_wrong_with_a_spreadsheet_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ShotError, match=said):
        read_shotlist(write(tmp_path, text, "show.csv"))


def test_every_problem_of_a_list_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ShotError) as caught:
        read_shotlist(write(tmp_path, "[[shot]]\nplat = 'x'\n" + TWO + TWO, "show.toml"))
    assert len(str(caught.value).splitlines()) == 3  # unknown key, no shot, listed twice


@pytest.mark.parametrize("name", ["gone.toml", "gone.csv"])
def test_a_list_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(ShotError, match=f"{name}: no such file"):
        read_shotlist(tmp_path / name)
