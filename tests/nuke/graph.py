"""What must hold for a Nuke script that this project ships or writes, beyond being Tcl: one line for each thing wrong.

Nuke alone knows which knobs a class has, so KNOBS lists those that we use, from the pages of the nodes in Foundry's
reference guide, the sources of its EXR and DPX writers, and the guide to .cat files.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.nuke import expression
from tests.nuke.tcl import GROUPS, Node, split_list

COMMON = {"inputs", "name", "xpos", "ypos", "label", "disable", "note_font", "tile_color", "postage_stamp", "selected"}
FORMULAS = " ".join(f"expr{i}" for i in range(4))
_LISTED = {
    "Root": "project_directory frame first_frame last_frame lock_range fps format colorManagement OCIO_config customOCIOConfigPath",
    "Group": "help autolabel onCreate knobChanged",
    "Input": "number",
    "Output": "",
    "Read": "file file_type first last origfirst origlast origset before after on_error raw colorspace format",
    "Write": "file file_type channels raw colorspace create_directories datatype bigEndian fill transfer first last use_limit",
    "Shuffle2": "fromInput1 fromInput2 in1 mappings",
    "Copy": "from0 to0",
    "Merge2": "operation",
    "MergeExpression": FORMULAS,
    "Expression": f"{FORMULAS} {' '.join(f'temp_name{i} temp_expr{i}' for i in range(4))}",
    "Keymix": "channels bbox mix",
    "Dissolve": "which channels",
    "Switch": "which",
    "Blur": "channels size filter",
    "FilterErode": "channels size filter",
    "Transform": "translate",
    "Matrix": "channels matrix normalize",
    "Grade": "channels mix multiply black_clamp white_clamp",
    "Multiply": "channels mix value",
    "Saturation": "channels mix saturation",
    "OCIOColorSpace": "in_colorspace out_colorspace",
    "Viewer": "frame_range input_process",
    "BackdropNode": "bdwidth bdheight note_font_size",
    "StickyNote": "note_font_size",
    "CatFileCreator": "torchScriptFile catFile channelsIn channelsOut modelId",
    "Inference": "modelFile useGPUIfAvailable halfPrecision serialiseKnob",
}
KNOBS = {kind: set(words.split()) for kind, words in _LISTED.items()}
ALONE = ("Input", "Read", "Root", "BackdropNode", "StickyNote", "CatFileCreator")
INPUTS = {"Merge2": 2, "MergeExpression": 2, "Keymix": 3, "Dissolve": 2, "Copy": 2} | dict.fromkeys(ALONE, 0)
ANY_INPUTS = ("Switch", "Viewer", *GROUPS)
ENDS = ("Output", "Write", "Viewer", "Root", "BackdropNode", "StickyNote", "CatFileCreator", "Inference", *GROUPS)
KINDS = {1, 2, 3, 4, 6, 7, 19, 20, 22, 26, 41, 43}  # of user knobs, as Nuke numbers them
QUIET = (20, 26)  # tabs and dividers need no help
RGBA_LAYERS = {"rgba": ["rgba.red", "rgba.green", "rgba.blue", "rgba.alpha"]}
PIXEL_NAMES = {
    "Expression": {"r", "g", "b", "a", "x", "y", "frame"},
    "MergeExpression": {f"{side}{channel}" for side in "AB" for channel in "rgba"},
}
NO_EXPRESSIONS = ("fromInput1", "fromInput2", "matrix")  # lists of lists
BRACKETED = re.compile(r"\[(value|exists) ([\w.]+)\\?\]")
ABSOLUTE = re.compile(r"(^|[\s\"'(=\[])(/\w|~|[A-Za-z]:[\\/])")


def problems(script: Node) -> list[str]:
    """One line for each thing that is wrong in a script and the groups in it."""
    return [line for group in _groups(script) for check in CHECKS for line in check(group)]


def _groups(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        if child.kind in GROUPS:
            yield from _groups(child)


def _names_are_unique(group: Node) -> Iterator[str]:
    seen: set[str] = set()
    for node in group.children:
        if node.name in seen:
            yield f"{group.name}: two nodes are called {node.name}"
        seen.add(node.name)


def _inputs_and_output(group: Node) -> Iterator[str]:
    if group.kind == "Script":
        return
    if len(group.of_kind("Output")) != 1:
        yield f"{group.name}: {len(group.of_kind('Output'))} Outputs; one was expected"
    numbers = sorted(int(node.knobs.get("number", 0)) for node in group.of_kind("Input"))
    if numbers != list(range(len(numbers))):
        yield f"{group.name}: Inputs are numbered {numbers}"


def _classes_and_knobs(group: Node) -> Iterator[str]:
    for node in group.children:
        if node.kind not in KNOBS:
            yield f"{node.name}: class {node.kind} is not on the list"
            continue
        declared = {knob.name for knob in node.user}
        if node.kind == "Inference":  # a model's own attributes are knobs of the node too; the group shows them outside
            declared |= {knob.name for knob in group.user}
        for name in sorted(node.knobs.keys() - COMMON - KNOBS[node.kind] - declared):
            yield f"{node.name}: a {node.kind} has no knob '{name}'"


def _connections(group: Node) -> Iterator[str]:
    used = {id(given) for node in group.children for given in node.inputs}
    for node in group.children:
        if node.kind not in ANY_INPUTS:
            wanted = INPUTS.get(node.kind, 1)
            if len(node.inputs) != wanted:
                yield f"{node.name}: takes {len(node.inputs)} inputs; a {node.kind} has {wanted}"
            if None in node.inputs:
                yield f"{node.name}: input {node.inputs.index(None)} is not connected"
        if node.kind == "Switch" and (None in node.inputs or len(node.inputs) < 2):
            yield f"{node.name}: a choice of {len(node.inputs)} inputs, some not connected"
        if node.kind not in ENDS and id(node) not in used:
            yield f"{node.name}: nothing uses it"


def _user_knobs(group: Node) -> Iterator[str]:
    for node in group.children:
        names = [knob.name for knob in node.user]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{node.name}: two knobs are called '{name}'"
        for knob in node.user:
            if knob.kind not in KINDS:
                yield f"{node.name}.{knob.name}: {knob.kind} is no type of knob that is known"
            if knob.kind not in QUIET and not knob.options.get("t"):
                yield f"{node.name}.{knob.name}: has no help"
            if knob.name in COMMON | KNOBS.get(node.kind, set()):
                yield f"{node.name}.{knob.name}: hides a knob of the class"
            value = node.knobs.get(knob.name, "")
            if knob.kind == 4 and value not in split_list(knob.options["M"]):
                yield f"{node.name}.{knob.name}: '{value}' is not in its menu"
            if knob.kind == 41 and not _resolves(knob.options["T"], node, node):
                yield f"{node.name}.{knob.name}: links to {knob.options['T']}, which is not there"


def _python(group: Node) -> Iterator[str]:
    for node in group.children:
        bodies = [(knob.name, knob.options["T"], "exec") for knob in node.user if knob.kind == 22]
        bodies += [(name, node.knobs[name], "exec") for name in ("onCreate", "knobChanged") if name in node.knobs]
        bodies += [(name, node.knobs[name], "eval") for name in ("autolabel",) if name in node.knobs]
        for name, body, mode in bodies:
            try:
                ast.parse(body, mode=mode, feature_version=(3, 7))
            except SyntaxError as error:
                yield f"{node.name}.{name}: does not compile: {error.msg}"


def _links(group: Node) -> Iterator[str]:
    for node in group.children:
        for knob, raw in node.knobs.items():
            names = [name for _, name in BRACKETED.findall(raw)]
            for text in _formulas(node, knob, raw):
                try:
                    names += _names(text)
                except expression.ExpressionError as error:
                    yield f"{node.name}.{knob}: {error}"
            for name in names:
                if name not in _pixel_names(node) and not _resolves(name, node, node.parent):
                    yield f"{node.name}.{knob}: '{name}' leads nowhere"


def _formulas(node: Node, knob: str, raw: str) -> list[str]:
    """The expressions in a knob: those in double braces, and the formulas of Expression and MergeExpression."""
    if node.kind in PIXEL_NAMES and re.fullmatch(r"(temp_)?expr\d", knob):
        return [raw]
    if not raw.startswith("{") or knob in NO_EXPRESSIONS:
        return []
    parts = [split_list(part) for part in split_list(raw)]
    return [part[0] for part in parts if part and not re.fullmatch(r"-?[\d.]+", part[0])]


def _names(text: str) -> list[str]:
    """What a formula refers to, its Tcl apart. Raises: ExpressionError for what can't be read."""
    plain = re.sub(r"\[[^\[\]]*\]", "1", re.sub(r"\[[^\[\]]*\]", "1", text))  # brackets stand in brackets
    expression.evaluate(plain, lambda name: 1.0)
    return expression.names(plain)


