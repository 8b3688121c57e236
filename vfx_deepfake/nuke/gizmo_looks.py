"""What the view menu of the gizmo shows."""

from __future__ import annotations

from vfx_deepfake.nuke.gizmo_knobs import MATTE_VIEWS, VIEWS
from vfx_deepfake.nuke.script import Expression, Graph, Literal, Node

COLUMN = 14
SOLID = 0.6  # of the QC overlay's colours; assumed


def add_views(
    graph: Graph, read: Node, plate: Node, rendered: Node, result: Node, face: Node, matte: Node
) -> Node:  # fmt: skip
    """The view that the menu chooses. ``face``: F' in plate space; ``rendered`` and ``matte``: M and M'."""
    shown = {
        "result": result,
        "plate": plate,
        "face element": face,
        "mattes": _mattes(graph, read, rendered, matte),
        "difference gained": _difference(graph, plate, result),
        "confidence": _confidence(graph, read),
        "QC overlay": _overlay(graph, read, result, matte),
    }
    choice = {"which": Expression("parent.view")}
    return graph.add("Switch", "View", [shown[name] for name in VIEWS], choice, column=0)


def _mattes(graph: Graph, read: Node, rendered: Node, matte: Node) -> Node:
    regions = {
        "expr0": "matte.lips + matte.mouth + matte.nose + 0.25 * matte.skin",
        "expr1": "matte.eyes + matte.nose + 0.25 * matte.skin",
        "expr2": "matte.brows + 0.25 * matte.skin",
        "expr3": "1",
    }
    by_region = graph.add("Expression", "ShowRegions", [read], regions, column=COLUMN)
    kept_out = {"expr0": "matte.holdout", "expr1": "0", "expr2": "matte.garbage", "expr3": "1"}
    front = graph.add("Expression", "ShowHoldout", [read], kept_out, column=COLUMN + 1)
    shown = dict(zip(MATTE_VIEWS, (matte, rendered, by_region, front), strict=True))
    return graph.add("Switch", "ShowMattes", list(shown.values()), {"which": Expression("parent.matte_view")}, column=COLUMN)  # fmt: skip


def _difference(graph: Graph, plate: Node, result: Node) -> Node:
    apart = graph.add("Merge2", "Difference", [plate, result], {"operation": "difference"}, column=COLUMN + 2)
    gain = {"channels": "rgb", "value": Expression("parent.view_gain")}
    return graph.add("Multiply", "DifferenceGained", [apart], gain)


def _confidence(graph: Graph, read: Node) -> Node:
    """How sure the model was, as grey."""
    mappings = " ".join(f"confidence.Y 0 0 rgba.{out} 0 {i}" for i, out in enumerate(("red", "green", "blue")))
    from_b = Literal("{{0} B}")
    knobs = {"fromInput1": from_b, "fromInput2": from_b, "in1": "confidence", "mappings": f"3 {mappings}"}
    return graph.add("Shuffle2", "Confidence", [read], knobs, column=COLUMN + 3)


def _overlay(graph: Graph, read: Node, result: Node, matte: Node) -> Node:
    """Where to look: red where the model was unsure, green the matte's soft edge, blue what stands in front."""
    both = graph.add("Copy", "LayersAndMatte", [read, matte], {"from0": "rgba.alpha", "to0": "rgba.alpha"}, column=COLUMN + 4)  # fmt: skip
    tint = {
        "temp_name0": "unsure",
        "temp_expr0": "clamp(a) * (1 - confidence.Y)",
        "temp_name1": "edge",
        "temp_expr1": "4 * clamp(a) * (1 - clamp(a))",
        "expr0": "unsure",
        "expr1": "edge",
        "expr2": "matte.holdout",
        "expr3": f"{SOLID} * max(max(unsure, edge), matte.holdout)",
    }
    colours = graph.add("Expression", "WhereToLook", [both], tint)
    return graph.add("Keymix", "QcOverlay", [result, colours, colours], {"channels": "rgb", "bbox": "B"})
