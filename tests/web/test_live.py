"""Events reach open pages as they come, once each and in order, and only those who are logged in."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from tests.review.versions import name
from tests.web.conftest import BOTH, PASSWORD
from tests.web.running import in_a_thread, logged_in
from vfx_deepfake.errors import UnavailableError
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.people import set_user
from vfx_deepfake.web import live


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(live, "EVERY_S", 0.05)
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.2)


def events_in(lines, count):
    """The next events of a stream; fewer when it ends."""
    found = []
    for line in lines:
        if line.startswith("data: "):
            found.append(json.loads(line[6:]))
            if len(found) == count:
                break
    return found


@pytest.mark.parametrize("engine_name", BOTH)
def test_a_decision_elsewhere_arrives_without_a_reload(app, store, versions, quick):
    with (
        in_a_thread(app) as url,
        logged_in(url, "ana", PASSWORD) as ana,
        ana.stream("GET", "/api/events/stream") as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "retry: 2000"
        while not next(lines).startswith(": alive"):
            pass  # it listens now
        decide(store, "sam", name(2), "approved", "lovely")
        first, second = events_in(lines, 2)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert (first["kind"], first["version"], first["who"], first["why"]) == ("approved", "v002", "sam", "lovely")
    assert (second["kind"], second["version"], second["seq"]) == ("superseded", "v001", first["seq"] + 1)
    assert set(first) == set(live.SHOWN)


def test_a_stream_goes_on_where_it_broke(app, store, versions, quick):
    with in_a_thread(app) as url, logged_in(url, "ana", PASSWORD) as ana:
        with ana.stream("GET", "/api/events/stream?after=3") as stream:
            before = events_in(stream.iter_lines(), 2)
        with ana.stream("GET", "/api/events/stream?after=3", headers={"Last-Event-ID": "5"}) as stream:
            after = events_in(stream.iter_lines(), 2)
    assert [event["seq"] for event in before + after] == [4, 5, 6, 7]


def test_listeners_hear_everything_once_and_share_one_poller(app, store, versions, quick, monkeypatch):
    monkeypatch.setattr(live, "BATCH", 2)  # what is behind comes in several pieces
    heard, polls = [], []
    poll = live.Live._poll
    monkeypatch.setattr(live.Live, "_poll", lambda self: polls.append(1) or poll(self))

    def listen(client, ready):
        with client.stream("GET", "/api/events/stream?after=0") as stream:
            lines = stream.iter_lines()
            found = events_in(lines, 8)
            ready.set()
            heard.append([event["seq"] for event in found + events_in(lines, 5)])

    with in_a_thread(app) as url, logged_in(url, "ana", PASSWORD) as ana:
        ready = [threading.Event() for _ in range(4)]
        threads = [threading.Thread(target=listen, args=(ana, each)) for each in ready]
        for thread in threads:
            thread.start()
        for each in ready:
            assert each.wait(60)
        for number in range(5 + 3):  # the first eight are people and passwords
            set_user(store, "boss", f"user{number}")
        for thread in threads:
            thread.join()
    assert heard == [list(range(1, 14))] * 4
    assert len(polls) == 1


def test_a_stream_ends_with_the_login(app, store, quick):
    with (
        in_a_thread(app) as url,
        logged_in(url, "ana", PASSWORD) as ana,
        ana.stream("GET", "/api/events/stream") as stream,
    ):
        lines = stream.iter_lines()
        next(lines)
        set_user(store, "boss", "ana", active=False)
        told = events_in(lines, 100)  # until it ends
    assert all(event["kind"] != "user_changed" for event in told)


def test_a_reader_that_is_far_behind_is_let_go(store):
    async def scene():
        many = live.Live(store)
        slow, quick = many.follow(None), many.follow(None)
        await anext(slow)
        await anext(quick)
        for number in range(live.MOST_WAITING + 1):
            many._tell([{"seq": 1000 + number}])
            await anext(quick)
        assert len(many._listeners) == 1
        read = [batch async for batch in slow]  # to its end
        many.stop()
        assert [batch async for batch in quick] == []
        return len(read)

    assert asyncio.run(scene()) < live.MOST_WAITING


def test_a_database_that_is_away_ends_the_streams(store, quick, monkeypatch):
    async def scene():
        many = live.Live(store)
        stream = many.follow(None)
        await anext(stream)
        monkeypatch.setattr(live.Live, "last", away)
        assert [batch async for batch in stream if batch] == []
        monkeypatch.undo()
        again = many.follow(0)  # and it comes back
        assert [await anext(again), len(await anext(again))] == [[], 8]
        await again.aclose()
        many.stop()

    def away(_self):
        raise UnavailableError("the database is away")

    asyncio.run(scene())
