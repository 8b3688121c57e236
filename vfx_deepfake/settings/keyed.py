"""Values of a shot file that change over time: a number, or ``[[frame, value], ...]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vfx_deepfake.settings.checks import between

_WANTED = "a number, or [[frame, value], ...]"


@dataclass(frozen=True, slots=True)
class Curve:
    """A value over time: ``keys`` are (frame, value) pairs with rising frames; a constant has one key.

    Between keys it runs as a monotone cubic, so that it is smooth and never leaves the values of the two keys beside
    it; before the first and after the last key it is held.
    Source: Fritsch & Butland 1984, A Method for Constructing Local Monotone Piecewise Cubic Interpolants.
    """

    keys: tuple[tuple[int, float], ...] = ((0, 0.0),)

    def __post_init__(self) -> None:
        frames = [frame for frame, _ in self.keys]
        if not frames:
            raise ValueError(f"holds no key; give {_WANTED}")
        for before, after in pairwise(frames):
            if after <= before:
                raise ValueError(f"frame {after} comes after frame {before}; keys must rise, each frame once")

    @classmethod
    def from_value(cls, value: Any) -> Curve:
        """A curve as the shot file says it.

        Raises: ValueError with what was found and what would be right.
        """
        if _is_number(value):
            return cls(((0, float(value)),))
        if not isinstance(value, list):
            raise ValueError(f"is {value!r}; want {_WANTED}")
        for key in value:
            if not (isinstance(key, list) and len(key) == 2 and _is_number(key[0]) and _is_number(key[1])):
                raise ValueError(f"has the key {key!r}; want [frame, value], e.g. [1001, 0.5]")
            if key[0] != int(key[0]):
                raise ValueError(f"has a key at frame {key[0]}; frames are whole numbers")
        return cls(tuple((int(frame), float(number)) for frame, number in value))

    def as_value(self) -> float | list[list[float]]:
        """The curve as a shot file says it; :meth:`from_value` gives the same curve again."""
        if len(self.keys) == 1 and self.keys[0][0] == 0:
            return self.keys[0][1]
        return [[frame, value] for frame, value in self.keys]

    def at(self, frame: int) -> float:
        """The value at a frame."""
        if frame <= self.keys[0][0]:
            return self.keys[0][1]
        if frame >= self.keys[-1][0]:
            return self.keys[-1][1]
        index = next(i for i, (key, _) in enumerate(self.keys) if key > frame)
        (start, low), (end, high) = self.keys[index - 1], self.keys[index]
        length, t = end - start, (frame - start) / (end - start)
        rise, fall = self._slope(index - 1) * length, self._slope(index) * length
        blend = t * t * (3 - 2 * t)
        bend = t * (1 - t) * (rise * (1 - t) - fall * t)
        return min(max(low + (high - low) * blend + bend, min(low, high)), max(low, high))

    @property
    def values(self) -> tuple[float, ...]:
        """The keys' values."""
        return tuple(value for _, value in self.keys)

    def _slope(self, index: int) -> float:
        """Value a frame at a key; 0 at the ends, where the curve is held, and where it turns round."""
        if index in (0, len(self.keys) - 1):
            return 0.0
        (f0, v0), (f1, v1), (f2, v2) = self.keys[index - 1 : index + 2]
        before, after = (v1 - v0) / (f1 - f0), (v2 - v1) / (f2 - f1)
        if before * after <= 0:
            return 0.0
        share = (1 + (f2 - f1) / (f2 - f0)) / 3
        return before * after / (share * after + (1 - share) * before)


@dataclass(frozen=True, slots=True)
class Slider:
    """A curve for each side of the face, the person's own left and right: one value for both, or ``{ left, right }``."""

    left: Curve = Curve()
    right: Curve = Curve()

    @classmethod
    def from_value(cls, value: Any) -> Slider:
        """A slider as the shot file says it; a side that a table leaves out is 0.

        Raises: ValueError with what was found and what would be right.
        """
        if not isinstance(value, Mapping):
            try:
                both = Curve.from_value(value)
            except ValueError as error:
                raise ValueError(str(error).replace(_WANTED, f"{_WANTED}, or {{ left = ..., right = ... }}")) from error
            return cls(both, both)
        for key in value:
            if key not in ("left", "right"):
                raise ValueError(f"has the side '{key}'; sides are left and right, the person's own")
        sides = {}
        for side in ("left", "right"):
            try:
                sides[side] = Curve.from_value(value.get(side, 0.0))
            except ValueError as error:
                raise ValueError(f"{side}: {error}") from error
        return cls(**sides)

    def as_value(self) -> Any:
        """The slider as a shot file says it; :meth:`from_value` gives the same slider again."""
        left, right = self.left.as_value(), self.right.as_value()
        return left if left == right else {"left": left, "right": right}

    def at(self, frame: int) -> tuple[float, float]:
        """(left, right) at a frame."""
        return self.left.at(frame), self.right.at(frame)

    @property
    def values(self) -> tuple[float, ...]:
        """Both sides' keyed values."""
        return self.left.values + self.right.values


def curves(table: Any) -> Iterator[tuple[str, Curve | Slider]]:
    """The name and curve of every key-frameable field of a table."""
    for name in table.__dataclass_fields__:
        value = getattr(table, name)
        if isinstance(value, Curve | Slider):
            yield name, value


def all_between(table: Any, low: float, high: float, names: Sequence[str] = ()) -> None:
    """Every keyed value of a table, or of the named fields, within its range, ends included."""
    for name, curve in curves(table):
        if not names or name in names:
            for value in curve.values:
                between(name, value, low, high)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
