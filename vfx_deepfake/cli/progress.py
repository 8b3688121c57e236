"""How progress looks: a bar with time left in a terminal, ``openjd_*`` lines on a farm, JSON lines for programs.

Progress goes to stderr, except the openjd lines, which a farm worker reads from stdout.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from tqdm import tqdm

from vfx_deepfake.progress import Progress, Silent

STYLES = ("auto", "openjd", "json", "none")
SECONDS_BETWEEN_LINES = 2.0  # for logs and farms; a line a frame would bury the log


class Bar:
    """A bar with rate and time left."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None

    def start(self, stage: str, total: int, unit: str) -> None:
        """Open the bar."""
        self._bar = tqdm(
            total=total, desc=f"{stage:8}", unit=f" {unit}", file=self._stream, dynamic_ncols=True, leave=True
        )

    def advance(self, done: int, note: str = "") -> None:
        """Move the bar to ``done``."""
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(done - self._bar.n)

    def finish(self, note: str = "") -> None:
        """Close the bar."""
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note)
            self._bar.close()
            self._bar = None

    def say(self, text: str) -> None:
        """A line above the bar."""
        tqdm.write(text, file=self._stream)


class Lines:
    """Now and then a line, for logs; subclasses word it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage, self._total, self._unit = "", 0, ""
        self._began = self._last = 0.0

    def start(self, stage: str, total: int, unit: str) -> None:
        """Remember what is under way."""
        self._stage, self._total, self._unit = stage, total, unit
        self._began, self._last = time.monotonic(), 0.0
        self.write(0, "")

    def advance(self, done: int, note: str = "") -> None:
        """Say how far it is, unless that was said a moment ago."""
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_LINES or done >= self._total:
            self._last = now
            self.write(done, note)

    def finish(self, note: str = "") -> None:
        """Say that it is over."""
        self.write(self._total, note or "done")

    def say(self, text: str) -> None:
        """Pass a line on."""
        print(text, file=self._stream, flush=True)

    def seconds_left(self, done: int) -> float | None:
        """Time left at the pace so far; None before anything is done."""
        spent = time.monotonic() - self._began
        return spent / done * (self._total - done) if done else None

    def share(self, done: int) -> float:
        """How much is done, per cent."""
        return 100.0 * done / self._total if self._total else 100.0

    def write(self, done: int, note: str) -> None:
        """One line in a log."""
        left = self.seconds_left(done)
        ahead = f", about {left:.0f} s left" if left and done < self._total else ""
        print(
            f"{self._stage}: {done}/{self._total} {self._unit}{ahead}{' ' + note if note else ''}",
            file=self._stream,
            flush=True,
        )


class OpenJdLines(Lines):
    """The lines that Open Job Description runners and AWS Deadline Cloud workers understand."""

    def write(self, done: int, note: str) -> None:
        """Per cent and status."""
        print(f"openjd_progress: {self.share(done):.1f}", file=self._stream)
        text = f"{self._stage} {done}/{self._total} {self._unit}"
        print(f"openjd_status: {text} {note}".rstrip(), file=self._stream, flush=True)


class JsonLines(Lines):
    """One JSON object a line."""

    def write(self, done: int, note: str) -> None:
        """How far it is."""
        left = self.seconds_left(done)
        self.emit({"stage": self._stage, "done": done, "total": self._total, "unit": self._unit, "note": note,
                   "seconds_left": None if left is None else round(left, 1)})  # fmt: skip

    def say(self, text: str) -> None:
        """A line worth reading."""
        self.emit({"message": text})

    def emit(self, data: dict[str, Any]) -> None:
        """Write one object."""
        print(json.dumps(data), file=self._stream, flush=True)


def make_progress(style: str) -> Progress:
    """The progress of one style; ``auto`` is a bar in a terminal and lines in a log."""
    if style == "auto":
        return Bar(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr)
    styles: dict[str, Callable[[], Progress]] = {
        "openjd": lambda: OpenJdLines(sys.stdout),
        "json": lambda: JsonLines(sys.stderr),
        "none": Silent,
    }
    return styles[style]()
