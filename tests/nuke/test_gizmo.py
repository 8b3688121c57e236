"""The gizmo as text: what Tcl reads, what the checks find in it and in damaged copies of it."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.nuke.graph import problems
from tests.nuke.tcl import ScriptError, parse
from vfx_deepfake.nuke.cat import cattery_gizmo, creator_script
from vfx_deepfake.nuke.gizmo import NAME, gizmo_text, shipped_text
from vfx_deepfake.nuke.gizmo_help import helps
from vfx_deepfake.nuke.gizmo_knobs import NO_PLUGIN, knobs

ROOT = Path(__file__).parents[2]
GIZMO = ROOT / "nuke_plugin" / "gizmos" / f"{NAME}.gizmo"
SHIPPED = [path for folder in ("nuke_plugin", "shot_templates") for path in (ROOT / folder).rglob("*")]
SCRIPTS = sorted(path for path in SHIPPED if path.suffix in (".gizmo", ".nk"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_script_that_ships_is_read_by_tcl_and_has_no_fault(path):
    assert problems(parse(path.read_text(encoding="utf-8"))) == []


CAT_KNOBS = {"strength": "How much of the change.", "mix": "From one face to the other."}
WRITTEN = {
    "a script for CatFileCreator": creator_script(
        "young face.pt", ["rgba.red"], ["rgba.red"], CAT_KNOBS, "press; wait"
    ),
    "a Cattery gizmo": cattery_gizmo("young face", CAT_KNOBS),
    "a gizmo of another name": gizmo_text("2nd", {"mix": 0.5}, ("A [b] {c}", "ACEScg"), num_inputs=1),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_script_that_is_written_is_read_by_tcl_and_has_no_fault(name):
    """Comp scripts are in test_comp_script.py."""
    assert problems(parse(WRITTEN[name])) == []


def test_the_shipped_gizmo_is_the_one_that_the_code_writes():
    assert GIZMO in SCRIPTS
    advice = f"run: python -m vfx_deepfake.nuke.gizmo {GIZMO.relative_to(ROOT)}"
    assert GIZMO.read_text(encoding="utf-8") == shipped_text(), advice


def test_it_is_a_group_of_stock_nodes_that_opens_without_the_plugin():
    (group,) = parse(GIZMO.read_text(encoding="utf-8")).children
    assert group.kind == "Group"
    assert [node.name for node in group.of_kind("Input")] == ["plate", "holdout", "paint"]
    kinds = {node.kind for node in group.children}
    assert not {kind for kind in kinds if "Blink" in kind or kind in ("Group", "Gizmo", "PythonGeo", "Inference")}
    outside = group.knobs["autolabel"] + group.knobs["onCreate"] + group.knobs["knobChanged"]
    assert "import" not in outside  # only the buttons need the plug-in, and they ask for it gently


def test_thumbnails_are_light():
    (group,) = parse(GIZMO.read_text(encoding="utf-8")).children
    assert group.knobs["postage_stamp"] == group.child("VersionRead").knobs["postage_stamp"] == "false"


def test_every_button_says_in_one_line_that_the_plugin_is_missing():
    (group,) = parse(GIZMO.read_text(encoding="utf-8")).children
    buttons = [knob for knob in group.user if knob.kind == 22]
    assert len(buttons) == 14
    for button in buttons:
        said: list[str] = []
        host = SimpleNamespace(message=said.append)
        exec(
            compile(button.options["T"], button.name, "exec"), {"nuke": host}
        )  # vfx_deepfake_nuke can't be imported here
        assert said == [NO_PLUGIN]


def test_the_label_shows_name_version_and_status():
    (group,) = parse(GIZMO.read_text(encoding="utf-8")).children
    shown = {"version": "v003", "status": "approved"}
    knob_of = {name: SimpleNamespace(value=lambda name=name: shown[name]) for name in shown}
    node = type("Node", (dict,), {"name": lambda self: "VFXDeepfake1"})(knob_of)
    host = SimpleNamespace(thisNode=lambda: node)
    assert eval(group.knobs["autolabel"], {"nuke": host}) == "VFXDeepfake1\nv003 approved"
    shown.update(version="", status="")
    assert eval(group.knobs["autolabel"], {"nuke": host}) == "VFXDeepfake1\nno version "


@pytest.mark.parametrize("carried", (True, False))
def test_identity_mix_is_greyed_out_unless_the_version_has_a_second_face(carried):
    (group,) = parse(GIZMO.read_text(encoding="utf-8")).children
    said: dict[str, object] = {}
    knob_of = {
        "identity_mix": SimpleNamespace(setEnabled=lambda on: said.update(enabled=on)),
        "has_face_b": SimpleNamespace(setValue=lambda on: said.update(has_face_b=on), value=lambda: carried),
    }
    read = SimpleNamespace(channels=lambda: ["rgba.red", "face.red", *(["face_b.red"] if carried else [])])
    node = type("Node", (dict,), {"node": lambda self, name: {"VersionRead": read}[name]})(knob_of)
    for changed, wanted in (("mix", {}), ("version_dir", {"has_face_b": carried, "enabled": carried})):
        host = SimpleNamespace(
            thisNode=lambda: node, thisKnob=lambda changed=changed: SimpleNamespace(name=lambda: changed)
        )
        exec(group.knobs["knobChanged"], {"nuke": host})
        assert said == wanted
    said.clear()
    exec(group.knobs["onCreate"], {"nuke": host})
    assert said == {"enabled": carried}


def test_help_is_there_for_knobs_that_exist_and_no_others():
    assert set(helps()) == {knob.name for knob in knobs() if knob.help}


def test_values_that_are_not_at_rest_come_through_tcl_as_they_are():
    text = gizmo_text(
        "Face1", {"shot": 'a "b" [c] {d} $e;\\', "mix": 0.25, "grain_on": False}, ("ARRI LogC3 (EI800)", "ACEScg")
    )
    (group,) = parse(text).children
    assert group.knobs["shot"] == 'a "b" [c] {d} $e;\\'
    assert (group.name, group.knobs["mix"], group.knobs["grain_on"]) == ("Face1", "0.25", "false")
    assert group.child("ToWorking").knobs["in_colorspace"] == "ARRI LogC3 (EI800)"
    with pytest.raises(KeyError, match="the gizmo has no knob mixx"):
        gizmo_text(values={"mixx": 1})


# what is put in the place of what, and what must be said about it
MUTATIONS = {
    "a brace is missing": ("\n }\n set NResult", "\n set NResult", "missing close-brace|braced list|odd knob list"),
    "end_group is dropped": ("end_group\n", "", "group VFXDeepfake is not ended"),
    "end_group comes twice": ("end_group\n", "end_group\nend_group\n", "end_group without a group"),
    "a knob has no value": (" operation stencil\n", " operation\n", "odd knob list|no knob"),
    "a node has no braces": ("Output {", "Output\n{", "a node has one braced list"),
    "a knob comes twice": (" operation stencil\n", " operation stencil\n  operation plus\n", "knob operation twice"),
    "a program is called": ("end_group\n", "end_group\nexec ls\n", "exec: odd knob list"),
    "a file is read": ("end_group\n", "end_group\nsource init.tcl\n", "source: odd knob list"),
    "a file is opened": ("end_group\n", "end_group\nopen x w\n", "open: a node has one braced list"),
    "a link is misspelt": ("parent.grain_source}", "parent.grain_sauce}", "'parent.grain_sauce' leads nowhere"),
    "a formula names a knob that is gone": ("parent.mix *", "parent.mixx *", "'parent.mixx' leads nowhere"),
    "a formula names a channel that is gone": ("+ matte.nose *", "+ matte.noze *", "'matte.noze' leads nowhere"),
    "a layer lost a channel": (" matte.skin ", " ", "'matte.skin' leads nowhere"),
    "a file name asks for a knob that is gone": ("value parent.exr", "value parent.seq", "'parent.seq' leads nowhere"),
    "an input that is not there": ("exists parent.input2", "exists parent.input7", "'parent.input7' leads nowhere"),
    "a link knob's target is gone": ("T ToWorking.in_col", "T ToWorking.out_of_col", "links to ToWorking.out_of_col"),
    "a formula is broken": ('"a > 0"', '"a > "', "'more' is missing"),
    "a node is not connected": ("push $NInsideMatte\n", "push 0\n", "Result: input 2 is not connected"),
    "a push is dropped": (" push $NRebuiltInPlateSpace\n", "", "nothing uses it"),
    "a node is pushed that is not there": ("push $NInsideMatte", "push $NInside", "no such variable"),
    "two Outputs": ("end_group", "push $NResult\n Output {\n  name Output2\n }\nend_group", "2 Outputs"),
    "no Output": ("Output {\n  name Output1", "Dot {\n  name Output1", "0 Outputs"),
    "two Inputs of one number": ("number 2", "number 1", r"Inputs are numbered \[0, 1, 1\]"),
    "a user knob twice": ("addUserKnob {7 skin ", "addUserKnob {7 mix ", "two knobs are called 'mix'"),
    "a value of no knob": (" mix 1\n", " mix 1\n mixer 1\n", "a Group has no knob 'mixer'"),
    "no knob of the class": (" operation stencil", " opperation stencil", "a Merge2 has no knob 'opperation'"),
    "no help": ('7 mix l "mix" t ', '7 mix l "mix" x ', "VFXDeepfake.mix: has no help"),
    "a menu's value is not in it": ("\n view result\n", "\n view results\n", "'results' is not in its menu"),
    "a button does not compile": ("else:\\n", "else\\n", "newest: does not compile"),
    "the label does not compile": ("'no version'", "'no version", "autolabel: does not compile"),
    "an absolute path": ('version_dir ""', 'version_dir "/shows/x/v001"', "holds an absolute path"),
    "an absolute path in a button": ("    from vfx", "    open('/shows')\\n    from vfx", "holds an absolute path"),
    "a drive": ('version_dir ""', 'version_dir "P:/x"', "holds an absolute path"),
    "a class that is not stock": ("FilterErode {", "BlinkScript {", "class BlinkScript is not on the list"),
    "two nodes of one name": ("name SoftIn\n", "name SoftOut\n", "two nodes are called SoftOut"),
    "a mapping is lost": ('mappings "4 clean.red', 'mappings "5 clean.red', "says 5 mappings and has 4"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_damaged_gizmo_is_caught(name):
    old, new, said = MUTATIONS[name]
    text = shipped_text()
    damaged = text.replace(old, new, 1)
    assert damaged != text
    try:
        found = "\n".join(problems(parse(damaged)))
    except ScriptError as error:
        found = str(error)
    assert re.search(said, found), found
