"""The JSON routes as programs use them."""

from __future__ import annotations

import pytest

from tests.web.conftest import BOTH

V1 = "/api/versions/demo/sh0010/v001"


@pytest.mark.parametrize("engine_name", BOTH)
def test_two_supervisors_decide_and_the_second_hears_who_was_first(page, versions):
    ana, sam = page("ana"), page("sam")
    seen = ana.get(V1).json()["revision"], sam.get(V1).json()["revision"]
    first = sam.post(f"{V1}/decision", json={"state": "changes_requested", "why": "the lid drifts", "seen": seen[1]})
    second = ana.post(f"{V1}/decision", json={"state": "approved", "why": "lovely", "seen": seen[0]})
    again = sam.post(f"{V1}/decision", json={"state": "changes_requested", "why": "the lid drifts", "seen": seen[1]})
    assert (first.status_code, second.status_code, again.status_code) == (200, 409, 200)
    assert second.json()["error"].startswith("sh0010 v001: sam was first: changes requested at 20")
    assert "because 'the lid drifts'" in second.json()["error"]
    kinds = [event["kind"] for event in ana.get(V1).json()["events"]]
    assert kinds == ["version_registered", "changes_requested"]


def test_a_note_with_a_drawing_a_reply_and_done(page, versions):
    art, ana = page("art"), page("ana")
    stroke = {"colour": "#ff8800", "width_px": 3, "points": [[812.5, 440], [815, 441.5]]}
    note = {"text": "lip slips", "frames": "1002", "drawing": [stroke], "id": "a" * 32}
    made = art.post(f"{V1}/notes", json=note)
    assert made.status_code == 201
    assert art.post(f"{V1}/notes", json=note).json() == made.json()  # the answer was lost, so it was sent again
    reply = ana.post(f"{V1}/notes", json={"text": "seen", "reply_to": "a" * 32}).json()
    assert ana.post(f"/api/notes/{'a' * 32}/resolved", json={"done": True}).json()["resolved_by"] == "ana"
    found = art.get(f"{V1}/notes").json()
    assert [(each["id"], each["first_frame"], each["resolved_by"]) for each in found] == [
        (reply["id"], None, ""),
        ("a" * 32, 1002, "ana"),
    ]
    assert found[1]["drawing"] == [stroke]


def test_lists_playlists_and_dailies(page, versions):
    ana = page("ana")
    rows = ana.get("/api/versions", params={"show": "demo", "newest": True}).json()
    assert [(row["shot"], row["version"]) for row in rows] == [("sh0010", "v002"), ("sh0020", "v001")]
    wanted = [["sh0020", "v001"], ["sh0010", "v002"]]
    assert ana.post("/api/playlists", json={"show": "demo", "name": "monday", "versions": wanted}).status_code == 200
    assert ana.get("/api/playlists", params={"show": "demo"}).json() == [{"name": "monday", "versions": wanted}]
    ordered = ana.get("/api/dailies", params={"show": "demo", "playlist": "monday"}).json()
    assert [[row["shot"], row["version"]] for row in ordered] == wanted
    assert [row["shot"] for row in ana.get("/api/dailies").json()] == ["sh0010", "sh0020"]
    ana.post("/api/versions/demo/sh0010/v002/decision", json={"state": "approved", "why": "yes"})
    current = {"playlist": "monday", "show": "demo", "current": "demo/sh0010/v002"}
    assert len(ana.get("/api/dailies", params=current).json()) == 2
    assert ana.delete("/api/playlists", params={"show": "demo", "name": "monday"}).json() == {"removed": "monday"}
    assert ana.get("/api/dailies", params={"show": "demo", "playlist": "monday"}).status_code == 404


def test_events_in_order_without_what_they_hold(page, versions):
    found = page("art").get("/api/events", params={"after": 2, "limit": 3}).json()
    assert [event["seq"] for event in found] == [3, 4, 5]
    assert set(found[0]) == {"seq", "kind", "show", "shot", "version", "who", "at", "why"}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/versions/demo/sh0010/v009", 404, "sh0010 v009: is not registered; on record: v001, v002"),
        ("/api/versions/demo/sh0010/latest", 400, "want a version such as v003"),
        ("/api/versions?state=odd", 400, "state: is 'odd'; choose one of pending_review"),
        ("/api/versions?limit=0", 422, "limit: Input should be greater than or equal to 1"),
        ("/api/versions?offset=99999999999999999999", 422, "offset: Input should be less than"),
        ("/api/events?after=-1", 422, "after: Input should be greater"),
        ("/api/nothing", 404, "there is nothing here"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(page, versions, path, status, said):
    answer = page("art").get(path)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_a_show_without_a_name(page, store):
    from tests.review.versions import evidence, make_version
    from vfx_deepfake.review.registering import register

    register(store, "boss", evidence(make_version(store.place.root, show=""), store.place.root))
    assert page("art").get("/api/versions/-/sh0010/v001").json()["show"] == ""
