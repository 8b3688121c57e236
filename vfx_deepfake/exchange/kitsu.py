"""Kitsu, through gazu: a version is a preview of a shot's task, its number the revision; notes and decisions are comments of the task.

What a comment without a preview is about is not said by Kitsu: it is taken to be about the newest preview at that time. A status belongs to
the task, so a decision on a version that is not the newest one any more is said in a comment and leaves the status alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import gazu

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange import kitsu_drawing
from vfx_deepfake.exchange.credentials import Credentials
from vfx_deepfake.exchange.kitsu_client import asking, connect
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
    Tracker,
    mark_of,
    marked,
    unmarked,
)
from vfx_deepfake.review.models import APPROVED, CHANGES, PENDING
from vfx_deepfake.settings.dailies import TrackerSpec

STATUSES = {
    PENDING: ("wfa",),
    APPROVED: ("approved", "done"),
    CHANGES: ("retake", "rejected"),
}  # short names of a new Kitsu
Data = dict[str, Any]


def open_tracker(spec: TrackerSpec, credentials: Credentials, show: str) -> Tracker:
    """Log in and find project and task type; see :class:`.OpenTracker`."""
    client = connect(spec.site, credentials)
    name = spec.project or show
    with asking(spec.site):
        projects = gazu.project.all_open_projects(client=client)
        types = gazu.task.all_task_types(client=client)
    project = _named(
        projects, name, f"{spec.site}: has no open project '{name}'", "set [tracker].project, or ask for access to it"
    )
    kind = _named(types, spec.task, f"{spec.site}: has no task type '{spec.task}'", "set [tracker].task")
    return Kitsu(client, spec, project, kind)


class Kitsu:
    """One project of a Kitsu; see :class:`.Tracker`. The id of a shot is that of its task, the id of a version that of its preview."""

    statuses: Mapping[str, tuple[str, ...]] = STATUSES

    def __init__(self, client: Any, spec: TrackerSpec, project: Data, task_type: Data) -> None:
        self.client, self.spec, self.project, self.task_type = client, spec, project, task_type
        self._tasks: dict[str, Data] = {}  # by what a shot is called there
        self._words: dict[str, Data] = {}  # statuses by short name
        self._people: dict[str, TheirPerson] = {}

    def find_shot(self, show: str, shot: str) -> str:
        """See :meth:`.Tracker.find_shot`."""
        name = self.spec.shots.by_name.get(shot, shot)
        if not self._tasks:
            self._read_tasks()
        found = [task for called, task in self._tasks.items() if name in (called, called.rpartition("/")[2])]
        where = f"{self.spec.site}: {self.project['name']}"
        if len(found) > 1:
            raise ReviewError(
                f'{where}: has {name} in several sequences; say which one in [tracker.shots], {shot} = "SQ01/{name}"'
            )
        if not found:
            known = ", ".join(itertools.islice(sorted(self._tasks), 10)) or "none"
            raise ReviewError(
                f"{where}: has no shot '{name}'; there are: {known}; make it there, or name it in [tracker.shots]"
            )
        if not found[0]["id"]:
            raise ReviewError(
                f"{where}: {name} has no task '{self.task_type['name']}'; make it there, or set [tracker].task"
            )
        return str(found[0]["id"])

    def find_version(self, shot: str, submission: Submission) -> TheirVersion | None:
        """See :meth:`.Tracker.find_version`."""
        comment = self._announcement(shot, submission)
        if comment is not None:
            preview = next(iter(comment["previews"]), None)
            return (
                self._version(shot, preview, True) if preview else TheirVersion(id="", is_ours=True, is_complete=False)
            )
        others = [preview for preview in self._previews(shot) if preview["revision"] == submission.number]
        return self._version(shot, others[0], False) if others else None

    def publish(self, shot: str, submission: Submission, found: TheirVersion | None) -> TheirVersion:
        """See :meth:`.Tracker.publish`: a comment with the mark and the status, on it a preview, in it the movie."""
        comment = self._announcement(shot, submission)
        with asking(self.spec.site):
            if comment is None:
                text = marked(
                    f"{submission.title} by {submission.author}\n{submission.description}",
                    "version",
                    submission.identity,
                )
                comment = self._comment(shot, self.status_id(self._own(PENDING)), text)
            preview = next(iter(comment.get("previews", [])), None)
            if preview is None:
                preview = gazu.task.create_preview(shot, comment["id"], revision=submission.number, client=self.client)
            if not preview.get("original_name"):
                gazu.task.upload_preview_file(preview["id"], str(submission.movie), client=self.client)
            whole = gazu.files.get_preview_file(preview["id"], client=self.client)
        return self._version(shot, whole, True)

    def add_note(self, shot: str, version: str, sent: Published, note: OurNote) -> str:
        """See :meth:`.Tracker.add_note`: the drawing first, so that the comment, which is looked for, is there only with it."""
        where = _where(note)
        text = marked(f"{sent.title}{where}, {note.author}: {note.text}", "note", note.id)
        with asking(self.spec.site):
            if note.drawing:
                addition = kitsu_drawing.annotation(note, sent)
                gazu.client.put(
                    f"actions/preview-files/{version}/update-annotations", {"additions": [addition]}, client=self.client
                )
            if note.reply_to:
                return str(gazu.task.reply_to_comment(shot, note.reply_to, text, client=self.client)["id"])
            return str(self._comment(shot, self._present(shot), text)["id"])

    def set_status(self, shot: str, version: str, sent: Published, decision: OurDecision) -> str:
        """See :meth:`.Tracker.set_status`."""
        is_newest = max((preview["revision"] for preview in self._previews(shot)), default=sent.number) <= sent.number
        text = marked(f"{sent.title} {decision.status} by {decision.author}: {decision.why}", "decision", decision.id)
        with asking(self.spec.site):
            status = self.status_id(decision.status) if is_newest else self._present(shot)
            return str(self._comment(shot, status, text)["id"])

    def read_back(self, versions: Mapping[str, Published], since: str = "") -> ReadBack:
        """See :meth:`.Tracker.read_back`; of tasks that nobody wrote to since, nothing is fetched but their names."""
        if since or not self._tasks:
            self._read_tasks()
        notes: list[TheirNote] = []
        statuses: list[TheirStatus] = []
        until = since
        tasks = {self._task_of(version, sent) for version, sent in versions.items()}
        for task in (each for each in self._tasks.values() if each["id"] in tasks):
            moved = max(task["last_comment_date"] or "", task["updated_at"] or "")
            if moved >= since:
                until = max(until, moved)
                self._read_task(task["id"], versions, notes, statuses)
        notes.sort(key=lambda note: note.at)
        statuses.sort(key=lambda status: status.at)
        return ReadBack(notes=tuple(notes), statuses=tuple(statuses), until=until)

    def _task_of(self, version: str, sent: Published) -> str:
        """The task of a version, of a shot that was renamed there too; empty for one that is gone with all that was said on it."""
        try:
            return self.find_shot(sent.show, sent.shot)
        except ReviewError:
            try:
                with asking(self.spec.site):
                    return str(gazu.files.get_preview_file(version, client=self.client)["task_id"])
            except ReviewError:
                return ""

    def _read_task(
        self, task: str, versions: Mapping[str, Published], notes: list[TheirNote], statuses: list[TheirStatus]
    ) -> None:
        previews = {preview["id"]: preview for preview in self._previews(task)}
        before = ""
        for comment in self._comments(task):
            word = comment["task_status"]["short_name"].lower()
            about = self._about(comment, list(previews.values()), versions)
            if about in versions:
                said = _Said(comment, about, self._person(comment["person_id"]))
                if not said.mark.startswith("version"):
                    if word != before or said.mark.startswith("decision"):
                        statuses.append(said.status(word))
                    if said.has_text and not said.mark.startswith("decision"):
                        notes.append(said.note())
                notes.extend(said.replies(self._person))
            before = word
        for preview in previews.values():
            if preview["id"] in versions:
                notes.extend(kitsu_drawing.drawn(preview, versions[preview["id"]], self._person))

    @staticmethod
    def _about(comment: Data, previews: list[Data], versions: Mapping[str, Published]) -> str:
        """The preview that a comment is about: its own; of ours the one that its text begins with; else the newest one at that time."""
        if comment["previews"]:
            return str(comment["previews"][0]["id"])
        text, mark = unmarked(comment["text"] or "")
        if mark:
            here = {preview["id"] for preview in previews}
            named = (
                each
                for each, sent in versions.items()
                if each in here and text.startswith((f"{sent.title} ", f"{sent.title},"))
            )
            return next(named, "")
        earlier = [preview for preview in previews if preview["created_at"] <= comment["created_at"]]
        return str(max(earlier, key=lambda preview: preview["created_at"])["id"]) if earlier else ""

    def _announcement(self, task: str, submission: Submission) -> Data | None:
        mark = mark_of("version", submission.identity)
        return next((comment for comment in self._comments(task) if unmarked(comment["text"] or "")[1] == mark), None)

    def _version(self, task: str, preview: Data, is_ours: bool) -> TheirVersion:
        url = f"{self.spec.site.rstrip('/')}/productions/{self.project['id']}/shots/tasks/{task}"
        return TheirVersion(id=preview["id"], is_ours=is_ours, is_complete=bool(preview.get("original_name")), url=url)

    def _comment(self, task: str, status: str, text: str) -> Data:
        found: Data = gazu.task.add_comment(task, status, text, client=self.client)
        return found

    def _comments(self, task: str) -> list[Data]:
        """Oldest first, with previews and replies."""
        with asking(self.spec.site):
            found = gazu.task.all_comments_for_task(task, client=self.client)
        return sorted(found, key=lambda comment: comment["created_at"])

    def _previews(self, task: str) -> list[Data]:
        with asking(self.spec.site):
            found: list[Data] = gazu.task.all_previews_for_task(task, client=self.client)
        return found

    def _read_tasks(self) -> None:
        with asking(self.spec.site):
            sequences = {
                each["id"]: each["name"]
                for each in gazu.shot.all_sequences_for_project(self.project, client=self.client)
            }
            shots = gazu.shot.all_shots_for_project(self.project, client=self.client)
            tasks = gazu.task.all_tasks_for_project(self.project, task_type=self.task_type, client=self.client)
        by_shot = {task["entity_id"]: task for task in tasks}
        empty = {"id": "", "last_comment_date": "", "updated_at": ""}
        self._tasks = {
            f"{sequences.get(shot['parent_id'], '')}/{shot['name']}": by_shot.get(shot["id"], empty) for shot in shots
        }

    def _own(self, state: str) -> str:
        own: tuple[str, ...] = getattr(self.spec.status, state)
        return (own or self.statuses[state])[0]

    def status_id(self, word: str) -> str:
        """Their id of a status. Raises: ReviewError listing those that there are."""
        if not self._words:
            with asking(self.spec.site):
                found = gazu.task.all_task_statuses(client=self.client)
            self._words = {status["short_name"].lower(): status for status in found}
        if word.lower() not in self._words:
            raise ReviewError(
                f"{self.spec.site}: has no status '{word}'; there are: {', '.join(sorted(self._words))}; set [tracker.status]"
            )
        return str(self._words[word.lower()]["id"])

    def _present(self, task: str) -> str:
        """The status of a task as it is: a comment always carries one."""
        found: Data = gazu.task.get_task(task, client=self.client)
        return str(found["task_status_id"])

    def _person(self, identity: str) -> TheirPerson:
        if identity not in self._people:
            with asking(self.spec.site):
                people = gazu.person.all_persons(client=self.client)
            self._people.update(
                {each["id"]: TheirPerson(login=each.get("email") or "", name=each["full_name"]) for each in people}
            )
        return self._people.get(identity, TheirPerson(login=""))


class _Said:
    """One comment as note, status and replies."""

    def __init__(self, comment: Data, version: str, author: TheirPerson) -> None:
        self.comment, self.version, self.author = comment, version, author
        self.text, self.mark = unmarked(comment["text"] or "")

    @property
    def has_text(self) -> bool:
        return bool(self.text.strip())

    def status(self, word: str) -> TheirStatus:
        return TheirStatus(id=self.comment["id"], version=self.version, author=self.author, at=self.comment["created_at"], status=word,
                           text=self.text, mark=self.mark)  # fmt: skip

    def note(self) -> TheirNote:
        return TheirNote(id=self.comment["id"], version=self.version, author=self.author, at=self.comment["created_at"], text=self.text,
                         mark=self.mark)  # fmt: skip

    def replies(self, person: Any) -> Iterator[TheirNote]:
        for reply in self.comment.get("replies") or []:
            text, mark = unmarked(reply["text"] or "")
            yield TheirNote(id=reply["id"], version=self.version, author=person(reply["person_id"]), at=reply["date"], text=text, mark=mark,
                            reply_to=self.comment["id"])  # fmt: skip


def _named(found: list[Data], name: str, problem: str, do: str) -> Data:
    for each in found:
        if each["name"].lower() == name.lower():
            return each
    known = ", ".join(sorted(each["name"] for each in found)[:20]) or "none"
    raise ReviewError(f"{problem}; there are: {known}; {do}")


def _where(note: OurNote) -> str:
    if note.first_frame is None:
        return ""
    return (
        f" frame {note.first_frame}"
        if note.first_frame == note.last_frame
        else f" frames {note.first_frame}-{note.last_frame}"
    )
