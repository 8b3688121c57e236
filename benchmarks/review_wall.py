"""How fast the review page answers with many versions on record: ``python -m benchmarks.review_wall``.

Builds a database of shots and versions, serves it by uvicorn in a process of its own, and asks for the wall, a search and the lists over
HTTP, one request after the other. Prints median and 95th percentile in milliseconds, the server's CPU time and the bytes of each page,
beside a route that reads nothing (``/api/me``): what HTTP and the login cost alone. SQLite, and PostgreSQL where a server answers.

The versions go into SQLite through the store's own effects (events, journal, lineage, QC), many to a transaction: registering them one by
one does the same and commits each to the disk. PostgreSQL gets the same rows, table by table. Records are made up; no pictures are there,
and none are asked for.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import socket
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
import uvicorn

from vfx_deepfake.files import hash_data
from vfx_deepfake.review import schema
from vfx_deepfake.review.effects import take_effect
from vfx_deepfake.review.evidence import Evidence
from vfx_deepfake.review.ledger import append
from vfx_deepfake.review.models import APPROVED, CHANGES, SUPERSEDED, Base
from vfx_deepfake.review.people import this_account
from vfx_deepfake.review.place import VARIABLE, find_place, open_engine
from vfx_deepfake.review.playlists import set_playlist
from vfx_deepfake.review.registering import make_store
from vfx_deepfake.review.store import Store

SERVER_VARIABLE = "VFX_DEEPFAKE_TEST_POSTGRESQL"
SERVER = "postgresql+pg8000://postgres@127.0.0.1:5432/postgres"
SHOWS = ("alpha", "beta", "gamma")
AUTHORS = ("lena", "jonas", "mirko", "ana", "sam")
MEASURES = ("seam", "flicker", "grain_level", "sharpness", "gaze", "landmarks", "confidence", "outside")
A_TRANSACTION = 500  # versions
LIMIT_MS = 200.0


def build(store: Store, num_shots: int, num_versions: int, frames: int) -> None:
    """Put the show on record: every version with lineage and QC, half with a note, decided but for the newest ones."""
    rng, who = random.Random(1), this_account()
    todo = [(index, number) for index in range(num_shots) for number in range(1, num_versions // num_shots + 1)]
    for start in range(0, len(todo), A_TRANSACTION):
        with store.writing() as session:
            for index, number in todo[start : start + A_TRANSACTION]:
                evidence = _evidence(index, number, frames, rng)
                named: dict[str, Any] = {"show": evidence.show, "shot": evidence.shot, "version": evidence.version}
                take_effect(session, append(session, "version_registered", who, **named, data=evidence.facts), evidence)
                if rng.random() < 0.5:
                    data = {"id": uuid.UUID(int=rng.getrandbits(128)).hex, "first_frame": 1012, "last_frame": 1012,
                            "text": "lip slips; compare with the plate", "drawing": [], "reply_to": None}  # fmt: skip
                    take_effect(session, append(session, "note_added", who, **named, data=data))
                newest = number == num_versions // num_shots
                state = rng.choice(("", APPROVED, CHANGES)) if newest else SUPERSEDED
                if state:
                    take_effect(session, append(session, state, who, why="as the note on 1012 says", **named))
    shot = f"sh{0:05d}"
    set_playlist(store, who, SHOWS[0], "monday", [(shot, f"v{number:03d}") for number in range(1, 4)])


def _evidence(index: int, number: int, frames: int, rng: random.Random) -> Evidence:
    shot, version = f"sh{index:05d}", f"v{number:03d}"
    plate = {f"{shot}.{frame}.exr": f"{index:032x}{frame:032x}" for frame in range(1001, 1001 + frames)}
    settings = {"render": {"strength": number / 10}, "shot": {"name": shot}}
    facts = {
        "shot_folder": shot, "folder": f"versions/{version}", "frames": f"1001-{1000 + frames}", "author": rng.choice(AUTHORS),
        "made_at": f"2026-03-{1 + number % 28:02d}T10:00:00+00:00", "host": "farm", "release": "ana_2026",
        **{key: hash_data([index, number, key]) for key in ("record_hash", "inputs_hash", "frames_hash")},
    }  # fmt: skip
    qc = [
        {"measure": measure, "value": rng.random(), "verdict": "pass", "worst_frame": 1001, "more": {}}
        for measure in MEASURES
    ]
    parts: dict[str, dict[str, Any]] = {
        "settings": settings,
        "key_frames": {},
        "plate": plate,
        "data": {"track": shot},
        "code": {"version": "0.1.0"},
    }
    verdict = rng.choice(("pass", "look", "fail", ""))
    return Evidence(SHOWS[index % len(SHOWS)], shot, version, facts, parts, qc, verdict, [], "")


def _serve(folder: str, port: int) -> None:
    from vfx_deepfake.web.app import create_app
    from vfx_deepfake.web.options import Options

    app = create_app(find_place(Path(folder)), Options(single_user=True))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """The page of a folder in a process of its own; gives its address and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(str(folder), port), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{url}/api/me")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url, process.pid or 0
    finally:
        process.terminate()
        process.join()


