"""Knobs of the fake Nuke: values as Nuke keeps them, keys, expressions, and errors where Nuke has them."""

from __future__ import annotations

from typing import Any

from tests.nuke.tcl import UserKnob, split_list

SPACES = ("scene_linear (ACEScg)", "ACEScg", "ACES/ACES2065-1", "Camera/ARRI LogC4", "sRGB - Texture")


class Knob:
    """One knob; ``written`` is its text in a script."""

    def __init__(self, name: str, label: str = "", value: Any = "") -> None:
        self._name, self._label, self._value, self._tooltip = name, label, value, ""
        self._keys: dict[float, float] = {}
        self._animated, self._expression, self._enabled = False, "", True
        self.owner: Any = None

    def Class(self) -> str:
        return type(self).__name__

    def name(self) -> str:
        return self._name

    def label(self) -> str:
        return self._label

    def tooltip(self) -> str:
        return self._tooltip

    def setTooltip(self, text: str) -> None:
        self._tooltip = text

    def value(self) -> Any:
        return self._value

    def setValue(self, value: Any) -> bool:
        self._value = value
        if self.owner is not None:
            self.owner.changed(self)
        return True

    def setExpression(self, text: str) -> bool:
        self._expression = text
        return True

    def setEnabled(self, on: bool) -> None:
        self._enabled = on

    def enabled(self) -> bool:
        return self._enabled

    def hasExpression(self) -> bool:
        return bool(self._expression)

    def toScript(self) -> str:
        return "{{" + self._expression + "}}" if self._expression else str(self._value)


class Array_Knob(Knob):
    def setAnimated(self) -> bool:
        self._animated = True
        return True

    def clearAnimated(self) -> bool:
        self._animated, self._keys = False, {}
        return True

    def isAnimated(self) -> bool:
        return self._animated

    def setValueAt(self, value: float, frame: float) -> bool:
        assert self._animated, "without setAnimated() Nuke sets the value and makes no key"
        self._keys[frame] = value
        return True

    def getKeyList(self) -> list[float]:
        return sorted(self._keys)


class Double_Knob(Array_Knob): ...


class Int_Knob(Array_Knob): ...


class Boolean_Knob(Array_Knob): ...


class String_Knob(Knob):
    def setValue(self, value: Any) -> bool:
        if not isinstance(value, str):
            raise TypeError(f"{self._name}: a string knob takes no {type(value).__name__}")
        return super().setValue(value)


class EvalString_Knob(String_Knob):
    def evaluate(self) -> str:
        return str(self._value)


class File_Knob(EvalString_Knob): ...


class Enumeration_Knob(Knob):
    def __init__(self, name: str, label: str = "", values: Any = (), value: Any = "") -> None:
        super().__init__(name, label, value or (values[0] if values else ""))
        self._values = list(values)

    def values(self) -> list[str]:
        return self._values

    def setValue(self, value: Any) -> bool:
        if value not in self._values:
            raise TypeError(f"{self._name}: has no entry {value!r}")
        return super().setValue(value)


class PyScript_Knob(Knob):
    def execute(self) -> None:
        self.owner.run_script(str(self._value))


class Link_Knob(Knob):
    def getLinkedKnob(self) -> Knob:
        node, _, knob = self._value.rpartition(".")
        found: Knob = self.owner.node(node)[knob]
        return found

    def value(self) -> Any:
        return self.getLinkedKnob().value()


KINDS: dict[int, type[Knob]] = {1: String_Knob, 2: File_Knob, 3: Int_Knob, 6: Boolean_Knob, 7: Double_Knob, 19: Double_Knob,
                                20: Knob, 26: Knob, 22: PyScript_Knob, 41: Link_Knob}  # fmt: skip


def from_user_knob(said: UserKnob, value: str) -> Knob:
    """A knob as ``addUserKnob`` declares it, with its value of the script."""
    label = said.options.get("l", said.name)
    if said.kind == 4:
        made: Knob = Enumeration_Knob(said.name, label, split_list(said.options["M"]), value)
    elif said.kind == 6:
        made = Boolean_Knob(said.name, label, value == "true")
    elif said.kind in (22, 41):
        made = KINDS[said.kind](said.name, label, said.options["T"])
    else:
        made = KINDS[said.kind](said.name, label, value)
    made.setTooltip(said.options.get("t", ""))
    return made
