"""People and history as pages, and decisions and notes by plain forms."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import PASSWORD, browser, log_in
from vfx_deepfake.web import pages_history

V1 = "/versions/demo/sh0010/v001"


def test_an_admin_adds_somebody_who_then_comes_in(app, page):
    boss = page("boss")
    assert boss.post("/people", data={"name": "eve", "role": "supervisor"}).headers["location"] == "/people"
    assert "none, so no login; give one" in boss.get("/people").text
    for new, again, status in (("short", "short", 400), (PASSWORD, "other horse", 400), (PASSWORD, PASSWORD, 303)):
        assert boss.post("/people/password", data={"name": "eve", "new": new, "again": again}).status_code == status
    eve = browser(app)
    assert log_in(eve, "eve").status_code == 303
    assert "decide and make playlists" in eve.get("/me").text
    assert boss.post("/people", data={"name": "eve", "role": "supervisor", "active": "no"}).status_code == 303
    assert log_in(browser(app), "eve").status_code == 401


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "../eve", "role": "artist"}, "use up to 64 letters"),
        ({"name": "eve", "role": "king"}, "choose one of artist, supervisor, admin"),
        ({"name": "eve"}, "role: Field required"),
    ],
)
def test_a_form_that_can_not_be_is_told_why(still, form, said):
    answer = still("boss").post("/people", data=form)
    assert answer.status_code in (400, 422)
    assert said in answer.text


def test_the_history_is_narrowed_and_paged(page, versions, monkeypatch):
    monkeypatch.setattr(pages_history, "A_PAGE", 4)
    ana = page("ana")
    ana.post(f"/api{V1}/notes", json={"text": "<b>lip</b> slips", "frames": "1001-1002"})
    seen, url = [], "/history"
    while url:
        text = ana.get(url).text
        seen += [int(number) for number in re.findall(r'<td class="figure dim">(\d+)<', text)]
        older = re.search(r'rel="next" href="([^"]+)"', text)
        url = older and older[1].replace("&amp;", "&")
    assert seen == list(range(12, 0, -1))
    narrowed = ana.get(
        "/history", params={"kind": "note_added", "who": "ana", "show": "demo", "shot": "sh0010", "version": "v001"}
    ).text
    assert "1001-1002: &lt;b&gt;lip&lt;/b&gt; slips" in narrowed
    assert "<b>lip</b>" not in narrowed
    assert "Nothing like that has happened" in ana.get("/history", params={"who": "nobody"}).text


def test_decisions_and_notes_by_plain_forms(page, versions):
    ana = page("ana")
    ana.headers.pop("X-CSRF-Token")
    token = re.search(r'name="csrf" value="(\w+)"', ana.get("/me").text)[1]

    def send(path, **fields):
        return ana.post(path, data={"csrf": token, **fields})

    assert (
        send(f"{V1}/notes", text="lip slips", frames="1001", next=f"{V1}?frame=1001").headers["location"]
        == f"{V1}?frame=1001"
    )
    note = ana.get(f"/api{V1}/notes").json()[0]
    assert send(f"/notes/{note['id']}/resolved", done="true", next="//evil.example").headers["location"] == "/"
    assert ana.get(f"/api{V1}/notes").json()[0]["resolved_by"] == "ana"
    assert send(f"{V1}/decision", state="changes_requested", why="see the note", seen="1").headers["location"] == V1
    refused = page("sam").post(f"{V1}/decision", data={"state": "approved", "why": "fine", "seen": "1"})
    assert refused.status_code == 409
    assert "Somebody was first" in refused.text
    assert "ana was first" in refused.text


def test_a_page_says_which_event_it_was_made_at(page, versions):
    ana = page("ana")
    seq = int(re.search(r'name="seq" content="(\d+)"', ana.get("/me").text)[1])
    assert seq == ana.get("/api/events", params={"limit": 200}).json()[-1]["seq"]
