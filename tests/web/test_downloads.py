"""What ``review export`` writes, from the page: who gets it, under which name, and what is refused."""

from __future__ import annotations

import html
import re

import pytest

pytest.importorskip("opentimelineio", reason="OpenTimelineIO is not installed (extra: dailies)")
pytest.importorskip("reportlab", reason="ReportLab is not installed (extra: dailies)")

from vfx_deepfake.review.playlists import set_playlist

URL = "/export/otio?show=demo&shot=sh0010&version=v001"


def test_each_kind_has_its_name_and_type(still):
    ana = still("ana")
    for kind, media_type, begin, file in (
        ("otio", "application/json", b"{", "demo_sh0010_v001_otio.otio"),
        ("submission", "text/csv; charset=utf-8", b"\xef\xbb\xbfDate,Vendor,", "demo_sh0010_v001_submission.csv"),
        ("notes-csv", "text/csv; charset=utf-8", b"\xef\xbb\xbfShow,Shot,", "demo_sh0010_v001_notes.csv"),
        ("notes-pdf", "application/pdf", b"%PDF-", "demo_sh0010_v001_notes.pdf"),
    ):
        answer = ana.get(URL.replace("otio", kind))
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        assert answer.content.startswith(begin)
        assert answer.headers["content-disposition"] == f'attachment; filename="{file}"'
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_playlist_and_the_newest(page, versions, store):
    set_playlist(store, "ana", "demo", "monday dailies", [("sh0020", "v001"), ("sh0010", "v002")])
    art = page("art")
    clips = art.get("/export/otio?playlist=monday%20dailies").json()["tracks"]["children"][0]["children"]
    assert [clip["name"] for clip in clips] == ["sh0020_v001", "sh0010_v002"]
    newest = art.get("/export/submission?show=demo&newest=true").text.splitlines()
    assert len(newest) == 3
    assert "monday_dailies" in art.get("/export/otio?playlist=monday%20dailies").headers["content-disposition"]


def test_nobody_gets_nothing(still):
    answer = still().get(URL)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/export/zip?shot=sh0010", (404, 422)),
        ("/export/otio?shot=sh0099", (404,)),
        ("/export/otio?playlist=nope", (404,)),
        ("/export/otio?playlist=nope&shot=sh0010", (400,)),
        ("/export/otio?version=v001", (400,)),
        ("/export/otio?shot=sh0010&version=..%2F..%2Fetc", (400,)),
        ("/export/otio?shot=..%2F..%2Fetc%2Fpasswd", (404,)),
        ("/export/otio?shot=%00", (400, 422)),
        ("/export/otio?shot=" + "x" * 129, (400, 422)),
        ("/export/otio?newest=perhaps", (400, 422)),
        ("/export/../otio?shot=sh0010", (404,)),
    ],
)
def test_what_is_refused(still, path, status):
    answer = still("ana").get(path)
    assert answer.status_code in status
    assert "Traceback" not in answer.text


def test_the_pages_lead_there(page, versions, store):
    set_playlist(store, "ana", "demo", "monday", [("sh0010", "v002")])
    art = page("art")
    for where in ("/playlists/demo/monday", "/shots/demo/sh0010"):
        links = re.findall(r'href="(/export/[^"]+)"', art.get(where).text)
        assert len(links) == 4
        for link in links:
            assert art.get(html.unescape(link)).status_code == 200
