"""Out to a tracker and back, the same for every tracker: nothing twice, nothing echoed, nothing overwritten. On both engines."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest

from tests.exchange.tracking import ANA, CLIENT, SPEC, MemoryTracker, desk_for, publish_version
from tests.review.conftest import engine_name, place, root, server, store  # noqa: F401 - fixtures
from tests.review.versions import name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.desk import Desk
from vfx_deepfake.exchange.publish import publish
from vfx_deepfake.exchange.pull import pull
from vfx_deepfake.exchange.tracker import TheirPerson, TrackerUnreachable, marked
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.ledger import events_after
from vfx_deepfake.review.links import to_send
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.notes import add_note, notes_of
from vfx_deepfake.review.people import set_user

STROKE = {"colour": "#ff8800", "width_px": 3, "points": [[1, 2], [3, 4]]}


ONE_ENGINE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)  # the database is not what is tested


@pytest.fixture
def tracker():
    return MemoryTracker()


@pytest.fixture
def desk(store, tracker):  # noqa: F811
    """v001 published there, with nothing said on it."""
    publish_version(store)
    set_user(store, "boss", "kitsu", role="artist")
    made = desk_for(store, tracker)
    publish(made, [name()])
    return made


def num_events(desk) -> int:
    with desk.store.reading() as session:
        return len(events_after(session, 0))


def lines(rows) -> list[str]:
    return [row["line"] for row in rows]


def test_a_version_goes_out_once_with_notes_and_decision(desk, tracker):
    (sent,) = tracker.versions.values()
    assert (sent.title, sent.movie_first, sent.first_frame, sent.last_frame) == ("sh0010_v001", 1000, 1001, 1003)
    assert (sent.width, sent.height) == (64, 36)
    first = add_note(desk.store, "art", name(), "lip", frames="1002-1003", drawing=[STROKE])
    add_note(desk.store, "sam", name(), "agreed", reply_to=first["id"])
    decide(desk.store, "sam", name(), "changes_requested", "the lip")
    (row,) = publish(desk, [name()])
    assert row["did"] == ["note of art: lip", "note of sam: agreed", "retake: the lip"]
    assert [(note.first_frame, note.last_frame, note.reply_to) for note in tracker.notes] == [
        (1002, 1003, ""),
        (None, None, tracker.notes[0].id),
    ]
    assert tracker.notes[0].drawing == (STROKE,)
    assert [(change.status, change.text) for change in tracker.changes] == [("retake", "the lip")]
    before = num_events(desk)
    assert publish(desk, [name()]) == [{**row, "did": []}]
    assert pull(desk) == []
    assert pull(desk) == []
    assert num_events(desk) == before + 1  # the mark of what was read
    assert len(tracker.versions) == 1


def test_what_they_say_comes_back_once_by_whom_it_was(desk, tracker):
    (version,) = tracker.versions
    tracker.say(version, ANA, "retake", "the lip is late")
    tracker.note(version, CLIENT, "lovely otherwise", first_frame=1002, last_frame=1002, drawing=(STROKE,))
    assert lines(pull(desk)) == [
        "note of Ana: the lip is late",
        "note of Carl Client: Carl Client: lovely otherwise",
        "changes requested: Ana",
    ]
    standing = about(desk.store, name())
    assert [standing[key] for key in ("state", "decided_by", "reason")] == [
        "changes_requested",
        "ana",
        "the lip is late",
    ]
    found = [(note["author"], note["text"], note["first_frame"], note["drawing"]) for note in standing["notes"]]
    assert found == [("ana", "the lip is late", None, []), ("kitsu", "Carl Client: lovely otherwise", 1002, [STROKE])]
    assert pull(desk) == []
    before = num_events(desk)
    assert pull(desk) == []
    assert publish(desk, [name()])[0]["did"] == []
    assert (num_events(desk), tracker.marks()) == (before, [])


@ONE_ENGINE
def test_a_reply_there_is_a_reply_here(desk, tracker):
    (version,) = tracker.versions
    ours = add_note(desk.store, "art", name(), "is this better?")
    publish(desk, [name()])
    tracker.note(version, ANA, "yes", reply_to=tracker.notes[0].id)
    pull(desk)
    assert [(note["text"], note["reply_to"]) for note in notes_of(desk.store, name())] == [
        ("is this better?", None),
        ("yes", ours["id"]),
    ]


@ONE_ENGINE
def test_who_is_no_supervisor_here_decides_nothing(desk, tracker):
    (version,) = tracker.versions
    tracker.say(version, CLIENT, "approved")
    tracker.say(version, TheirPerson(login="art@studio.com", name="Art"), "done")
    (row,) = pull(desk)
    assert row["conflict"]
    assert row["line"] == "Art says 'done' there and is no supervisor here; a supervisor decides"
    standing = about(desk.store, name())
    assert standing["state"] == "pending_review"
    assert [(note["author"], note["text"]) for note in standing["notes"]] == [("kitsu", f"kitsu: {row['line']}")]
    assert pull(desk) == []
    decide(desk.store, "sam", name(), "approved", "good")
    assert publish(desk, [name()])[0]["did"] == ["done is there already"]


@ONE_ENGINE
def test_a_client_whose_word_counts(store, tracker):  # noqa: F811
    publish_version(store)
    spec = dataclasses.replace(SPEC, supervisors=("client@film.com",), account="tracker")
    desk = desk_for(store, tracker, spec=spec)
    publish(desk, [name()])
    tracker.say(next(iter(tracker.versions)), CLIENT, "approved", "ship it")
    with pytest.raises(ReviewError, match=r"tracker: is not known .* 'vfx-deepfake review user tracker --role artist'"):
        pull(desk)
    set_user(store, "boss", "tracker", role="supervisor")
    pull(desk)
    standing = about(store, name())
    assert [standing[key] for key in ("state", "decided_by", "reason")] == [
        "approved",
        "tracker",
        "Carl Client: ship it",
    ]


def test_two_who_disagree_are_told_and_neither_is_overwritten(desk, tracker):
    (version,) = tracker.versions
    decide(desk.store, "sam", name(), "approved", "good")
    tracker.say(version, ANA, "retake", "not yet")
    (row,) = publish(desk, [name()])
    assert row["did"] == []
    assert "sam says approved here, Ana says 'retake' there" in row["conflicts"][0]
    rows = pull(desk)
    assert lines(rows) == ["note of Ana: not yet", "Ana says 'retake' there, here it is approved (by sam); that stands"]
    assert [row["conflict"] for row in rows] == [False, True]
    assert about(desk.store, name())["state"] == "approved"
    assert [change.status for change in tracker.changes] == ["retake"]
    assert pull(desk) == []
    assert publish(desk, [name()])[0]["conflicts"]


@ONE_ENGINE
def test_only_their_last_word_decides(desk, tracker):
    (version,) = tracker.versions
    tracker.say(version, ANA, "retake")
    tracker.say(version, ANA, "approved")
    pull(desk)
    assert about(desk.store, name())["state"] == "approved"
    assert pull(desk) == []
    assert publish(desk, [name()])[0] == {
        "shot": "sh0010",
        "version": "v001",
        "theirs": version,
        "did": [],
        "conflicts": [],
    }


@ONE_ENGINE
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["publish", "add_note", "set_status"])
def test_an_outage_in_the_middle_doubles_nothing(store, tracker, call, moment):  # noqa: F811
    publish_version(store)
    desk = desk_for(store, tracker)
    add_note(store, "art", name(), "lip")
    decide(store, "sam", name(), "approved", "good")
    tracker.outages = [(call, moment)]
    publish(desk, [name()])
    assert (len(tracker.versions), len(tracker.notes), len(tracker.changes)) == (1, 1, 1)
    assert len(set(tracker.marks())) == 2


@pytest.mark.parametrize("call", ["publish", "add_note", "set_status"])
def test_a_kill_before_the_link_doubles_nothing(store, tracker, call):  # noqa: F811
    """The tracker did it and the process was gone before it could be written down: the same as no more tries."""
    publish_version(store)
    desk = desk_for(store, tracker, waits_s=())
    add_note(store, "art", name(), "lip")
    decide(store, "sam", name(), "approved", "good")
    tracker.outages = [(call, "after")]
    with pytest.raises(TrackerUnreachable, match="does not answer"):
        publish(desk, [name()])
    pulled = pull(desk)  # whatever comes first, publish or pull
    assert pulled == []
    (row,) = publish(desk, [name()])
    assert (len(tracker.versions), len(tracker.notes), len(tracker.changes)) == (1, 1, 1)
    assert publish(desk, [name()]) == [{**row, "did": []}]


class DyingDesk(Desk):
    """Killed where it would write down a link of the first kind in ``dies``."""

    dies: ClassVar[list[str]] = []

    def keep(self, about_it, kind, theirs, **more):
        if kind in self.dies:
            raise KeyboardInterrupt
        super().keep(about_it, kind, theirs, **more)


@pytest.mark.parametrize("kind", ["note", "decision"])
def test_a_kill_in_the_middle_of_pull_doubles_nothing(desk, tracker, monkeypatch, kind):
    (version,) = tracker.versions
    tracker.say(version, ANA, "retake", "the lip is late")
    dying = DyingDesk(**{each.name: getattr(desk, each.name) for each in dataclasses.fields(desk)})
    monkeypatch.setattr(DyingDesk, "dies", [kind])
    with pytest.raises(KeyboardInterrupt):
        pull(dying)
    pull(desk)
    standing = about(desk.store, name())
    assert len(standing["notes"]) == 1
    assert [event["kind"] for event in standing["events"]].count("changes_requested") == 1
    assert pull(desk) == []


@ONE_ENGINE
def test_a_dry_run_says_it_all_and_does_nothing(store, tracker):  # noqa: F811
    publish_version(store)
    desk = desk_for(store, tracker)
    add_note(store, "art", name(), "lip")
    before = num_events(desk)
    (row,) = publish(desk, [name()], dry_run=True)
    assert row["did"] == ["movie sh0010_v001.mp4, wfa", "note of art: lip"]
    assert (num_events(desk), tracker.versions, tracker.notes) == (before, {}, [])
    publish(desk, [name()])
    tracker.say(next(iter(tracker.versions)), ANA, "approved")
    before = num_events(desk)
    assert lines(pull(desk, dry_run=True)) == ["changes requested: Ana"] or lines(pull(desk, dry_run=True)) == [
        "approved: Ana"
    ]
    assert num_events(desk) == before
    assert about(store, name())["state"] == "pending_review"


@ONE_ENGINE
def test_what_cannot_go_out_says_why(store, tracker):  # noqa: F811
    movie = publish_version(store)
    publish_version(store, shot="sh0020")
    desk = desk_for(store, tracker)
    with pytest.raises(ReviewError, match=r"sh0020 v001: memory: has no shot 'sh0020'; there are: sh0010"):
        publish(desk, [name(shot="sh0020")])
    tracker.foreign["p9"] = ("task of sh0010", 1)
    with pytest.raises(ReviewError, match=r"sh0010 v001: the tracker has another version with number 1 \(p9\)"):
        publish(desk, [name()])
    tracker.foreign.clear()
    movie.write_bytes(b"no movie")
    with pytest.raises(ReviewError, match=r"sh0010_v001.mp4: can't be read as a movie .*; restore it"):
        publish(desk, [name()])
    movie.unlink()
    with pytest.raises(ReviewError, match=r"sh0010_v001.mp4: is not there, and a tracker shows movies"):
        publish(desk, [name()])
    tracker.outages = [("find_shot", "before")] * 3
    with pytest.raises(TrackerUnreachable, match="sh0010 v001: memory: does not answer"):
        publish(desk, [name()])


@ONE_ENGINE
def test_odd_things_they_write_are_taken_as_they_can_be(desk, tracker):
    (version,) = tracker.versions
    tracker.note(version, ANA, "on the slate", first_frame=1000, last_frame=1000, drawing=(STROKE,))
    tracker.note(version, ANA, "bell \x07 and\r\nline")
    tracker.note(version, ANA, "x" * 20_000)
    tracker.note(version, ANA, "", first_frame=1000, last_frame=1000, drawing=(STROKE,))
    pull(desk)
    found = notes_of(desk.store, name())
    assert [note["text"][:16] for note in found] == ["on the slate", "bell   and\nline", "x" * 16, "(a drawing)"]
    assert [len(note["text"]) for note in found][2] == 10_000
    assert {note["first_frame"] for note in found} == {None}


def test_what_the_tracker_lacks(desk, tracker):
    def lacks():
        return [str(each) for each in to_send(desk.store, desk.place, "demo")]

    publish_version(desk.store, 2)
    assert lacks() == ["sh0010 v002"]
    publish(desk, [name(2)])
    assert lacks() == []
    note = add_note(desk.store, "art", name(2), "lip")
    assert lacks() == ["sh0010 v002"]
    publish(desk, [name(2)])
    add_note(desk.store, "art", name(), "and here", reply_to=None)
    decide(desk.store, "sam", name(2), "approved", "good")  # v001 is superseded by that
    assert lacks() == ["sh0010 v001", "sh0010 v002"]
    publish(desk, [name(), name(2)])
    tracker.note(next(reversed(tracker.versions)), ANA, "thanks", reply_to=tracker.notes[0].id)
    pull(desk)
    assert notes_of(desk.store, name(2))[-1]["reply_to"] == note["id"]
    assert lacks() == []
    assert to_send(desk.store, "another site", "demo") == []  # nothing is pending


@ONE_ENGINE
def test_a_mark_that_somebody_copies_along_is_not_ours(desk, tracker):
    ours = add_note(desk.store, "art", name(), "the lip")
    publish(desk, [name()])
    tracker.note(next(iter(tracker.versions)), ANA, marked("the lip\nyes, please", "note", ours["id"]))
    assert lines(pull(desk)) == ["note of Ana: the lip yes, please"]
    assert pull(desk) == []
    assert len(notes_of(desk.store, name())) == 2


@ONE_ENGINE
def test_what_is_too_large_or_elsewhere_does_not_stop_the_rest(desk, tracker):
    publish_version(desk.store, 2)
    publish(desk, [name(2)])
    first, second = tracker.versions
    tracker.note(first, ANA, "much", first_frame=1001, last_frame=1002, drawing=(STROKE,) * 501)
    tracker.note(second, ANA, "an answer to the other version", reply_to=tracker.notes[0].id)
    tracker.say(second, CLIENT, "retake", "x" * 20_000)
    pull(desk)
    (much,) = notes_of(desk.store, name())
    assert (much["drawing"], much["first_frame"], much["last_frame"]) == ([], 1001, 1002)
    assert [note["reply_to"] for note in notes_of(desk.store, name(2))] == [None, None, None]
    assert pull(desk) == []
