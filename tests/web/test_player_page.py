"""What the server puts into the player's page, and its forms for whoever has no scripts."""

from __future__ import annotations

import json
import re

from tests.web.conftest import csrf_in
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.notes import add_note
from vfx_deepfake.review.playlists import set_playlist

V001, V002 = (VersionName("demo", "sh0010", version) for version in ("v001", "v002"))
OTHER = VersionName("demo", "sh0020", "v001")
PLAYER = "/versions/demo/sh0010/v002"


def links(page) -> dict[str, str]:
    """Addresses of the links to the previous and the next version of dailies."""
    found = re.findall(r'<a class="button" rel="(prev|next)" href="([^"]*)"', page.text)
    return dict(found)


def test_dailies_lead_through_what_is_pending(page, versions, store):
    ana = page("ana")
    first = ana.get(f"{PLAYER}?dailies=demo")
    assert "<b>demo</b>: 1 of 2" in first.text
    assert links(first) == {"next": "/versions/demo/sh0020/v001?dailies=demo"}
    second = ana.get(links(first)["next"])
    assert links(second) == {"prev": f"{PLAYER}?dailies=demo"}
    decide(store, "sam", V002, "approved", "fine")
    assert links(ana.get(f"{PLAYER}?dailies=demo"))["next"].startswith(
        "/versions/demo/sh0020/"
    )  # decided, and still in its place
    assert links(ana.get(PLAYER)) == {}


def test_dailies_of_a_playlist_keep_its_order(page, versions, store):
    set_playlist(store, "ana", "demo", "monday", [("sh0020", "v001"), ("sh0010", "v001"), ("sh0010", "v002")])
    found = page("ana").get("/versions/demo/sh0010/v001?dailies=demo%2Fmonday")
    assert "2 of 3" in found.text
    assert links(found) == {
        "prev": "/versions/demo/sh0020/v001?dailies=demo%2Fmonday",
        "next": f"{PLAYER}?dailies=demo%2Fmonday",
    }
    assert page("ana").get(f"{PLAYER}?dailies=demo%2Ftuesday").status_code == 404


def test_what_people_wrote_is_text_in_page_and_scripts(page, versions, store):
    said = "</script><script>alert(1)</script><b>"
    add_note(store, "art", V002, said)
    text = page("ana").get(PLAYER).text
    assert "<script>alert" not in text
    [data] = re.findall(r'<script type="application/json" id="page">(.*?)</script>', text, re.S)
    assert json.loads(data)["notes"][0]["text"] == said


def test_an_artist_is_offered_no_decision_and_can_take_none(page, versions, store):
    art = page("art")
    found = art.get(PLAYER)
    assert 'class="decision"' not in found.text
    answer = art.post(f"{PLAYER}/decision", data={"state": "approved", "why": "mine", "csrf": csrf_in(found)})
    assert answer.status_code == 403
    assert about(store, V002)["state"] == "pending_review"


def test_a_form_decides_and_goes_back_into_dailies(page, versions, store):
    ana = page("ana")
    sent = {
        "state": "approved",
        "why": "it holds",
        "seen": "1",
        "next": f"{PLAYER}?dailies=demo",
        "csrf": csrf_in(ana.get(PLAYER)),
    }
    answer = ana.post(f"{PLAYER}/decision", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PLAYER}?dailies=demo")
    assert (about(store, V002)["state"], about(store, V002)["reason"]) == ("approved", "it holds")
    assert about(store, V001)["state"] == "superseded"
    late = page("sam").post(f"{PLAYER}/decision", data={**sent, "csrf": csrf_in(page("sam").get(PLAYER))})
    assert late.status_code in (403, 409)


def test_a_form_without_a_reason_or_of_another_site_changes_nothing(page, versions, store):
    ana = page("ana")
    token = csrf_in(ana.get(PLAYER))
    assert ana.post(f"{PLAYER}/decision", data={"state": "approved", "why": " ", "csrf": token}).status_code == 400
    assert ana.post(f"{PLAYER}/decision", data={"state": "superseded", "why": "x", "csrf": token}).status_code == 400
    del ana.headers["X-CSRF-Token"]
    assert ana.post(f"{PLAYER}/decision", data={"state": "approved", "why": "x"}).status_code == 403
    assert about(store, V002)["state"] == "pending_review"


def test_a_form_writes_a_note(page, versions, store):
    ana = page("ana")
    sent = {"text": "ear pops", "frames": "1002-1003", "csrf": csrf_in(ana.get(PLAYER))}
    assert ana.post(f"{PLAYER}/notes", data=sent).status_code == 303
    [note] = about(store, V002)["notes"]
    assert (note["text"], note["first_frame"], note["last_frame"], note["author"]) == ("ear pops", 1002, 1003, "ana")


def test_a_version_that_is_not_on_record_has_no_player(page, versions):
    assert page("ana").get("/versions/demo/sh0010/v009").status_code == 404
    assert page("ana").get("/versions/demo/sh0010/nine").status_code in (400, 404)
    assert page("").get(PLAYER).headers["location"].startswith("/login?next=")
