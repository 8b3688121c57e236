"""Nuke scripts written as text: nodes, knobs, groups.

A script is Tcl. ``Class {knob value ...}`` takes its inputs from a stack, the last pushed being input 0, and pushes
itself; ``set N [stack 0]`` remembers a node, ``push $N`` brings it back, ``push 0`` is an input without a node. Here
every node pushes its inputs by name, so that the text never depends on the order of nodes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

COLUMN_PX, ROW_PX = 130, 70  # distances of nodes in the node graph
_BARE = re.compile(r"[A-Za-z0-9_.+-]+")
_ESCAPES = str.maketrans({c: f"\\{c}" for c in '\\"[]{}$;'} | {"\n": "\\n"})


@dataclass(frozen=True, slots=True)
class Expression:
    """A knob that follows others, e.g. ``Expression("parent.mix")``."""

    text: str

    def __str__(self) -> str:
        return "{{" + (self.text if _BARE.fullmatch(self.text) else quoted(self.text)) + "}}"


@dataclass(frozen=True, slots=True)
class Tuple:
    """A knob of several numbers, each a number or an :class:`Expression`."""

    items: tuple[float | Expression, ...]

    def __str__(self) -> str:
        return (
            "{" + " ".join(str(item)[1:-1] if isinstance(item, Expression) else str(item) for item in self.items) + "}"
        )


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is Tcl already."""

    text: str

    def __str__(self) -> str:
        return self.text


def quoted(text: str) -> str:
    """A string as one word of a Tcl list, wherever it stands in braces."""
    return f'"{text.translate(_ESCAPES)}"'


def written(value: object) -> str:
    """A knob's value as it stands in a script."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Expression | Tuple | Literal):
        return str(value)
    text = str(value)
    return text if _BARE.fullmatch(text) else quoted(text)


@dataclass(frozen=True, slots=True)
class Node:
    """A node as its successors see it: its name and its place in the node graph."""

    name: str
    column: float
    row: float


@dataclass
class Graph:
    """Nodes written one after the other; ``lines`` is the text."""

    lines: list[str] = field(default_factory=list)
    places: set[tuple[float, float]] = field(default_factory=set)

    def add(
        self,
        kind: str,
        name: str,
        inputs: Sequence[Node | None] = (),
        knobs: Mapping[str, object] | None = None,
        *,
        column: float | None = None,
        row: float | None = None,
    ) -> Node:
        """Write one node; ``inputs`` from input 0 on (B, A, mask), None where there is none."""
        node = self._placed(name, inputs, column, row)
        self.pushed(inputs)
        self.lines += [f"{kind} {{", *knob_lines(node, len(inputs), knobs or {}), "}", f"set N{name} [stack 0]"]
        return node

    def pushed(self, inputs: Sequence[Node | None]) -> None:
        """Put a node's inputs on the stack, input 0 last."""
        self.lines += [f"push $N{node.name}" if node else "push 0" for node in reversed(inputs)]

    def _placed(self, name: str, inputs: Sequence[Node | None], column: float | None, row: float | None) -> Node:
        """A free place below the inputs."""
        known = [node for node in inputs if node]
        column = column if column is not None else known[0].column if known else 0
        row = row if row is not None else max((node.row for node in known), default=-1) + 1
        while (column, row) in self.places:
            row += 1
        self.places.add((column, row))
        return Node(name, column, row)

    def text(self) -> str:
        """The script so far."""
        return "\n".join(self.lines) + "\n"


def knob_lines(node: Node, num_inputs: int, knobs: Mapping[str, object]) -> list[str]:
    """The lines between a node's braces."""
    lines = [] if num_inputs == 1 else [f" inputs {num_inputs}"]
    lines += [f" {knob} {written(value)}" for knob, value in knobs.items()]
    return [
        *lines,
        f" name {node.name}",
        f" xpos {round(node.column * COLUMN_PX)}",
        f" ypos {round(node.row * ROW_PX)}",
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class UserKnob:
    """One knob that an artist sees on a group.

    kind: Nuke's number of the type, e.g. 7 for a number with a slider. help: shown when the pointer rests on it.
    value: what it holds, None where the type holds nothing. more: further words of the declaration, ready as Tcl.
    """

    kind: int
    name: str
    label: str = ""
    help: str = ""
    value: object = None
    more: str = ""

    def lines(self) -> list[str]:
        """Declaration and value."""
        words = [str(self.kind), self.name or '""']
        words += [f"l {quoted(self.label)}"] if self.label else []
        words += [f"t {quoted(self.help)}"] if self.help else []
        words += [self.more] if self.more else []
        declared = f" addUserKnob {{{' '.join(words)}}}"
        return [declared] if self.value is None else [declared, f" {self.name} {written(self.value)}"]
