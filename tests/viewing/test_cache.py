"""The cache on disk: whole entries or none, a limit that holds, threads and processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.files import hash_data
from vfx_deepfake.viewing.cache import DEFAULT_GIB, LEFT, Cache, Entry, cache_folder, cache_limit

LARGE = 10**9


def size_of(folder) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.bin"))


def file_of(cache, key):
    return cache.path(hash_data(key))


def test_what_was_made_is_found_again_also_by_another_server(tmp_path):
    cache, made = Cache(tmp_path, LARGE), []

    def make():
        made.append(1)
        return Entry(b"\n{}pixels\0\n" * 10, {"X-Width": "12"})

    first = cache.get_or_make(["frame", 1001], make)
    assert cache.get(["frame", 1001]) == first == Cache(tmp_path, LARGE).get_or_make(["frame", 1001], make)
    assert cache.get(["frame", 1002]) is None
    assert made == [1]
    assert [path.name for path in tmp_path.rglob("*") if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"\n" + data, lambda data: b"{}\n"]
)
def test_an_entry_that_is_not_whole_is_made_again(tmp_path, damage):
    cache = Cache(tmp_path, LARGE)
    cache.get_or_make("a", lambda: Entry(b"old" * 100))
    path = file_of(cache, "a")
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get_or_make("a", lambda: Entry(b"new")).body == b"new"
    assert cache.get("a") == Entry(b"new")


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    cache = Cache(tmp_path, 100_000)
    for number in range(9):
        cache.get_or_make(number, lambda: Entry(b"x" * 10_000))
        os.utime(file_of(cache, number), ns=(number, number))
    cache.get(0)  # used again
    cache.get_or_make(9, lambda: Entry(b"x" * 30_000))
    cache.make_room()
    left = [number for number in range(10) if cache.get(number)]
    assert left == [0, 6, 7, 8, 9]  # 4 x 10,000 + 30,000: with 5 it would be a little over the 80,000 that are left
    assert size_of(tmp_path) <= LEFT * 100_000


def test_the_limit_holds_while_it_fills(tmp_path):
    cache = Cache(tmp_path, 100_000)
    for number in range(60):
        cache.get_or_make(number, lambda: Entry(b"x" * 4_000))
        assert size_of(tmp_path) <= 100_000 * 1.05 + 5_000  # it looks after each twentieth of the limit
    assert cache.get(59)
    assert not cache.get(0)


def test_an_entry_larger_than_the_limit_is_served_all_the_same(tmp_path):
    cache = Cache(tmp_path, 1000)
    assert len(cache.get_or_make("a", lambda: Entry(b"x" * 5000)).body) == 5000
    assert size_of(tmp_path) <= 1000


def test_threads_that_want_the_same_wait_for_the_first(tmp_path):
    cache, made, begun = Cache(tmp_path, LARGE), [], threading.Event()

    def make():
        begun.wait(10)
        made.append(1)
        return Entry(b"x")

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(cache.get_or_make, "same", make) for _ in range(8)]
        begun.set()
        assert {job.result().body for job in jobs} == {b"x"}
    assert made == [1]
    assert cache._making == {}


def test_a_failure_is_not_kept(tmp_path):
    cache = Cache(tmp_path, LARGE)

    def fail():
        raise ReviewError("sh0010 v001: no such frame")

    with pytest.raises(ReviewError, match="no such frame"):
        cache.get_or_make("a", fail)
    assert cache.get_or_make("a", lambda: Entry(b"x")).body == b"x"


def test_a_disk_that_refuses_makes_it_slow_and_not_wrong(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = Cache(tmp_path / "cache", LARGE)
    for text in (b"first", b"second"):
        assert cache.get_or_make("a", lambda text=text: Entry(text)).body == text


PROCESS = """
import sys
from pathlib import Path
from vfx_deepfake.viewing.cache import Cache, Entry
cache = Cache(Path(sys.argv[1]), 300_000)
for turn in range(3):
    for number in range(60):
        body = str(number).encode() * 5000
        found = cache.get_or_make(number, lambda: Entry(body, {"n": str(number)}))
        assert found.body == body and found.facts == {"n": str(number)}, number
print("whole")
"""


def test_two_processes_fill_and_empty_one_cache_at_once(tmp_path):
    """More is asked for than has room, so that each removes what the other has just written or reads."""
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert (out, err) == ("whole\n", "")
    Cache(tmp_path, 300_000).make_room()
    assert size_of(tmp_path) <= 300_000


def test_where_it_is_and_how_large(tmp_path, monkeypatch):
    monkeypatch.setenv("VFX_DEEPFAKE_REVIEW_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("VFX_DEEPFAKE_REVIEW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "vfx_deepfake" / "review"
    assert cache_limit() == DEFAULT_GIB * 2**30
    monkeypatch.setenv("VFX_DEEPFAKE_REVIEW_CACHE_GIB", "0.5")
    assert cache_limit() == 2**29
    for bad in ("0", "-1", "nan", "much"):
        monkeypatch.setenv("VFX_DEEPFAKE_REVIEW_CACHE_GIB", bad)
        with pytest.raises(ReviewError, match=f"_GIB: is '{bad}'; want a number of GiB over 0"):
            cache_limit()
