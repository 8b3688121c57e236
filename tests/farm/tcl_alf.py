"""Read a Tractor job file with a real Tcl interpreter, the way Tractor does: its operators are commands."""

from __future__ import annotations

import tkinter
from dataclasses import dataclass, field


@dataclass
class Node:
    """One operator: its name, its word if it has one, and its options; nested scripts are lists of nodes."""

    operator: str
    words: list[str] = field(default_factory=list)
    options: dict[str, object] = field(default_factory=dict)


SCRIPTS = ("-subtasks", "-cmds")
NUM_WORDS = {"Job": 0, "Task": 1, "RemoteCmd": 1, "Instance": 1}


def read_alf(text: str) -> Node:
    """The job of a file; anything that is not Tcl, or no operator, raises tkinter.TclError."""
    (job,) = _Reader().script(text)
    return job


class _Reader:
    def __init__(self) -> None:
        self.tcl = tkinter.Tcl()
        self.found: list[Node] = []
        for name in NUM_WORDS:
            self.tcl.createcommand(name, lambda *arguments, name=name: self._operator(name, arguments))

    def script(self, text: str) -> list[Node]:
        outer, self.found = self.found, []
        self.tcl.eval(text)
        outer, self.found = self.found, outer
        return outer

    def _operator(self, name: str, arguments: tuple[str, ...]) -> None:
        node = Node(name, list(arguments[: NUM_WORDS[name]]))
        rest = arguments[NUM_WORDS[name] :]
        assert len(rest) % 2 == 0, f"{name}: an option without a value in {rest}"
        for option, value in zip(rest[::2], rest[1::2], strict=True):
            assert option.startswith("-") and option not in node.options, (name, option)
            node.options[option] = self.script(value) if option in SCRIPTS else value
        if name == "RemoteCmd":
            node.words = list(self.tcl.splitlist(node.words[0]))
        self.found.append(node)
