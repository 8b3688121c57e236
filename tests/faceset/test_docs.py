"""What docs/facesets.md says is so: its commands parse, its tables name every setting with its default."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from vfx_deepfake.cli.main import build_parser
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.faceset.spec import DEFAULT_CONFIG, CullSpec, FacesetSpec, SourceSpec

PAGE = (Path(__file__).parents[2] / "docs" / "facesets.md").read_text(encoding="utf-8")


def test_the_commands_are_understood() -> None:
    block = PAGE.split("```sh\n", 1)[1].split("```", 1)[0].replace("\\\n", " ")
    commands = [shlex.split(line, comments=True) for line in block.strip().split("\n")]
    assert len(commands) == 9
    for command in commands:
        args = build_parser().parse_args(command[1:])
        for space in getattr(args, "colorspace", []):
            Color(DEFAULT_CONFIG).require(space, "the page")


@pytest.mark.parametrize("spec", [FacesetSpec, SourceSpec, CullSpec])
def test_every_setting_is_explained(spec: type) -> None:
    shown = set(re.findall(r"`(?:\[\[source\]\] )?(\w+)`", PAGE))
    assert {field.name for field in fields(spec)} - shown - {"schema", "cull"} == set()


def test_the_defaults_are_those_of_the_code() -> None:
    section = PAGE.split("## Culling", 1)[1].split("**Doubles**", 1)[0]
    shown = {
        row[1]: row[2]
        for row in (
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in section.split("\n")
            if line.startswith("| ")
        )
    }
    spec = CullSpec()
    for key, text in shown.items():
        numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]
        names = [
            name
            for name in re.findall(r"`(\w+)`", key)
            if isinstance(getattr(spec, name), float) and getattr(spec, name)
        ]
        assert numbers[: len(names)] == [getattr(spec, name) for name in names], key