def _pixel_names(node: Node) -> set[str]:
    """What a formula may say beside knobs: channels, places, its own variables."""
    if node.kind not in PIXEL_NAMES:
        return {"frame"}
    own = {value for name, value in node.knobs.items() if name.startswith("temp_name")}
    channels = {c for layer in node.parent.layers.values() for c in layer} if node.kind == "Expression" else set()
    return PIXEL_NAMES[node.kind] | own | channels


def _resolves(name: str, node: Node, group: Node) -> bool:
    """Whether a knob is there: ``parent.mix``, ``root.fps``, ``Node.knob``, ``parent.input0`` or one of the node's own."""
    first, _, rest = name.partition(".")
    knob = rest.split(".")[0]
    if first == "root":
        return knob in KNOBS["Root"] | {"name"}
    if first == "parent":
        inputs = {f"input{each.knobs.get('number', 0)}" for each in node.parent.of_kind("Input")}
        return knob in inputs or _has(node.parent, knob)
    if not rest:
        return _has(node, first)
    found = [child for child in group.children if child.name == first]
    return bool(found) and _has(found[0], knob)


def _has(node: Node, knob: str) -> bool:
    return knob in node.knobs or any(each.name == knob for each in node.user)


def _layers(group: Node) -> Iterator[str]:
    known = {c for channels in {**RGBA_LAYERS, **group.layers}.values() for c in channels} | {"black", "white"}
    for node in group.of_kind("Shuffle2"):
        count, *words = node.knobs["mappings"].split()
        if len(words) != 6 * int(count):
            yield f"{node.name}: says {count} mappings and has {len(words) / 6:g}"
        for channel in {*words[::6], *words[3::6]} - known:
            yield f"{node.name}: no layer has the channel {channel}"
    for node in group.of_kind("Copy"):
        for channel in {node.knobs["from0"], node.knobs["to0"]} - known:
            yield f"{node.name}: no layer has the channel {channel}"


def _no_absolute_path(group: Node) -> Iterator[str]:
    for node in [group, *group.children]:
        texts = [*node.knobs.items(), *((knob.name, text) for knob in node.user for text in knob.options.values())]
        for name, text in texts:
            if ABSOLUTE.search(text):
                yield f"{node.name}.{name}: holds an absolute path: {text[:60]}"


CHECKS = (
    _names_are_unique,
    _inputs_and_output,
    _classes_and_knobs,
    _connections,
    _user_knobs,
    _python,
    _links,
    _layers,
    _no_absolute_path,
)
