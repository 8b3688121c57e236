"""The gizmo ``VFXDeepfake``: the compositing rule on a version's layers, live, in stock nodes.

P plate, D degrained plate (layer ``clean``), F face, M matte (``matte.applied``), N(C) grain, all scene-linear:

    O = P + M' (F' - D) + w (N' - (P - D))     where M' > 0, else P

A dash marks what knobs may have changed; w = M' / M, held at 1, so that grain returns to the plate's own as the mix goes
to 0. With the knobs at rest M' = M, w = 1, and this is the rule of docs/design.md. Where M' is 0 the plate goes through
a Keymix with a mask of 0 and keeps its bits.

``python -m vfx_deepfake.nuke.gizmo FILE`` writes the file that ships, nuke_plugin/gizmos/VFXDeepfake.gizmo.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vfx_deepfake.files import write_text
from vfx_deepfake.nuke.gizmo_knobs import knobs
from vfx_deepfake.nuke.gizmo_looks import add_views
from vfx_deepfake.nuke.gizmo_matte import add_matte
from vfx_deepfake.nuke.script import Expression, Graph, Literal, Node, knob_lines

NAME = "VFXDeepfake"
NUKE_VERSION = "13.0 v1"  # the oldest host
INPUTS = ("plate", "holdout", "paint")  # input 0 to 2
LAYERS = {
    "face": ("red", "green", "blue"),
    "face_b": ("red", "green", "blue"),
    "clean": ("red", "green", "blue"),
    "grain": ("red", "green", "blue"),
    "matte": ("applied", "face", "skin", "eyes", "brows", "nose", "lips", "mouth", "teeth", "holdout", "garbage"),
    "confidence": ("Y",),
}  # as Nuke names the channels of the version's EXR; what a version lacks is black
GAIN_LIMIT = 16  # of re-levelled grain, as in image/regrain.py
MATCH_LIMIT = 8  # of the colour match's gain, up or down; assumed
DARK = 0.0001  # light that keeps the colour match from dividing by nothing; assumed
SOFTENED = 0.375  # deviation that the kernel (1 2 1) x (1 2 1) / 16 leaves of white noise: sqrt(36) / 16
SHARED = 0.25 / SOFTENED  # correlation of that noise with the white one it came from: the kernel's middle over SOFTENED
HELP = (
    "Lays the face of a VFX Deepfake version over its plate, and lets you dial it.\n\n"
    "Inputs: the plate the version was made from (without it the version's own picture stands in); a holdout, where the "
    "face must stay behind; and paint, for key frames.\n\n"
    "Every knob at rest gives the version as it was rendered; mix 0 gives the plate, bit for bit. Made of stock nodes: "
    "it opens and renders on machines without the plug-in."
)
AUTOLABEL = (
    "'\\n'.join([nuke.thisNode().name(), "
    "' '.join([nuke.thisNode()['version'].value() or 'no version', nuke.thisNode()['status'].value()])])"
)
GREY_OUT = "nuke.thisNode()['identity_mix'].setEnabled(bool(nuke.thisNode()['has_face_b'].value()))"
LOOK_FOR_FACE_B = (  # when another version is loaded
    "if nuke.thisKnob().name() in ('version_dir', 'exr', 'first_frame'):\n"
    "    found = 'face_b.red' in nuke.thisNode().node('VersionRead').channels()\n"
    "    nuke.thisNode()['has_face_b'].setValue(found)\n"
    "    nuke.thisNode()['identity_mix'].setEnabled(found)"
)
RGB = {"channels": "rgb"}
SCENE_LINEAR = "scene_linear"  # a role that every config has
CONVERTS = "ToWorking.in_colorspace != ToWorking.out_colorspace"


@dataclass(frozen=True, slots=True)
class Elements:
    """The layers of the version as RGB streams; ``matte`` has the applied matte in all four channels."""

    read: Node
    plate: Node  # plate space
    plate_lin: Node
    face: Node
    clean: Node
    grain: Node
    matte: Node


def shuffled(graph: Graph, name: str, source: Node, channels: tuple[str, ...], **place: float) -> Node:
    """Channels of ``source`` as red, green, blue and, where four are given, alpha; else black alpha."""
    layer = channels[0].split(".")[0]
    names = [each.split(".")[1] for each in channels]
    outs = ("red", "green", "blue", "alpha")
    pairs = [
        f"{each} 0 {LAYERS[layer].index(found)} rgba.{out} 0 {i}"
        for i, (each, found, out) in enumerate(zip(channels, names, outs, strict=False))
    ]
    pairs += ["black -1 -1 rgba.alpha 0 3"] if len(channels) == 3 else []
    mappings = f"{len(pairs)} {' '.join(pairs)}"
    knobs = {"fromInput1": Literal("{{0} B}"), "fromInput2": Literal("{{0} B}"), "in1": layer, "mappings": mappings}
    return graph.add("Shuffle2", name, [source], knobs, **place)


def merged(graph: Graph, name: str, operation: str, a: Node, b: Node, **more: object) -> Node:
    """``a`` merged onto ``b``; disabled it is ``b``."""
    return graph.add("Merge2", name, [b, a], {"operation": operation, **more})


def per_channel(graph: Graph, name: str, a: Node, b: Node, formula: str, alpha: str = "", **more: object) -> Node:
    """One formula on red, green and blue of two inputs; in it Ax and Bx stand for the channel of A and B."""
    exprs = {f"expr{i}": formula.replace("Ax", f"A{c}").replace("Bx", f"B{c}") for i, c in enumerate("rgb")}
    return graph.add("MergeExpression", name, [b, a], {**exprs, "expr3": alpha or "0", **more})


def _layers(graph: Graph) -> None:
    for layer, channels in LAYERS.items():
        graph.lines.append(f"add_layer {{{layer} {' '.join(f'{layer}.{c}' for c in channels)}}}")


def _inputs(graph: Graph) -> dict[str, Node]:
    columns = {"plate": 0, "holdout": 10, "paint": 13}
    return {
        name: graph.add("Input", name, [], {"number": number}, column=columns[name])
        for number, name in enumerate(INPUTS)
    }


def _elements(graph: Graph, plate: Node, spaces: tuple[str, str]) -> Elements:
    frames = {
        "file": "[value parent.version_dir]/[value parent.exr]",
        "first": Expression("parent.first_frame"),
        "last": Expression("parent.last_frame"),
        "origset": True,
        "before": "black",
        "after": "black",
        "on_error": "black",
        "raw": True,
        "postage_stamp": False,
    }
    read = graph.add("Read", "VersionRead", [], frames, column=5, row=0)
    clean = shuffled(graph, "Clean", read, ("clean.red", "clean.green", "clean.blue"), column=4)
    face = shuffled(graph, "FaceA", read, ("face.red", "face.green", "face.blue"), column=5)
    face_b = shuffled(graph, "FaceB", read, ("face_b.red", "face_b.green", "face_b.blue"), column=6)
    grain = shuffled(graph, "GrainOfVersion", read, ("grain.red", "grain.green", "grain.blue"), column=3)
    matte = shuffled(graph, "MatteOfVersion", read, ("matte.applied",) * 4, column=8)
    blended = graph.add(
        "Dissolve", "IdentityMix", [face, face_b], {"which": Expression("parent.identity_mix")}, column=5
    )
    chosen = graph.add("Switch", "Face", [face, blended], {"which": Expression("parent.has_face_b")}, column=5)
    stand_in = _plate_from_version(graph, read, clean, grain, matte)
    own = graph.add("Switch", "Plate", [plate, stand_in], {"which": Expression("![exists parent.input0]")}, column=0)
    conversion = {"in_colorspace": spaces[0], "out_colorspace": spaces[1]}
    lin = graph.add("OCIOColorSpace", "ToWorking", [own], conversion, column=1)
    plate_lin = graph.add("Switch", "PlateLinear", [own, lin], {"which": Expression(CONVERTS)}, column=0)
    return Elements(read, own, plate_lin, chosen, clean, grain, matte)


def to_plate_space(graph: Graph, name: str, source: Node) -> Node:
    """Working space back to the plate's; nothing at all where they are the same."""
    spaces = {
        "in_colorspace": Expression("ToWorking.out_colorspace"),
        "out_colorspace": Expression("ToWorking.in_colorspace"),
    }
    back = graph.add("OCIOColorSpace", f"{name}Converted", [source], spaces, column=source.column + 1)
    return graph.add("Switch", name, [source, back], {"which": Expression(CONVERTS)}, column=source.column)


