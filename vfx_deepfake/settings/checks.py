"""Checks of one value, as the tables of a shot file need them; a ValueError says what was found and what would be right."""

from __future__ import annotations

from fractions import Fraction


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """A word out of a list."""
    if value not in allowed:
        raise ValueError(f"{name} is '{value}'; choose one of {', '.join(allowed)}")


def between(name: str, value: float, low: float, high: float) -> None:
    """A number within its range, ends included."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; it must lie between {low} and {high}")


def is_rate(text: str) -> bool:
    """Frames per second as a whole number or a fraction."""
    try:
        return 0 < Fraction(text) <= 1000
    except (ValueError, ZeroDivisionError):
        return False
