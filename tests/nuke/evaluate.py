"""Works out the pictures of a Nuke script with numpy: every class of node that the gizmo and the comp script use.

An :class:`Evaluator` has one script or group, one frame and, for a group alone, pictures for its inputs. Pixels are those
Nuke would work with: Reads are raw, rows run down, sizes in pixels shrink with the proxy scale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from tests.nuke import expression, images
from tests.nuke.images import RGBA, Picture
from tests.nuke.tcl import Node, split_list, tcl_text
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.dpx import read_dpx

MARGIN = 40  # canvas past the picture, so that blurs and growth have room
EXR_NAMES = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}  # ExrChannelNameToNuke of the reader's source
LETTERS = dict(zip("rgba", RGBA, strict=True))
SIZES = ("size", "translate")  # knobs in pixels, which Nuke scales in proxy mode
PASS = ("Output", "Write", "Viewer", "Dot")


@dataclass
class Evaluator:
    """``inputs``: pictures of a group's Input nodes by number, None where nothing is connected. ``script``: the file that
    ``root.name`` names."""

    group: Node
    frame: int
    canvas: Window
    color: Color
    inputs: Mapping[int, Picture | None] = field(default_factory=dict)
    root: Mapping[str, Any] = field(default_factory=dict)
    outer: Evaluator | None = None
    scale: float = 1.0
    _made: dict[Node, Picture] = field(default_factory=dict)

    # --- knobs ---------------------------------------------------------------------------------------------------

    def knob(self, node: Node, name: str, default: Any = None) -> Any:
        """A knob's value: a number, a string, or a list of them."""
        raw = node.knobs.get(name)
        if raw is None:
            link = next((k.options["T"] for k in node.user if k.name == name and k.kind == 41), None)
            return self._inside(node).lookup(link) if link else default
        parts = split_list(raw) if raw.startswith("{") or " {" in raw else None
        if parts is None:
            return _number(self.text(node, raw))
        values = [self._component(node, part) for part in parts]
        return values[0] if len(values) == 1 else values

    def _component(self, node: Node, part: str) -> Any:
        inner = split_list(part)
        if len(inner) == 1 and _is_number(inner[0]):
            return float(inner[0])
        return self.of_expression(inner[0] if len(inner) == 1 else part, lambda name: self.lookup(name, node))

    def of_expression(self, text: str, lookup: Any) -> Any:
        """An expression with its Tcl parts in brackets worked out first."""
        return expression.evaluate(self.tcl(text) if "[" in text else text, lookup)

    def text(self, node: Node, raw: str) -> str:
        """A string knob with its Tcl parts worked out."""
        return self.tcl(raw, node) if "[" in raw else raw

    def tcl(self, text: str, node: Node | None = None) -> str:
        """Substitute ``[...]``: value, exists, file dirname, string length."""
        return tcl_text(text, {"value": lambda name: str(self.lookup(name, node)), "exists": self._exists})

    def _exists(self, name: str) -> str:
        number = re.fullmatch(r"parent\.input(\d)", name)
        if not number:
            raise expression.ExpressionError(f"exists {name}: only inputs of the group are asked for")
        return str(int(self.inputs.get(int(number.group(1))) is not None))

    def lookup(self, name: str, node: Node | None = None) -> Any:
        """What ``parent.mix``, ``Node.knob``, ``root.name``, ``frame`` or a knob of the node itself stands for."""
        first, _, rest = name.partition(".")
        if name == "frame":
            return self.frame
        if first == "root":
            return self.root[rest]
        if first == "parent":
            return self._above().of(self.group, rest)
        if rest:
            return self.of(self.group.child(first), rest)
        if node is not None:
            return self.of(node, name)
        raise expression.ExpressionError(f"'{name}' is nothing that an expression can know")

    def of(self, node: Node, knob: str) -> Any:
        """A knob as an expression sees it: menus are numbers, colours have parts .r .g .b."""
        name, _, part = knob.partition(".")
        value = self.knob(node, name)
        if value is None:
            raise expression.ExpressionError(f"{node.name} has no knob '{name}'")
        declared = next((each for each in node.user if each.name == name), None)
        if declared and declared.kind == 4:
            return split_list(declared.options["M"]).index(value)
        return value["rgb".index(part)] if part else value

    def _above(self) -> Evaluator:
        """Who knows the group's own knobs: the evaluator of the script around it, or this one without inputs."""
        return self.outer or Evaluator(self.group, self.frame, self.canvas, self.color, {}, self.root)

    def _inside(self, group: Node) -> Evaluator:
        return Evaluator(group, self.frame, self.canvas, self.color, {}, self.root, self, self.scale)

    # --- pictures ------------------------------------------------------------------------------------------------

    def output(self) -> Picture:
        """What leaves the group."""
        (node,) = self.group.of_kind("Output")
        return self.picture(node)

    def picture(self, node: Node | None) -> Picture:
        """What leaves a node; nothing connected is black."""
        if node is None:
            return Picture(self.canvas, Window(0, 0, 0, 0))
        if node not in self._made:
            self._made[node] = self._disabled(node) or self._work(node)
        return self._made[node]

    def _disabled(self, node: Node) -> Picture | None:
        return self.picture(node.inputs[0]) if self.knob(node, "disable", 0) else None

    def _work(self, node: Node) -> Picture:
        if node.kind in PASS:
            return self.picture(node.inputs[0])
        return getattr(self, f"_{node.kind.lower()}")(node)

    def _size(self, node: Node, name: str) -> tuple[float, float]:
        value = self.knob(node, name, 0)
        both = value if isinstance(value, list) else [value, value]
        return float(both[0]) * self.scale, float(both[1]) * self.scale

    def _input(self, node: Node) -> Picture:
        return self.inputs.get(int(node.knobs.get("number", 0))) or self.picture(None)

    def _group(self, node: Node) -> Picture:
        inside = self._inside(node)
        inside.inputs = {i: self.picture(given) if given else None for i, given in enumerate(node.inputs)}
        return inside.output()

    def _read(self, node: Node) -> Picture:
        assert self.knob(node, "raw"), f"{node.name}: only raw Reads are worked out"
        first, last = (float(self.knob(node, name, self.frame)) for name in ("first", "last"))
        path = Path(_frame_path(self.text(node, node.knobs["file"]), self.frame))
        if not first <= self.frame <= last or not path.is_file():
            return self.picture(None)  # before, after and on_error are black
        return read_picture(path, self.canvas, self.scale)

    def _shuffle2(self, node: Node) -> Picture:
        """Shuffle2: ``mappings`` is a count and, for each, source channel, two indices, target channel, two indices."""
        source = self.picture(node.inputs[0])
        count, *words = node.knobs["mappings"].split()
        assert len(words) == 6 * int(count), node.name
        solid = {"black": 0.0, "white": 1.0}
        made = {}
        for start in range(0, len(words), 6):
            name, target = words[start], words[start + 3]
            made[target] = np.full(self.canvas.shape, solid[name]) if name in solid else source.get(name)
        return source.changed(made)

    def _copy(self, node: Node) -> Picture:
        below, above = (self.picture(each) for each in node.inputs)
        return below.changed({node.knobs["to0"]: above.get(node.knobs["from0"])}, images.union(above.box, below.box))

    def _merge2(self, node: Node) -> Picture:
        below, above = (self.picture(each) for each in node.inputs)
        return images.merge(node.knobs["operation"], above, below)

    def _keymix(self, node: Node) -> Picture:
        below, above, mask = (self.picture(each) for each in node.inputs)
        return images.keymix(above, below, mask, node.knobs.get("channels", "all"), node.knobs.get("bbox", "union"))

    def _dissolve(self, node: Node) -> Picture:
        return images.dissolve(*(self.picture(each) for each in node.inputs), self.knob(node, "which"))

    def _switch(self, node: Node) -> Picture:
        """Switch: the input of that number; beyond the last it is the last."""
        which = int(self.knob(node, "which"))
        return self.picture(node.inputs[min(which, len(node.inputs) - 1)])

    def _blur(self, node: Node) -> Picture:
        width, height = self._size(node, "size")
        channels, kind = node.knobs.get("channels", "all"), node.knobs.get("filter", "gaussian")
        return images.blur(self.picture(node.inputs[0]), channels, width, height, kind)

    def _filtererode(self, node: Node) -> Picture:
        return images.filter_erode(self.picture(node.inputs[0]), node.knobs["channels"], self._size(node, "size")[0])

    def _transform(self, node: Node) -> Picture:
        return images.translate(self.picture(node.inputs[0]), *self._size(node, "translate"))

    def _grade(self, node: Node) -> Picture:
        assert node.knobs["black_clamp"] == node.knobs["white_clamp"] == "false"
        return images.grade(self.picture(node.inputs[0]), self.knob(node, "multiply"))

    def _multiply(self, node: Node) -> Picture:
        return images.grade(self.picture(node.inputs[0]), self.knob(node, "value"))

    def _saturation(self, node: Node) -> Picture:
        return images.saturation(self.picture(node.inputs[0]), self.knob(node, "saturation"))

    def _matrix(self, node: Node) -> Picture:
        rows = [[float(each) for each in row.split()] for row in split_list(node.knobs["matrix"])]
        return images.convolve(self.picture(node.inputs[0]), np.array(rows), bool(self.knob(node, "normalize")))

    def _ociocolorspace(self, node: Node) -> Picture:
        source = self.picture(node.inputs[0])
        spaces = self.knob(node, "in_colorspace"), self.knob(node, "out_colorspace")
        made = self.color.convert(source.rgb(), *spaces)
        return source.changed({name: made[..., i] for i, name in enumerate(RGBA[:3])})

    def _expression(self, node: Node) -> Picture:
        """Expression: r, g, b, a, any channel by its name, x, y (up) and frame, knobs of nodes, and its own variables."""
        source = self.picture(node.inputs[0])
        rows, columns = np.mgrid[0 : self.canvas.height, 0 : self.canvas.width].astype(np.float32)
        known = {"x": columns, "y": rows[::-1], **{letter: source.get(name) for letter, name in LETTERS.items()}}

        def lookup(name: str) -> Any:
            if name in known:
                return known[name]
            return source.get(name) if name.split(".")[0] in self.group.layers else self.lookup(name)

        for index in range(4):
            if f"temp_name{index}" in node.knobs:
                known[node.knobs[f"temp_name{index}"]] = self.of_expression(node.knobs[f"temp_expr{index}"], lookup)
        return self._written(node, source, lookup)

    def _mergeexpression(self, node: Node) -> Picture:
        """MergeExpression: Ar to Aa and Br to Ba are the channels of its inputs A and B."""
        below, above = (self.picture(each) for each in node.inputs)
        sides = (("A", above), ("B", below))
        known = {f"{side}{letter}": given.get(name) for side, given in sides for letter, name in LETTERS.items()}
        both = Picture(self.canvas, images.union(above.box, below.box), below.channels)
        return self._written(node, both, lambda name: known[name] if name in known else self.lookup(name))

    def _written(self, node: Node, source: Picture, lookup: Any) -> Picture:
        """Channels that have an expression; the others pass."""
        made = {}
        for index, name in enumerate(RGBA):
            if f"expr{index}" in node.knobs:
                value = self.of_expression(node.knobs[f"expr{index}"], lookup)
                made[name] = np.broadcast_to(np.asarray(value, np.float32), self.canvas.shape)
        return source.changed(made)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+\.?\d*(e-?\d+)?", text))


