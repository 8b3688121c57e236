"""Registering, deciding, notes, playlists and people, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.review.versions import CHECKPOINT, QC, evidence, make_version, name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review import links, people
from vfx_deepfake.review.decisions import DECISIONS, MOVES, decide
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.journal import read_journal
from vfx_deepfake.review.ledger import check_chain, events_after
from vfx_deepfake.review.links import link
from vfx_deepfake.review.listing import about, list_versions
from vfx_deepfake.review.models import STATES, Event, Head, Part, Version
from vfx_deepfake.review.notes import add_note, notes_of, resolve_note
from vfx_deepfake.review.playlists import list_playlists, remove_playlist, set_playlist
from vfx_deepfake.review.registering import register, register_shot
from vfx_deepfake.shot import load_shot

STROKE = {"colour": "#ff8800", "width_px": 3, "points": [[10.5, 20.25], [-4.0, 7.5]]}


def put(store, version=1, who="art", **more):
    return register(store, who, evidence(make_version(store.place.root, version, **more), store.place.root))


def all_events(store):
    with store.reading() as session:
        return events_after(session, 0)


def state(store, version=1):
    return about(store, name(version))["state"]


# registering


def test_a_version_is_registered_once(store):
    assert put(store)["created"] is True
    before = all_events(store)
    assert put(store)["created"] is False
    assert all_events(store) == before
    assert [row["version"] for row in list_versions(store)] == ["v001"]


def test_another_record_under_the_same_number_is_refused(store):
    put(store)
    with pytest.raises(
        ReviewError, match=r"sh0010 v001: another record is registered .* a published version never changes"
    ):
        put(store, strength=0.5)


def test_a_shot_registers_all_its_published_versions_and_only_those(store):
    make_version(store.place.root, 1)
    make_version(store.place.root, 2)
    shot = load_shot(store.place.root / "sh0010")
    assert [row["created"] for row in register_shot(store, "art", shot, [2])] == [True]
    assert [row["created"] for row in register_shot(store, "art", shot)] == [True, False]
    with pytest.raises(ReviewError, match="sh0010: v007 is not published"):
        register_shot(store, "art", shot, [7])


def test_a_record_in_another_versions_folder_is_refused(store):
    file = make_version(store.place.root, 1)
    file.parent.rename(file.parent.with_name("v004"))
    with pytest.raises(ReviewError, match="says sh0010 v001; want sh0010 v004"):
        register_shot(store, "art", load_shot(store.place.root / "sh0010"))


def test_two_folders_that_claim_one_shot_are_refused_and_a_moved_one_is_followed(store):
    put(store)
    root = store.place.root
    make_version(root / "copy", 2)
    with pytest.raises(ReviewError, match="sh0010: is on record from .*show/sh0010, whose versions are still there"):
        register(store, "art", evidence(root / "copy/sh0010/versions/v002/version.json", root))
    (root / "sh0010").rename(root / "gone")
    register(store, "art", evidence(root / "copy/sh0010/versions/v002/version.json", root))
    assert about(store, name(2))["folder"] == str(root / "copy/sh0010/versions/v002")
    assert all_events(store)[-2]["kind"] == "shot_moved"


NO_NAMES = ["../sh0020", "a/b", ".hidden", "x" * 65, "a\x00b", "sh\u00e4", "x\n", None, 7]


@pytest.mark.parametrize("bad", NO_NAMES)
@pytest.mark.parametrize("field", ["shot", "show", "author"])
def test_a_name_can_not_leave_its_folder(tmp_path, field, bad):
    more = {
        "shot": {"shot": bad},
        "show": {"settings": {"shot": {"show": bad}}},
        "author": {"made_by": {"user": bad, "host": "h"}},
    }[field]
    file = make_version(tmp_path, 1, record=more)
    with pytest.raises(ReviewError, match="use up to 64 letters, digits"):
        evidence(file, tmp_path)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"version": "../v001"}, "want v001"),
        ({"inputs_hash": "12"}, "want a SHA-256"),
        ({"frames_hash": None}, "want a SHA-256"),
        ({"inputs": []}, "has no table 'inputs'"),
        ({"inputs": {"frames": 5}}, "want a range such as"),
        ({"made_at": "yesterday"}, "made_at: is 'yesterday'; want 2026"),
    ],
)
def test_a_record_that_is_none_is_one_line(tmp_path, more, line):
    with pytest.raises(ReviewError, match=line):
        evidence(make_version(tmp_path, 1, record=more), tmp_path)


def test_runs_and_qc_numbers_come_along(store):
    put(store, run=True, qc=QC)
    found = about(store, name())
    assert found["qc_verdict"] == "look"
    assert found["qc"] == [
        {"measure": "gaze", "value": None, "verdict": "not measured", "worst_frame": None},
        {"measure": "seam", "value": 0.02, "verdict": "look", "worst_frame": 1002},
    ]
    with store.reading() as session:
        version = session.scalars(sa.select(Version)).one()
        assert version.run.checkpoint_hash == CHECKPOINT
        assert version.run.seconds == 61.5


def test_versions_share_what_they_were_made_from(store):
    put(store, 1)
    put(store, 2, strength=0.5)
    with store.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Part)) == 6  # five areas, one of them twice


# states


def test_every_move_is_allowed_or_refused_as_the_table_says(store):
    """Each state is reached as people reach it, then each decision tried on it; 4 states x 2 decisions."""
    reach = {"pending_review": [], "approved": [(1, "approved")], "changes_requested": [(1, "changes_requested")],
             "superseded": [(2, "approved")]}  # fmt: skip
    assert set(reach) == set(STATES) == set(MOVES)
    for number, (start, wanted) in enumerate(itertools.product(STATES, DECISIONS)):
        shot = f"sh{number:04d}"
        put(store, 1, shot=shot)
        put(store, 2, shot=shot)
        for version, decision in reach[start]:
            decide(store, "ana", name(version, shot), decision, "because")
        if wanted in MOVES[start]:
            assert decide(store, "sam", name(1, shot), wanted, "yes")["state"] == wanted
        else:
            with pytest.raises(
                ReviewError, match=rf"{shot} v001: ana was first: {start.replace('_', ' ')} at 20.*because '"
            ):
                decide(store, "sam", name(1, shot), wanted, "no")
            assert about(store, name(1, shot))["state"] == start


def test_a_decision_says_who_when_and_why(store):
    put(store)
    decide(store, "ana", name(), "changes_requested", "  the lip slips\nin 1002 ")
    event = all_events(store)[-1]
    assert (event["kind"], event["who"], event["why"]) == ("changes_requested", "ana", "the lip slips\nin 1002")
    assert (event["shot"], event["version"], event["data"]["from"]) == ("sh0010", "v001", "pending_review")
    found = about(store, name())
    assert (found["decided_by"], found["decided_at"], found["reason"]) == ("ana", event["at"], event["why"])


def test_the_same_decision_again_is_no_second_event(store):
    put(store)
    first = decide(store, "ana", name(), "approved", "good", seen=1)
    before = all_events(store)
    assert decide(store, "ana", name(), "approved", "good", seen=1) == first
    assert all_events(store) == before


def test_approving_supersedes_older_versions_and_the_one_approved_before(store):
    for number in (1, 2, 3, 4):
        put(store, number)
    decide(store, "ana", name(1), "changes_requested", "no")
    decide(store, "ana", name(3), "approved", "yes")
    assert [state(store, n) for n in (1, 2, 3, 4)] == ["superseded", "superseded", "approved", "pending_review"]
    decide(store, "ana", name(4), "approved", "better")
    assert [state(store, n) for n in (3, 4)] == ["superseded", "approved"]
    put(store, 5)
    put(store, 6)
    decide(store, "ana", name(6), "approved", "best")
    assert [state(store, n) for n in (4, 5, 6)] == ["superseded", "superseded", "approved"]
    assert all_events(store)[-1]["why"] == "v006 is approved"


def test_a_page_that_is_out_of_date_can_not_decide(store):
    put(store)
    with store.writing() as session:  # any change of the row, while the decision still could be made
        session.scalars(sa.select(Version)).one().host = "elsewhere"
    with pytest.raises(ReviewError, match=r"sh0010 v001: has changed since you looked at it \(now pending review\)"):
        decide(store, "ana", name(), "approved", "good", seen=1)
    assert decide(store, "ana", name(), "approved", "good", seen=2)["revision"] == 3


@pytest.mark.parametrize("wrong", ["pending_review", "superseded", "final", ""])
def test_only_decisions_are_decided(store, wrong):
    put(store)
    with pytest.raises(ReviewError, match="is no decision; choose one of approved, changes_requested"):
        decide(store, "ana", name(), wrong, "why")


@pytest.mark.parametrize("why", ["", "  \n", "a\x00b", None])
def test_a_decision_needs_a_reason(store, why):
    put(store)
    with pytest.raises(ReviewError, match="sh0010 v001: the reason: is"):
        decide(store, "ana", name(), "approved", why)
    assert state(store) == "pending_review"


def test_an_unknown_version_names_the_known_ones(store):
    put(store, 2)
    with pytest.raises(ReviewError, match="sh0010 v003: is not registered; on record: v002"):
        decide(store, "ana", name(3), "approved", "why")
    with pytest.raises(ReviewError, match="want a version such as v003"):
        about(store, VersionName("demo", "sh0010", "newest"))


# events


@pytest.mark.parametrize(
    "change", ["UPDATE events SET who = 'sam'", "DELETE FROM events", "TRUNCATE events", "replace"]
)
def test_the_database_refuses_to_change_an_event(store, engine_name, change):
    put(store)
    if engine_name == "sqlite":
        change = {"TRUNCATE events": "DELETE FROM events WHERE seq = 1"}.get(change, change)
        change = change.replace(
            "replace",
            "INSERT OR REPLACE INTO events SELECT seq, at, 'sam', kind, why, show, shot, version, data, digest FROM events",
        )
    else:
        change = change.replace("replace", "UPDATE events SET why = 'x' WHERE seq = 1")
    before = all_events(store)
    with pytest.raises(DBAPIError, match="events are append-only"), store.writing() as session:
        session.execute(sa.text(change))
    assert all_events(store) == before


def test_events_are_numbered_without_gaps_and_hang_together(store):
    put(store)
    decide(store, "ana", name(), "approved", "ok")
    events = all_events(store)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    check_chain(events, "test")
    assert read_journal(store.place.journal) == events
    for index, field in itertools.product((0, len(events) - 1), ("who", "why", "at", "data")):
        changed = [dict(event) for event in events]
        changed[index][field] = "forged"
        with pytest.raises(ReviewError, match=f"test: event {index + 1} is not what was written"):
            check_chain(changed, "test")
    with pytest.raises(ReviewError, match="test: event 3 follows 1; events are missing"):
        check_chain([events[0], *events[2:]], "test")


def test_a_change_that_fails_leaves_no_event(store):
    before = all_events(store)
    with pytest.raises(ReviewError, match="is not registered"):
        set_playlist(store, "ana", "demo", "monday", [("sh0010", "v001")])
    with pytest.raises(ZeroDivisionError, match="division"), store.writing() as session:
        session.add(Event(seq=session.get_one(Head, 1).seq + 1, at="", who="", kind="", why="", show="", shot="", version="",
                          data={}, digest=""))  # fmt: skip
        session.flush()
        _ = 1 / 0
    assert all_events(store) == before == read_journal(store.place.journal)


# notes


def test_notes_on_frames_ranges_and_the_whole_with_drawings_and_replies(store):
    put(store)
    whole = add_note(store, "art", name(), "first pass")
    frame = add_note(store, "ana", name(), "lip", frames="1002", drawing=[STROKE])
    add_note(store, "sam", name(), "", frames="1001-1003", drawing=[STROKE])
    reply = add_note(store, "art", name(), "fixed it", reply_to=frame["id"])
    assert reply["reply_to"] == frame["id"]
    assert frame["drawing"] == [STROKE]
    found = notes_of(store, name())
    assert [(n["first_frame"], n["last_frame"]) for n in found] == [
        (None, None),
        (None, None),
        (1001, 1003),
        (1002, 1002),
    ]
    assert list_versions(store)[0]["open_notes"] == 3  # a reply is part of the note it answers
    assert resolve_note(store, "art", whole["id"])["resolved_by"] == "art"
    before = all_events(store)
    assert resolve_note(store, "ana", whole["id"])["resolved_by"] == "art"
    assert all_events(store) == before
    assert list_versions(store)[0]["open_notes"] == 2
    assert resolve_note(store, "ana", whole["id"], done=False)["resolved_by"] == ""


def test_a_note_that_is_sent_twice_is_written_once(store):
    put(store)
    first = add_note(store, "ana", name(), "lip", frames="1002", note_id="0" * 32)
    assert add_note(store, "ana", name(), "lip", frames="1002", note_id="0" * 32) == first
    assert len(notes_of(store, name())) == 1
    with pytest.raises(ReviewError, match="another note has the id 0000"):
        add_note(store, "sam", name(), "lip", frames="1002", note_id="0" * 32)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"text": ""}, "the note: is empty"),
        ({"frames": "1004"}, "has frames 1001-1003; 1004 is outside"),
        ({"drawing": [STROKE]}, "a drawing needs its frame"),
        ({"reply_to": "f" * 32}, "has no note 'ffff"),
        ({"note_id": "../../etc"}, "want 32 hex digits"),
        ({"text": "x" * 10_001}, "has 10001 characters; want at most 10000"),
        ({"text": "\ud800"}, "want plain text"),
    ],
)
def test_a_note_that_can_not_be_is_refused(store, more, line):
    put(store)
    with pytest.raises(ReviewError, match=line):
        add_note(store, "ana", name(), **{"text": "lip", **more})
    assert notes_of(store, name()) == []


# playlists


def test_playlists_are_made_changed_and_removed(store):
    put(store, 1)
    put(store, 2)
    put(store, 1, shot="sh0020")
    set_playlist(store, "ana", "demo", "monday am", [("sh0020", "v001"), ("sh0010", "v002")])
    assert list_playlists(store, "demo") == [
        {"name": "monday am", "versions": [["sh0020", "v001"], ["sh0010", "v002"]]}
    ]
    set_playlist(store, "ana", "demo", "monday am", [("sh0010", "v002"), ("sh0020", "v001"), ("sh0010", "v001")])
    before = all_events(store)
    set_playlist(store, "ana", "demo", "monday am", [("sh0010", "v002"), ("sh0020", "v001"), ("sh0010", "v001")])
    assert all_events(store) == before
    assert [v for _, v in list_playlists(store, "demo")[0]["versions"]] == ["v002", "v001", "v001"]
    remove_playlist(store, "ana", "demo", "monday am")
    assert list_playlists(store, "demo") == []
    with pytest.raises(ReviewError, match="no playlist 'monday am' in show 'demo'"):
        remove_playlist(store, "ana", "demo", "monday am")
    with pytest.raises(ReviewError, match="sh0010 v001 is in it twice"):
        set_playlist(store, "ana", "demo", "x", [("sh0010", "v001")] * 2)
    with pytest.raises(ReviewError, match="playlist: is '../x'"):
        set_playlist(store, "ana", "demo", "../x", [])


# people

DOES = {
    "register": lambda store, who: put(store, 2, who),
    "note": lambda store, who: add_note(store, who, name(), "hm"),
    "decide": lambda store, who: decide(store, who, name(), "approved", "ok"),
    "playlist": lambda store, who: set_playlist(store, who, "demo", "p", [("sh0010", "v001")]),
    "people": lambda store, who: people.set_user(store, who, "new"),
    "publish": lambda store, who: link(
        store, who, name(), tracker="t", kind=links.VERSION, theirs="1", direction=links.OUT
    ),
    "pull": lambda store, who: link(store, who, name(), tracker="t", kind=links.NOTE, theirs="2", direction=links.IN),
}


@pytest.mark.parametrize("action", sorted(DOES))
def test_each_role_may_do_what_it_may(store, action):
    """All actions x (stranger, switched off, artist, supervisor, admin), weakest first."""
    assert set(DOES) == set(people.NEEDS)
    put(store)
    people.set_user(store, "boss", "off", role="admin", active=False)
    before = all_events(store)
    for who, role in (("nobody", ""), ("off", ""), ("art", "artist"), ("ana", "supervisor"), ("boss", "admin")):
        if role and people.ROLES.index(role) >= people.ROLES.index(people.NEEDS[action]):
            DOES[action](store, who)
            assert len(all_events(store)) > len(before)
            return
        with pytest.raises(ReviewError, match=f"^{who}: is (not known|switched off|{role}; to {action} takes)"):
            DOES[action](store, who)
        assert all_events(store) == before


def test_the_last_admin_stays(store):
    for change in ({"role": "artist"}, {"active": False}):
        with pytest.raises(ReviewError, match="no active admin would be left"):
            people.set_user(store, "boss", "boss", **change)
    assert [user["name"] for user in people.list_users(store) if user["role"] == "admin" and user["active"]] == ["boss"]


def test_passwords_are_argon2_hashes_and_stay_in_the_database(store):
    people.set_password(store, "art", "art", "correct horse")
    with store.reading() as session:
        kept = session.execute(sa.text("SELECT password_hash FROM users WHERE name = 'art'")).scalar_one()
    assert kept.startswith("$argon2id$")
    assert kept not in store.place.journal.read_text()
    assert people.check_password(store, "art", "correct horse")["role"] == "artist"
    assert people.check_password(store, "art", "wrong horse") is None
    assert people.check_password(store, "ana", "correct horse") is None
    assert people.check_password(store, "nobody", "correct horse") is None
    with pytest.raises(ReviewError, match="art: is artist; to people takes admin"):
        people.set_password(store, "art", "ana", "correct horse")
    with pytest.raises(ReviewError, match="password: has 5 characters; want 10 to 1024"):
        people.set_password(store, "art", "art", "short")
    people.set_user(store, "boss", "art", active=False)
    assert people.check_password(store, "art", "correct horse") is None


# lists


def test_lists_narrow_by_state_text_and_newest(store):
    put(store, 1)
    put(store, 2)
    put(store, 1, shot="sh0020")
    put(store, 1, shot="sh_030", show="other")
    decide(store, "ana", name(1), "approved", "ok")
    rows = lambda **more: [(row["shot"], row["version"]) for row in list_versions(store, **more)]  # noqa: E731
    assert rows() == [("sh0010", "v002"), ("sh0010", "v001"), ("sh0020", "v001"), ("sh_030", "v001")]
    assert rows(newest_only=True, show="demo") == [("sh0010", "v002"), ("sh0020", "v001")]
    assert rows(state="approved") == [("sh0010", "v001")]
    assert rows(search="H00") == [("sh0010", "v002"), ("sh0010", "v001"), ("sh0020", "v001")]
    assert rows(search="sh_") == [("sh_030", "v001")]
    assert rows(search="' OR 1=1 --") == []
    assert rows(limit=1, offset=2) == [("sh0020", "v001")]
    with pytest.raises(ReviewError, match="state: is 'good'; choose one of pending_review"):
        list_versions(store, state="good")
