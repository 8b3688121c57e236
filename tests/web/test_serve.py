"""The server as a process: it starts in one line, ends when asked, and a kill takes nothing that it acknowledged."""

from __future__ import annotations

import signal
import socket
import threading
import uuid

import httpx
import pytest

from tests.review.versions import name
from tests.web.conftest import BOTH, PASSWORD
from tests.web.running import as_a_process, logged_in
from vfx_deepfake.cli.main import main
from vfx_deepfake.review.journal import read_journal
from vfx_deepfake.review.ledger import check_chain, events_after
from vfx_deepfake.review.notes import add_note, notes_of
from vfx_deepfake.review.people import set_user, this_account

NOTES = "/api/versions/demo/sh0010/v001/notes"
WRITERS, ENOUGH = 6, 30


@pytest.mark.parametrize("engine_name", BOTH)
def test_a_kill_in_a_storm_of_writes_takes_nothing_that_was_acknowledged(store, versions):
    acknowledged, sent, enough = [], [], threading.Event()

    def write(client: httpx.Client) -> None:
        while True:
            note = uuid.uuid4().hex
            sent.append(note)
            try:
                answer = client.post(NOTES, json={"text": "one more", "id": note})
            except httpx.HTTPError:
                return
            assert answer.status_code == 201
            acknowledged.append(note)
            if len(acknowledged) >= ENOUGH:
                enough.set()

    with (
        as_a_process(store.place.root) as (process, url),
        logged_in(url, "ana", PASSWORD) as ana,
        logged_in(url, "sam", PASSWORD) as sam,
    ):
        threads = [threading.Thread(target=write, args=((ana, sam)[n % 2],)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        assert enough.wait(120)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    kept = {note["id"] for note in notes_of(store, name())}
    assert set(acknowledged) <= kept <= set(sent)
    lost = [note for note in sent if note not in acknowledged]
    for note in lost:  # whoever got no answer sends the same note again
        author = next((each["author"] for each in notes_of(store, name()) if each["id"] == note), "ana")
        add_note(store, author, name(), "one more", note_id=note)
    with store.reading() as session:
        events = events_after(session, 0)
    written = [event["data"]["id"] for event in events if event["kind"] == "note_added"]
    assert sorted(written) == sorted(sent)  # each once
    check_chain(events, "database")
    store.follow()
    assert read_journal(store.place.journal) == events


def test_it_ends_when_asked_also_while_somebody_listens(store):
    with as_a_process(store.place.root) as (process, url), logged_in(url, "ana", PASSWORD) as client:
        with client.stream("GET", "/api/events/stream", params={"after": 0}) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
            process.send_signal(signal.SIGTERM)
            assert any("user_added" in line for line in lines)
        assert process.wait(60) == 0
        assert "Traceback" not in process.stderr.read()


def test_single_user_mode_says_who_everybody_is(store):
    set_user(store, "boss", this_account(), role="supervisor")
    with as_a_process(store.place.root, "--single-user") as (process, url):
        assert httpx.get(f"{url}/api/me").json()["user"] == this_account()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert f"everybody at this computer is {this_account()} (supervisor) here" in process.stderr.read()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0", "--single-user"], "would make everybody who reaches it"),
        (["--single-user"], "is not known to the review database"),
        (["--proxy-header", "X-Remote-User"], "say which address the proxy calls from"),
        (["--host", "no.such.host.invalid"], "can't be listened on"),
        (["--port", "99999"], "can't be listened on"),
    ],
)
def test_what_it_can_not_serve_is_one_line(store, capsys, options, said):
    assert main(["review", "serve", str(store.place.root), *options]) == 2
    found = capsys.readouterr().err
    assert said in found
    assert found.count("\n") == 1


def test_a_port_in_use_is_one_line(store, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["review", "serve", str(store.place.root), "--port", str(port)]) == 2
    assert f"127.0.0.1:{port}: can't be listened on (Address already in use)" in capsys.readouterr().err


def test_no_database_is_one_line(tmp_path, capsys):
    assert main(["review", "serve", str(tmp_path)]) == 2
    assert "there is no review database yet; 'vfx-deepfake review register SHOT' makes it" in capsys.readouterr().err
