"""A ``nuke`` module without Nuke: nodes come from real scripts through the Tcl reader, dialogs answer from a list, nothing is invented.

Only what stands in types-nuke is here (test_api_names.py), and only what the plugin uses. What the artist would see is in
``told``, ``printed`` and ``bars``; what is to run in the main thread waits for ``pump``.
"""

from __future__ import annotations

import os
import queue
import sys
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import OpenImageIO as oiio

from tests.nuke import fake_knobs as knobs
from tests.nuke import tcl
from vfx_deepfake.naming import frame_path

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "nuke_plugin"
PACKAGE = "vfx_deepfake_nuke"
EVERY_NODE = ("label", "help", "autolabel", "note_font", "onCreate", "knobChanged", "postage_stamp")


class Format:
    def __init__(self, width: int, height: int) -> None:
        self._size = width, height

    def width(self) -> int:
        return self._size[0]

    def height(self) -> int:
        return self._size[1]


class Node:
    def __init__(self, nuke: Nuke, kind: str, name: str, parent: Group | None) -> None:
        self.nuke, self.kind, self.parent_group = nuke, kind, parent
        self._inputs: list[Node | None] = []
        self._knobs: dict[str, knobs.Knob] = {}
        for each in EVERY_NODE:
            self.add(knobs.String_Knob(each))
        self.add(knobs.String_Knob("name", value=name))
        for each in ("tile_color", "xpos", "ypos"):
            self.add(knobs.Int_Knob(each, value=0))
        for each in ("selected", "disable"):
            self.add(knobs.Boolean_Knob(each, value=False))
        for each in OF_CLASS.get(kind, ()):
            self.add(each())

    def add(self, knob: knobs.Knob) -> None:
        knob.owner = self
        self._knobs[knob.name()] = knob

    def changed(self, knob: knobs.Knob) -> None:
        """What Nuke does after a change: the script in the node's own knobChanged."""
        if knob.name() != "knobChanged" and self._knobs["knobChanged"].value():
            self.nuke.changing = knob
            self.run_script(self._knobs["knobChanged"].value())

    def run_script(self, script: str) -> None:
        before, self.nuke.this = self.nuke.this, self
        try:
            exec(compile(script, self.name(), "exec"), {"nuke": self.nuke})
        finally:
            self.nuke.this = before

    def Class(self) -> str:
        return self.kind

    def name(self) -> str:
        return str(self._knobs["name"].value())

    def knob(self, name: str) -> knobs.Knob | None:
        return self._knobs.get(name)

    def knobs(self) -> dict[str, knobs.Knob]:
        return dict(self._knobs)

    def __getitem__(self, name: str) -> knobs.Knob:
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist")
        return self._knobs[name]

    def addKnob(self, knob: knobs.Knob) -> None:
        if knob.name() in self._knobs:
            raise ValueError(f"knob {knob.name()} exists")
        self.add(knob)

    def input(self, index: int) -> Node | None:
        return self._inputs[index] if index < len(self._inputs) else None

    def inputs(self) -> int:
        return len(self._inputs)

    def setInput(self, index: int, node: Node | None) -> bool:
        self._inputs += [None] * (index + 1 - len(self._inputs))
        self._inputs[index] = node
        return True

    def xpos(self) -> int:
        return int(self._knobs["xpos"].value())

    def ypos(self) -> int:
        return int(self._knobs["ypos"].value())

    def setSelected(self, on: bool) -> None:
        self._knobs["selected"].setValue(on)

    def channels(self) -> list[str]:
        """Of a Read whose file name needs no knob of a group; others have none here."""
        return [] if "[" in str(self["file"].value()) else ["rgba.red", "rgba.green", "rgba.blue"]

    def format(self) -> Format:
        """Of a Read that of its file, else that of the first input."""
        if self.kind != "Read":
            source = next((each for each in self._inputs if each), None)
            return source.format() if source else Format(640, 480)
        buffer = oiio.ImageBuf(str(self.picture(int(self["first"].value()))))
        return Format(buffer.spec().full_width, buffer.spec().full_height)

    def picture(self, frame: int) -> Path:
        return frame_path(str(self["file"].value()).replace("%04d", "####"), frame)


class Group(Node):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.children: list[Node] = []

    def nodes(self) -> list[Node]:
        return list(self.children)

    def node(self, name: str) -> Node | None:
        return next((each for each in self.children if each.name() == name), None)

    def begin(self) -> Group:
        self.nuke.levels.append(self)
        return self

    def end(self) -> None:
        self.nuke.levels.pop()

    def __enter__(self) -> Group:
        return self.begin()

    def __exit__(self, *_: object) -> None:
        self.end()


def _spaces(name: str) -> Any:
    return lambda: knobs.Enumeration_Knob(name, values=knobs.SPACES)


