"""M' of the gizmo: the matte that was rendered, its edge dialled, times strength by region, less the holdout.

At rest every node here is disabled or multiplies by 1, and M' is M.
"""

from __future__ import annotations

from vfx_deepfake.nuke.gizmo_knobs import SIDES
from vfx_deepfake.nuke.script import Expression, Graph, Node, Tuple

COLUMN = 8
_TOWARDS = {"left": (1, 0), "right": (-1, 0), "top": (0, -1), "bottom": (0, 1)}  # into the matte; y is up in Nuke
INSIDE = "(clean.red == 0 && clean.green == 0 && clean.blue == 0) ? 0 : 1 - max(matte.holdout, matte.garbage)"


def add_matte(graph: Graph, read: Node, rendered: Node, holdout: Node) -> Node:
    """M' in all four channels. ``rendered``: the version's applied matte in all four channels."""
    matte = _edge(graph, rendered)
    matte = _sides(graph, matte)
    matte = _kept_in(graph, read, matte)
    strength = graph.add("Expression", "Strength", [read], _strength(), column=COLUMN + 1)
    matte = _merged(graph, "Strengthened", "multiply", strength, matte)
    return _held_out(graph, matte, holdout)


def _merged(graph: Graph, name: str, operation: str, a: Node, b: Node, disable: str = "") -> Node:
    more = {"disable": Expression(disable)} if disable else {}
    return graph.add("Merge2", name, [b, a], {"operation": operation, **more})


def _edge(graph: Graph, matte: Node) -> Node:
    """Erode and feather all round. The lesser of a matte and its blur is softened inwards, the greater outwards."""
    erode = {
        "channels": "rgba",
        "size": Expression("parent.erode"),
        "filter": "gaussian",
        "disable": Expression("parent.erode == 0"),
    }
    matte = graph.add("FilterErode", "ErodeAll", [matte], erode, column=COLUMN)
    for way, operation in (("in", "min"), ("out", "max")):
        size = {"channels": "rgba", "size": Expression(f"parent.feather_{way}")}
        soft = graph.add("Blur", f"Soft{way.title()}", [matte], size, column=COLUMN + 1)
        matte = _merged(graph, f"Feather{way.title()}", operation, soft, matte, f"parent.feather_{way} == 0")
    return matte


def _sides(graph: Graph, matte: Node) -> Node:
    """One side alone: the matte moved inwards from that side, blurred along the way, and the lesser of both."""
    for side in SIDES:
        x, y = _TOWARDS[side]
        far = f"(parent.erode_{side} + parent.feather_{side})"
        away = tuple(Expression(f"{sign} * {far}") if sign else 0 for sign in (x, y))
        along = tuple(Expression(f"parent.feather_{side}") if sign else 0 for sign in (x, y))
        moved = graph.add("Transform", f"From{side.title()}", [matte], {"translate": Tuple(away)}, column=COLUMN + 1)
        soft = graph.add("Blur", f"Soft{side.title()}", [moved], {"channels": "rgba", "size": Tuple(along), "filter": "box"})  # fmt: skip
        matte = _merged(graph, f"Side{side.title()}", "min", soft, matte, f"{far} == 0")
    return matte


def _kept_in(graph: Graph, read: Node, matte: Node) -> Node:
    """A matte that grew stays where the version has elements, and off its holdout and garbage."""
    room = {f"expr{i}": INSIDE for i in range(4)}
    inside = graph.add("Expression", "Room", [read], room, column=COLUMN + 1)
    return _merged(graph, "KeptIn", "min", inside, matte, "parent.erode >= 0 && parent.feather_out == 0")


def _strength() -> dict[str, object]:
    """Master mix times strength by region, drawn in order, later ones over earlier ones."""
    over = (("nose", "matte.nose"), ("brows", "matte.brows"), ("eyes", "matte.eyes"))
    knobs: dict[str, object] = {}
    below = "parent.skin"
    for index, (region, matte) in enumerate(over):
        knobs[f"temp_name{index}"] = f"s{index}"
        knobs[f"temp_expr{index}"] = f"{below} + {matte} * (parent.{region} - {below})"
        below = f"s{index}"
    whole = f"parent.mix * ({below} + max(matte.lips, matte.mouth) * (parent.mouth - {below}))"
    return {**knobs, **{f"expr{i}": whole for i in range(4)}}


def _held_out(graph: Graph, matte: Node, holdout: Node) -> Node:
    """The holdout input stays in front. Merge's stencil, B (1 - a), leaves B where the input has no pixels."""
    kept = "parent.holdout * clamp(parent.holdout_channel == 1 ? r : a)"
    roto = graph.add("Expression", "HoldoutAmount", [holdout], {f"expr{i}": kept for i in range(4)}, column=10)
    return _merged(graph, "DialledMatte", "stencil", roto, matte, "![exists parent.input1]")