def _number(text: str) -> Any:
    if text in ("true", "false"):
        return float(text == "true")
    words = text.split()
    if len(words) > 1 and all(_is_number(word) for word in words):
        return [float(word) for word in words]
    return float(text) if _is_number(text) else text


def _frame_path(pattern: str, frame: int) -> str:
    hashes = re.search("#+", pattern)
    return pattern.replace(hashes.group(), f"{frame:0{len(hashes.group())}d}") if hashes else pattern % frame


def canvas_of(path: Path, scale: float = 1.0) -> Window:
    """A canvas with room round the picture of a file."""
    box = _scaled(_whole(oiio.ImageInput.open(str(path)).spec()), scale)
    return Window(box.x - MARGIN, box.y - MARGIN, box.width + 2 * MARGIN, box.height + 2 * MARGIN)


def _whole(spec: oiio.ImageSpec) -> Window:
    return Window(spec.x, spec.y, spec.width, spec.height)


def _scaled(box: Window, scale: float) -> Window:
    by = Fraction(scale)
    return Window(int(box.x * by), int(box.y * by), int(box.width * by), int(box.height * by))


def read_picture(path: Path, canvas: Window, scale: float = 1.0) -> Picture:
    """All parts of a file; where a part has no pixels its channels are black. In proxy mode every pixel is a mean."""
    if path.suffix == ".dpx":
        frame = read_dpx(path)
        return _placed(
            Picture(canvas, _scaled(frame.data_window, scale)), frame.data_window, "RGB", frame.pixels, scale
        )
    source = oiio.ImageInput.open(str(path))
    picture = Picture(canvas, _scaled(_whole(source.spec()), scale))
    part = 0
    while source.seek_subimage(part, 0):
        spec = source.spec()
        pixels = source.read_image(part, 0, 0, spec.nchannels, "float")
        picture = _placed(picture, _whole(spec), spec.channelnames, pixels, scale)
        part += 1
    source.close()
    return picture


def _placed(picture: Picture, box: Window, names: Any, pixels: np.ndarray, scale: float) -> Picture:
    """Pixels on the canvas, under Nuke's names."""
    step = round(1 / scale)
    full = Window(*(each * step for each in (picture.canvas.x, picture.canvas.y, picture.canvas.width, picture.canvas.height)))  # fmt: skip
    for index, name in enumerate(names):
        layer, _, channel = name.rpartition(".")
        plane = np.zeros(full.shape, np.float32)
        plane[box.slices(full)] = pixels[..., index]
        plane = plane.reshape(picture.canvas.height, step, picture.canvas.width, step).mean(axis=(1, 3))
        picture.channels[f"{layer or 'rgba'}.{EXR_NAMES.get(channel, channel)}"] = plane
    return picture