OF_CLASS: dict[str, tuple[Any, ...]] = {
    "Read": (lambda: knobs.File_Knob("file"), lambda: knobs.Int_Knob("first", value=1), lambda: knobs.Int_Knob("last", value=1),
             lambda: knobs.Boolean_Knob("raw", value=False), _spaces("colorspace")),
    "Write": (lambda: knobs.File_Knob("file"), lambda: knobs.Enumeration_Knob("file_type", values=("", "exr", "dpx")),
              lambda: knobs.Enumeration_Knob("channels", values=("rgb", "rgba", "all")), _spaces("colorspace"),
              lambda: knobs.Enumeration_Knob("datatype", values=("16 bit half", "32 bit float")),
              lambda: knobs.Boolean_Knob("create_directories", value=False), lambda: knobs.Boolean_Knob("raw", value=False)),
    "Text2": (lambda: knobs.EvalString_Knob("message"),),
    "OCIOColorSpace": (_spaces("in_colorspace"), _spaces("out_colorspace")),
    "Root": (lambda: knobs.Boolean_Knob("proxy", value=False),),
}  # fmt: skip


class Panel:
    """A dialog; the artist's answers are a table of the fake's ``answers``, what is not in it stays as offered."""

    fake: Nuke

    def __init__(self, title: str) -> None:
        self._values: dict[str, str] = {}

    def _add(self, label: str, value: str) -> None:
        self._values[label] = value

    addFilenameSearch = addSingleLineInput = _add

    def addEnumerationPulldown(self, label: str, values: str) -> None:
        self._values[label] = values.split()[0]

    def show(self) -> bool:
        answer = self.fake.next_answer()
        self._values.update(answer or {})
        return answer is not None

    def value(self, label: str) -> str:
        return self._values[label]


class ProgressTask:
    """The bar; ``cancel_at`` of the fake is the share at which the artist presses cancel."""

    fake: Nuke

    def __init__(self, title: str) -> None:
        self.title, self.shares, self.messages = title, [], []  # type: ignore[var-annotated]
        self.fake.bars.append(self)

    def setProgress(self, share: int) -> None:
        assert isinstance(share, int) and 0 <= share <= 100
        self.shares.append(share)

    def setMessage(self, text: str) -> None:
        self.messages.append(text)

    def isCancelled(self) -> bool:
        return self.fake.cancel and bool(self.shares)


class Menu:
    def __init__(self) -> None:
        self.commands: dict[str, str] = {}

    def addMenu(self, name: str) -> Menu:
        return self

    def addCommand(self, name: str, command: str) -> None:
        compile(command, name, "exec")
        self.commands[name] = command


class Nodes:
    """``nuke.nodes.CLASS(knob=value, inputs=[...])``."""

    def __init__(self, nuke: Nuke) -> None:
        self._nuke = nuke

    def __getattr__(self, kind: str) -> Any:
        def make(inputs: Any = (), **values: Any) -> Node:
            node = self._nuke.make(kind)
            for name, value in values.items():
                node[name].setValue(value)
            for index, source in enumerate(inputs):
                node.setInput(index, source)
            return node

        return make


