"""The pages of lists, by a real app over a real store: what they show, what they refuse, and that what people write stays text."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("lxml", reason="lxml is not installed (extra: dev)")

from lxml import html as lxml_html

from tests.review.versions import evidence, make_version, name, write
from tests.web.conftest import BOTH
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.listing import list_versions
from vfx_deepfake.review.notes import add_note
from vfx_deepfake.review.playlists import list_playlists, set_playlist
from vfx_deepfake.review.registering import register

HEAVIEST = 2**20  # bytes of a page before pictures
PAGES = (
    "/", "/?state=pending_review&qc=none&search=sh&show=demo", "/dailies", "/dailies?show=demo", "/dailies?show=demo&playlist=am",
    "/playlists", "/playlists/demo/am", "/shots/demo/sh0010", "/versions/demo/sh0010/v002/made",
    "/versions/demo/sh0010/v002/made?since=v001", "/versions/demo/sh0010/v002/sheet", "/versions/demo/sh0010/v002/qc",
    "/versions/demo/sh0020/v001/qc", "/?search=zzz",
)  # fmt: skip
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'"
SEAM = {"verdict": "look", "worst": 0.003, "worst_frame": 1002, "median": 0.001, "note": HOSTILE}


def put(store, number, shot="sh0010", **more):
    register(store, "art", evidence(make_version(store.place.root, number, shot=shot, **more), store.place.root))


def put_qc(store, number, shot="sh0010"):
    """The report of a version as the qc stage writes it: seam over three frames, one of them without a value."""
    folder = store.place.root / shot / f"versions/v{number:03d}/qc"
    write(folder / "qc.json", {"measures": {"seam": {**SEAM, "limits": [0.002, 0.005], "look": [1002], "fail": []}}})
    for frame, value in ((1001, 0.001), (1002, 0.003), (1003, None)):
        write(folder / f"frames/{frame}.json", {"frame": frame, "values": {"seam": value, "gaze": "much"}})


@pytest.fixture
def show(store):
    """Two shots; whatever people and files may write is hostile."""
    qc = {
        "qc": {"verdict": "look", "measures": {"seam": SEAM, HOSTILE[:60]: {"verdict": "fail", "worst": 1}}},
        "release": HOSTILE,
    }
    put(store, 1)
    put(
        store,
        2,
        keyframes={HOSTILE: HOSTILE},
        strength=0.5,
        record={**qc, "made_by": {"user": "lena", "host": HOSTILE}},
    )
    put_qc(store, 2)
    put(store, 1, "sh0020")
    decide(store, "ana", name(1), "changes_requested", HOSTILE)
    add_note(store, "ana", name(2), HOSTILE, frames="1002")
    set_playlist(store, "ana", "demo", "am", [("sh0020", "v001"), ("sh0010", "v002"), ("sh0010", "v001")])
    return store


def read(client, url, status=200):
    answer = client.get(url)
    assert answer.status_code == status, (url, answer.text[-2000:])
    return lxml_html.fromstring(answer.text)


def words(page) -> str:
    return " ".join(page.text_content().split())


@pytest.mark.parametrize("engine_name", BOTH)
def test_every_page_is_whole_and_brings_no_code_of_others(show, page):
    client = page("ana")
    for url in PAGES:
        answer = client.get(url)
        assert answer.status_code == 200, (url, answer.text[-2000:])
        assert len(answer.content) < HEAVIEST
        found = lxml_html.fromstring(answer.text)
        assert [each for each in found.iter("script") if not each.get("src")] == [], url
        assert list(found.iter("style")) == [], url
        for element in found.iter(lxml_html.etree.Element):
            assert not [key for key in element.attrib if key.startswith("on") or key == "style"], (
                url,
                element.tag,
                element.attrib,
            )
            for key in ("src", "href", "action"):
                assert re.match(r"[/?#]|\.\./v\d+\?frame=\d+$", element.get(key, "/")), (url, element.get(key))
        ids = [each.get("id") for each in found.iter() if each.get("id")]
        assert len(ids) == len(set(ids)), url
        labelled = {each.get("for") for each in found.iter("label")}
        fields = [
            each
            for kind in ("input", "select", "textarea")
            for each in found.iter(kind)
            if each.get("type") != "hidden"
        ]
        assert [each.get("id") for each in fields if each.get("id") not in labelled] == [], url
        assert len(list(found.iter("h1"))) == 1, url
        assert all(
            form.xpath(".//input[@name='csrf']") for form in found.iter("form") if form.get("method") == "post"
        ), url


def test_what_people_and_files_say_stays_text(show, page):
    client = page("ana")
    for url in ("/shots/demo/sh0010", "/versions/demo/sh0010/v002/made?since=v001", "/versions/demo/sh0010/v002/qc"):
        assert HOSTILE[:30] in words(read(client, url)), url
    asked = read(client, f"/?search={HOSTILE}")
    assert asked.get_element_by_id("find-search").get("value") == HOSTILE


def test_nobody_sees_a_page_without_login(show, page):
    for url in PAGES:
        answer = page().get(url)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login"), url


REFUSED = [
    ("/shots/demo/sh9999", 404, "no version of shot 'sh9999' is on record"),
    ("/shots/-/sh0010", 404, "no version of shot"),
    ("/versions/demo/sh0010/v009/made", 404, "sh0010 v009: is not registered; on record: v002, v001|v001, v002"),
    ("/versions/demo/sh0010/v009/sheet", 404, "is not registered"),
    ("/versions/demo/sh0010/v009/qc", 404, "is not registered"),
    ("/versions/demo/sh0010/latest/qc", 400, "want a version such as v003"),
    ("/versions/demo/sh0010/v002/made?since=v009", 404, "v009: is not registered"),
    ("/versions/demo/sh0010/v002/sheet?every=-1", 422, "every: "),
    ("/playlists/demo/pm", 404, "no playlist 'pm' in show 'demo'"),
    ("/dailies?show=demo&playlist=pm", 404, "no playlist 'pm'"),
    ("/?state=good", 400, "state: is 'good'; choose one of"),
    ("/?qc=good", 400, "qc: is 'good'; choose one of"),
    ("/?page=0", 422, "page: "),
    ("/?search=" + "x" * 65, 422, "search: "),
]


def test_what_is_not_there_is_said(show, page):
    client = page("art")
    for url, status, line in REFUSED:
        assert re.search(line, words(read(client, url, status))), url


def test_the_wall_leads_on(show, page):
    found = read(page("art"), "/?show=demo&search=sh")
    cards = found.xpath("//li[@data-version]")
    assert [card.get("data-version") for card in cards] == ["demo/sh0010/v002", "demo/sh0020/v001"]
    assert cards[0].xpath("./a/@href") == ["/versions/demo/sh0010/v002"]
    assert cards[0].xpath(".//img/@src") == ["/media/demo/sh0010/v002/thumb.jpg"]
    assert re.search(r"sh0010 v002 pending QC look 1 note open lena", words(cards[0]))
    tabs = {link.xpath("string()").split()[0]: link.get("href") for link in found.xpath("//nav[@class='tabs']/a")}
    assert parse_qs(urlsplit(tabs["approved"]).query) == {"show": ["demo"], "state": ["approved"], "search": ["sh"]}
    assert "No shot is like that" in words(read(page("art"), tabs["approved"]))


def test_the_wall_has_pages(show, page, monkeypatch):
    monkeypatch.setattr("vfx_deepfake.web.pages_wall.PER_PAGE", 1)
    client = page("art")
    first = read(client, "/?search=sh")
    assert first.xpath("//nav[@class='pages']/a/@href") == ["/?search=sh&page=2"]
    second = read(client, "/?search=sh&page=2")
    assert second.xpath("//li/@data-version") == ["demo/sh0020/v001"]
    assert second.xpath("//nav[@class='pages']/a/@href") == ["/?search=sh"]


def test_an_empty_database_says_what_to_do(store, page):
    client = page("ana")
    for url in ("/", "/dailies", "/playlists"):
        assert "vfx-deepfake review register SHOT" in words(read(client, url)), url


def test_a_shots_page_says_what_changed(show, page):
    found = words(read(page("art"), "/shots/demo/sh0010"))
    assert (
        "since v001: settings: render.strength 1.0 → 0.5; key frames: 1 new, 1 taken out; data: release ana_2026 →"
        in found
    )
    assert "into the playlist" not in found  # an artist makes no playlists
    assert "into the playlist" in words(read(page("ana"), "/shots/demo/sh0010"))


def test_what_made_a_version(show, page):
    client = page("art")
    plain, compared = (read(client, f"/versions/demo/sh0010/v002/made{query}") for query in ("", "?since=v001"))
    assert plain.xpath("//option[@selected]/text()") == ["v001"]
    assert "a" * 64 in words(plain)  # of the plate
    rows = compared.xpath("//section[1]//table")[0].xpath(".//tr")
    assert [[words(cell) for cell in row] for row in rows] == [
        ["what", "v001", "v002"],
        ["render.strength", "1.0", "0.5"],
    ]
    assert "were made from the same" in words(read(client, "/versions/demo/sh0010/v002/made?since=v002"))
    assert "the only version of its shot" in words(read(client, "/versions/demo/sh0020/v001/made"))


def test_a_plate_of_many_frames_stays_light(store, page):
    file = make_version(store.place.root)
    record = json.loads(file.read_text())
    record["inputs"]["plate"] = {f"plate.{frame}.exr": f"{frame:064x}" for frame in range(1001, 6001)}
    record["inputs"]["frames"] = "1001-6000"
    write(file, record)
    register(store, "art", evidence(file, store.place.root))
    client = page("art")
    for tail in ("made", "sheet", "sheet?every=1", "qc"):
        answer = client.get(f"/versions/demo/sh0010/v001/{tail}")
        assert (answer.status_code, len(answer.content) < HEAVIEST) == (200, True), tail
    assert "and 3000 more" in client.get("/versions/demo/sh0010/v001/made").text


def test_a_contact_sheet_leads_to_frames(show, page):
    client = page("art")
    found = read(client, "/versions/demo/sh0010/v002/sheet?every=2")
    assert found.xpath("//ul[contains(@class, 'sheet')]//a/@href") == [
        f"/versions/demo/sh0010/v002?frame={each}" for each in (1001, 1003)
    ]
    assert found.xpath("//ul[contains(@class, 'sheet')]//img/@src")[1] == "/media/demo/sh0010/v002/thumb.jpg?frame=1003"


def test_qc_plots_lead_to_frames(show, page):
    found = read(page("art"), "/versions/demo/sh0010/v002/qc")
    assert found.xpath("//svg//a/@href") == ["../v002?frame=1001", "../v002?frame=1002"]  # 1003 was not measured
    assert found.xpath("//svg//a[2]/circle/@class") == ["look"]
    assert [words(each) for each in found.xpath("//svg//text[contains(@class, 'look')]")] == ["look"]
    assert "Seam: an edge shows along the matte, 0.0030 log/px on 1002" in words(found)


def test_qc_without_its_files_shows_what_was_registered(show, page):
    report = show.place.root / "sh0010/versions/v002/qc"
    (report / "qc.json").write_text("[1, {")
    for frame in (1001, 1002):
        (report / f"frames/{frame}.json").write_text('{"values": {"seam": NaN, "gaze": [1]}}')
    found = read(page("art"), "/versions/demo/sh0010/v002/qc")
    assert "The figures of single frames are not where the version lies" in words(found)
    assert "1002" in words(found.xpath("//table")[0])
    assert not found.xpath("//svg")
    assert "sh0020 v001 was not measured" in words(read(page("art"), "/versions/demo/sh0020/v001/qc"))


def test_dailies_lead_from_one_to_the_next(show, page):
    client = page("ana")
    found = read(client, "/dailies?show=demo&playlist=am")
    assert found.get_element_by_id("start").get("href") == "/versions/demo/sh0020/v001?dailies=demo%2Fam"
    assert found.xpath("//li/@data-version") == ["demo/sh0020/v001", "demo/sh0010/v002"]
    assert read(client, "/dailies").get_element_by_id("start").get("href") == "/versions/demo/sh0010/v002?dailies=%2A"
    for version, shot in ((2, "sh0010"), (1, "sh0020")):
        decide(show, "ana", name(version, shot), "approved", "good")
    assert "Nothing waits for a decision" in words(read(client, "/dailies?show=demo"))


# playlists by forms


def content(store):
    return {
        each["name"]: [f"{shot} {version}" for shot, version in each["versions"]]
        for each in list_playlists(store, "demo")
    }


def test_a_playlist_is_made_and_changed_by_forms(show, page):
    client = page("ana")
    made = client.post("/playlists", data={"name": "pm", "show": "demo", "fill": "pending"})
    assert (made.status_code, made.headers["location"]) == (303, "/playlists/demo/pm")
    assert content(show)["pm"] == ["sh0010 v002", "sh0020 v001"]
    again = client.post("/playlists", data={"name": "pm", "show": "demo"})
    assert (again.status_code, "is there already" in again.text) == (400, True)

    def change(**fields):
        answer = client.post("/playlists/demo/am", data=fields)
        assert answer.status_code == 303, answer.text
        return content(show).get("am")

    first = {"shot": "sh0020", "version": "v001"}
    assert content(show)["am"] == ["sh0020 v001", "sh0010 v002", "sh0010 v001"]
    assert change(action="down", **first) == ["sh0010 v002", "sh0020 v001", "sh0010 v001"]
    assert change(action="last", **first) == ["sh0010 v002", "sh0010 v001", "sh0020 v001"]
    assert change(action="down", **first) == ["sh0010 v002", "sh0010 v001", "sh0020 v001"]  # it is the last
    assert change(action="up", **first) == ["sh0010 v002", "sh0020 v001", "sh0010 v001"]
    assert change(action="first", **first) == ["sh0020 v001", "sh0010 v002", "sh0010 v001"]
    assert change(action="out", **first) == ["sh0010 v002", "sh0010 v001"]
    assert change(action="up", **first) == ["sh0010 v002", "sh0010 v001"]  # somebody took it out meanwhile
    assert change(action="add", lines="\n sh0020   v1 \n\n") == ["sh0010 v002", "sh0010 v001", "sh0020 v001"]
    assert (
        client.post(
            "/playlists/add", data={"show": "demo", "name": "pm", "shot": "sh0010", "version": "v001"}
        ).status_code
        == 303
    )
    assert content(show)["pm"][-1] == "sh0010 v001"
    assert change(action="remove") is None


NO_CHANGES = [
    ({"action": "add", "lines": "sh0010"}, 400, "'sh0010' is no shot and version"),
    ({"action": "add", "lines": " "}, 400, "want a line such as sh0010 v003"),
    ({"action": "add", "lines": "sh0020 v001"}, 400, "is in it twice"),
    ({"action": "add", "lines": "sh0020 v077"}, 404, "is not registered"),
    ({"action": "explode"}, 400, "want add, remove, up"),
    ({}, 422, "action: "),
]


def test_a_change_that_can_not_be_leaves_the_playlist(show, page):
    before, client = content(show), page("ana")
    for fields, status, line in NO_CHANGES:
        answer = client.post("/playlists/demo/am", data=fields)
        assert answer.status_code == status, fields
        assert line in words(lxml_html.fromstring(answer.text))
    assert content(show) == before


def test_playlists_are_a_supervisors(show, page):
    before, client = content(show), page("art")
    assert not read(client, "/playlists/demo/am").xpath("//main//form")
    assert not read(client, "/playlists").xpath("//main//form")
    for url, data in (("/playlists", {"name": "x", "show": "demo"}), ("/playlists/demo/am", {"action": "remove"}),
                      ("/playlists/add", {"show": "demo", "name": "am", "shot": "sh0010", "version": "v001"})):  # fmt: skip
        assert client.post(url, data=data).status_code == 403
        supervisor = page("ana")
        supervisor.headers.pop("X-CSRF-Token")
        assert supervisor.post(url, data=data).status_code == 403  # not from our page
    assert content(show) == before
    assert len(list_versions(show)) == 3
