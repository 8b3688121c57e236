"""Read Nuke scripts with a real Tcl interpreter, the way Nuke does: classes of nodes are commands, inputs come from a stack.

The script runs in a safe child interpreter in which nothing reaches a file, a process or the network. Whatever is not
one of the few commands of the format, with one braced list of knobs, is refused.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache


class ScriptError(Exception):
    """The text is no script that Nuke could read; says why."""


@dataclass
class UserKnob:
    """``addUserKnob {KIND NAME l LABEL t HELP ...}``; flags are the words that begin with + or -."""

    kind: int
    name: str
    options: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Node:
    """One node: class, knobs as written (one level of braces or quotes taken off), inputs, and for groups what is inside."""

    kind: str
    knobs: dict[str, str]
    user: list[UserKnob]
    inputs: list[Node | None] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    layers: dict[str, list[str]] = field(default_factory=dict)  # a group's own add_layer lines
    parent: Node | None = None

    @property
    def name(self) -> str:
        return self.knobs.get("name", self.kind)

    def child(self, name: str) -> Node:
        (found,) = (node for node in self.children if node.name == name)
        return found

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.children if node.kind == kind]

    def user_knob(self, name: str) -> UserKnob:
        (found,) = (knob for knob in self.user if knob.name == name)
        return found


# what a safe interpreter still has and no script of nodes needs
HIDDEN = ("file", "open", "socket", "exec", "exit", "source", "load", "cd", "glob", "pwd", "fconfigure", "encoding")
HIDDEN += (
    "after",
    "vwait",
    "interp",
    "rename",
    "proc",
    "eval",
    "uplevel",
    "namespace",
    "while",
    "for",
    "catch",
    "puts",
)
NO_VALUE_FLAGS = ("+", "-")
WITHOUT_INPUTS = ("Input", "Read", "Root", "BackdropNode", "StickyNote")
GROUPS = ("Group", "Gizmo", "LiveGroup")


def parse(text: str) -> Node:
    """The script as a node of the class Script, whose children are its nodes.

    Raises: ScriptError for text that is not Tcl, or Tcl that is no Nuke script.
    """
    return _Reader().read(text)


def split_list(text: str) -> list[str]:
    """The elements of a Tcl list."""
    return [str(each) for each in _words().splitlist(text)]


@cache
def _words() -> tkinter.Tcl:
    """An interpreter for taking lists apart; making one takes longer than its work."""
    return tkinter.Tcl()


class _Reader:
    def __init__(self) -> None:
        self.tcl = tkinter.Tcl()
        self.script = Node("Script", {}, [])
        self.level = self.script  # the group that nodes go into
        self.stacks: list[list[Node | None]] = [[]]
        self.handles: dict[str, Node | None] = {}
        self.problem = ""
        self._make_child()

    def _make_child(self) -> None:
        self.tcl.eval("interp create -safe nk")
        for name in HIDDEN:
            self.tcl.eval(f"if {{[nk eval [list info commands {name}]] ne {{}}}} {{ nk hide {name} }}")
        commands = {
            "unknown": self._node,
            "push": self._push,
            "stack": self._stack,
            "end_group": self._end_group,
            "add_layer": self._add_layer,
            "version": lambda *words: "",
            "define_window_layout_xml": lambda *words: "",
        }
        for name, function in commands.items():
            self.tcl.createcommand(f"py_{name}", self._guarded(function))
            self.tcl.eval(f"nk alias {name} py_{name}")
        self.tcl.eval("nk eval {set cut_paste_input 0}")

    def _guarded(self, function):
        """Keep the first problem: Tcl passes on only that a callback failed."""

        def call(*words: str) -> str:
            try:
                return function(*words)
            except Exception as error:
                self.problem = self.problem or str(error)
                raise

        return call

    def read(self, text: str) -> Node:
        self.tcl.setvar("nk_text", text)
        try:
            self.tcl.eval("nk eval $nk_text")
        except (tkinter.TclError, ScriptError) as error:
            raise ScriptError(self.problem or str(error)) from error
        if self.problem:
            raise ScriptError(self.problem)
        if self.level is not self.script:
            raise ScriptError(f"group {self.level.name} is not ended")
        return self.script

    def _node(self, kind: str, *words: str) -> str:
        if len(words) != 1:
            raise ScriptError(f"{kind}: a node has one braced list of knobs, found {len(words)} words")
        items = list(self.tcl.splitlist(words[0]))
        if len(items) % 2:
            raise ScriptError(f"{kind}: odd knob list, a knob without a value")
        node = Node(kind, {}, [], parent=self.level)
        for name, value in zip(items[::2], items[1::2], strict=True):
            if name == "addUserKnob":
                node.user.append(self._user_knob(value))
            elif name in node.knobs:
                raise ScriptError(f"{kind}: knob {name} twice")
            else:
                node.knobs[name] = value
        self._connect(node)
        self.level.children.append(node)
        if kind in GROUPS:
            self.level = node
            self.stacks.append([])
        return ""

    def _user_knob(self, text: str) -> UserKnob:
        kind, name, *words = self.tcl.splitlist(text)
        knob = UserKnob(int(kind), name)
        while words:
            word = words.pop(0)
            if word.startswith(NO_VALUE_FLAGS):
                knob.flags.append(word)
            elif word == "R":
                knob.options["R"] = f"{words.pop(0)} {words.pop(0)}"
            else:
                knob.options[word] = words.pop(0)
        return knob

    def _connect(self, node: Node) -> None:
        """Take the inputs from the stack; the top is input 0."""
        if node.kind == "Root":
            return
        wanted = sum(
            int(part) for part in node.knobs.get("inputs", "0" if node.kind in WITHOUT_INPUTS else "1").split("+")
        )
        stack = self.stacks[-1]
        node.inputs = [stack.pop() if stack else None for _ in range(wanted)]
        stack.append(node)

    def _push(self, what: str) -> str:
        if what != "0" and what not in self.handles:
            raise ScriptError(f"push {what}: no such node")
        self.stacks[-1].append(None if what == "0" else self.handles[what])
        return ""

    def _stack(self, index: str) -> str:
        node = self.stacks[-1][-1 - int(index)]
        handle = f"node{len(self.handles) + 1}"
        self.handles[handle] = node
        return handle

    def _end_group(self) -> str:
        if self.level is self.script:
            raise ScriptError("end_group without a group")
        self.stacks.pop()
        self.level = self.level.parent
        return ""

    def _add_layer(self, text: str) -> str:
        layer, *channels = self.tcl.splitlist(text)
        self.level.layers[layer] = channels
        return ""


def tcl_text(text: str, commands: dict[str, Callable[[str], str]]) -> str:
    """A string with its ``[...]`` worked out by Tcl, as Nuke does with file names and labels.

    ``commands``: functions of one word that the brackets may call, beside ``string`` and ``file dirname``.
    """
    return _substituter()(text, commands)


class _Substituter:
    """One safe interpreter for all texts; calls may be nested, for a knob that is asked for may hold brackets too."""

    def __init__(self) -> None:
        self.tcl = tkinter.Tcl()
        self.tcl.eval("interp create -safe nk")
        self.calling: list[dict[str, Callable[..., str]]] = []
        self.problem: Exception | None = None
        for name in ("value", "exists", "file"):
            self.tcl.createcommand(f"py_{name}", lambda *words, name=name: self._call(name, words))
            if self.tcl.eval(f"nk eval {{info commands {name}}}"):
                self.tcl.eval(f"nk eval {{rename {name} {{}}}}")
            self.tcl.eval(f"nk alias {name} py_{name}")

    def _call(self, name: str, words: tuple[str, ...]) -> str:
        try:
            return self.calling[-1][name](*words)
        except Exception as error:
            self.problem = self.problem or error
            raise

    def __call__(self, text: str, commands: dict[str, Callable[[str], str]]) -> str:
        self.calling.append({**commands, "file": _file})
        try:
            return str(self.tcl.call("nk", "eval", self.tcl.call("list", "subst", "-novariables", text)))
        except (tkinter.TclError, KeyError) as error:
            found, self.problem = self.problem, None
            raise (found or ScriptError(f"'{text}': {error}")) from error
        finally:
            self.calling.pop()


@cache
def _substituter() -> _Substituter:
    return _Substituter()


def _file(action: str, path: str) -> str:
    if action != "dirname":
        raise ScriptError(f"file {action}: only dirname is known here")
    return path.rpartition("/")[0]
