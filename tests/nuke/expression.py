"""Nuke's expressions: numbers, names, arithmetic, comparison, ``a ? b : c`` and functions; on numbers and on whole images.

Source: Nuke's user guide, "Expressions" and its list of functions; the language is C's for expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:e-?\d+)?|\.\d+)|([A-Za-z_][\w.]*)|(&&|\|\||[=!<>]=|[-+*/<>!?:(),]))")
BINDING = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6}
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "||": np.logical_or,
    "&&": np.logical_and,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
NUMBER, NAME, SIGN = 1, 2, 3


def random(*seeds: Any) -> Any:
    """0..1, the same for the same numbers. Nuke's own sequence is another; only these two properties are documented."""
    mixed = sum(np.asarray(seed, np.float64) * k for seed, k in zip(seeds, (12.9898, 78.233, 37.719), strict=False))
    return np.mod(np.sin(mixed) * 43758.5453, 1.0)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "clamp": lambda value, low=0, high=1: np.clip(value, low, high),
    "max": np.maximum,
    "min": np.minimum,
    "pow": np.power,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "random": random,
}


class ExpressionError(Exception):
    """The text is no expression that Nuke could read; says where."""


def tokens(text: str) -> list[tuple[int, str]]:
    """(NUMBER, NAME or SIGN, text) of each word."""
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise ExpressionError(f"'{text}': can't be read at '{text[position:]}'")
        found.append((match.lastindex or 0, match.group(match.lastindex or 0)))
        position = match.end()
    return found


def names(text: str) -> list[str]:
    """What an expression refers to: every name in it that is not a function."""
    return [word for kind, word in tokens(text) if kind == NAME and word not in FUNCTIONS]


def evaluate(text: str, lookup: Callable[[str], Any]) -> Any:
    """The value of an expression; ``lookup`` gives the value of a name, a number, a string or an image (H, W).

    Raises: ExpressionError for text that is no expression.
    """
    reader = _Reader(text, lookup)
    with np.errstate(all="ignore"):  # both sides of a choice are worked out, wanted or not
        value = reader.choice()
    if reader.words:
        raise ExpressionError(f"'{text}': '{reader.words[0][1]}' is too much")
    return value


class _Reader:
    """Reads and works out at once, by precedence."""

    def __init__(self, text: str, lookup: Callable[[str], Any]) -> None:
        self.text, self.lookup, self.words = text, lookup, tokens(text)

    def take(self, wanted: str = "") -> tuple[int, str]:
        if not self.words or (wanted and self.words[0][1] != wanted):
            raise ExpressionError(f"'{self.text}': '{wanted or 'more'}' is missing")
        return self.words.pop(0)

    def next_is(self, sign: str) -> bool:
        return bool(self.words) and self.words[0][1] == sign

    def choice(self) -> Any:
        condition = self.binary(0)
        if not self.next_is("?"):
            return condition
        self.take("?")
        yes = self.choice()
        self.take(":")
        no = self.choice()
        return np.where(np.asarray(condition) != 0, yes, no)

    def binary(self, least: int) -> Any:
        left = self.single()
        while self.words and BINDING.get(self.words[0][1], -1) > least:
            _, sign = self.take()
            left = OPERATIONS[sign](left, self.binary(BINDING[sign]))
        return left

    def single(self) -> Any:
        kind, word = self.take()
        if kind == NUMBER:
            return float(word)
        if word == "-":
            return -self.single()
        if word == "!":
            return np.logical_not(self.single())
        if word == "(":
            value = self.choice()
            self.take(")")
            return value
        if kind == NAME and self.next_is("("):
            return self.call(word)
        if kind == NAME:
            return self.lookup(word)
        raise ExpressionError(f"'{self.text}': '{word}' is out of place")

    def call(self, name: str) -> Any:
        if name not in FUNCTIONS:
            raise ExpressionError(f"'{self.text}': no function '{name}'")
        self.take("(")
        values = [self.choice()]
        while self.next_is(","):
            self.take(",")
            values.append(self.choice())
        self.take(")")
        return FUNCTIONS[name](*values)
