"""Every name of Nuke's that the plugin or the fake uses stands in types-nuke, and the plugin's syntax is that of Nuke's Pythons."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nuke import fake_knobs, fake_nuke

PLUGIN = Path(__file__).parents[2] / "nuke_plugin"
FILES = sorted(PLUGIN.rglob("*.py"))
PYTHONS = [(3, 7), (3, 9), (3, 10), (3, 11), (3, 13)]  # Nuke 13 to 17, and what comes next
NOT_NUKE = {"add", "changed", "run_script", "picture", "run", "make", "next_answer", "pump"}  # of the fake itself


def stub() -> dict[str, set[str]]:
    """Names at the top of the stub files, and those of each class with its bases."""
    spec = importlib.util.find_spec("nuke-stubs")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("types-nuke is not installed (extra: dev)")
    top: set[str] = set()
    own: dict[str, set[str]] = {}
    bases: dict[str, list[str]] = {}
    for file in Path(spec.submodule_search_locations[0]).glob("*.pyi"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            top |= set(_defined(node))
            if isinstance(node, ast.ClassDef):
                own[node.name] = {name for each in node.body for name in _defined(each)}
                bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]

    def whole(name: str) -> set[str]:
        return own.get(name, set()).union(*(whole(base) for base in bases.get(name, ())))

    return {"": top, **{name: whole(name) for name in own}}


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in node.names)


def used(module: str, text: str) -> set[str]:
    """Names taken from a module, as in ``nuke.toNode``."""
    return {node.attr for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module}  # fmt: skip


def test_every_name_of_nuke_is_in_the_stub() -> None:
    known = stub()[""]
    found = {name for file in FILES for name in used("nuke", file.read_text(encoding="utf-8"))}
    assert {"createNode", "ProgressTask", "executeInMainThread"} <= found
    assert found - known == set()


def test_a_name_that_nuke_does_not_have_is_noticed() -> None:
    assert used("nuke", "import nuke\nnuke.toNode('a')\nnuke.makeNode('b')") - stub()[""] == {"makeNode"}


def test_the_fake_invents_nothing() -> None:
    names = stub()
    classes = {"Node": fake_nuke.Node, "Group": fake_nuke.Group, "Format": fake_nuke.Format, "Panel": fake_nuke.Panel,
               "ProgressTask": fake_nuke.ProgressTask, "Menu": fake_nuke.Menu}  # fmt: skip
    classes |= {name: each for name, each in inspect.getmembers(fake_knobs, inspect.isclass) if name.endswith("_Knob")}
    invented = {
        f"{name}.{method}"
        for name, each in classes.items()
        for method in dir(each)
        if inspect.isfunction(getattr(each, method))
        and not method.startswith("_")
        and method not in names[name] | NOT_NUKE
    }
    invented |= {name for name in vars(fake_nuke.Nuke) if not name.startswith("_") and name not in names[""] | NOT_NUKE}
    assert invented == set()


def methods_called(text: str) -> set[str]:
    """Methods in Nuke's camelCase."""
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    names = {each.attr for each in calls if isinstance(each, ast.Attribute)}
    return {name for name in names if name[0].islower() and name != name.lower() and "_" not in name}


def test_the_plugin_calls_on_nodes_and_knobs_only_what_the_fake_has() -> None:
    """And the fake has only what the stub has. Files with Qt are left out: Qt's methods look the same."""
    fakes = [each for module in (fake_nuke, fake_knobs) for _, each in inspect.getmembers(module, inspect.isclass)]
    known = {name for each in fakes for name in dir(each)} | {"addToPane"}
    texts = {file.name: file.read_text(encoding="utf-8") for file in FILES}
    assert {name: methods_called(text) - known for name, text in texts.items() if "QtCore" not in text} == {
        name: set() for name, text in texts.items() if "QtCore" not in text
    }


@pytest.mark.parametrize("version", PYTHONS, ids=lambda version: ".".join(map(str, version)))
def test_syntax_of_the_hosts_pythons(version: tuple[int, int]) -> None:
    for file in FILES:
        ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=version)


@pytest.mark.parametrize("text", ["match x:\n    case 1: pass", "with (open('a') as a, open('b') as b): pass"])
def test_newer_syntax_is_noticed(text: str) -> None:
    with pytest.raises(SyntaxError, match="3.10 and greater|3.9 and greater"):
        ast.parse(text, feature_version=(3, 7))