def _plate_from_version(graph: Graph, read: Node, clean: Node, grain: Node, matte: Node) -> Node:
    """Without a plate: the version's picture, and the degrained plate with grain where the face was changed."""
    back = merged(graph, "CleanWithGrain", "plus", grain, clean)
    back = to_plate_space(graph, "CleanInPlateSpace", back)
    mask = graph.add("Expression", "WasChanged", [matte], {"expr3": "a > 0"})
    return graph.add("Keymix", "PlateFromVersion", [read, back, mask], {**RGB, "bbox": "B"}, column=2)


def _dialled_face(graph: Graph, of: Elements) -> Node:
    """F': colour match, trims, detail."""
    size = {"size": Expression("parent.match_size"), **RGB}
    broad = graph.add("Blur", "BroadClean", [of.clean], size, column=4)
    own = graph.add("Blur", "BroadFace", [of.face], size, column=6)
    ratio = f"clamp((max(Ax, 0) + {DARK}) / (max(Bx, 0) + {DARK}), {1 / MATCH_LIMIT}, {MATCH_LIMIT})"
    gain = per_channel(graph, "MatchGain", broad, own, f"1 + parent.match * ({ratio} - 1)")
    face = merged(graph, "Matched", "multiply", gain, of.face, disable=Expression("parent.match == 0"))
    trim = {
        **RGB,
        "multiply": Expression("pow(2, parent.exposure)"),
        "black_clamp": False,
        "white_clamp": False,
        "disable": Expression("parent.exposure == 0"),
    }
    face = graph.add("Grade", "Exposure", [face], trim)
    grey = {**RGB, "saturation": Expression("parent.saturation"), "disable": Expression("parent.saturation == 1")}
    face = graph.add("Saturation", "SaturationTrim", [face], grey)
    lost = merged(graph, "Lost", "minus", of.clean, face)
    broad = graph.add("Blur", "LostBroad", [lost], {"size": Expression("parent.detail_size"), **RGB}, column=6)
    fine = merged(graph, "LostDetail", "minus", lost, broad)
    features = "max(max(matte.eyes, matte.brows), max(matte.lips, matte.mouth))"
    skin = f"parent.detail * max(matte.skin, matte.nose) * (1 - {features})"
    where = {f"expr{i}": skin for i in range(3)}
    weight = graph.add("Expression", "WhereDetail", [of.read], where, column=7)
    fine = merged(graph, "DetailThere", "multiply", weight, fine)
    return merged(graph, "DialledFace", "plus", fine, face, disable=Expression("parent.detail == 0"))