def cpu_ms(pid: int) -> float:
    """Processor time that a process has used; beside it, waiting for a busy machine shows."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


def measure(url: str, pid: int, num_requests: int) -> bool:
    """Print the table of one database; returns whether the wall and the search keep the limit."""
    last = f"sh{12:05d}"
    asked = {
        "nothing (/api/me)": "/api/me", "wall": "/", "wall, page 9": "/?page=9", "wall, one show": "/?show=beta",
        "wall, pending, QC fail": "/?state=pending_review&qc=fail", "search, few": "/?search=sh0012",
        "search, author": "/?search=lena", "search, none": "/?search=zzzz", "search of all versions": "/api/versions?search=sh0012",
        "versions, author": "/api/versions?search=lena&limit=100", "last page of versions": "/api/versions?offset=19900&limit=100",
        "dailies": "/dailies", "shot": f"/shots/alpha/{last}", "what made it": f"/versions/alpha/{last}/v007/made?since=v006",
        "playlists": "/playlists",
    }  # fmt: skip
    print("| page | median ms | p95 ms | server's CPU ms | KiB |\n|---|---|---|---|---|")
    kept = True
    with httpx.Client(base_url=url, headers={"Accept-Encoding": "identity"}) as client:
        for name, path in asked.items():
            client.get(path)
            size, times, used = 0, [], cpu_ms(pid)
            for _ in range(num_requests):
                start = time.perf_counter()
                answer = client.get(path)
                times.append((time.perf_counter() - start) * 1e3)
                size = len(answer.raise_for_status().content)
            p95 = statistics.quantiles(times, n=20)[-1]
            kept = kept and p95 < LIMIT_MS and size < 2**20
            each = (cpu_ms(pid) - used) / num_requests
            print(
                f"| {name} | {statistics.median(times):.1f} | {p95:.1f} | {each:.1f} | {size / 1024:.0f} |", flush=True
            )
    return kept


@contextmanager
def copied_to_server(root: Path) -> Iterator[None]:
    """The rows of the SQLite database in ``root`` in a fresh one of the PostgreSQL server, which is the place's while this lasts."""
    server = sa.create_engine(os.environ.get(SERVER_VARIABLE, SERVER), isolation_level="AUTOCOMMIT")
    name = f"vfx_deepfake_benchmark_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0"))
    try:
        here = open_engine(find_place(root))
        os.environ[VARIABLE] = server.url.set(database=name).render_as_string(hide_password=False)
        there = open_engine(find_place(root))
        schema.upgrade(there)
        with here.connect() as source, there.begin() as target:
            for table in Base.metadata.sorted_tables:
                target.execute(table.delete())
                for rows in source.execute(sa.select(table)).mappings().partitions(A_TRANSACTION):
                    target.execute(
                        table.insert().values([dict(row) for row in rows])
                    )  # one statement: a row each takes minutes
        with there.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))
        here.dispose()
        there.dispose()
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def main() -> int:
    """Both engines, one after the other; fails where a page is slower than the limit or heavier than a MiB."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shots", type=int, default=2000)
    parser.add_argument("--versions", type=int, default=20_000)
    parser.add_argument("--frames", type=int, default=100, help="of a shot")
    parser.add_argument("--requests", type=int, default=60, help="of each page")
    args = parser.parse_args()
    os.environ.pop(VARIABLE, None)
    with tempfile.TemporaryDirectory(prefix="review_wall_") as folder:
        root = Path(folder)
        start = time.perf_counter()
        with make_store(find_place(root), this_account()) as store:
            build(store, args.shots, args.versions, args.frames)
        print(f"{args.shots} shots, {args.versions} versions, built in {time.perf_counter() - start:.0f} s")
        return 0 if measured(root, args.requests) else 1


def measured(root: Path, num_requests: int) -> bool:
    """Measure a built database on SQLite and, where a server answers, on PostgreSQL."""
    print("\nSQLite\n")
    with served(root) as (url, pid):
        kept = measure(url, pid, num_requests)
    try:
        with copied_to_server(root), served(root) as (url, pid):
            print("\nPostgreSQL (the CPU time is the page's, without the database's)\n")
            return measure(url, pid, num_requests) and kept
    except (sa.exc.DBAPIError, OSError) as error:
        print(f"no PostgreSQL answers ({type(error).__name__}); {SERVER_VARIABLE} names one")
        return kept


if __name__ == "__main__":
    raise SystemExit(main())
