"""Imports point down the layers of docs/design.md, however they are written."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "vfx_deepfake"
Imports = dict[Path, list[tuple[int, str]]]  # by file: lines and full dotted names

# lower knows less; a new part of the package must be given its place here and in docs/design.md
LAYER = {
    "errors": 0, "frames": 0, "naming": 0, "files": 0, "progress": 0, "tables": 0, "settings": 0, "shot": 0,
    "color": 1, "image": 1, "nuke": 1,
    "media": 2, "face": 2, "faceset": 2,
    "model": 3, "qc": 3,
    "steps": 4, "provenance": 4,
    "farm": 5, "deliver": 5, "review": 5, "viewing": 5, "demo": 5,
    "exchange": 6,
    "web": 7,
    "cli": 8, "__main__": 8,
}  # fmt: skip
STDLIB_ONLY_BELOW = 1
ALLOWED_IN_LAYER_0 = {"frames.py": {"fileseq"}}  # the reason stands in docs/design.md
NUKE_HOST = {"nuke", "nukescripts", "PySide6", "PySide2"}  # Nuke brings them itself


def imported(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of all a file imports: both forms, relative, inside functions, ``import_module``."""
    package = [root.name, *path.relative_to(root).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:  # the name may be a module or something in it; the first two parts decide
                yield node.lineno, f"{module}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def package_imports(root: Path) -> Imports:
    """What each file of the package folder ``root`` imports."""
    return {path.relative_to(root): list(imported(path, root)) for path in sorted(root.rglob("*.py"))}


def package_offenders(imports: Imports) -> list[str]:
    """What breaks the layers among the imports of the package's files, one line each."""
    found = []
    for inside, names in imports.items():
        mine = inside.parts[0].removesuffix(".py")
        if mine == "__init__":  # imported by every layer, so it may import nothing of ours
            level = -1
        elif mine in LAYER:
            level = LAYER[mine]
        else:
            found.append(f"{inside}: '{mine}' has no layer; give it one")
            continue
        allowed = ALLOWED_IN_LAYER_0.get(str(inside), set())
        for line, name in names:
            top, _, rest = name.partition(".")
            if top == PACKAGE:
                other = rest.split(".")[0]
                if LAYER.get(other, level if other.startswith("__") else 99) > level:
                    found.append(f"{inside}:{line} (layer {level}) imports {other} (layer {LAYER.get(other, '?')})")
            elif level < STDLIB_ONLY_BELOW and top not in sys.stdlib_module_names | allowed:
                found.append(f"{inside}:{line} (layer {level}) imports {top}, which is not the standard library")
    return found


def nuke_offenders(root: Path) -> list[str]:
    """Imports in the Nuke plugin that Nuke's own Python would not have."""
    siblings = {path.relative_to(root).parts[0].removesuffix(".py") for path in root.rglob("*.py")} | {root.name}
    return [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in sorted(root.rglob("*.py"))
        for line, name in imported(path, root)
        if name.split(".")[0] not in sys.stdlib_module_names | NUKE_HOST | siblings
    ]


@pytest.fixture(scope="module")
def ours() -> Imports:
    """What the package imports; reading it is nearly all the work, so it is read once."""
    return package_imports(ROOT / PACKAGE)


def test_imports_point_down(ours: Imports) -> None:
    assert package_offenders(ours) == []


def test_nuke_plugin_needs_only_what_nuke_has() -> None:
    assert nuke_offenders(ROOT / "nuke_plugin") == []


def test_the_design_page_draws_the_same_layers() -> None:
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    drawing = page.split("## Layers", 1)[1].split("## ", 1)[0]
    missing = [part for part in LAYER if part != "__main__" and part not in drawing]
    assert missing == []


UPWARD = [
    ("errors.py", "from vfx_deepfake.color import encoding", "errors.py:1 (layer 0) imports color (layer 1)"),
    ("errors.py", "import vfx_deepfake.model.train", "errors.py:1 (layer 0) imports model (layer 3)"),
    ("errors.py", "from vfx_deepfake import cli", "errors.py:1 (layer 0) imports cli (layer 8)"),
    ("errors.py", "from . import media", "errors.py:1 (layer 0) imports media (layer 2)"),
    ("errors.py", "def late():\n    from .face import track", "errors.py:2 (layer 0) imports face (layer 2)"),
    ("errors.py", "import_module('vfx_deepfake.cli')", "errors.py:1 (layer 0) imports cli (layer 8)"),
    ("errors.py", "__import__('vfx_deepfake.steps')", "errors.py:1 (layer 0) imports steps (layer 4)"),
    ("errors.py", "import numpy as np", "errors.py:1 (layer 0) imports numpy, which is not the standard library"),
    ("errors.py", "import fileseq", "errors.py:1 (layer 0) imports fileseq, which is not the standard library"),
    ("image/crop.py", "from ..media import exr", "image/crop.py:1 (layer 1) imports media (layer 2)"),
    ("image/crop.py", "from vfx_deepfake.media.exr import x", "image/crop.py:1 (layer 1) imports media (layer 2)"),
    ("steps/train.py", "from vfx_deepfake.demo import head", "steps/train.py:1 (layer 4) imports demo (layer 5)"),
    ("steps/train.py", "from vfx_deepfake.nowhere import x", "steps/train.py:1 (layer 4) imports nowhere (layer ?)"),
    ("gadget.py", "", "gadget.py: 'gadget' has no layer; give it one"),
    ("__init__.py", "from vfx_deepfake import errors", "__init__.py:1 (layer -1) imports errors (layer 0)"),
]  # fmt: skip


def planted(tmp_path: Path, name: str, text: str) -> Imports:
    """What a package of this one file imports."""
    path = tmp_path / PACKAGE / name
    path.parent.mkdir(parents=True)
    path.write_text(text + "\n", encoding="utf-8")
    return package_imports(tmp_path / PACKAGE)


@pytest.mark.parametrize(("name", "text", "expected"), UPWARD)
def test_a_wrong_import_is_caught(ours: Imports, tmp_path: Path, name: str, text: str, expected: str) -> None:
    found = package_offenders({**ours, **planted(tmp_path, name, text)})
    assert set(found) - set(package_offenders(ours)) == {expected}


DOWNWARD = [
    ("image/crop.py", "from ..errors import PlateError\nfrom vfx_deepfake.color import encoding\nimport numpy"),
    ("frames.py", "import fileseq"),
    ("errors.py", "import re, tomllib"),
    ("steps/train.py", "from vfx_deepfake import __version__"),
]


@pytest.mark.parametrize(("name", "text"), DOWNWARD)
def test_a_right_import_is_not(tmp_path: Path, name: str, text: str) -> None:
    assert package_offenders(planted(tmp_path, name, text)) == []


def test_torch_in_the_nuke_plugin_is_caught(tmp_path: Path) -> None:
    (tmp_path / "menu.py").write_text("import nuke, json, panel\ndef late():\n    import torch\n", encoding="utf-8")
    (tmp_path / "panel.py").write_text("import nukescripts\n", encoding="utf-8")
    assert nuke_offenders(tmp_path) == ["menu.py:3 imports torch"]
