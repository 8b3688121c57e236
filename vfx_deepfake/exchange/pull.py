"""What a studio's tracker says of our versions, as notes and decisions here: each once, and nothing of our own comes back.

A person that [tracker.people] names acts here as that user. Anybody else is written down by the tracker's account, with their name in the
text. A status there becomes a decision here where that person may decide; else, and where somebody here was first, it becomes a note.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vfx_deepfake.errors import ReviewError, located
from vfx_deepfake.exchange.desk import Desk
from vfx_deepfake.exchange.tracker import Published, ReadBack, TheirNote, TheirPerson, TheirStatus, mark_of
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.progress import SILENT, Progress
from vfx_deepfake.review import words
from vfx_deepfake.review.decisions import DECISIONS, MOVES, decide
from vfx_deepfake.review.find import VersionName, pending_names
from vfx_deepfake.review.links import DECISION, IN, NOTE, READ, UNTIL
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.models import ROLES
from vfx_deepfake.review.notes import add_note
from vfx_deepfake.review.people import NEEDS, list_users

Row = dict[str, Any]
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def pull(desk: Desk, *, dry_run: bool = False, progress: Progress = SILENT) -> list[Row]:
    """Take what was said on published versions since the last time.

    Returns: one row for each thing that came: version, ``line``, and ``conflict`` where a status could not become a decision.
    Raises: ReviewError, TrackerUnreachable; what was taken until then is kept.
    """
    sent = desk.sent()
    if not sent:
        return []
    marks = desk.linked(kind=READ)
    since = marks[0]["ours"] if marks else ""
    there = _read(desk, sent, since)
    inbox = _Inbox(desk, sent, there, dry_run)
    steps: tuple[TheirNote | TheirStatus, ...] = (*there.notes, *inbox.last_statuses())
    progress.start("pull", len(steps), "notes")
    for done, said in enumerate(steps, 1):
        with located(str(inbox.name_of(said))):
            inbox.take(said)
        progress.advance(done)
    if there.until > since and not dry_run:
        desk.keep(None, READ, UNTIL, ours=there.until, direction=IN)
    progress.finish()
    return inbox.rows


def _read(desk: Desk, sent: Mapping[str, tuple[VersionName, Published]], since: str) -> ReadBack:
    """What stands there. Versions that wait for a decision are read whole: not every tracker says when a reply or a drawing came."""
    with desk.store.reading() as session:
        waiting = set(pending_names(session))
    ask: dict[bool, dict[str, Published]] = {True: {}, False: {}}
    for theirs, (name, facts) in sent.items():
        ask[name in waiting][theirs] = facts
    decided = desk.patiently(lambda: desk.tracker.read_back(ask[False], since)) if ask[False] else ReadBack(until=since)
    open_ones = desk.patiently(lambda: desk.tracker.read_back(ask[True])) if ask[True] else ReadBack()
    return ReadBack(
        notes=decided.notes + open_ones.notes, statuses=decided.statuses + open_ones.statuses, until=decided.until
    )


class _Inbox:
    """What came, sorted into what is known and what is new."""

    def __init__(
        self, desk: Desk, sent: Mapping[str, tuple[VersionName, Published]], there: ReadBack, dry_run: bool
    ) -> None:
        self.desk, self.sent, self.there, self.dry_run = desk, sent, there, dry_run
        self.rows: list[Row] = []
        self.account = desk.spec.account or desk.spec.kind
        self.users = {user["name"]: user for user in list_users(desk.store) if user["active"]}
        known = desk.linked()
        self.ours = {(row["kind"], row["theirs"]): row["ours"] for row in known}
        self.linked_here = {(row["kind"], row["ours"]) for row in known}

    def name_of(self, said: TheirNote | TheirStatus) -> VersionName:
        """Our version that something was said on."""
        return self.sent[said.version][0]

    def last_statuses(self) -> list[TheirStatus]:
        """All of ours, and of theirs the last decision on each version: what they changed their mind about is none."""
        last: dict[str, TheirStatus] = {}
        for status in self.there.statuses:
            if status.mark or self.desk.decision_of(status.status):
                last[status.id if status.mark else status.version] = status
        return list(last.values())

    def take(self, said: TheirNote | TheirStatus) -> None:
        """Take one thing, or see that it is here already."""
        kind = NOTE if isinstance(said, TheirNote) else DECISION
        if (kind, said.id) in self.ours:
            return
        if said.mark and self._is_ours(kind, said):
            return
        if isinstance(said, TheirNote):
            self._note(said)
        else:
            self._status(said)

    def _is_ours(self, kind: str, said: TheirNote | TheirStatus) -> bool:
        """Whether it came from here; its link is written where a kill came in between. A mark that somebody copied along is theirs."""
        standing = about(self.desk.store, self.name_of(said))
        ids = [note["id"] for note in standing["notes"]] if kind == NOTE else [
            event["digest"] for event in standing["events"] if event["kind"] in DECISIONS
        ]  # fmt: skip
        ours = next((each for each in ids if mark_of(kind, each) == said.mark), "")
        if (kind, ours) in self.linked_here:
            return False
        if ours and not self.dry_run:
            self.desk.keep(self.name_of(said), kind, said.id, ours=ours)
            self.linked_here.add((kind, ours))
        return True

    def _note(self, said: TheirNote) -> None:
        user = self._user(said.author)
        words_of_theirs = said.text.strip() or "(a drawing)"
        text = _plain(words_of_theirs if user else f"{said.author}: {words_of_theirs}")
        self._say(said, f"note of {said.author}: {' '.join(text.split())[:60]}")
        if self.dry_run:
            return
        ours = self._write(user or self.account, said, text)
        self.ours[NOTE, said.id] = ours
        self.desk.keep(self.name_of(said), NOTE, said.id, ours=ours, direction=IN)

    def _write(self, who: str, said: TheirNote, text: str) -> str:
        """Write it under an id that follows from theirs, so that a kill before the link costs nothing."""
        name, ours = self.name_of(said), _id_for(self.desk.place, said.id)
        standing = about(self.desk.store, name)
        known = {note["id"] for note in standing["notes"]}
        if ours not in known:
            frames = _frames(said, parse_frames(standing["frames"]))
            answered = self.ours.get((NOTE, said.reply_to), "")
            add_note(self.desk.store, who, name, text, frames=frames, drawing=_strokes(said) if frames else [], note_id=ours,
                     reply_to=answered if answered in known else None)  # fmt: skip
        return ours

    def _status(self, said: TheirStatus) -> None:
        name, state = self.name_of(said), self.desk.decision_of(said.status)
        standing = about(self.desk.store, name)
        if standing["state"] == state:
            self._link_decision(said, standing)
        elif state not in MOVES[standing["state"]]:
            here = standing["state"].replace("_", " ")
            by = f" (by {standing['decided_by']})" if standing["decided_by"] else ""
            self._refuse(said, f"{said.author} says '{said.status}' there, here it is {here}{by}; that stands")
        elif not (who := self._decider(said.author)):
            self._refuse(
                said, f"{said.author} says '{said.status}' there and is no supervisor here; a supervisor decides"
            )
        else:
            self._say(said, f"{state.replace('_', ' ')}: {said.author}")
            if not self.dry_run:
                why = said.text.strip() or f"'{said.status}' in {self.desk.spec.kind}"
                why = why if self._user(said.author) == who else f"{said.author}: {why}"
                decide(self.desk.store, who, name, state, _plain(why))
                self._link_decision(said, about(self.desk.store, name))

    def _refuse(self, said: TheirStatus, line: str) -> None:
        """It becomes a note, once; what is decided here stays, and what is set there stays."""
        self._say(said, line, conflict=True)
        if self.dry_run:
            return
        note = TheirNote(id=f"status {said.id}", version=said.version, author=said.author, at=said.at, text="")
        ours = self._write(self.account, note, f"{self.desk.spec.kind}: {line}")
        self.desk.keep(
            self.name_of(said), NOTE, note.id, ours=ours, direction=IN
        )  # what they said does not go out to them again
        self.desk.keep(self.name_of(said), DECISION, said.id, direction=IN)

    def _link_decision(self, said: TheirStatus, standing: Mapping[str, Any]) -> None:
        decisions = [event["digest"] for event in standing["events"] if event["kind"] == standing["state"]]
        if not self.dry_run:
            self.desk.keep(self.name_of(said), DECISION, said.id, ours=decisions[-1], direction=IN)

    def _user(self, person: TheirPerson) -> str:
        """Who they are here; empty for nobody."""
        user = self.desk.spec.people.by_name.get(person.login, "")
        return user if user in self.users else ""

    def _decider(self, person: TheirPerson) -> str:
        """Our user in whose name their status counts; empty where it does not."""
        user = self._user(person)
        if user and ROLES.index(self.users[user]["role"]) >= ROLES.index(NEEDS["decide"]):
            return user
        if person.login not in self.desk.spec.supervisors:
            return ""
        if self.account not in self.users:
            raise ReviewError(
                f"{self.account}: writes down what {person} says and is not known here; an admin changes that with "
                f"'vfx-deepfake review user {self.account} --role supervisor'"
            )
        return self.account

    def _say(self, said: TheirNote | TheirStatus, line: str, *, conflict: bool = False) -> None:
        name = self.name_of(said)
        self.rows.append({"shot": name.shot, "version": name.version, "line": line, "conflict": conflict})


def _id_for(place: str, theirs: str) -> str:
    return hashlib.sha256(f"{place}\n{theirs}".encode()).hexdigest()[:32]


def _frames(said: TheirNote, there: Sequence[int]) -> str:
    """Frames as a note here wants them; none where they are not the version's, such as the slate."""
    first, last = said.first_frame, said.last_frame
    if first is None or last is None or not first <= last or not {first, last} <= set(there):
        return ""
    return f"{first}-{last}" if last > first and set(range(first, last)) <= set(there) else str(first)


def _strokes(said: TheirNote) -> list[dict[str, Any]]:
    """Their drawing as the store takes it; none where it is too large to keep."""
    try:
        return words.drawing([dict(stroke) for stroke in said.drawing])
    except ReviewError:
        return []


def _plain(text: str) -> str:
    """Their text as the store takes it."""
    found = _UNPRINTABLE.sub(" ", text.replace("\r\n", "\n")).strip()
    return found if len(found) <= words.LONGEST_TEXT else f"{found[: words.LONGEST_TEXT - 1]}…"
