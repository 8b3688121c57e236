"""ShotGrid (Flow Production Tracking): our versions are its Versions, our notes its Notes and Replies, decisions a Version's status.

Who changed a status and when is read from its event log, without the changes that this script made. The reason for a decision of ours is a
Note beside it, because a status has none. Drawings stay here: the Note says on which frame there is one.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.credentials import Credentials
from vfx_deepfake.exchange.shotgrid_client import asking, connect
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
    mark_of,
    marked,
    unmarked,
)
from vfx_deepfake.review.models import APPROVED, CHANGES, PENDING
from vfx_deepfake.settings.dailies import TrackerSpec

# short codes of Version.sg_status_list; ShotGrid itself has none for "changes requested", so studios add one
STATUSES = {PENDING: ("rev", "vwd"), APPROVED: ("apr",), CHANGES: ("chg",)}
NOTE_FIELDS = ["subject", "content", "note_links", "user", "created_at"]
REPLY_FIELDS = ["entity", "content", "user", "created_at"]
EVENT_FIELDS = ["entity", "meta", "user", "created_at"]
VERSIONS_A_QUESTION = 50  # assumed: what a request's filter may well hold
OVERLAP = dt.timedelta(seconds=5)  # read again before "since": its clock has whole seconds
Data = dict[str, Any]


def open_tracker(spec: TrackerSpec, credentials: Credentials, show: str) -> ShotGrid:
    """Find the project; see :class:`.OpenTracker`."""
    client = connect(spec.site, credentials)
    name = spec.project or show
    with asking(spec.site):
        project = client.find_one("Project", [["name", "is", name]], ["name"])
    if project is None:
        raise ReviewError(
            f"{spec.site}: has no project '{name}' that this script may see; set [tracker].project, or give it access"
        )
    return ShotGrid(client, spec, project, credentials.login)


class ShotGrid:
    """One project of a ShotGrid site; see :class:`.Tracker`. ``script``: the name that this process goes by there."""

    statuses: Mapping[str, tuple[str, ...]] = STATUSES

    def __init__(self, client: Any, spec: TrackerSpec, project: Data, script: str) -> None:
        self.client, self.spec, self.script = client, spec, script
        self.project = {"type": "Project", "id": project["id"]}
        self._people: dict[int, TheirPerson] = {}
        self._words: list[str] = []

    def find_shot(self, show: str, shot: str) -> str:
        """See :meth:`.Tracker.find_shot`."""
        name = self.spec.shots.by_name.get(shot, shot)
        found = self._find("Shot", [["project", "is", self.project], ["code", "is", name]], ["code"])
        if found:
            return str(found[0]["id"])
        there = self._find("Shot", [["project", "is", self.project]], ["code"])
        known = ", ".join(itertools.islice(sorted(each["code"] or "" for each in there), 10)) or "none"
        raise ReviewError(
            f"{self.spec.site}: has no shot '{name}'; there are: {known}; make it there, or name it in [tracker.shots]"
        )

    def find_version(self, shot: str, submission: Submission) -> TheirVersion | None:
        """See :meth:`.Tracker.find_version`."""
        found = self._versions(shot, submission)
        return self._version(found[0], submission) if found else None

    def publish(self, shot: str, submission: Submission, found: TheirVersion | None) -> TheirVersion:
        """See :meth:`.Tracker.publish`: a Version with its mark, then its movie."""
        identity = int(found.id) if found else self._create_version(shot, submission)
        with asking(self.spec.site):
            self.client.upload("Version", identity, str(submission.movie), field_name="sg_uploaded_movie")
        return TheirVersion(id=str(identity), is_ours=True, is_complete=True, url=self._url(identity))

    def add_note(self, shot: str, version: str, sent: Published, note: OurNote) -> str:
        """See :meth:`.Tracker.add_note`."""
        drawn = f" (with a drawing on frame {note.first_frame})" if note.drawing else ""
        text = marked(f"{sent.title}{_where(note)}, {note.author}: {note.text}{drawn}", "note", note.id)
        if note.reply_to:
            return self._create("Reply", {"entity": self._root_of(note.reply_to), "content": text})
        return self._create_note(shot, version, f"{sent.title}{_where(note)}", text)

    def set_status(self, shot: str, version: str, sent: Published, decision: OurDecision) -> str:
        """See :meth:`.Tracker.set_status`: the status first, because the Note is what is looked for after a kill."""
        self._require_status(decision.status)
        with asking(self.spec.site):
            self.client.update("Version", int(version), {"sg_status_list": decision.status})
        text = marked(f"{decision.author}: {decision.why}", "decision", decision.id)
        return self._create_note(shot, version, f"{sent.title} {decision.status}", text)

    def read_back(self, versions: Mapping[str, Published], since: str = "") -> ReadBack:
        """See :meth:`.Tracker.read_back`."""
        notes: list[TheirNote] = []
        statuses: list[TheirStatus] = []
        wanted = [{"type": "Version", "id": int(identity)} for identity in versions]
        for start in range(0, len(wanted), VERSIONS_A_QUESTION):
            some = wanted[start : start + VERSIONS_A_QUESTION]
            self._read_notes(some, since, notes, statuses)
            statuses += self._changes(some, since)
        notes.sort(key=lambda note: (note.at, note.id))
        statuses.sort(key=lambda status: (status.at, status.id))
        times = [since, *(note.at for note in notes), *(status.at for status in statuses)]
        return ReadBack(notes=tuple(notes), statuses=tuple(statuses), until=max(times))

    def _read_notes(
        self, versions: Sequence[Data], since: str, notes: list[TheirNote], statuses: list[TheirStatus]
    ) -> None:
        """Notes on versions with all their replies; a Note that carries a decision of ours is a status."""
        found = self._find("Note", [["project", "is", self.project], _any("note_links", versions)], NOTE_FIELDS)
        about = {note["id"]: _linked(note, versions) for note in found}
        for note in found:
            said = self._note(note, str(about[note["id"]]), f"Note {note['id']}")
            if said.mark.startswith("decision"):
                status = (note["subject"] or "").rpartition(" ")[2]
                statuses.append(TheirStatus(id=said.id, version=said.version, author=said.author, at=said.at, status=status, text=said.text,
                                            mark=said.mark))  # fmt: skip
            elif said.at >= _before(since):
                notes.append(said)
        for reply in self._replies(found):
            root = reply["entity"]["id"]
            said = self._note(reply, str(about[root]), f"Reply {reply['id']}", f"Note {root}")
            if said.at >= _before(since):
                notes.append(said)

    def _replies(self, notes: Sequence[Data]) -> Iterator[Data]:
        linked = [{"type": "Note", "id": note["id"]} for note in notes]
        for start in range(0, len(linked), VERSIONS_A_QUESTION):
            yield from self._find("Reply", [_any("entity", linked[start : start + VERSIONS_A_QUESTION])], REPLY_FIELDS)

    def _changes(self, versions: Sequence[Data], since: str) -> list[TheirStatus]:
        """Changes of status by others, from the event log."""
        filters: list[Any] = [
            ["event_type", "is", "Shotgun_Version_Change"], ["attribute_name", "is", "sg_status_list"], _any("entity", versions),
        ]  # fmt: skip
        if since:
            filters.append(["created_at", "greater_than", dt.datetime.fromisoformat(_before(since))])
        return [
            TheirStatus(id=f"EventLogEntry {event['id']}", version=str(event["entity"]["id"]), author=self._person(event["user"]),
                        at=_time(event["created_at"]), status=str(event["meta"].get("new_value") or ""), text="")
            for event in self._find("EventLogEntry", filters, EVENT_FIELDS)
            if not self._is_us(event["user"]) and not event["meta"].get("in_create")
        ]  # fmt: skip

    def _is_us(self, user: Data | None) -> bool:
        return user is not None and user["type"] == "ApiUser" and user.get("name", self.script) == self.script

    def _note(self, found: Data, version: str, identity: str, reply_to: str = "") -> TheirNote:
        text, mark = unmarked(found["content"] or found.get("subject") or "")
        return TheirNote(id=identity, version=version, author=self._person(found["user"]), at=_time(found["created_at"]), text=text,
                         mark=mark, reply_to=reply_to)  # fmt: skip

    def _create_version(self, shot: str, submission: Submission) -> int:
        status = (self.spec.status.pending_review or STATUSES[PENDING])[0]
        self._require_status(status)
        entity = {"type": "Shot", "id": int(shot)}
        made = {
            "code": submission.title, "project": self.project, "entity": entity, "sg_task": self._task(entity),
            "user": self._user(submission.author), "description": marked(submission.description, "version", submission.identity),
            "sg_status_list": status, "sg_path_to_frames": _printf(submission.frames), "sg_path_to_movie": str(submission.movie),
            "sg_first_frame": submission.first_frame, "sg_last_frame": submission.last_frame,
            "frame_range": f"{submission.first_frame}-{submission.last_frame}",
            "frame_count": submission.last_frame - submission.first_frame + 1,
            "sg_movie_has_slate": submission.movie_first < submission.first_frame,
        }  # fmt: skip
        return int(
            self._create("Version", {key: value for key, value in made.items() if value is not None}).split()[-1]
        )

    def _create_note(self, shot: str, version: str, subject: str, text: str) -> str:
        links = [{"type": "Version", "id": int(version)}, {"type": "Shot", "id": int(shot)}]
        return self._create("Note", {"project": self.project, "subject": subject, "content": text, "note_links": links})

    def _create(self, kind: str, data: Data) -> str:
        with asking(self.spec.site):
            return f"{kind} {self.client.create(kind, data)['id']}"

    def _find(self, kind: str, filters: list[Any], fields: list[str]) -> list[Data]:
        with asking(self.spec.site):
            found: list[Data] = self.client.find(kind, filters, fields)
        return found

    def _versions(self, shot: str, submission: Submission) -> list[Data]:
        """Versions of that name; ours first."""
        entity = {"type": "Shot", "id": int(shot)}
        filters = [["project", "is", self.project], ["entity", "is", entity], ["code", "is", submission.title]]
        found = self._find("Version", filters, ["code", "description", "sg_uploaded_movie"])
        return sorted(found, key=lambda each: not self._is_ours(each, submission))

    def _is_ours(self, version: Data, submission: Submission) -> bool:
        return unmarked(version["description"] or "")[1] == mark_of("version", submission.identity)

    def _version(self, found: Data, submission: Submission) -> TheirVersion:
        complete = bool(found["sg_uploaded_movie"])
        return TheirVersion(
            id=str(found["id"]),
            is_ours=self._is_ours(found, submission),
            is_complete=complete,
            url=self._url(found["id"]),
        )

    def _url(self, identity: int) -> str:
        return f"{self.spec.site.rstrip('/')}/detail/Version/{identity}"

    def _root_of(self, identity: str) -> Data:
        """The Note that a note or reply of theirs hangs on; replies there have no replies."""
        kind, _, number = identity.partition(" ")
        if kind == "Note":
            return {"type": "Note", "id": int(number)}
        found = self._find("Reply", [["id", "is", int(number)]], ["entity"])
        if not found:
            raise ReviewError(f"{self.spec.site}: {identity} is gone; the answer to it can't be sent")
        return {"type": "Note", "id": found[0]["entity"]["id"]}

    def _task(self, entity: Data) -> Data | None:
        if not self.spec.task:
            return None
        found = self._find("Task", [["entity", "is", entity]], ["content"])
        for task in found:
            if (task["content"] or "").lower() == self.spec.task.lower():
                return {"type": "Task", "id": task["id"]}
        known = ", ".join(sorted(task["content"] or "" for task in found)) or "none"
        raise ReviewError(
            f"{self.spec.site}: the shot has no task '{self.spec.task}'; there are: {known}; set [tracker].task, empty for none"
        )

    def _user(self, ours: str) -> Data | None:
        """Their person behind one of our users; None for nobody there."""
        login = next((theirs for theirs, name in self.spec.people.by_name.items() if name == ours), ours)
        found = self._find("HumanUser", [["login", "is", login]], ["login"])
        return {"type": "HumanUser", "id": found[0]["id"]} if found else None

    def _person(self, user: Data | None) -> TheirPerson:
        if not user or user["type"] != "HumanUser":
            return TheirPerson(login="", name=(user or {}).get("name", ""))
        if user["id"] not in self._people:
            people = self._find("HumanUser", [], ["login", "name"])
            self._people = {
                each["id"]: TheirPerson(login=each["login"] or "", name=each["name"] or "") for each in people
            }
        return self._people.get(user["id"], TheirPerson(login=""))

    def _require_status(self, word: str) -> None:
        """Raises: ReviewError listing the statuses that a Version can have there."""
        if not self._words:
            with asking(self.spec.site):
                found = self.client.schema_field_read("Version", "sg_status_list")["sg_status_list"]["properties"]
            self._words = list(found.get("valid_values", {}).get("value") or [word])
        if word not in self._words:
            raise ReviewError(
                f"{self.spec.site}: Versions have no status '{word}'; there are: {', '.join(self._words)}; "
                "add it there, or set [tracker.status]"
            )


def _any(field: str, entities: Iterable[Data]) -> Data:
    """A filter: the field is, or has among its links, one of these."""
    return {"filter_operator": "any", "filters": [[field, "is", entity] for entity in entities]}


def _linked(note: Data, versions: Sequence[Data]) -> int:
    """The version that a note is on; the first one of several."""
    wanted = {version["id"] for version in versions}
    return next(int(link["id"]) for link in note["note_links"] if link["type"] == "Version" and link["id"] in wanted)


def _time(at: dt.datetime | None) -> str:
    """Their time in UTC, so that times can be compared as text."""
    return at.astimezone(dt.UTC).isoformat(timespec="seconds") if at else ""


def _before(since: str) -> str:
    return _time(dt.datetime.fromisoformat(since) - OVERLAP) if since else ""


def _printf(pattern: str) -> str:
    """``####`` as ``%04d``."""
    head, _, tail = pattern.partition("#")
    rest = tail.lstrip("#")
    return f"{head}%0{1 + len(tail) - len(rest)}d{rest}"


def _where(note: OurNote) -> str:
    if note.first_frame is None:
        return ""
    single = note.first_frame == note.last_frame
    return f" frame {note.first_frame}" if single else f" frames {note.first_frame}-{note.last_frame}"
