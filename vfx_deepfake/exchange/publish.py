"""Versions, notes and decisions to a studio's tracker: each once, however often this runs and wherever it was killed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ReviewError, located
from vfx_deepfake.exchange.desk import Desk, facts_of, from_facts
from vfx_deepfake.exchange.tracker import OurDecision, OurNote, Published, ReadBack, Submission, TheirStatus, mark_of
from vfx_deepfake.exchange.versions import Described, describe
from vfx_deepfake.progress import SILENT, Progress
from vfx_deepfake.review.decisions import DECISIONS
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.links import DECISION, NOTE, VERSION
from vfx_deepfake.review.models import PENDING

Row = dict[str, Any]


def publish(
    desk: Desk, names: Sequence[VersionName], *, dry_run: bool = False, progress: Progress = SILENT
) -> list[Row]:
    """Bring versions, with their notes and decisions, to the tracker; what is there already stays.

    Returns: one row a version: ``did``, lines saying what was done (with ``dry_run``: would be), and ``conflicts``, what is left undone
    because they say something else. Raises: ReviewError, TrackerUnreachable; what was done until then is kept.
    """
    progress.start("publish", len(names), "versions")
    rows = []
    for done, name in enumerate(names, 1):
        with located(str(name)):
            rows.append(_Outbox(desk, name, dry_run).send())
        progress.advance(done, str(name))
    progress.finish()
    return rows


def submission_of(described: Described) -> Submission:
    """A version as it goes out.

    Raises: ReviewError where it has no movie.
    """
    movie, sheet = described.paths.movie, described.paths.sheet
    if not movie.is_file():
        raise ReviewError(
            f"{movie}: is not there, and a tracker shows movies; put the version's files back, or publish the next version with "
            "[review].movie"
        )
    pictures, *size_px = _look_into(movie)
    width, height = described.size_px if all(described.size_px) else size_px  # the movie's sides may have been padded
    standing, note = described.standing, described.setting("shot", "note")
    return Submission(
        show=described.name.show, shot=described.name.shot, number=described.name.number, identity=standing["record_hash"],
        first_frame=described.frames[0], last_frame=described.frames[-1], frame_rate=described.rate,
        movie_first=described.frames[0] - max(pictures - len(described.frames), 0), width=width, height=height,
        description=f"{note}\nframes {standing['frames']}".strip(), author=str(described.origin.get("author", "")),
        frames=described.paths.exr, movie=movie, sheet=sheet if sheet.is_file() else None,
    )  # fmt: skip


class _Outbox:
    """One version on its way out: what is missing there is looked for by its mark first, then created, then linked."""

    def __init__(self, desk: Desk, name: VersionName, dry_run: bool) -> None:
        self.desk, self.name, self.dry_run = desk, name, dry_run
        self.described = describe(desk.store, name)
        self.did: list[str] = []
        self.conflicts: list[str] = []
        self.theirs = ""  # id of the version there
        self.there = ReadBack()  # what stands on it

    def send(self) -> Row:
        """The version, then its notes in the order they were written, then its decisions."""
        self.shot = self.desk.patiently(lambda: self.desk.tracker.find_shot(self.name.show, self.name.shot))
        self.sent = self._version()
        if self.theirs:
            self.there = self._read()
        self._notes()
        self._decisions()
        return {
            "shot": self.name.shot,
            "version": self.name.version,
            "theirs": self.theirs,
            "did": self.did,
            "conflicts": self.conflicts,
        }

    def _version(self) -> Published:
        linked = self.desk.linked(self.name, VERSION)
        if linked:
            self.theirs = linked[-1]["theirs"]
            return from_facts(linked[-1]["facts"])
        submission = submission_of(self.described)
        found = self.desk.patiently(lambda: self.desk.tracker.find_version(self.shot, submission))
        if found and not found.is_ours:
            raise ReviewError(
                f"the tracker has another version with number {submission.number} ({found.url or found.id}), which does not come from "
                "here; remove or renumber that one there, or publish the next version"
            )
        line = f"movie {submission.movie.name}, {self.desk.words(PENDING)[0]}"
        self.did.append("found there" if found and found.is_complete else line)
        if self.dry_run:
            self.theirs = found.id if found else ""
            return submission
        if not (found and found.is_complete):
            found = self.desk.patiently(lambda: self._publish(submission))
        self.theirs = found.id
        self.desk.keep(self.name, VERSION, found.id, facts=facts_of(submission))
        return submission

    def _publish(self, submission: Submission) -> Any:
        """Again after an outage it finds what the first try has left there."""
        found = self.desk.tracker.find_version(self.shot, submission)
        return found if found and found.is_complete else self.desk.tracker.publish(self.shot, submission, found)

    def _read(self) -> ReadBack:
        return self.desk.patiently(lambda: self.desk.tracker.read_back({self.theirs: self.sent}))

    def _notes(self) -> None:
        linked = {row["ours"]: row["theirs"] for row in self.desk.linked(self.name, NOTE)}
        for note in sorted(self.described.standing["notes"], key=lambda each: each["at"]):
            if note["id"] in linked:
                continue
            out = OurNote(
                id=note["id"], author=note["author"], text=note["text"], first_frame=note["first_frame"], last_frame=note["last_frame"],
                drawing=tuple(note["drawing"]), reply_to=linked.get(note["reply_to"], ""),
            )  # fmt: skip
            linked[note["id"]] = self._once(
                NOTE, note["id"], f"note of {note['author']}: {_begin(note['text'])}",
                partial(self.desk.tracker.add_note, self.shot, self.theirs, self.sent, out),
            )  # fmt: skip

    def _decisions(self) -> None:
        linked = {row["ours"] for row in self.desk.linked(self.name, DECISION)}
        for event in self.described.standing["events"]:
            if event["kind"] not in DECISIONS or event["digest"] in linked:
                continue
            said = self._they_say()
            if said and self.desk.decision_of(said.status) != event["kind"]:
                self.conflicts.append(
                    f"{self.name}: {event['who']} says {event['kind'].replace('_', ' ')} here, {said.author} says '{said.status}' there "
                    f"({said.at}); nothing is changed there; run 'review pull', talk to them, or publish the next version"
                )
                continue
            if said:
                self.did.append(f"{said.status} is there already")
                self._link(DECISION, said.id, event["digest"])
                continue
            out = OurDecision(
                id=event["digest"], author=event["who"], status=self.desk.words(event["kind"])[0], why=event["why"]
            )
            self._once(
                DECISION, event["digest"], f"{out.status}: {_begin(event['why'])}",
                partial(self.desk.tracker.set_status, self.shot, self.theirs, self.sent, out),
            )  # fmt: skip

    def _they_say(self) -> TheirStatus | None:
        """The last decision that somebody made there and not we."""
        theirs = [each for each in self.there.statuses if not each.mark and self.desk.decision_of(each.status)]
        return theirs[-1] if theirs else None

    def _once(self, kind: str, ours: str, line: str, create: Callable[[], str]) -> str:
        """Create what is not there, and link it. After an outage what is there is read again: the first try may have come through."""
        found = _marked_so(self.there, mark_of(kind, ours))
        self.did.append(f"found there: {line}" if found else line)
        if self.dry_run:
            return found
        first = True

        def found_or_created() -> str:
            nonlocal first
            if not first:
                self.there = self.desk.tracker.read_back({self.theirs: self.sent})
            first = False
            return _marked_so(self.there, mark_of(kind, ours)) or create()

        found = self.desk.patiently(found_or_created)
        self._link(kind, found, ours)
        return found

    def _link(self, kind: str, theirs: str, ours: str) -> None:
        if not self.dry_run:
            self.desk.keep(self.name, kind, theirs, ours=ours)


def _marked_so(there: ReadBack, mark: str) -> str:
    items: Iterable[Any] = (*there.notes, *there.statuses)
    return next((each.id for each in items if each.mark == mark), "")


def _begin(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def _look_into(movie: Path) -> tuple[int, int, int]:
    """Pictures of a movie, width and height in pixels."""
    import av

    try:
        with av.open(str(movie)) as container:
            video = container.streams.video[0]
            return video.frames, video.width, video.height
    except (av.error.FFmpegError, IndexError) as error:
        raise ReviewError(f"{movie}: can't be read as a movie ({error}); restore it") from error
