"""``review.toml``: where a show or a studio keeps its review database, and which tracker it talks to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from vfx_deepfake.settings.outside import PaperSpec, SubmissionSpec, TimelineSpec


@dataclass(frozen=True, slots=True)
class Names:
    """A table of texts by texts, such as the tracker's people -> ours."""

    by_name: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_value(cls, value: Any) -> Self:
        """Raises: ValueError for anything but a table of texts."""
        if isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values()):
            return cls(dict(value))
        raise ValueError(f'is {value!r}; want a table of texts, {{"theirs" = "ours"}}')

    def as_value(self) -> dict[str, str]:
        """The table again."""
        return dict(self.by_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSpec:
    """[tracker.status]: their words for our states; the first is set there, all are understood. Empty: the adapter's own."""

    pending_review: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    changes_requested: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerSpec:
    """[tracker]: the studio's tracker. Login and password are never in this file."""

    kind: str = ""  # kitsu or shotgrid; empty: none
    site: str = ""  # https://kitsu.studio.com
    project: str = ""  # its name there; empty: the show's
    task: str = "Compositing"  # the task (Kitsu: task type) that versions belong to
    credentials: str = ""  # a file with mode 600, relative to review.toml; the environment wins over it
    account: str = ""  # our user who writes for people that [tracker.people] does not name; empty: the kind
    status: StatusSpec = field(default_factory=StatusSpec)
    people: Names = field(default_factory=Names)  # their login -> our user
    supervisors: tuple[str, ...] = ()  # logins whose decisions count though they are none of our users
    shots: Names = field(default_factory=Names)  # our shot -> theirs, where the names differ; Kitsu: SQ01/sh0010

    def __post_init__(self) -> None:
        if self.kind and not self.site.startswith(("https://", "http://")):
            raise ValueError(f"site is '{self.site}'; want the tracker's address, https://kitsu.studio.com")
        if "@" in self.site:
            raise ValueError("site holds a login; give it by the environment or a file, see 'credentials'")


@dataclass(frozen=True, kw_only=True, slots=True)
class DailiesSpec:
    """The whole file. Paths are relative to it."""

    database: str = "review.sqlite"  # a file, or postgresql://user@host/name
    journal: str = "review_events.jsonl"  # every event once more as text; what a rebuild reads
    submission: SubmissionSpec = field(default_factory=SubmissionSpec)
    paper: PaperSpec = field(default_factory=PaperSpec)
    timeline: TimelineSpec = field(default_factory=TimelineSpec)
    tracker: TrackerSpec = field(default_factory=TrackerSpec)

    def __post_init__(self) -> None:
        for name in ("database", "journal"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty; leave it out or name a file")
        if "://" in self.journal:
            raise ValueError(f"journal is '{self.journal}'; it is a file, on a disk that is backed up")