def _dialled_grain(graph: Graph, of: Elements, matte: Node, clean_comp: Node, own: Node) -> Node:
    """N': the version's grain, the plate's at the comp's light, or made here; its amount fades in with the matte."""
    level = (
        "pow((max(Ax, 0) + parent.synth_offset) / max(max(Bx, 0) + parent.synth_offset, 0.00001), parent.synth_power)"
    )
    ratio = per_channel(graph, "GrainRatio", clean_comp, of.clean, f"clamp({level}, {1 / GAIN_LIMIT}, {GAIN_LIMIT})")
    levelled = merged(graph, "GrainOfPlate", "multiply", ratio, own)
    made = _synthetic(graph, of, clean_comp)
    chosen = graph.add(
        "Switch", "GrainSource", [of.grain, levelled, made], {"which": Expression("parent.grain_source")}
    )
    rendered = {**RGB, "disable": Expression("parent.grain_source == 0")}
    mixed = graph.add("Keymix", "GrainMixed", [of.grain, chosen, matte], rendered)
    return per_channel(graph, "DialledGrain", matte, mixed, "Bx * (1 + Aa * (parent.grain_on * parent.grain_amount - 1))",
                       disable=Expression("parent.grain_on * parent.grain_amount == 1"))  # fmt: skip


def _synthetic(graph: Graph, of: Elements, clean_comp: Node) -> Node:
    """Grain of deviation level (light + offset) ^ power, new in every frame.

    White noise is the sum of three uniform numbers, brought to deviation 1; softer grain mixes in the same noise under
    a kernel of 3 x 3, with the deviation kept.
    """
    seeds = {f"expr{channel}": _white_noise(channel) for channel in range(3)}
    noise = graph.add("Expression", "WhiteNoise", [of.clean], seeds, column=1)
    kernel = {**RGB, "matrix": Literal("{{1 2 1} {2 4 2} {1 2 1}}"), "normalize": True}
    soft = graph.add("Matrix", "SoftNoise", [noise], kernel)
    s = "parent.synth_softness"
    kept = f"sqrt((1 - {s}) * (1 - {s}) + {s} * {s} + 2 * {s} * (1 - {s}) * {SHARED:.6f})"
    one = per_channel(graph, "Noise", soft, noise, f"(Ax * {s} / {SOFTENED} + Bx * (1 - {s})) / {kept}")
    light = "pow(max(A{c}, 0) + parent.synth_offset, parent.synth_power)"
    exprs = {f"expr{i}": f"B{c} * parent.synth_level.{c} * {light.format(c=c)}" for i, c in enumerate("rgb")}
    return graph.add("MergeExpression", "GrainSynthetic", [one, clean_comp], {**exprs, "expr3": "0"})


