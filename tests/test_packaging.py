"""The package as others get it: a wheel, and a rez package built and resolved by rez itself."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

import vfx_deepfake
from vfx_deepfake.naming import data_folder

ROOT = Path(__file__).parents[1]
SHIPPED = ("vfx_deepfake", "ocio_configs", "shot_templates", "nuke_plugin")
PROBE = """
import sys, vfx_deepfake
from vfx_deepfake.naming import data_folder
print(vfx_deepfake.__file__)
for name in ("shot_templates", "ocio_configs"):
    print(*sorted(str(path.relative_to(data_folder(name))) for path in data_folder(name).rglob("*") if path.is_file()))
"""


def setup_cfg() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def sources(place: Path) -> Path:
    """A copy of what packages are built from, so that building leaves nothing in the checkout."""
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE", "rez_package.py"):
        shutil.copy(ROOT / name, place / name)
    return place


def run(*command: str, cwd: Path, **env: str) -> str:
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def shipped_files(name: str) -> list[str]:
    folder = ROOT / name
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def check_probe(output: str, root: Path) -> None:
    """The probe ran from ``root`` and found every template and OCIO config there."""
    module, templates, configs = output.splitlines()
    assert Path(module).is_relative_to(root)
    assert templates.split() == shipped_files("shot_templates")
    assert configs.split() == shipped_files("ocio_configs")


def test_every_package_of_the_tree_is_listed() -> None:
    listed = set(setup_cfg()["options"]["packages"].split())
    tree = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "vfx_deepfake").rglob("__init__.py")}
    assert listed == tree | {"vfx_deepfake.ocio_configs", "vfx_deepfake.shot_templates"}


def test_every_data_file_of_the_package_travels() -> None:
    kinds = {path.suffix for path in (ROOT / "vfx_deepfake").rglob("*") if path.is_file()} - {".py", ".pyc"}
    listed = " ".join(setup_cfg()["options.package_data"].values()).replace(",", " ").split()
    assert {kind for kind in kinds if not any(each.endswith(f"*{kind}") for each in listed)} <= {".typed", ""}


def test_a_checkout_finds_its_own_data() -> None:
    assert data_folder("shot_templates") == ROOT / "shot_templates"
    assert data_folder("ocio_configs") == ROOT / "ocio_configs"


@pytest.mark.slow
def test_a_wheel_installed_elsewhere_is_whole(tmp_path: Path) -> None:
    checkout, target = sources(tmp_path / "src"), tmp_path / "installed"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "-q", "--no-index", "--no-build-isolation", "--no-deps", "-w", "dist", ".", cwd=checkout)
    (wheel,) = (checkout / "dist").glob("*.whl")
    run(*pip, "install", "-q", "--no-index", "--no-deps", "--target", str(target), str(wheel), cwd=tmp_path)
    check_probe(run(sys.executable, "-c", PROBE, cwd=tmp_path, PYTHONPATH=str(target)), target)
    said = run(str(target / "bin" / "vfx-deepfake"), "--version", cwd=tmp_path, PYTHONPATH=str(target))
    assert vfx_deepfake.__version__ in said


def stand_in(repository: Path, name: str, version: str, commands: str = "pass") -> None:
    """A rez package of something that this interpreter has installed already."""
    folder = repository / name / version
    folder.mkdir(parents=True)
    text = f'name = "{name}"\nversion = "{version}"\ndef commands():\n    {commands}\n'
    (folder / "package.py").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_rez_builds_and_resolves_the_package(tmp_path: Path) -> None:
    pytest.importorskip("rez", reason="rez is not installed (extra: dev)")
    bin_folder, repository = Path(sys.executable).parent, tmp_path / "packages"
    python = ".".join(map(str, sys.version_info[:3]))
    stand_in(repository, "python", python, f'env.PATH.prepend("{bin_folder}")')
    wanted = [line.split(">=") for line in setup_cfg()["options"]["install_requires"].split("\n") if line]
    for name, _ in wanted:
        stand_in(repository, name.replace("-", "_"), importlib.metadata.version(name).split("+")[0])
    checkout = sources(tmp_path / "src")
    (checkout / "rez_package.py").rename(checkout / "package.py")

    rez = {"REZ_PACKAGES_PATH": str(repository), "HOME": str(tmp_path), "PYTHONPATH": ""}
    run(str(bin_folder / "rez-build"), "--install", "--prefix", str(repository), cwd=checkout, **rez)

    root = repository / "vfx_deepfake" / vfx_deepfake.__version__
    rez_env = (str(bin_folder / "rez-env"), "vfx_deepfake", "--")
    check_probe(run(*rez_env, "python", "-c", PROBE, cwd=tmp_path, **rez), root)
    assert vfx_deepfake.__version__ in run(*rez_env, "vfx-deepfake", "--version", cwd=tmp_path, **rez)
    assert run(*rez_env, "which", "vfx-deepfake", cwd=tmp_path, **rez).strip() == str(root / "bin" / "vfx-deepfake")
    context = run(*rez_env, "printenv", "NUKE_PATH", "REZ_USED_RESOLVE", cwd=tmp_path, **rez)
    nuke_path, resolved = context.split("\n")[:2]
    assert nuke_path == str(root / "nuke_plugin")
    assert {entry.rsplit("-", 1)[0] for entry in resolved.split()} == (
        {"python", "vfx_deepfake"} | {name.replace("-", "_") for name, _ in wanted}
    )


def test_rez_asks_for_what_setup_cfg_asks_for(tmp_path: Path) -> None:
    packages = pytest.importorskip("rez.packages", reason="rez is not installed (extra: dev)")
    checkout = sources(tmp_path / "src")
    (checkout / "rez_package.py").rename(checkout / "package.py")
    package = packages.get_developer_package(str(checkout))
    asked = {str(request) for request in package.requires}
    assert str(package.version) == vfx_deepfake.__version__
    assert {"python-3.11+", "torch-2.4+", "opencv_python_headless-4.8+", "~av-14+"} <= asked


OPTIONAL = {
    "av": "review",
    "mediapipe": "tracking",
    "openjd": "farm",
    "sqlalchemy": "dailies",
    "alembic": "dailies",
    "argon2": "dailies",
    "fastapi": "dailies",
    "starlette": "dailies",  # through fastapi
    "pydantic": "dailies",  # through fastapi
    "anyio": "dailies",  # through fastapi
    "jinja2": "dailies",
    "uvicorn": "dailies",
    "opentimelineio": "dailies",
    "reportlab": "dailies",
    "gazu": "kitsu",
    "requests": "kitsu",  # through gazu
    "shotgun_api3": "shotgrid",
    "c2pa": "credentials",
    "pkcs11": "pkcs11",
    "opencue": "",
}  # mediapipe goes in by hand, see setup.cfg;
# pycue asks for another protobuf than mediapipe and is installed where jobs are submitted


def imported_names() -> set[str]:
    """Top-level names of everything that the package imports."""
    names: set[str] = set()
    for path in (ROOT / "vfx_deepfake").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"vfx_deepfake"}


def canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def test_everything_imported_is_asked_for_and_nothing_else() -> None:
    lines = setup_cfg()["options"]["install_requires"].split("\n")
    asked = {canonical(line.split(">=")[0]) for line in lines if line}
    provided = importlib.metadata.packages_distributions()
    used = {
        name: {canonical(found) for found in provided.get(name, [name])} for name in imported_names() - set(OPTIONAL)
    }
    assert {name for name, distributions in used.items() if not distributions & asked} == set()
    through_torch = {"tensorboard"}  # torch.utils.tensorboard imports it
    assert asked - set().union(*used.values()) - through_torch == set()
