"""What the README says is so: its commands run, its tables match the code, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from dataclasses import asdict
from pathlib import Path

import pytest

from vfx_deepfake.cli.main import build_parser
from vfx_deepfake.settings import NameSpec, PlateSpec, Settings
from vfx_deepfake.settings.farm import FarmSpec

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/design.md",
    "docs/facesets.md",
    "docs/farm.md",
    "docs/forensics.md",
    "docs/review.md",
    "docs/consent.md",
    "docs/consent_setup.md",
    "docs/lineage.md",
    "docs/manifest.md",
    "nuke_plugin/README.md",
)


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def shell_lines(title: str) -> list[str]:
    """Commands of the first shell block of a section, continued lines joined."""
    block = section(title).split("```sh\n", 1)[1].split("```", 1)[0]
    return block.replace("\\\n", " ").strip().split("\n")


def table(text: str, header: str) -> list[list[str]]:
    """Cells of the table whose header line begins with ``header``."""
    rows = text.split(f"\n{header}", 1)[1].split("\n\n", 1)[0].strip().split("\n")[2:]
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]


def requirements() -> set[str]:
    """Names of every package of setup.cfg, extras included, and the one that goes in by hand."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    blocks = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    lines = [line.strip() for block in blocks for line in block.split("\n")]
    return {re.split(r"[><=]", line)[0] for line in lines if line and not line.startswith("#")} | {"mediapipe"}


def test_every_dependency_has_its_licence() -> None:
    rows = table(section("Licences"), "| package |")
    assert {row[0] for row in rows} == requirements()
    assert all(len(row) == 3 and all(row) for row in rows)


def test_the_sliders_exist_and_have_these_defaults() -> None:
    settings = asdict(Settings(shot=NameSpec(name="s"), plate=PlateSpec(pattern="", colorspace="")))
    rows = table(section("Sliders of the shot file"), "| key |")
    assert len(rows) > 10
    for key, default, _ in rows:
        name, _, field = key.strip("`").partition(".")
        value = settings[name][field]
        expected = tomllib.loads(f"v = {default.strip('`')}")["v"]
        assert (list(value) if isinstance(value, tuple) else value) == expected, key


def test_the_farm_page_has_every_setting_of_the_farm() -> None:
    rows = table((ROOT / "docs" / "farm.md").read_text(encoding="utf-8"), "| key |")
    shown = {row[0].strip("`"): tomllib.loads(f"v = {row[1].strip('`')}")["v"] for row in rows}
    settings = asdict(FarmSpec())
    assert shown == {
        f"farm.{key}": list(value) if isinstance(value, tuple) else value for key, value in settings.items()
    }


def test_the_templates_are_those_that_ship() -> None:
    assert {path.stem for path in (ROOT / "shot_templates").glob("*.toml")} == {
        word
        for word in re.findall(r"`(\w+)`", section("Your own shot in ten lines").split(" templates come with it", 1)[1])
    }


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page}: make {target}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.is_file(), link
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_every_command_shown_is_understood() -> None:
    commands = [line for line in shell_lines("Your own shot in ten lines") if line.startswith("vfx-deepfake")]
    for command in commands:
        build_parser().parse_args(shlex.split(command)[1:])  # exits, which fails the test, on anything unknown
    assert [shlex.split(command)[1] for command in commands] == [
        "init",
        "release",
        "track",
        "suggest-keyframes",
        "check",
        "run",
    ]


def test_the_example_has_ten_lines() -> None:
    block = section("Your own shot in ten lines").split("```sh\n", 1)[1].split("```", 1)[0]
    assert len(block.strip().split("\n")) == 10


def test_help_is_in_the_order_of_the_pipeline() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "vfx_deepfake", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    stages = ["init", "check", "track", "suggest-keyframes", "train", "render", "review", "version", "run"]
    places = [re.search(rf"^\s+{stage}\b", said.stdout, re.MULTILINE) for stage in stages]
    assert all(places)
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts)


@pytest.mark.slow
def test_the_ten_lines_make_a_version(tmp_path: Path) -> None:
    fixtures = pytest.importorskip("vfx_deepfake.demo.fixtures")
    source = fixtures.make_performer_shot(tmp_path / "source" / "sh0010")
    (tmp_path / "rider.pdf").write_bytes(b"signed")
    stand_ins = {"/plates/sh0010": str(source.folder / "plate"), "/contracts": str(tmp_path)}
    for line in shell_lines("Your own shot in ten lines"):
        for shown, real in stand_ins.items():
            line = line.replace(shown, real)
        if line.startswith("# paint"):
            for painted in (source.folder / "keyframes").iterdir():
                shutil.copy(painted, tmp_path / "sh0010" / "keyframes" / painted.name)
        elif line.startswith("vfx-deepfake"):
            words = shlex.split(line)[1:]
            quick = [word for text in fixtures.QUICK for word in ("--set", text)] if words[0] == "init" else []
            command = [sys.executable, "-m", "vfx_deepfake", *words, *quick]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=with_package())
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    missing = [str(path) for path in shown_tree("What comes out") if not (tmp_path / path).exists()]
    assert missing == []


def shown_tree(title: str) -> list[Path]:
    """The paths of a section's indented tree of files."""
    paths: list[Path] = []
    parents: dict[int, Path] = {}
    for line in section(title).split("```\n", 2)[1].splitlines():
        indent = len(line) - len(line.lstrip())
        above = [parents[each] for each in sorted(parents) if each < indent]
        parents = {each: path for each, path in parents.items() if each < indent}
        parents[indent] = (above[-1] if above else Path()) / line.split()[0]
        paths.append(parents[indent])
    return paths


def with_package() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
