"""What is refused before anybody looks at it: other names, paths that climb, too much, and what is no JSON."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from tests.web.conftest import browser, log_in
from vfx_deepfake.web.app import ROUTERS
from vfx_deepfake.web.door import CSP, LARGEST_BODY, LONGEST_URL

NOTES = "/api/versions/demo/sh0010/v001/notes"
SECRET = "root:x:0:0"  # how /etc/passwd begins
# plain dots never leave a client; decoded, these are what a server would see of them
CLIMBS = (
    "%2e%2e", "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%252e%252e%252fetc%252fpasswd",
    "%2fetc%2fpasswd", "%2Fetc%2Fpasswd", "..%5c..%5cetc%5cpasswd", "....%2f%2f....%2f%2fetc%2fpasswd", "v001%00.png", "%00",
    "%c0%ae%c0%ae%2f", "v001%2f..%2f..%2f..%2freview.sqlite", "review.sqlite", "~root", "%0d%0aSet-Cookie:%20x=1", "\u202e", "v001%20",
    "v1e3", "v%D9%A1",
)  # fmt: skip


def readable_paths() -> list[str]:
    """Every path with parameters that can be read."""
    found = {
        route.path for router in ROUTERS for route in router.routes if "GET" in route.methods and "{" in route.path
    }
    return sorted(found)


def test_there_are_paths_to_try():
    assert {"/api/versions/{show}/{shot}/{version}", "/shots/{show}/{shot}"} <= set(readable_paths())


@pytest.mark.parametrize("path", readable_paths())
def test_no_path_climbs_out_of_what_is_registered(still, path):
    """Each parameter in turn is a climb, the others are what is there."""
    there = {
        "show": "demo",
        "shot": "sh0010",
        "version": "v001",
        "frame": "1001",
        "view": "0",
        "file": "seam.png",
        "name": "monday",
    }
    client = still("boss")
    for parameter in re.findall(r"{(\w+)", path):
        for climb in CLIMBS:
            parts = {**there, parameter: climb}
            answer = client.get(re.sub(r"{(\w+)[^}]*}", lambda match, parts=parts: parts.get(match[1], "x"), path))
            assert answer.status_code in (303, 307, 400, 404, 409, 422), (
                parameter,
                climb,
                answer.status_code,
                answer.text[:200],
            )
            assert SECRET not in answer.text
            assert "SQLite format" not in answer.text
            assert "x" not in answer.cookies


@pytest.mark.parametrize(
    "climb", ["../app.py", "%2e%2e/app.py", "..%2fapp.py", "/etc/passwd", "%2fetc%2fpasswd", "..%5capp.py", "%00"]
)
def test_static_files_are_those_of_the_page(still, climb):
    answer = still().get(f"/static/{climb}")
    assert answer.status_code in (400, 404, 405)
    assert "create_app" not in answer.text
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("localhost:8420", 200), ("LOCALHOST", 200), ("[::1]:80", 200), ("review.studio", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("evil.example:127.0.0.1", 421), ("", 421), ("[::1", 421),
        ("10.0.0.1", 421),
        ("user@evil.example", 421), ("review.studio.", 421),
    ],
)  # fmt: skip
def test_only_names_of_the_page_are_answered(app_with, host, status):
    answer = browser(app_with(hosts=("review.studio",))).get("/login", headers={"host": host})
    assert answer.status_code == status
    if status == 421:
        assert "does not answer to that name" in answer.text


def test_two_host_headers_are_refused(app):
    assert browser(app).get("/login", headers=[("host", "127.0.0.1"), ("host", "evil.example")]).status_code == 421


@pytest.mark.parametrize(
    "path", ["/login", "/", "/nothing", "/api/nothing", "/static/style.css", "/api/versions?limit=0"]
)
def test_every_answer_says_what_a_browser_may_do_with_it(still, path):
    headers = still("ana").get(path).headers
    assert headers["content-security-policy"] == CSP
    assert "'unsafe" not in CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert "server" not in headers


# --- bodies ---


@pytest.mark.parametrize("path", [NOTES, "/login", "/api/playlists", "/people"])
def test_too_large_a_body_is_refused_with_or_without_its_length(still, path):
    boss = still("boss")
    said = boss.post(path, content=b"x" * (LARGEST_BODY + 1))
    assert (said.status_code, "were sent; send less" in said.text) == (413, True)
    chunks = (b" " * 65536 for _ in range(LARGEST_BODY // 65536 + 2))
    unsaid = boss.post(
        path,
        content=chunks,
        headers={"content-type": "application/json" if "/api/" in path else "application/x-www-form-urlencoded"},
    )
    assert unsaid.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 40, "x", "+5"])
def test_a_length_that_is_none_is_refused(still, length):
    assert still("ana").post(NOTES, content=b"{}", headers={"content-length": length}).status_code == 413


def test_an_address_that_is_too_long_or_holds_a_nul_is_refused(still):
    ana = still("ana")
    assert ana.get("/api/versions", params={"search": "x" * LONGEST_URL}).status_code == 414
    assert ana.get("/api/versions?search=%00").status_code == 400
    assert ana.get("/api/versions/demo/sh%00/v001").status_code == 400


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"1", b'"text"', b"\xff\xfe", b'{"text": 1}', b'{"text": "x", "more": 1}', b'{"text": "\\ud800"}',
        b'{"text": "\\u0000"}', b'{"text": "x", "frames": "1001-99999999999"}', b'{"text": "x", "frames": "1001-1002x0"}',
        b'{"text": "x", "frames": 1001}', b'{"text": "x", "reply_to": "../etc"}', b'{"text": "x", "id": "1"}',
        b'{"text": "x", "frames": "1001", "drawing": [{"colour": "red", "width_px": 1, "points": [[0, 0]]}]}',
        b'{"text": "x", "frames": "1001", "drawing": [{"colour": "#ff0000", "width_px": NaN, "points": [[0, 0]]}]}',
        b'{"text": "x", "frames": "1001", "drawing": [{"colour": "#ff0000", "width_px": 1, "points": [[1e400, 0]]}]}',
        b'{"text": "x", "frames": "1001", "drawing": [{"colour": "#ff0000", "width_px": 1, "points": [[0]]}]}',
        b'{"text": "x", "frames": "1001", "drawing": [{"colour": "#ff0000", "width_px": 1, "points": []}]}',
        b'{"text": "x", "frames": "1001", "drawing": ' + b"9" * 5000 + b"}",
        b'{"text": ' + DEEP.encode() + b"}",
        b'{"text": "' + b"x" * 10_001 + b'"}',
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused_in_one_line(still, body):
    art = still("art")
    answer = art.post(NOTES, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert list(answer.json()) == ["error"]
    assert "\n" not in answer.json()["error"]
    assert art.get(NOTES).json() == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "multipart/form-data", ""]
)
def test_a_body_of_another_kind_is_refused(still, kind):
    art = still("art")
    answer = art.post(NOTES, content=b'{"text": "x"}', headers={"content-type": kind})
    assert answer.status_code in (400, 422)
    assert art.get(NOTES).json() == []


def test_a_form_with_files_where_text_belongs_is_refused(app):
    client = browser(app)
    client.get("/login")
    files = {"csrf": ("a.txt", b"x"), "name": ("b.txt", b"ana"), "password": ("c.txt", b"x")}
    assert client.post("/login", files=files).status_code in (403, 422)
    assert log_in(client, "ana").status_code == 303


def test_a_bug_is_told_in_one_line(app, page, monkeypatch, caplog):
    ana = page("ana")
    monkeypatch.setattr(app.state.live, "after", lambda *_: 1 / 0)
    answer = ana.get("/api/events")
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "this is a mistake of the page, not yours; the server's log has it; tell whoever runs it"
    }
    assert "ZeroDivisionError" in caplog.text
    assert answer.headers["content-security-policy"] == CSP


def test_a_database_that_is_damaged_is_told_as_that(page, store):
    ana = page("ana")
    with closing(sqlite3.connect(store.place.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.place.file.write_bytes(b"no database at all " * 4096)
    answer = ana.get("/api/versions")
    assert answer.status_code == 503
    assert "the review database can't be used" in answer.json()["error"]