def _white_noise(channel: int) -> str:
    """Three uniform numbers a pixel, each of deviation sqrt(1 / 12), together twice half a deviation: 1."""
    numbers = (f"random(x + {17 * (3 * channel + k)}.37, y + {29 * k}.71, frame + {k})" for k in range(3))
    return f"2 * ({' + '.join(numbers)} - 1.5)"


def _result(graph: Graph, of: Elements, face: Node, matte: Node, paint: Node) -> Node:
    """O in the plate's space, with the artist's paint over it where that is asked for."""
    change = merged(graph, "FaceLessClean", "minus", face, of.clean)
    change = merged(graph, "Change", "multiply", matte, change)
    clean_comp = merged(graph, "CleanComp", "plus", change, of.clean)
    own = merged(graph, "GrainOwn", "minus", of.plate_lin, of.clean)
    grain = _dialled_grain(graph, of, matte, clean_comp, own)
    regrain = merged(graph, "GrainLessOwn", "minus", grain, own)
    share = {f"expr{i}": "Ba > 0 ? clamp(Aa / Ba) : clamp(Aa)" for i in range(4)}
    share_node = graph.add("MergeExpression", "GrainShare", [of.matte, matte], share)
    regrain = merged(graph, "GrainChange", "multiply", share_node, regrain)
    rebuilt = merged(graph, "PlateAndChange", "plus", change, of.plate_lin)
    rebuilt = merged(graph, "Rebuilt", "plus", regrain, rebuilt)
    rebuilt = to_plate_space(graph, "RebuiltInPlateSpace", rebuilt)
    inside = graph.add("Expression", "InsideMatte", [matte], {"expr3": "a > 0"})
    result = graph.add("Keymix", "Result", [of.plate, rebuilt, inside], {**RGB, "bbox": "B"}, column=0)
    hidden = Expression("!(parent.paint_in && [exists parent.input2])")
    return graph.add("Keymix", "PaintOver", [result, paint, paint], {**RGB, "bbox": "B", "disable": hidden}, column=0)


def gizmo_graph(spaces: tuple[str, str]) -> Graph:
    """The nodes inside the group; ``spaces``: the plate's and the working one."""
    graph = Graph()
    inputs = _inputs(graph)
    _layers(graph)
    of = _elements(graph, inputs["plate"], spaces)
    matte = add_matte(graph, of.read, of.matte, inputs["holdout"])
    face = _dialled_face(graph, of)
    result = _result(graph, of, face, matte, inputs["paint"])
    shown = add_views(
        graph, of.read, of.plate, of.matte, result, to_plate_space(graph, "FaceInPlateSpace", face), matte
    )
    loaded = Expression("[string length [value parent.version_dir]] > 0")
    active = graph.add("Switch", "Loaded", [of.plate, shown], {"which": loaded}, column=0)
    graph.add("Output", "Output1", [active], {}, column=0)
    return graph


def gizmo_text(
    name: str = NAME,
    values: Mapping[str, object] | None = None,
    spaces: tuple[str, str] = (SCENE_LINEAR, SCENE_LINEAR),
    num_inputs: int = 1,
    place: tuple[float, float] = (0, 0),
) -> str:
    """The group as a script, without a header.

    ``values``: user knobs that are not at rest. ``spaces``: OCIO names of the plate's space and of the working space.
    ``num_inputs``: how many inputs it takes from the stack.
    Raises: KeyError for a knob that the gizmo does not have.
    """
    wanted = dict(values or {})
    fixed = {
        "tile_color": "0x4f7f8fff",
        "postage_stamp": False,
        "help": HELP,
        "autolabel": AUTOLABEL,
        "onCreate": GREY_OUT,
        "knobChanged": LOOK_FOR_FACE_B,
    }
    lines = ["Group {", *knob_lines(Node(name, *place), num_inputs, fixed)]
    for knob in knobs():
        lines += replace(knob, value=wanted.pop(knob.name, knob.value)).lines()
    if wanted:
        raise KeyError(f"the gizmo has no knob {', '.join(sorted(wanted))}")
    body = gizmo_graph(spaces).text()
    return "\n".join([*lines, "}", *(f" {line}" for line in body.splitlines()), "end_group"]) + "\n"


def shipped_text() -> str:
    """The file ``VFXDeepfake.gizmo``."""
    return f"version {NUKE_VERSION}\n{gizmo_text()}"


def main() -> None:
    """Write the gizmo to the file named on the command line."""
    write_text(Path(sys.argv[1]), shipped_text())


if __name__ == "__main__":
    main()
