"""Paths of the host that submitted a job become those of the host that works on it."""

from __future__ import annotations

import json

import pytest

from vfx_deepfake.errors import ShotError
from vfx_deepfake.naming import RULES_VARIABLE, load_rules, mapped
from vfx_deepfake.shot import load_shot

CASES = [
    ("/plates/sh0010/a.####.exr", "/mnt/p/sh0010/a.####.exr"),
    ("/plates", "/mnt/p"),
    ("/plates2/a.exr", "/plates2/a.exr"),  # a folder matches whole
    ("plates/a.exr", "plates/a.exr"),  # relative stays relative
    ("ocio://plates", "ocio://plates"),
    ("P:\\show\\a.####.exr", "/mnt/w/a.####.exr"),
    ("p:/Show/sub/a.exr", "/mnt/w/sub/a.exr"),  # Windows does not mind slash and case
    ("P:\\other\\a.exr", "P:\\other\\a.exr"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_path_by_the_rule_whose_folder_holds_it(text, expected):
    assert mapped(text, {"/plates": "/mnt/p", "P:\\show": "/mnt/w"}) == expected


def write_rules(folder, *rules):
    file = folder / "rules.json"
    listed = [{"source_path_format": "POSIX", "source_path": a, "destination_path": b} for a, b in rules]
    file.write_text(json.dumps({"version": "pathmapping-1.0", "path_mapping_rules": listed}))
    return file


def test_the_longest_rule_wins_in_a_shot_file(tmp_path, monkeypatch):
    (tmp_path / "shot.toml").write_text(
        '[shot]\nname = "s"\n[plate]\npattern = "/a/b/s.####.exr"\ncolorspace = "ACEScg"\n'
    )
    pattern = load_shot(tmp_path).settings.plate.pattern
    assert load_shot(tmp_path).paths.source(pattern) == "/a/b/s.####.exr"
    monkeypatch.setenv(RULES_VARIABLE, str(write_rules(tmp_path, ("/a", "/short"), ("/a/b", "/long"))))
    assert load_shot(tmp_path).paths.source(pattern) == "/long/s.####.exr"
    assert load_shot(tmp_path).paths.source("keys/{shot}.exr") == str(tmp_path / "keys/s.exr")


def test_without_rules_nothing_is_mapped(tmp_path, monkeypatch):
    assert load_rules() == ()
    (tmp_path / "rules.json").write_text("{}")  # what a session without rules gives its tasks
    monkeypatch.setenv(RULES_VARIABLE, str(tmp_path / "rules.json"))
    assert load_rules() == ()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"path_mapping_rules": [{"source_path": "/a"}]}', '{"path_mapping_rules": 3}']
)
def test_damaged_rules_are_one_line(tmp_path, monkeypatch, text):
    (tmp_path / "rules.json").write_text(text)
    monkeypatch.setenv(RULES_VARIABLE, str(tmp_path / "rules.json"))
    with pytest.raises(ShotError, match="rules.json: can't be read as path-mapping rules .*; submit the job again"):
        load_rules()
