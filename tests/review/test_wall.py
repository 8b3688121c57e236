"""The wall, dailies and what changed from version to version, on both engines."""

from __future__ import annotations

import pytest

from tests.review.versions import evidence, make_version, name
from vfx_deepfake.errors import NotThereError, ReviewError
from vfx_deepfake.review.dailies import all_playlists, dailies, versions_of_playlist
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.lineage import in_a_line
from vfx_deepfake.review.listing import list_versions, qc_of
from vfx_deepfake.review.notes import add_note
from vfx_deepfake.review.playlists import edit_playlist, set_playlist
from vfx_deepfake.review.registering import register
from vfx_deepfake.review.wall import changes_of_shot, wall


def put(store, number=1, shot="sh0010", *, user="lena", verdict="pass", **more):
    record = {"made_by": {"user": user, "host": "farm"}, "qc": {"verdict": verdict} if verdict else None}
    file = make_version(store.place.root, number, shot=shot, record=record, **more)
    register(store, "art", evidence(file, store.place.root))


@pytest.fixture
def show(store):
    """sh0010: v001 sent back, v002 pending; sh0020: v001 approved, v002 pending, v003 pending; sh0030 of another show: v001 pending."""
    put(store, 1, verdict="fail")
    put(store, 2, user="mirko", verdict="look")
    for number in (1, 2, 3):
        put(store, number, "sh0020", verdict="")
    put(store, 1, "sh0030", show="other", user="lena.k")
    decide(store, "ana", name(1), "changes_requested", "lip slips")
    decide(store, "ana", name(1, "sh0020"), "approved", "final")
    add_note(store, "ana", name(2), "seam at the jaw", frames="1002")
    return store


def cards(store, **asked):
    return [(row["shot"], row["version"]) for row in wall(store, **asked)["shots"]]


def test_the_wall_has_each_shot_with_its_newest_version(show):
    found = wall(show)
    told = ("show", "shot", "version", "num_versions", "approved", "open_notes")
    assert [tuple(row[each] for each in told) for row in found["shots"]] == [
        ("demo", "sh0010", "v002", 2, "", 1), ("demo", "sh0020", "v003", 3, "v001", 0), ("other", "sh0030", "v001", 1, "", 0)]  # fmt: skip
    assert (found["total"], found["page"], found["pages"]) == (3, 1, 1)
    assert found["counts"] == {"pending_review": 3, "approved": 0, "changes_requested": 0, "superseded": 0}


NARROWED = [
    ({"show": "demo"}, ["sh0010", "sh0020"]),
    ({"show": ""}, []),
    ({"state": "pending_review"}, ["sh0010", "sh0020", "sh0030"]),
    ({"state": "changes_requested"}, []),  # the newest version counts, and no older one
    ({"qc": "look"}, ["sh0010"]),
    ({"qc": "none"}, ["sh0020"]),
    ({"qc": "fail"}, []),
    ({"search": "SH00"}, ["sh0010", "sh0020", "sh0030"]),
    ({"search": "mirko"}, ["sh0010"]),
    ({"search": "lena"}, ["sh0020", "sh0030"]),
    ({"search": "  sh lena.k "}, ["sh0030"]),
    ({"search": "v003"}, ["sh0020"]),
    ({"search": "%"}, []),
    ({"search": "_"}, []),
    ({"search": "' OR 1=1 --"}, []),
    ({"search": "lena", "show": "demo", "qc": "none", "state": "pending_review"}, ["sh0020"]),
]


def test_the_wall_is_narrowed(show):
    """One database for all questions: making one takes longer than asking all of them."""
    assert [(asked, [shot for shot, _ in cards(show, **asked)]) for asked, _ in NARROWED] == NARROWED
    for asked, line in (({"state": "good"}, "state: is 'good'"), ({"qc": "x"}, "qc: is 'x'; choose one of pass, look")):
        for question in (wall, list_versions):
            with pytest.raises(ReviewError, match=line):
                question(show, **asked)


def test_the_counts_are_of_all_states_whichever_is_shown(show):
    decide(show, "ana", name(2), "approved", "good")
    found = wall(show, state="approved", show="demo")
    assert [row["shot"] for row in found["shots"]] == ["sh0010"]
    assert (found["total"], found["counts"]["pending_review"], found["counts"]["approved"]) == (1, 1, 1)


def test_the_wall_and_lists_have_pages(show):
    for page, shots in ((1, ["sh0010", "sh0020"]), (2, ["sh0030"]), (99, ["sh0030"]), (-5, ["sh0010", "sh0020"])):
        found = wall(show, page=page, per_page=2)
        assert ([row["shot"] for row in found["shots"]], found["pages"], found["total"]) == (shots, 2, 3)
    rows = list_versions(show)
    assert [row["version"] for row in rows] == ["v002", "v001", "v003", "v002", "v001", "v001"]
    for limit, offset in ((2, 1), (0, 0), (-1, 0), (3, -7), (500, 6)):
        begin = max(0, offset)
        assert list_versions(show, limit=limit, offset=offset) == rows[begin : begin + max(0, limit)]


