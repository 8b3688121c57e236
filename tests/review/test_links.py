"""Links between ours and a tracker's: kept once, changed by events only, back after a rebuild."""

from __future__ import annotations

import pytest

from tests.review.test_rebuild import lose
from tests.review.versions import evidence, make_version, name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.ledger import events_after
from vfx_deepfake.review.links import DECISION, IN, NOTE, READ, UNTIL, VERSION, link, links
from vfx_deepfake.review.rebuild import rebuild
from vfx_deepfake.review.registering import register
from vfx_deepfake.review.store import open_store

SITE = "kitsu https://kitsu.studio.com/demo"


@pytest.fixture
def linked(store):
    for number in (1, 2):
        register(store, "art", evidence(make_version(store.place.root, number), store.place.root))
    link(
        store, "art", name(1), tracker=SITE, kind=VERSION, theirs="p1", facts={"frame_rate": "24000/1001", "number": 1}
    )
    link(store, "ana", name(2), tracker=SITE, kind=NOTE, theirs="c1", ours="0" * 32, direction=IN)
    link(store, "art", None, tracker=SITE, kind=READ, theirs=UNTIL, ours="2026-01-01T00:00:00")
    return store


def test_a_link_is_kept_once_and_the_mark_moves(linked):
    def count():
        with linked.reading() as session:
            return len(events_after(session, 0))

    before = count()
    link(linked, "ana", name(2), tracker=SITE, kind=NOTE, theirs="c1", ours="0" * 32, direction=IN)
    assert count() == before
    link(linked, "sam", None, tracker=SITE, kind=READ, theirs=UNTIL, ours="2026-01-02T00:00:00")
    assert [row["ours"] for row in links(linked, SITE, kind=READ)] == ["2026-01-02T00:00:00"]
    assert [(row["kind"], row["name"]) for row in links(linked, SITE)] == [
        (VERSION, name(1)),
        (NOTE, name(2)),
        (READ, None),
    ]
    assert links(linked, SITE, name=name(1))[0]["facts"] == {"frame_rate": "24000/1001", "number": 1}
    link(linked, "art", name(1), tracker="another site", kind=VERSION, theirs="p1")
    assert len(links(linked, SITE)) == 3


def test_links_come_back_with_a_rebuild(linked, place):
    link(linked, "sam", None, tracker=SITE, kind=READ, theirs=UNTIL, ours="2026-01-02T00:00:00")
    link(linked, "sam", name(2), tracker=SITE, kind=DECISION, theirs="c2", ours="f" * 64, direction=IN)
    before = links(linked, SITE)
    linked.close()
    lose(place)
    assert rebuild(place, "root")["problems"] == []
    with open_store(place) as again:
        assert links(again, SITE) == before


def test_links_need_a_known_person_and_a_registered_version(linked):
    with pytest.raises(ReviewError, match="mallory: is not known to the review database"):
        link(linked, "mallory", name(1), tracker=SITE, kind=NOTE, theirs="c9")
    with pytest.raises(ReviewError, match="sh0010 v009: is not registered"):
        link(linked, "art", name(9), tracker=SITE, kind=NOTE, theirs="c9")
