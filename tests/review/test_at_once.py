"""Several people, hosts and processes at once; and a process that is killed while it writes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.review.versions import evidence, make_version, name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.backup import backup
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.journal import read_journal
from vfx_deepfake.review.ledger import check_chain, events_after
from vfx_deepfake.review.listing import about, list_versions
from vfx_deepfake.review.notes import add_note, notes_of
from vfx_deepfake.review.people import set_user
from vfx_deepfake.review.registering import make_store, register
from vfx_deepfake.review.store import open_store

FORK = multiprocessing.get_context(
    "fork"
)  # the children open their own databases; importing everything again costs too much
PROCESSES, THREADS, SHOTS = 8, 8, 8


def events_of(store):
    with store.reading() as session:
        return events_after(session, 0)


def in_processes(work, *arguments):
    """Run ``work(index, *arguments)`` in PROCESSES at once and give back what they return."""
    with FORK.Pool(PROCESSES) as pool:
        found = pool.starmap(work, [(index, *arguments) for index in range(PROCESSES)], chunksize=1)
        pool.close()  # leaving the block ends them by a signal, which what ran in this process before may have caught
        pool.join()
        return found


def writers(process, place, files):
    """One process of THREADS writers: each registers a version that others register too, and decides about it."""
    with open_store(place) as store, ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(lambda index: one_writer(store, process * THREADS + index, files), range(THREADS)))


def one_writer(store, writer, files):
    shot, who = writer % SHOTS, f"sup{writer:02d}"
    created = register(store, who, evidence(files[shot], store.place.root))["created"]
    wanted = ("approved", "changes_requested")[writer // SHOTS % 2]
    try:
        decide(store, who, name(1, f"sh{shot:04d}"), wanted, f"says {who}", seen=1)
        return shot, created, who
    except ReviewError as error:
        return shot, created, str(error)


def test_64_writers_register_and_decide_without_losing_or_doubling_an_event(place):
    files = [make_version(place.root, shot=f"sh{shot:04d}") for shot in range(SHOTS)]
    with make_store(place, "boss") as store:
        for writer in range(PROCESSES * THREADS):
            set_user(store, "boss", f"sup{writer:02d}", role="supervisor")
        store.close()  # no connection may live on in the children
        outcomes = [each for process in in_processes(writers, place, files) for each in process]
        events = events_of(store)
        winners = {row["shot"]: row["decided_by"] for row in list_versions(store)}
    kinds = Counter(event["kind"] for event in events)
    assert len(outcomes) == 64
    assert kinds == {
        "user_added": 65,
        "version_registered": SHOTS,
        **{k: n for k, n in kinds.items() if k in ("approved", "changes_requested")},
    }
    assert kinds["approved"] + kinds["changes_requested"] == SHOTS
    for shot in range(SHOTS):
        of_shot = [(created, said) for which, created, said in outcomes if which == shot]
        winner = winners[f"sh{shot:04d}"]
        assert sum(created for created, _ in of_shot) == 1
        assert [said for _, said in of_shot if said == winner] == [winner]
        assert all(said == winner or f"sh{shot:04d} v001: {winner} was first" in said for _, said in of_shot)
    check_chain(events, "database")
    assert read_journal(place.journal) == events


def test_two_sessions_that_looked_at_the_same_version(place):
    """Two stores in one process, as two supervisors' pages: both saw revision 1, the second to decide is told who was first."""
    with make_store(place, "boss") as one, open_store(place) as two:
        set_user(one, "boss", "ana", role="supervisor")
        set_user(one, "boss", "sam", role="supervisor")
        register(one, "ana", evidence(make_version(place.root), place.root))
        seen = about(one, name())["revision"], about(two, name())["revision"]
        decide(two, "sam", name(), "changes_requested", "the lid drifts", seen=seen[1])
        with pytest.raises(ReviewError, match="v001: sam was first: changes requested at 20.*because 'the lid drifts'"):
            decide(one, "ana", name(), "approved", "lovely", seen=seen[0])
        assert about(one, name())["state"] == "changes_requested"


def first_registration(index, place, file):
    with make_store(place, f"user{index}") as store:
        try:
            return register(store, f"user{index}", evidence(file, place.root))["created"]
        except ReviewError as error:
            return str(error)


def test_processes_that_make_the_database_at_once_make_one(place):
    file = make_version(place.root)
    outcomes = in_processes(first_registration, place, file)
    refused = [said for said in outcomes if isinstance(said, str)]
    assert outcomes.count(True) == 1  # whoever came first is admin and registers; the others are strangers
    assert len(refused) == PROCESSES - 1
    assert all("is not known to the review database" in said for said in refused)
    with open_store(place) as store:
        assert [event["kind"] for event in events_of(store)] == ["user_added", "version_registered"]


def write_notes(place, told: int):
    with open_store(place) as store:
        for _ in range(10_000):
            note = add_note(store, "boss", name(), "one more")
            os.write(told, note["id"].encode())


def test_a_killed_writer_loses_nothing_that_it_acknowledged(place):
    with make_store(place, "boss") as store:
        register(store, "boss", evidence(make_version(place.root), place.root))
        store.close()
        told, tells = os.pipe()
        writer = FORK.Process(target=write_notes, args=(place, tells))
        writer.start()
        first = b"".join(os.read(told, 32) for _ in range(5))
        copy = saved(place)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        os.close(tells)
        text = (first + read_all(told)).decode()
        acknowledged = {text[start : start + 32] for start in range(0, len(text) - 31, 32)}
        assert len(acknowledged) >= 5
        kept = {note["id"] for note in notes_of(store, name())}
        assert acknowledged <= kept
        add_note(store, "boss", name(), "after the kill")
        events = events_of(store)
        assert read_journal(place.journal) == events
    if copy:
        with open_store(replace(place, url=place.url.set(database=str(copy)))) as kept_aside:
            backed_up = events_of(kept_aside)
            assert backed_up == events[: len(backed_up)]
            assert len(backed_up) >= 7  # two to begin with, five notes


def saved(place):
    """A backup, taken while another process writes; a server makes its own."""
    return backup(place, place.root / "saved.sqlite") if place.file else None


def read_all(handle: int) -> bytes:
    with os.fdopen(handle, "rb") as stream:
        return stream.read()


def test_a_journal_line_that_a_kill_cut_short_is_written_whole(place):
    with make_store(place, "boss") as store:
        register(store, "boss", evidence(make_version(place.root), place.root))
        whole = place.journal.read_bytes()
        for kept in (len(whole) - 1, len(whole) - 40, whole.index(b"\n") + 1, 5, 0):
            place.journal.write_bytes(whole[:kept])
            assert store.follow() > 0
            assert place.journal.read_bytes() == whole


def test_a_journal_that_can_not_be_written_stops_before_anything_changes(store):
    before = events_of(store)
    journal = Path(store.place.journal)
    journal.rename(journal.with_suffix(".kept"))
    journal.mkdir()
    with pytest.raises(ReviewError, match=r"review_events.jsonl: the journal could not be written \(Is a directory\)"):
        set_user(store, "boss", "new")
    assert events_of(store) == before


def test_the_journal_of_another_database_is_refused(store):
    lines = store.place.journal.read_text().splitlines(keepends=True)
    store.place.journal.write_text(
        "".join(lines[:-1]) + lines[-1].replace('"art"', '"eve"').replace('"digest":"', '"digest":"0')
    )
    with pytest.raises(ReviewError, match="is the journal of another database than"):
        set_user(store, "boss", "new")