def test_an_empty_database_has_an_empty_wall(store):
    assert (cards(store), wall(store)["pages"], dailies(store), all_playlists(store)) == ([], 1, [], [])


def test_what_changed_from_version_to_version(store):
    put(store, 1)
    put(store, 2, strength=0.5, keyframes={"sh.1001.exr": "x" * 64, "sh.1002.exr": "y" * 64})
    put(store, 4, strength=0.5, keyframes={"sh.1001.exr": "x" * 64, "sh.1002.exr": "y" * 64}, plate="b", code="0.2.0")
    put(store, 5, strength=0.5, keyframes={"sh.1001.exr": "x" * 64, "sh.1002.exr": "y" * 64}, plate="b", code="0.2.0")
    found = changes_of_shot(store, "demo", "sh0010")
    assert {version: (changed["since"], in_a_line(changed)) for version, changed in found.items()} == {
        "v002": ("v001", ["settings: render.strength 1.0 → 0.5", "key frames: 1 painted over, 1 new"]),
        "v004": ("v002", ["plate: 3 files differ", "code: version 0.1.0 → 0.2.0"]),
        "v005": ("v004", []),
    }
    assert changes_of_shot(store, "demo", "sh9999") == {}


def test_many_changed_settings_are_counted():
    rows = [{"key": f"k{index}", "before": 1, "after": None} for index in range(7)]
    changed = {"settings": rows, "key_frames": [], "plate": [], "data": [], "code": []}
    assert in_a_line(changed) == ["settings: k0 1 → -, k1 1 → -, k2 1 → -, 4 more"]


def test_dailies_are_the_newest_pending_version_of_each_shot(show):
    listed = lambda *asked, **more: [(row["shot"], row["version"]) for row in dailies(show, *asked, **more)]  # noqa: E731
    assert listed() == [("sh0010", "v002"), ("sh0020", "v003"), ("sh0030", "v001")]
    assert listed("demo") == [("sh0010", "v002"), ("sh0020", "v003")]
    decide(show, "ana", name(2), "approved", "good")
    assert listed("demo") == [("sh0020", "v003")]
    assert listed("demo", current=name(2)) == [("sh0010", "v002"), ("sh0020", "v003")]
    decide(show, "ana", name(3, "sh0020"), "changes_requested", "again")
    assert listed("demo") == [("sh0020", "v002")]  # it waits still; nobody has decided it


def test_dailies_of_a_playlist_keep_its_order(show):
    set_playlist(show, "ana", "demo", "am", [("sh0020", "v003"), ("sh0010", "v001"), ("sh0010", "v002")])
    assert [row["version"] for row in versions_of_playlist(show, "demo", "am")] == ["v003", "v001", "v002"]
    assert [row["version"] for row in dailies(show, "demo", "am")] == ["v003", "v002"]
    assert [row["version"] for row in dailies(show, "demo", "am", current=name(1))] == ["v003", "v001", "v002"]
    assert all_playlists(show) == [{"show": "demo", "name": "am", "num_versions": 3, "pending": 2}]
    assert all_playlists(show, "other") == []
    with pytest.raises(
        NotThereError, match="no playlist 'pm' in show 'demo'; 'vfx-deepfake review playlist list' shows them"
    ):
        dailies(show, "demo", "pm")


def test_a_playlist_is_edited_from_what_it_holds(show):
    set_playlist(show, "ana", "demo", "am", [("sh0010", "v001")])
    edit_playlist(show, "sam", "demo", "am", lambda there: [*there, ("sh0010", "v2")])
    assert [row["version"] for row in versions_of_playlist(show, "demo", "am")] == ["v001", "v002"]
    with pytest.raises(ReviewError, match="sh0010 v002 is in it twice"):
        edit_playlist(show, "sam", "demo", "am", lambda there: [*there, ("sh0010", "v02")])
    with pytest.raises(NotThereError, match="no playlist 'pm'"):
        edit_playlist(show, "sam", "demo", "pm", lambda there: there)
    with pytest.raises(ReviewError, match="show: is '../x'"):
        set_playlist(show, "ana", "../x", "am", [])


def test_qc_is_told_as_it_was_registered(store):
    measures = {"seam": {"verdict": "look", "worst": 0.02, "worst_frame": 1002, "median": 0.01, "note": "jaw"}}
    make_version(store.place.root)
    file = make_version(store.place.root, record={"qc": {"verdict": "look", "measures": measures}})
    register(store, "art", evidence(file, store.place.root))
    assert qc_of(store, name()) == {
        "verdict": "look",
        "measures": {
            "seam": {
                "measure": "seam",
                "verdict": "look",
                "value": 0.02,
                "worst_frame": 1002,
                "median": 0.01,
                "note": "jaw",
            }
        },
    }
    with pytest.raises(NotThereError, match="sh0010 v002: is not registered"):
        qc_of(store, VersionName("demo", "sh0010", "v002"))
