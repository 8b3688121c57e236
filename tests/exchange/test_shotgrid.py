"""ShotGrid by its library's own Mockgun: out, back, killed in between, and what it refuses."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import logging
import threading
from dataclasses import replace

import pytest

pytest.importorskip("shotgun_api3", reason="shotgun_api3 is not installed (extra: shotgrid)")

import shotgun_api3

from tests.exchange.shotgrid_site import Site, write_schema
from tests.exchange.tracking import desk_for, publish_version
from tests.review.versions import name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange import shotgrid, shotgrid_client
from vfx_deepfake.exchange.credentials import Credentials
from vfx_deepfake.exchange.publish import publish
from vfx_deepfake.exchange.pull import pull
from vfx_deepfake.exchange.tracker import TrackerUnreachable, adapter_named, unmarked
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.notes import add_note, notes_of
from vfx_deepfake.review.people import set_user
from vfx_deepfake.settings.dailies import Names, StatusSpec, TrackerSpec

SPEC = TrackerSpec(
    kind="shotgrid", site="https://sg.test", people=Names({"ana@studio.com": "ana", "art@studio.com": "art"})
)
KEY = Credentials(login="vfx", password="key")
STROKE = {"colour": "#ff8800", "width_px": 3, "points": [[1, 2], [3, 4]]}


@pytest.fixture
def site(tmp_path_factory, monkeypatch):
    write_schema(tmp_path_factory.mktemp("schema"))
    made = Site()
    monkeypatch.setattr(shotgrid, "connect", lambda *_: made)
    return made


@pytest.fixture
def desk(store, site):
    publish_version(store)
    set_user(store, "boss", "shotgrid", role="artist")
    return desk_for(store, shotgrid.open_tracker(SPEC, KEY, "demo"), spec=SPEC)


def sent_version(site):
    (version,) = site.rows("Version")
    return version


def test_a_version_has_the_fields_that_studios_use(desk, site):
    (row,) = publish(desk, [name()])
    version = sent_version(site)
    folder = desk.store.place.root / "sh0010/versions/v001"
    said = {key: version[key] for key in (
        "code", "sg_status_list", "sg_first_frame", "sg_last_frame", "frame_range", "frame_count", "sg_movie_has_slate",
        "sg_path_to_frames", "sg_path_to_movie",
    )}  # fmt: skip
    assert said == {
        "code": "sh0010_v001", "sg_status_list": "rev", "sg_first_frame": 1001, "sg_last_frame": 1003, "frame_range": "1001-1003",
        "frame_count": 3, "sg_movie_has_slate": True, "sg_path_to_frames": f"{folder}/exr/sh0010_v001.%04d.exr",
        "sg_path_to_movie": f"{folder}/review/sh0010_v001.mp4",
    }  # fmt: skip
    assert (version["entity"]["id"], version["sg_task"]["id"], version["project"]["id"]) == (site.shot["id"], 1, 1)
    assert site.uploads[version["id"], "sg_uploaded_movie"] == (folder / "review/sh0010_v001.mp4").read_bytes()
    assert row["theirs"] == str(version["id"])
    assert publish(desk, [name()]) == [{**row, "did": []}]
    assert len(site.rows("Version")) == 1


def test_notes_replies_and_a_decision_go_out_once(desk, site):
    first = add_note(desk.store, "art", name(), "lip", frames="1002-1003", drawing=[STROKE])
    second = add_note(desk.store, "sam", name(), "agreed", reply_to=first["id"])
    add_note(desk.store, "art", name(), "and done", reply_to=second["id"])
    decide(desk.store, "sam", name(), "changes_requested", "the lip")
    publish(desk, [name()])
    note, reason = site.rows("Note")
    assert note["subject"] == "sh0010_v001 frames 1002-1003"
    assert unmarked(note["content"])[0] == "sh0010_v001 frames 1002-1003, art: lip (with a drawing on frame 1002)"
    assert {link["type"] for link in note["note_links"]} == {"Version", "Shot"}
    assert [(reply["entity"]["id"], unmarked(reply["content"])[0]) for reply in site.rows("Reply")] == [
        (note["id"], "sh0010_v001, sam: agreed"),
        (note["id"], "sh0010_v001, art: and done"),
    ]
    assert sent_version(site)["sg_status_list"] == "chg"
    assert unmarked(reason["content"])[0] == "sam: the lip"
    before = [len(site.rows(kind)) for kind in ("Version", "Note", "Reply", "EventLogEntry")]
    assert publish(desk, [name()])[0]["did"] == []
    assert pull(desk) == []  # nothing of our own comes back
    assert [len(site.rows(kind)) for kind in ("Version", "Note", "Reply", "EventLogEntry")] == before


def test_what_people_say_there_comes_back_once(desk, site):
    publish(desk, [name()])
    version = sent_version(site)["id"]
    note = site.say("carl", version, "lovely <b>but</b> =late\nsecond line")
    site.as_person("ana", site.create, "Reply", {"entity": note, "content": "I agree"})
    site.as_person("ana", site.update, "Version", version, {"sg_status_list": "vwd"})  # looked at: no decision
    site.as_person("ana", site.update, "Version", version, {"sg_status_list": "apr"})
    found = pull(desk)
    assert len(found) == 3
    assert [row["conflict"] for row in found if row.get("conflict")] == []
    said = notes_of(desk.store, name())
    assert [(note["author"], note["text"], bool(note["reply_to"])) for note in said] == [
        ("shotgrid", "Carl: lovely <b>but</b> =late\nsecond line", False),
        ("ana", "I agree", True),
    ]
    standing = about(desk.store, name())
    assert (standing["state"], standing["decided_by"]) == ("approved", "ana")
    assert pull(desk) == []
    assert publish(desk, [name()])[0]["did"] == []
    assert len(site.rows("Note")) == 1


def test_an_answer_to_their_note_hangs_on_it(desk, site):
    publish(desk, [name()])
    theirs = site.say("ana", sent_version(site)["id"], "why?")
    pull(desk)
    (note,) = notes_of(desk.store, name())
    add_note(desk.store, "art", name(), "because", reply_to=note["id"])
    publish(desk, [name()])
    (reply,) = site.rows("Reply")
    assert reply["entity"]["id"] == theirs["id"]


@pytest.mark.parametrize("call", ["create Version", "created Version", "upload Version", "create Note", "created Note", "update Version",
                                  "updated Version", "create Reply", "created Reply"])  # fmt: skip
def test_cut_off_anywhere_nothing_is_doubled_or_lost(desk, site, call):
    """The first try does or does not come through before the line goes; the second finds what is there."""
    note = add_note(desk.store, "art", name(), "lip", frames="1002")
    add_note(desk.store, "sam", name(), "agreed", reply_to=note["id"])
    decide(desk.store, "sam", name(), "approved", "fine")
    site.outages = [call]
    with pytest.raises(TrackerUnreachable, match="does not answer"):
        publish(replace(desk, waits_s=()), [name()])  # no second try: as if it was killed there
    publish(desk, [name()])
    assert publish(desk, [name()])[0]["did"] == []
    assert [len(site.rows(kind)) for kind in ("Version", "Note", "Reply")] == [1, 2, 1]
    version = sent_version(site)
    assert version["sg_status_list"] == "apr"
    assert version["sg_uploaded_movie"]
    assert pull(desk) == []


def test_a_line_that_is_cut_often_is_tried_again(desk, site):
    add_note(desk.store, "art", name(), "lip", frames="1002")
    site.outages = ["created Version", "upload Version", "created Note", "create Note"]
    publish(desk, [name()])
    assert site.outages in ([], ["create Note"])  # what came through is found and not sent again
    assert [len(site.rows(kind)) for kind in ("Version", "Note")] == [1, 1]


def test_a_version_of_somebody_elses_is_left_alone(desk, site):
    project = {"type": "Project", "id": 1}
    site.create("Version", {"code": "sh0010_v001", "entity": site.shot, "project": project, "description": "by hand"})
    with pytest.raises(
        ReviewError,
        match=r"sh0010 v001: the tracker has another version with number 1 \(https://sg.test/detail/Version/1\)",
    ):
        publish(desk, [name()])
    assert len(site.rows("Version")) == 1


def test_what_is_not_there_is_named(desk, site, store):
    for spec, words in (
        (TrackerSpec(kind="shotgrid", site="https://sg.test", project="nope"), "has no project 'nope' that this script may see"),
        (TrackerSpec(kind="shotgrid", site="https://sg.test", task="Roto"), "has no task 'Roto'; there are: Compositing; set"),
        (TrackerSpec(kind="shotgrid", site="https://sg.test", shots=Names({"sh0010": "SH1"})), "no shot 'SH1'; there are: sh0010, sh0020;"),
        (TrackerSpec(kind="shotgrid", site="https://sg.test", status=StatusSpec(pending_review=("hld",))),
         "Versions have no status 'hld'; there are: na, rev, vwd, apr, chg"),
    ):  # fmt: skip
        with pytest.raises(ReviewError, match=words):
            publish(desk_for(store, shotgrid.open_tracker(spec, KEY, "demo"), spec=spec), [name()])
    assert site.rows("Version") == []


def test_without_a_task_versions_hang_on_the_shot(store, site):
    publish_version(store)
    spec = TrackerSpec(kind="shotgrid", site="https://sg.test", task="")
    publish(desk_for(store, shotgrid.open_tracker(spec, KEY, "demo"), spec=spec), [name()])
    assert sent_version(site)["sg_task"] is None


def test_many_versions_are_asked_for_in_few_questions(desk, site, monkeypatch):
    publish(desk, [name()])
    sent = next(iter(desk.sent().values()))[1]
    monkeypatch.setattr(shotgrid, "VERSIONS_A_QUESTION", 2)
    others = {str(number): sent for number in range(100, 104)}
    before = site.finds
    site.say("carl", sent_version(site)["id"], "x")
    found = desk.tracker.read_back({**others, str(sent_version(site)["id"]): sent})
    assert [note.text for note in found.notes] == ["x"]
    assert site.finds - before <= 3 * 3 + 1  # notes, replies, changes of three lots; people once


def test_since_leaves_out_what_was_read(desk, site):
    publish(desk, [name()])
    version = sent_version(site)["id"]
    site.say("carl", version, "old")
    sent = {str(version): next(iter(desk.sent().values()))[1]}
    until = desk.tracker.read_back(sent).until
    assert dt.datetime.fromisoformat(until).tzinfo is not None
    site.say("carl", version, "new")
    again = desk.tracker.read_back(sent, (dt.datetime.fromisoformat(until) + dt.timedelta(seconds=30)).isoformat())
    assert [note.text for note in again.notes] == ["new"]


@pytest.fixture
def broken_site():
    """A server that greets as ShotGrid does and then fails; what it was sent."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            greeting = json.dumps({"results": {"version": [8, 60, 0]}}).encode()
            is_greeting = '"info"' in asked[-1]
            self.send_response(200 if is_greeting else 503)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(greeting if is_greeting else b"{}")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_the_key_goes_to_the_site_and_into_no_message_and_no_log(broken_site, caplog):
    assert adapter_named("shotgrid") is shotgrid.open_tracker
    secret = "s3cret-key-123"
    with pytest.raises(ReviewError, match="ShotGrid wants a script's name and key"):
        shotgrid_client.connect("https://sg.test", Credentials(token=secret))
    logging.getLogger("shotgun_api3").setLevel(logging.DEBUG)  # as somebody who looks for a fault would
    caplog.set_level(logging.DEBUG)
    site, asked = broken_site
    with pytest.raises(TrackerUnreachable, match=r"failed on its side \(503\)") as error:
        shotgrid.open_tracker(
            TrackerSpec(kind="shotgrid", site=site), Credentials(login="vfx", password=secret), "demo"
        )
    assert secret in asked[-1]
    assert secret not in str(error.value)
    assert secret not in caplog.text


def test_a_site_that_is_not_there():
    spec = TrackerSpec(kind="shotgrid", site="http://127.0.0.1:9")  # the discard port: nobody answers
    with pytest.raises(TrackerUnreachable, match="does not answer; check the address"):
        shotgrid.open_tracker(spec, KEY, "demo")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (shotgun_api3.AuthenticationFault("no"), ReviewError, "refuses the login; check the script's name and key"),
        (shotgun_api3.ProtocolError("sg.test", 503, "busy", {}), TrackerUnreachable, r"failed on its side \(503\)"),
        (shotgun_api3.ProtocolError("sg.test", 404, "none", {}), ReviewError, r"refuses \(404\); set \[tracker\].site"),
        (
            shotgun_api3.Fault("API create() field\nis not editable"),
            ReviewError,
            r"refuses: API create\(\) field is not editable",
        ),
        (TimeoutError("slow"), TrackerUnreachable, "does not answer"),
    ],
)
def test_refusals_are_one_line(error, kind, words):
    with pytest.raises(kind, match=words) as raised, shotgrid_client.asking("https://sg.test"):
        raise error
    assert "\n" not in str(raised.value)
