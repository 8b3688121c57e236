"""What long work says of itself while it runs: a plain interface; the command line decides how it looks."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by a stage how far it is; must be cheap and must never raise."""

    def start(self, stage: str, total: int, unit: str) -> None:
        """A stage begins: ``total`` units (frames, steps) lie ahead."""

    def advance(self, done: int, note: str = "") -> None:
        """``done`` units of the stage are finished now."""

    def finish(self, note: str = "") -> None:
        """The stage is over."""

    def say(self, text: str) -> None:
        """One line worth reading, e.g. a warning."""


class Silent:
    """Progress that says nothing; the default of the Python API."""

    def start(self, stage: str, total: int, unit: str) -> None:
        """Nothing."""

    def advance(self, done: int, note: str = "") -> None:
        """Nothing."""

    def finish(self, note: str = "") -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


SILENT = Silent()
