"""What a TD imports: light to import, whole, and the worked example does what it says."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import vfx_deepfake
from vfx_deepfake.cli.main import build_parser
from vfx_deepfake.demo.fixtures import make_performer_shot

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "night_batch.py"
HEAVY = ("torch", "numpy", "cv2", "OpenImageIO", "PyOpenColorIO", "kornia", "openjd", "vfx_deepfake.errors")


@pytest.fixture
def show(tmp_path: Path) -> Path:
    base = make_performer_shot(tmp_path / "base", width=96, height=72, count=2, key_frames=(1001, 1002), microphone=False,
                               overrides=("keyframes.pattern=keyframes/base.####.exr",)).folder  # fmt: skip
    for name in ("sh0010", "sh0020", "sh0030"):
        shutil.copytree(base, tmp_path / "show" / name)
        file = tmp_path / "show" / name / "shot.toml"
        file.write_text(file.read_text().replace('name = "base"', f'name = "{name}"'))
    return tmp_path / "show"


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("night_batch", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_importing_the_package_loads_nothing() -> None:
    code = f"import sys, vfx_deepfake; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "[]"


def test_every_name_is_there_and_no_other() -> None:
    for name in vfx_deepfake.__all__:
        assert getattr(vfx_deepfake, name) is not None
        assert name in dir(vfx_deepfake)
    assert vfx_deepfake.Shot is vfx_deepfake.load_shot.__globals__["Shot"]
    with pytest.raises(AttributeError, match="module 'vfx_deepfake' has no attribute 'swap_faces'"):
        vfx_deepfake.swap_faces  # noqa: B018


def test_the_worked_example_submits_and_tells(show: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (show / "tonight.toml").write_text('[defaults]\nmodel = "sh0010"\n' + "".join(
        f'[[shot]]\nshot = "{name}"\n' for name in ("sh0010", "sh0020", "sh0030", "sh0040")))  # fmt: skip
    module = example()
    assert module.main(str(show / "tonight.toml"), "openjd") == 1
    said = capsys.readouterr().out
    assert "sh0040            failed" in said and "sh0040/shot.toml: no such file" in said
    assert "    render: 0 of 1 tasks" in said
    assert (show / "sh0020" / "work" / "farm" / "job_0001" / "template.json").is_file()
    assert module.main(str(show / "nothing.toml"), "openjd") == 1
    assert "nothing.toml: no such file" in capsys.readouterr().out


def test_the_list_and_the_commands_of_the_readme_are_understood(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Many shots", 1)[1].split("\n## ", 1)[0]
    (tmp_path / "show.toml").write_text(section.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    lender, new = vfx_deepfake.read_shotlist(tmp_path / "show.toml")
    assert (lender.overrides, new.overrides) == (("shot.show=northern_light",),) * 2
    for line in section.split("```sh\n")[1].split("```")[0].strip().splitlines():
        build_parser().parse_args(
            shlex.split(line, comments=True)[1:]
        )  # exits, which fails the test, on anything unknown


def test_the_example_of_a_list_made_by_hand(show: Path) -> None:
    assert example().by_hand(str(show)) == 3
