"""Getting the database back: from journal and records, from a backup; and upgrading an older schema."""

from __future__ import annotations

import json
import shutil

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.review.versions import QC, evidence, make_version, name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review import people, schema
from vfx_deepfake.review.backup import backup
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.ledger import events_after
from vfx_deepfake.review.lineage import made_from
from vfx_deepfake.review.listing import about, list_versions
from vfx_deepfake.review.models import Base
from vfx_deepfake.review.notes import add_note, resolve_note
from vfx_deepfake.review.place import open_engine
from vfx_deepfake.review.playlists import list_playlists, remove_playlist, set_playlist
from vfx_deepfake.review.rebuild import rebuild
from vfx_deepfake.review.registering import make_store, register
from vfx_deepfake.review.store import open_store


def fill(store):
    """Something of every kind."""
    root = store.place.root
    for version, shot in ((1, "sh0010"), (2, "sh0010"), (1, "sh0020")):
        register(store, "art", evidence(make_version(root, version, shot=shot, run=version == 2, qc=QC), root))
    decide(store, "ana", name(1), "changes_requested", "lip")
    decide(store, "sam", name(2), "approved", "good")
    note = add_note(
        store,
        "ana",
        name(1),
        "here",
        frames="1002",
        drawing=[{"colour": "#ffffff", "width_px": 2.5, "points": [[1, 2.5]]}],
    )
    resolve_note(store, "art", note["id"])
    set_playlist(store, "ana", "demo", "am", [("sh0020", "v001"), ("sh0010", "v002")])
    set_playlist(store, "ana", "demo", "pm", [])
    remove_playlist(store, "ana", "demo", "pm")
    people.set_user(store, "boss", "art", active=False)
    people.set_password(store, "boss", "ana", "correct horse")


def whole(store):
    """Everything in the store as plain data, but for passwords."""
    names = [name(1), name(2), name(1, "sh0020")]
    with store.reading() as session:
        events = events_after(session, 0)
    return {
        "events": events, "list": list_versions(store), "about": [about(store, each) for each in names], "users": _users(store),
        "lineage": [made_from(store, each) for each in names], "playlists": list_playlists(store, "demo"),
    }  # fmt: skip


def _users(store):
    return [{key: value for key, value in user.items() if key != "has_password"} for user in people.list_users(store)]


def lose(place):
    """Every table is gone, as after the loss of the disk."""
    engine = open_engine(place)
    if place.file:
        engine.dispose()
        for file in place.root.glob("review.sqlite*"):
            file.unlink()
        return
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


def test_a_rebuild_brings_back_everything_but_passwords(store, place):
    fill(store)
    before, journal = whole(store), place.journal.read_bytes()
    store.close()
    lose(place)
    with pytest.raises(ReviewError, match=r"rebuild|knows of events"):
        make_store(place, "mallory")
    found = rebuild(place, "mallory")
    assert found == {"events": len(before["events"]), "versions_found": 0, "problems": []}
    with open_store(place) as again:
        assert whole(again) == before
        assert people.check_password(again, "ana", "correct horse") is None
        assert place.journal.read_bytes() == journal
        assert rebuild(place, "mallory") == {"events": 0, "versions_found": 0, "problems": []}
        assert whole(again) == before


def test_without_a_journal_the_versions_come_back_as_pending(store, place):
    fill(store)
    store.close()
    lose(place)
    place.journal.unlink()
    make_version(place.root / "sh0010/versions/.v003.abc.making/x", 9)
    (place.root / "sh0020/versions/v001/version.json").write_text("{")
    found = rebuild(place, "root")
    assert (found["events"], found["versions_found"]) == (0, 2)
    assert len(found["problems"]) == 1
    assert "sh0020/versions/v001/version.json: can't be read as JSON" in found["problems"][0]
    with open_store(place) as again:
        assert [(row["version"], row["state"]) for row in list_versions(again)] == [
            ("v002", "pending_review"),
            ("v001", "pending_review"),
        ]
        assert [(user["name"], user["role"]) for user in people.list_users(again)] == [("root", "admin")]


def test_a_version_whose_files_are_gone_or_changed_keeps_its_decisions(store, place):
    fill(store)
    store.close()
    lose(place)
    shutil.rmtree(place.root / "sh0010/versions/v001")
    changed = place.root / "sh0010/versions/v002/version.json"
    changed.write_text(json.dumps({**json.loads(changed.read_text()), "release": "forged"}))
    problems = rebuild(place, "root")["problems"]
    assert len(problems) == 3
    assert "sh0010 v001: decisions and notes are back, what made it is not" in problems[0]
    assert "v002/version.json is not the record that was registered" in problems[1]
    assert "sh0010 v002: " in problems[2]
    assert problems[2].endswith("holds another record under this number; left out")
    with open_store(place) as again:
        assert [row["state"] for row in list_versions(again, shot="sh0010")] == ["approved", "superseded"]
        assert made_from(again, name(2))["made_from"] == {}
        assert made_from(again, name(2))["release"] == "ana_2026"


def test_a_forged_journal_is_refused(store, place):
    fill(store)
    store.close()
    lose(place)
    text = place.journal.read_text()
    place.journal.write_text(text.replace('"why":"lip"', '"why":"ok"'))
    with pytest.raises(ReviewError, match="event 8 is not what was written; restore the file from a backup"):
        rebuild(place, "root")
    place.journal.write_text(text.replace('"seq":3', '"seq":"3"'))
    with pytest.raises(ReviewError, match="line 3: is no event"):
        rebuild(place, "root")
    place.journal.write_text(text)
    assert rebuild(place, "root")["problems"] == []


