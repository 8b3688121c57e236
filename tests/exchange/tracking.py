"""Published versions with a movie, and a tracker in memory: small, but it keeps to :class:`.Tracker` as an adapter does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tests.review.versions import evidence, make_version
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.desk import Desk, place_of
from vfx_deepfake.exchange.tracker import (
    OurDecision,
    OurNote,
    Published,
    ReadBack,
    Submission,
    TheirNote,
    TheirPerson,
    TheirStatus,
    TheirVersion,
    TrackerUnreachable,
    marked,
    unmarked,
)
from vfx_deepfake.media.movie import MovieSpec, write_movie
from vfx_deepfake.review.registering import register
from vfx_deepfake.settings.dailies import Names, TrackerSpec

ANA, CLIENT = TheirPerson(login="ana@studio.com", name="Ana"), TheirPerson(login="client@film.com", name="Carl Client")
SPEC = TrackerSpec(
    kind="kitsu", site="http://kitsu.test", people=Names({"ana@studio.com": "ana", "art@studio.com": "art"})
)


def publish_version(store, number: int = 1, *, shot: str = "sh0010", frames: int = 3) -> Path:
    """A registered version with a record and a movie: a slate, then 1001-1003. Returns the movie."""
    root = store.place.root
    record = make_version(root, number, shot=shot)
    movie = record.parent / "review" / f"{shot}_v{number:03d}.mp4"
    movie.parent.mkdir(exist_ok=True)
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None, :, None].repeat(36, 0).repeat(3, 2)
    write_movie(
        movie, [ramp * (index + 1) / (frames + 1) for index in range(frames + 1)], MovieSpec(frame_rate=Fraction(24))
    )
    register(store, "art", evidence(record, root))
    return movie


def desk_for(store, tracker, *, who: str = "boss", spec: TrackerSpec = SPEC, waits_s=(0.0, 0.0)) -> Desk:
    return Desk(store=store, tracker=tracker, spec=spec, place=place_of(spec, "demo"), who=who, waits_s=waits_s)


class MemoryTracker:
    """One project with shots. ``outages`` are calls that fail: ("add_note", "before") or ("add_note", "after") it was done."""

    statuses: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {"pending_review": ("wfa",), "approved": ("approved", "done"), "changes_requested": ("retake",)}
    )

    def __init__(self, *shots: str) -> None:
        self.shots = shots or ("sh0010",)
        self.versions: dict[str, Submission] = {}
        self.foreign: dict[str, tuple[str, int]] = {}
        self.notes: list[TheirNote] = []
        self.changes: list[TheirStatus] = []
        self.outages: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self._ids = itertools.count(1)

    def find_shot(self, show: str, shot: str) -> str:
        self._step("find_shot", "before")
        if shot not in self.shots:
            raise ReviewError(f"memory: has no shot '{shot}'; there are: {', '.join(self.shots)}")
        return f"task of {shot}"

    def find_version(self, shot: str, submission: Submission) -> TheirVersion | None:
        for identity, there in self.versions.items():
            if there.identity == submission.identity:
                return TheirVersion(id=identity, is_ours=True, is_complete=True)
        for identity, (of, number) in self.foreign.items():
            if (of, number) == (shot, submission.number):
                return TheirVersion(id=identity, is_ours=False, is_complete=True)
        return None

    def publish(self, shot: str, submission: Submission, found: TheirVersion | None) -> TheirVersion:
        self._step("publish", "before")
        identity = self._next("version")
        self.versions[identity] = submission
        self.say(identity, TheirPerson(login="us"), "wfa", marked("here it is", "version", submission.identity))
        self._step("publish", "after")
        return TheirVersion(id=identity, is_ours=True, is_complete=True)

    def add_note(self, shot: str, version: str, sent: Published, note: OurNote) -> str:
        self._step("add_note", "before")
        identity = self.note(version, TheirPerson(login="us"), marked(note.text, "note", note.id), reply_to=note.reply_to,
                             first_frame=note.first_frame, last_frame=note.last_frame, drawing=note.drawing)  # fmt: skip
        self._step("add_note", "after")
        return identity

    def set_status(self, shot: str, version: str, sent: Published, decision: OurDecision) -> str:
        self._step("set_status", "before")
        identity = self.say(
            version, TheirPerson(login="us"), decision.status, marked(decision.why, "decision", decision.id)
        )
        self._step("set_status", "after")
        return identity

    def read_back(self, versions, since: str = "") -> ReadBack:
        self._step("read_back", "before")
        assert all(isinstance(sent, Published) for sent in versions.values())
        notes = tuple(each for each in self.notes if each.version in versions and each.at >= since)
        changes = tuple(each for each in self.changes if each.version in versions and each.at >= since)
        return ReadBack(
            notes=notes, statuses=changes, until=max((each.at for each in (*notes, *changes)), default=since)
        )

    # what people do there

    def say(self, version: str, who: TheirPerson, status: str, text: str = "") -> str:
        """Somebody sets a status, with words of theirs as a note too, as a comment in Kitsu does."""
        identity = self._next("comment")
        plain, mark = unmarked(text)
        if not mark.startswith("version"):
            self.changes.append(
                TheirStatus(
                    id=identity, version=version, author=who, at=self._at(), status=status, text=plain, mark=mark
                )
            )
        if plain and not mark:
            self.notes.append(TheirNote(id=identity, version=version, author=who, at=self._at(), text=plain))
        return identity

    def note(self, version: str, who: TheirPerson, text: str, **more) -> str:
        identity = self._next("comment")
        plain, mark = unmarked(text)
        self.notes.append(
            TheirNote(id=identity, version=version, author=who, at=self._at(), text=plain, mark=mark, **more)
        )
        return identity

    def marks(self) -> list[str]:
        return [each.mark for each in (*self.notes, *self.changes) if each.mark]

    def _next(self, kind: str) -> str:
        return f"{kind} {next(self._ids)}"

    def _at(self) -> str:
        return f"2026-03-01T10:{next(self._ids):04d}"

    def _step(self, call: str, moment: str) -> None:
        if moment == "before":
            self.calls.append(call)
        if (call, moment) in self.outages:
            self.outages.remove((call, moment))
            raise TrackerUnreachable("memory: does not answer")
