"""The comp script of a version: its plate, the gizmo set to it, and Writes for what the delivery asks for.

    Plate -> VFXDeepfake -> Exr                                    the picture in the plate's space, as the version's EXR
                         -> ToDelivery -> Dpx                      codes of the delivery's space, one conversion
                         -> ToView -> Viewer

Reads and Writes are raw and conversions are nodes: the plate's pixels are never converted and converted back, so what the
version left alone keeps its bits. Every path is relative to the script.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vfx_deepfake.nuke.gizmo import NAME, NUKE_VERSION, RGB, gizmo_text
from vfx_deepfake.nuke.script import Graph, Literal, Node, written

HERE = "[file dirname [value root.name]]"  # the script's folder
COLUMN, GIZMO_ROW = 0, 2
# the DPX header's transfer as Nuke's Write names it
TRANSFERS = {
    "User defined": "user-defined",
    "Printing density": "printing density",
    "Linear": "linear",
    "Logarithmic": "log",
    "Unspecified video": "unspecified video",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Comp:
    """What a comp script is made from. Paths are relative to the script, with forward slashes; patterns have ####.

    plate_layer: the layer of the plate's EXR that holds the picture, as Nuke names it; empty for plain R, G, B. gizmo: the
    gizmo's knobs. bits: of the DPX, 0 for none. note: what stands beside the nodes.
    """

    shot: str
    version: str
    plate: str
    plate_layer: str
    plate_space: str
    working_space: str
    delivery_space: str
    bits: int
    transfer: str
    half: bool
    alpha: bool
    first: int
    last: int
    rate: float
    width: int
    height: int
    pixel_aspect: float
    config: str
    note: str
    gizmo: Mapping[str, object] = field(default_factory=dict)


def comp_text(comp: Comp) -> str:
    """The script."""
    graph = Graph()
    graph.lines += [f"version {NUKE_VERSION}", *_root(comp)]
    plate = _plate(graph, comp)
    note = graph.add("StickyNote", "About", [], {"label": comp.note}, column=COLUMN + 2, row=0)
    face = Node(f"{NAME}1", COLUMN, GIZMO_ROW)
    graph.pushed([plate, None, None])
    spaces = (comp.plate_space, comp.working_space)
    group = gizmo_text(face.name, comp.gizmo, spaces, num_inputs=3, place=(face.column, face.row))
    graph.lines += [group.rstrip(), f"set N{face.name} [stack 0]"]
    _writes(graph, comp, face)
    shown = _converted(graph, "ToView", face, comp.plate_space, comp.working_space, note.column + 1)
    graph.add("Viewer", "Viewer1", [shown], {"frame_range": f"{comp.first}-{comp.last}"}, column=note.column + 1)
    return graph.text()


def _root(comp: Comp) -> list[str]:
    size = f"{comp.width} {comp.height}"
    knobs = {
        "frame": comp.first,
        "first_frame": comp.first,
        "last_frame": comp.last,
        "lock_range": True,
        "fps": comp.rate,
        "format": f"{size} 0 0 {size} {comp.pixel_aspect:g} {comp.shot}",
        "colorManagement": "OCIO",
        "OCIO_config": "custom",
        "customOCIOConfigPath": f"{HERE}/{comp.config}",
    }
    return ["Root {", " inputs 0", *(f" {name} {written(value)}" for name, value in knobs.items()), "}"]


def _plate(graph: Graph, comp: Comp) -> Node:
    frames = {
        "file": f"{HERE}/{comp.plate}",
        "first": comp.first,
        "last": comp.last,
        "origfirst": comp.first,
        "origlast": comp.last,
        "origset": True,
        "raw": True,
    }
    read = graph.add("Read", "Plate", [], frames, column=COLUMN, row=0)
    if not comp.plate_layer:
        return read
    layer, outs = comp.plate_layer, ("red", "green", "blue")
    graph.lines.append(f"add_layer {{{layer} {' '.join(f'{layer}.{out}' for out in outs)}}}")
    mappings = " ".join(f"{layer}.{out} 0 {i} rgba.{out} 0 {i}" for i, out in enumerate(outs))
    from_b = Literal("{{0} B}")
    knobs = {"fromInput1": from_b, "fromInput2": from_b, "in1": layer, "mappings": f"3 {mappings}"}
    return graph.add("Shuffle2", "PlateLayer", [read], knobs)


def _writes(graph: Graph, comp: Comp, face: Node) -> None:
    name = f"{comp.shot}_{comp.version}_comp"
    every = {"raw": True, "create_directories": True}
    exr = {
        "file": f"{HERE}/{name}/exr/{name}.####.exr",
        "file_type": "exr",
        "channels": "rgba" if comp.alpha else "rgb",
        "datatype": "16 bit half" if comp.half else "32 bit float",
        **every,
    }
    graph.add("Write", "Exr", [face], exr, column=COLUMN, row=GIZMO_ROW + 3)
    if not comp.bits:
        return
    codes = _converted(graph, "ToDelivery", face, comp.plate_space, comp.delivery_space, COLUMN + 1)
    dpx = {
        "file": f"{HERE}/{name}/dpx/{name}.####.dpx",
        "file_type": "dpx",
        **RGB,
        "datatype": f"{comp.bits} bit",
        "bigEndian": True,
        "transfer": TRANSFERS.get(comp.transfer, "(auto detect)"),
        **every,
    }
    graph.add("Write", "Dpx", [codes], dpx, column=COLUMN + 1)


def _converted(graph: Graph, name: str, source: Node, space: str, target: str, column: float) -> Node:
    """From one space to another; nothing where they are the same."""
    if space == target:
        return source
    return graph.add(
        "OCIOColorSpace", name, [source], {"in_colorspace": space, "out_colorspace": target}, column=column
    )