def test_a_show_that_was_moved_rebuilds_there(tmp_path, monkeypatch):
    from vfx_deepfake.review.place import find_place

    monkeypatch.delenv("VFX_DEEPFAKE_REVIEW_DB", raising=False)
    place = find_place(tmp_path / "old")
    place.root.mkdir()
    with make_store(place, "boss") as store:
        register(store, "boss", evidence(make_version(place.root), place.root))
    (tmp_path / "old").rename(tmp_path / "new")
    moved = find_place(tmp_path / "new")
    with open_store(moved) as store:
        assert about(store, name())["folder"] == str(tmp_path / "new/sh0010/versions/v001")
    lose(moved)
    assert rebuild(moved, "boss")["problems"] == []


# backup


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_backup_is_whole_and_catches_up_when_restored(store, place, tmp_path):
    fill(store)
    copy = backup(place, tmp_path / "saved/monday.sqlite")
    assert [file.name for file in copy.parent.iterdir()] == ["monday.sqlite"]
    with pytest.raises(ReviewError, match=r"monday.sqlite: exists already and stays as it is"):
        backup(place, copy)
    add_note(store, "ana", name(2), "after the backup")
    before = whole(store)
    store.close()
    lose(place)
    shutil.copy(copy, place.file)
    with (
        open_store(place) as restored,
        pytest.raises(ReviewError, match="'vfx-deepfake review rebuild' brings them back"),
    ):
        add_note(restored, "ana", name(2), "too early")
    assert rebuild(place, "root") == {"events": 1, "versions_found": 0, "problems": []}
    with open_store(place) as restored:
        assert whole(restored) == before
        assert people.check_password(restored, "ana", "correct horse")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_damaged_database_gives_no_backup(store, place, tmp_path):
    store.close()
    place.file.write_bytes(b"SQLite format 3\x00" + b"\x55" * 8192)
    with pytest.raises(ReviewError, match="could not be copied"):
        backup(place, tmp_path / "copy.sqlite")
    assert not (tmp_path / "copy.sqlite").exists()


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_servers_backup_is_its_own(place, tmp_path):
    with pytest.raises(ReviewError, match=r"pg_dump --format=custom --file='.*copy' 'postgresql://postgres@127.0.0.1"):
        backup(place, tmp_path / "copy")


# schema

OLD_ROWS = (
    "INSERT INTO shots VALUES (1, 'demo', 'sh0010', 'sh0010')",
    *(
        "INSERT INTO versions (id, shot_id, number, folder, state, revision, record_hash, inputs_hash, frames_hash, frames, made_at, "
        f"author, host, release, registered_at, decided_by, decided_at, reason) VALUES ({n}, 1, {n}, 'versions/v00{n}', 'pending_review', "
        "1, 'r', 'i', 'f', '1001-1003', '2026', 'ana', 'h', '', '2026', '', '', '')"
        for n in (1, 2, 3)
    ),
    *(
        f"INSERT INTO qc_values (version_id, measure, verdict, more) VALUES ({version}, '{measure}', '{verdict}', '{{}}')"
        for version, measure, verdict in (
            (1, "seam", "pass"),
            (1, "gaze", "fail"),
            (1, "depth", "look"),
            (2, "seam", "pass"),
        )
    ),
    "INSERT INTO events VALUES (1, '2026', 'ana', 'user_added', '', '', '', '', '{\"name\": \"ana\", \"role\": \"admin\"}', 'd')",
    "UPDATE head SET seq = 1, digest = 'd'",
)


def test_the_first_schema_with_data_upgrades_to_the_newest(place):
    engine = open_engine(place)
    assert schema.upgrade(engine, "0001") == ("", "0001")
    with engine.begin() as connection:
        for statement in OLD_ROWS:
            connection.execute(sa.text(statement.replace(":", "\\:")))
    with pytest.raises(ReviewError, match=f"has schema 0001, this release works with {schema.newest()}; make a backup"):
        open_store(place)
    assert schema.upgrade_place(place) == ("0001", schema.newest())
    assert schema.upgrade_place(place) == (schema.newest(), schema.newest())
    with open_store(place) as store:
        assert [(row["version"], row["qc_verdict"]) for row in list_versions(store)] == [
            ("v003", ""),
            ("v002", "pass"),
            ("v001", "fail"),
        ]
        with store.reading() as session:
            assert [event["who"] for event in events_after(session, 0)] == ["ana"]
    engine.dispose()


def test_the_migrations_make_the_tables_of_the_models(place):
    engine = open_engine(place)
    schema.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_database_of_a_newer_release_is_refused(store, place):
    with store.writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ReviewError, match="was upgraded to schema 9999 by a newer release"):
        open_store(place)


def test_an_upgrade_that_breaks_leaves_the_old_schema(place, monkeypatch):
    engine = open_engine(place)
    schema.upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE playlist_items (oops INTEGER)"))
    with pytest.raises(ReviewError, match="already exists"):
        schema.upgrade_place(place)
    with engine.connect() as connection:
        assert schema.revision(connection) == "0001"
        assert "playlists" not in sa.inspect(connection).get_table_names()
    engine.dispose()
