"""What an adapter to a studio's tracker implements, and the adapters by name. Knows no database and no tracker.

A tracker holds versions with a status and notes. An adapter translates between that and the plain data below; what to send, what to take
and what was sent before is decided in :mod:`.publish` and :mod:`.pull`, the same for every tracker. Nothing is done twice after a kill,
because all that we create there carries a mark of ours (:func:`marked`) and is looked for before it is created.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from vfx_deepfake.errors import RetryError, ReviewError
from vfx_deepfake.exchange.credentials import Credentials
from vfx_deepfake.settings.dailies import TrackerSpec

ADAPTERS = {"kitsu": "vfx_deepfake.exchange.kitsu", "shotgrid": "vfx_deepfake.exchange.shotgrid"}
_MARK = re.compile(r"\s*\[vfx ([a-z]+ [0-9a-f]{12,64})\]\s*\Z", re.ASCII)
MARK_DIGITS = 16  # of an id of 32 hex digits: enough among the notes of one version, and readable


class TrackerUnreachable(RetryError):
    """The tracker does not answer, or says that it can't just now; adapters raise it so that the call is tried again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What is known of a version that a tracker has. Frames are the shot's own numbers; pixels are the display window's."""

    show: str
    shot: str
    number: int  # 3 of v003; the revision there
    identity: str  # hash of the version's record, 64 hex digits; goes into its mark
    first_frame: int
    last_frame: int
    frame_rate: Fraction
    movie_first: int  # the frame number of the movie's first picture; a slate is the one before first_frame
    width: int
    height: int

    @property
    def version(self) -> str:
        """``v003``."""
        return f"v{self.number:03d}"

    @property
    def title(self) -> str:
        """``sh0010_v003``: what the version is called there, and how it is found again."""
        return f"{self.shot}_{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission(Published):
    """One version on its way out."""

    description: str
    author: str
    frames: str  # the EXRs, absolute, with #### for the frame number
    movie: Path  # H.264 without B-frames
    sheet: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OurNote:
    """A note of ours on its way out. ``id`` goes into its mark."""

    id: str
    author: str
    text: str
    first_frame: int | None = None  # None: the whole version
    last_frame: int | None = None
    drawing: tuple[Mapping[str, Any], ...] = ()  # strokes as review/words.py checks them
    reply_to: str = ""  # their id of the note that it answers


@dataclass(frozen=True, kw_only=True, slots=True)
class OurDecision:
    """A decision of ours on its way out. ``id`` goes into its mark."""

    id: str
    author: str
    status: str  # their word for it
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TheirVersion:
    """A version there. ``is_ours``: it carries our title or mark; ``is_complete``: nothing of it is missing, such as a movie cut short."""

    id: str
    is_ours: bool
    is_complete: bool
    url: str = ""  # its page, for people


@dataclass(frozen=True, kw_only=True, slots=True)
class TheirPerson:
    """Whoever wrote something there. ``login`` is what [tracker.people] names: an e-mail address in Kitsu."""

    login: str
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.login or "somebody"


@dataclass(frozen=True, kw_only=True, slots=True)
class TheirNote:
    """A note there, ours among them: then ``mark`` says which."""

    id: str
    version: str  # id of the version there
    author: TheirPerson
    at: str  # as the tracker says it
    text: str  # without our mark
    mark: str = ""  # "note 0123456789abcdef"
    first_frame: int | None = None
    last_frame: int | None = None
    drawing: tuple[Mapping[str, Any], ...] = ()
    reply_to: str = ""  # their id of the note that it answers


@dataclass(frozen=True, kw_only=True, slots=True)
class TheirStatus:
    """A change of status there, ours among them: then ``mark`` says which."""

    id: str
    version: str
    author: TheirPerson
    at: str
    status: str  # their word
    text: str  # the reason, where the tracker keeps one with the change
    mark: str = ""  # "decision 0123456789abcdef"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBack:
    """What stands on versions there, oldest first. ``until``: by their clock; given back next time, it keeps old ones from being read."""

    notes: tuple[TheirNote, ...] = ()
    statuses: tuple[TheirStatus, ...] = ()
    until: str = ""


class Tracker(Protocol):
    """One project of a tracker, logged in.

    Every method raises ReviewError in one line saying what was found and what to do (no such shot, task, status; not allowed), and
    TrackerUnreachable for what may pass. Ids are texts.
    """

    statuses: Mapping[
        str, tuple[str, ...]
    ]  # our state -> their words; the first one is set, all of them are understood

    def find_shot(self, show: str, shot: str) -> str:
        """Their id of what versions of a shot hang on. Raises: ReviewError naming the shots that look like it."""

    def find_version(self, shot: str, submission: Submission) -> TheirVersion | None:
        """The version with this number on ``shot`` (an id of :meth:`find_shot`), whoever made it; None where there is none."""

    def publish(self, shot: str, submission: Submission, found: TheirVersion | None) -> TheirVersion:
        """Make a version with movie, comment and the status for a pending one; or finish ``found``, which a kill left incomplete."""

    def add_note(self, shot: str, version: str, sent: Published, note: OurNote) -> str:
        """Write a note with its mark on the version with that id; returns the note's id there."""

    def set_status(self, shot: str, version: str, sent: Published, decision: OurDecision) -> str:
        """Set a version's status with reason and mark; returns the id there of that change."""

    def read_back(self, versions: Mapping[str, Published], since: str = "") -> ReadBack:
        """Notes and status changes of versions (their id -> what we published), at least all that came after ``since``."""


class OpenTracker(Protocol):
    """What an adapter's module has as ``open_tracker``."""

    def __call__(self, spec: TrackerSpec, credentials: Credentials, show: str) -> Tracker:
        """Log in and find the project: ``spec.project``, or the show's name. Raises: ReviewError, TrackerUnreachable."""


def marked(text: str, kind: str, identity: str) -> str:
    """A text with our mark at its end. kind: ``version``, ``note`` or ``decision``; identity: hex digits."""
    return f"{text}\n[vfx {kind} {identity[:MARK_DIGITS]}]".lstrip("\n")


def unmarked(text: str) -> tuple[str, str]:
    """A text without our mark, and the mark: ``note 0123456789abcdef``, empty where there is none."""
    found = _MARK.search(text)
    return (text[: found.start()], found.group(1)) if found else (text, "")


def mark_of(kind: str, identity: str) -> str:
    """The mark as :func:`unmarked` gives it."""
    return f"{kind} {identity[:MARK_DIGITS]}"


def adapter_named(name: str) -> OpenTracker:
    """How to open the tracker of that name.

    Raises: ReviewError with the known names, or with the extra that is not installed.
    """
    if name not in ADAPTERS:
        raise ReviewError(f"[tracker].kind: is '{name}'; choose one of {', '.join(ADAPTERS)}")
    try:
        module = importlib.import_module(ADAPTERS[name])
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("vfx_deepfake"):
            raise
        raise ReviewError(
            f"{error.name} is not installed; pip install 'vfx_deepfake[{name}]', then run this again"
        ) from error
    opened: OpenTracker = module.open_tracker
    return opened