class Nuke(types.ModuleType):
    """The module. ``answers``: what the artist will say to dialogs, in order."""

    Double_Knob, Link_Knob = knobs.Double_Knob, knobs.Link_Knob

    def __init__(self, gui: bool = True) -> None:
        super().__init__("nuke")
        self.GUI, self.cancel = gui, False
        self.told: list[str] = []
        self.printed: list[str] = []
        self.bars: list[ProgressTask] = []
        self.answers: list[Any] = []
        self.paths: list[str] = []
        self.waiting: queue.Queue[Any] = queue.Queue()
        self.bar = Menu()
        self.this: Node | None = None
        self.changing: knobs.Knob | None = None
        self.now = 1001
        self._root = Group(self, "Root", "", None)
        self.levels = [self._root]
        self.nodes = Nodes(self)
        self.Panel = type("Panel", (Panel,), {"fake": self})
        self.ProgressTask = type("ProgressTask", (ProgressTask,), {"fake": self})

    def make(self, kind: str, name: str = "") -> Node:
        level = self.levels[-1]
        taken = {each.name() for each in level.children}
        base = name or kind
        name = (
            name
            if name and name not in taken
            else next(f"{base}{n}" for n in range(1, 999) if f"{base}{n}" not in taken)
        )
        node = (Group if kind == "Group" else Node)(self, kind, name, level)
        level.children.append(node)
        return node

    def next_answer(self) -> Any:
        assert self.answers, "a dialog came up that the test did not expect"
        return self.answers.pop(0)

    def pump(self, until: Any, seconds: float = 60.0) -> None:
        """Be the main thread until ``until()``."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, (self.told, [bar.messages[-3:] for bar in self.bars])
            try:
                call, given = self.waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            call(*given)

    # what the plugin calls
    def message(self, text: str) -> None:
        self.told.append(text)

    def tprint(self, *words: Any) -> None:
        self.printed.append(" ".join(map(str, words)))

    def ask(self, text: str) -> bool:
        return bool(self.next_answer())

    def getInput(self, prompt: str, default: str = "") -> Any:
        return self.next_answer()

    def choice(self, title: str, prompt: str, options: list[str], default: int = 0) -> Any:
        answer = self.next_answer()
        return None if answer is None else next(index for index, each in enumerate(options) if answer in each)

    def executeInMainThread(self, call: Any, args: Any = (), kwargs: Any = None) -> None:
        self.waiting.put((call, args))

    def menu(self, name: str) -> Menu:
        return self.bar

    def pluginAddPath(self, path: str) -> None:
        self.paths.append(os.path.normpath(PLUGIN / path))

    def getPaneFor(self, name: str) -> str:
        return name

    def root(self) -> Group:
        return self._root

    def frame(self) -> int:
        return self.now

    def thisKnob(self) -> Any:
        return self.changing

    def thisNode(self) -> Node | None:
        return self.this

    def allNodes(self) -> list[Node]:
        return list(self._root.children)

    def selectedNodes(self) -> list[Node]:
        return [node for node in self._root.children if node["selected"].value()]

    def toNode(self, name: str) -> Node | None:
        return self.levels[-1].node(name)

    def delete(self, node: Node) -> None:
        node.parent_group.children.remove(node)  # type: ignore[union-attr]

    def filename(self, node: Node) -> str:
        return str(node["file"].value())

    def createNode(self, kind: str, inpanel: bool = True) -> Node:
        """A node of a class, or the group of a .gizmo on the plugin path, connected to what is selected."""
        above = self.selectedNodes()
        file = next(
            (Path(path) / f"{kind}.gizmo" for path in self.paths if (Path(path) / f"{kind}.gizmo").is_file()), None
        )
        node = self._paste(tcl.parse(file.read_text(encoding="utf-8")), kind) if file else self.make(kind)
        if above:
            node.setInput(0, above[0])
        return node

    def nodePaste(self, file: str) -> Node:
        return self._paste(tcl.parse(Path(file).read_text(encoding="utf-8")), "")

    def _paste(self, script: tcl.Node, name: str) -> Node:
        made: dict[int, Node] = {}
        for said in script.children:
            if said.kind != "Root":
                made[id(said)] = self._build(said, made)
        last = made[id(script.children[-1])]
        if last.knob("onCreate") and last["onCreate"].value():
            last.run_script(last["onCreate"].value())
        return last

    def _build(self, said: tcl.Node, made: dict[int, Node]) -> Node:
        node = self.make(said.kind, said.name)
        for user in said.user:
            node.add(knobs.from_user_knob(user, said.knobs.get(user.name, "")))
        declared = {user.name for user in said.user}
        for name, value in said.knobs.items():
            if name not in declared and name not in ("name", "inputs"):
                node.add(knobs.EvalString_Knob(name, value=value)) if not node.knob(name) else setattr(
                    node[name], "_value", value
                )
        for index, source in enumerate(said.inputs):
            node.setInput(index, made.get(id(source)))
        if isinstance(node, Group):
            with node:
                inside: dict[int, Node] = {}
                for child in said.children:
                    inside[id(child)] = self._build(child, inside)
        return node

    def execute(self, node: Node, first: int, last: int) -> None:
        """Render a Write whose input is a Read: pixels as they are, the colour spaces being the same."""
        source = node.input(0)
        for frame in range(first, last + 1):
            picture = oiio.ImageBuf(str(source.picture(frame)))  # type: ignore[union-attr]
            target = (
                frame_path(str(node["file"].value()), frame)
                if "#" in node["file"].value()
                else Path(node["file"].value())
            )
            if node["create_directories"].value():
                target.parent.mkdir(parents=True, exist_ok=True)
            three = oiio.ImageBufAlgo.channels(picture, (0, 1, 2))
            three.set_write_format(oiio.HALF)
            if not three.write(str(target)):
                raise RuntimeError(three.geterror())


class Panels(types.ModuleType):
    """nukescripts.panels"""

    def __init__(self) -> None:
        super().__init__("nukescripts.panels")
        self.registered: list[tuple[str, str, str]] = []

    def registerWidgetAsPanel(self, widget: str, name: str, id: str, create: bool = False) -> Any:
        self.registered.append((widget, name, id))
        return types.SimpleNamespace(addToPane=lambda pane: eval(widget)) if create else None


@contextmanager
def installed(gui: bool = True) -> Iterator[Nuke]:
    """Nuke with the plugin's init.py run, and the plugin importable; afterwards both are forgotten."""
    fake, scripts = Nuke(gui), types.ModuleType("nukescripts")
    panels = scripts.panels = Panels()  # type: ignore[attr-defined]
    new = {"nuke": fake, "nukescripts": scripts, "nukescripts.panels": panels}
    before = {name: sys.modules.get(name) for name in new}
    sys.modules.update(new)
    sys.path.insert(0, str(PLUGIN))
    try:
        exec(compile((PLUGIN / "init.py").read_text(encoding="utf-8"), "init.py", "exec"), {})
        yield fake
    finally:
        sys.path.remove(str(PLUGIN))
        for name in [each for each in sys.modules if each.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
