"""Who may change what, for every route that changes anything: a route that this list does not know fails here."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import browser
from vfx_deepfake.review.ledger import events_after
from vfx_deepfake.web.app import ROUTERS
from vfx_deepfake.web.csrf import READS

NOTE = "a" * 32
V1 = "/versions/demo/sh0010/v001"
SUPERVISOR, ADMIN = ("art",), ("art", "ana")  # who may not, of those who are logged in
DECIDE = {"state": "approved", "why": "yes"}
SECRET = {"new": "another horse", "again": "another horse"}

# route -> who may not, the address, what is sent as JSON, what is sent as a form
CHANGES = {
    "POST /api/versions/{show}/{shot}/{version}/decision": (SUPERVISOR, f"/api{V1}/decision", DECIDE, None),
    "POST /versions/{show}/{shot}/{version}/decision": (SUPERVISOR, f"{V1}/decision", None, DECIDE),
    "POST /api/versions/{show}/{shot}/{version}/notes": ((), f"/api{V1}/notes", {"text": "x"}, None),
    "POST /versions/{show}/{shot}/{version}/notes": ((), f"{V1}/notes", None, {"text": "x"}),
    "POST /api/notes/{id}/resolved": ((), f"/api/notes/{NOTE}/resolved", {"done": True}, None),
    "POST /notes/{id}/resolved": ((), f"/notes/{NOTE}/resolved", None, {"done": "true"}),
    "POST /api/playlists": (SUPERVISOR, "/api/playlists", {"show": "demo", "name": "b", "versions": []}, None),
    "DELETE /api/playlists": (SUPERVISOR, "/api/playlists?show=demo&name=monday", None, None),
    "POST /playlists": (SUPERVISOR, "/playlists", None, {"show": "demo", "name": "b"}),
    "POST /playlists/add": (SUPERVISOR, "/playlists/add", None, {"show": "demo", "name": "monday", "shot": "sh0010", "version": "v001"}),
    "POST /playlists/{show}/{name}": (SUPERVISOR, "/playlists/demo/monday", None, {"action": "remove"}),
    "POST /people": (ADMIN, "/people", None, {"name": "eve", "role": "admin"}),
    "POST /people/password": (ADMIN, "/people/password", None, {"name": "art", **SECRET}),
    "POST /me/password": ((), "/me/password", None, {"present": "correct horse", **SECRET}),
    "POST /logout": ((), "/logout", None, {}),
}  # fmt: skip
OPEN = {"POST /login"}  # needs nobody; tests of its own


def changing_routes() -> set[str]:
    return {
        f"{method} {route.path}"
        for router in ROUTERS for route in router.routes for method in route.methods if method not in READS
    }  # fmt: skip


def test_every_route_that_changes_anything_is_on_the_list():
    assert changing_routes() == CHANGES.keys() | OPEN


@pytest.fixture
def ready(page, versions):
    """A note and a playlist are there."""
    ana = page("ana")
    assert ana.post(f"/api{V1}/notes", json={"text": "lip", "id": NOTE}).status_code == 201
    monday = {"show": "demo", "name": "monday", "versions": [["sh0020", "v001"]]}
    assert ana.post("/api/playlists", json=monday).status_code == 200
    return page


@pytest.mark.parametrize("route", sorted(CHANGES))
def test_who_may_not_changes_nothing_and_who_may_does(app, ready, store, route):
    refused, path, json, form = CHANGES[route]
    method = route.split()[0]

    def ask(client):
        return client.request(method, path, json=json, data=form)

    def num_events():
        with store.reading() as session:
            return len(events_after(session, 0))

    before = num_events()
    nobody, without_token = browser(app), ready("boss")
    nobody.get("/login")
    token = re.search(r'name="csrf" value="(\w+)"', nobody.get("/login").text)[1]
    without_token.headers.pop("X-CSRF-Token")
    assert ask(without_token).status_code == 403
    nobody.headers["X-CSRF-Token"] = token
    answer = ask(nobody)
    assert answer.status_code == 401 or answer.headers["location"].startswith("/login")
    for name in refused:
        answer = ask(ready(name))
        assert answer.status_code == 403, (name, answer.text[-300:])
        assert " takes " in answer.text or "are for an" in answer.text
    assert num_events() == before
    may = next(name for name in ("art", "ana", "boss") if name not in refused)
    assert ask(ready(may)).status_code in (200, 201, 303)
    assert num_events() == before + (path != "/logout")


def test_what_only_admins_see(ready):
    for path in ("/people", "/history/logins"):
        assert [ready(name).get(path).status_code for name in ("art", "ana", "boss")] == [403, 403, 200]


def test_the_last_admin_stays(page):
    boss = page("boss")
    answer = boss.post("/people", data={"name": "boss", "role": "artist"})
    assert answer.status_code == 400
    assert "no active admin would be left" in answer.text
