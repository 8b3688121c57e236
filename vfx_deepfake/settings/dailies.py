"""``review.toml``: where a show or a studio keeps its review database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class DailiesSpec:
    """The whole file. Paths are relative to it."""

    database: str = "review.sqlite"  # a file, or postgresql://user@host/name
    journal: str = "review_events.jsonl"  # every event once more as text; what a rebuild reads

    def __post_init__(self) -> None:
        for name in ("database", "journal"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty; leave it out or name a file")
        if "://" in self.journal:
            raise ValueError(f"journal is '{self.journal}'; it is a file, on a disk that is backed up")
