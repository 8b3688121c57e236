"""Overlapped reading, processing and writing."""

import threading
import time

import pytest

from vfx_deepfake.steps.streaming import READ_AHEAD, WRITE_BEHIND, overlapped


def test_every_item_comes_back_in_order_with_what_was_written() -> None:
    written = []
    done = list(overlapped(range(20), lambda i: i * 2, lambda i, x: x + 1, lambda i, x: written.append(x) or -i))
    assert done == [(i, -i) for i in range(20)]
    assert written == [2 * i + 1 for i in range(20)]


def test_nothing_to_do_is_fine() -> None:
    assert list(overlapped([], lambda i: i, lambda i, x: x, lambda i, x: x)) == []


def test_a_bounded_number_of_items_is_alive() -> None:
    alive, most, lock = 0, 0, threading.Lock()

    def read(item: int) -> int:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return item

    def write(item: int, made: int) -> None:
        nonlocal alive
        time.sleep(0.002)
        with lock:
            alive -= 1

    for _ in overlapped(range(60), read, lambda i, x: x, write):
        pass
    assert alive == 0 and most <= READ_AHEAD + WRITE_BEHIND + 2


def test_reading_and_writing_run_beside_processing() -> None:
    """Each step waits for the next item's earlier step to begin, which comes only if the two run at the same time."""
    last, patience = 9, 60
    reading, making = ([threading.Event() for _ in range(last + 1)] for _ in range(2))

    def read(item: int) -> int:
        reading[item].set()
        return item

    def process(item: int, raw: int) -> int:
        making[item].set()
        assert item == last or reading[item + 1].wait(patience)
        return raw

    def write(item: int, made: int) -> bool:
        return item == last or making[item + 1].wait(patience)

    assert list(overlapped(range(last + 1), read, process, write)) == [(item, True) for item in range(last + 1)]


@pytest.mark.parametrize("place", ["read", "process", "write"])
def test_the_first_error_ends_the_work(place: str) -> None:
    begun = []

    def step(name: str, item: int) -> int:
        if name == "write":
            begun.append(item)
        if name == place and item == 3:
            raise OSError("no more disk")
        return item

    done = []
    with pytest.raises(OSError, match="no more disk"):
        for item, _ in overlapped(
            range(50), lambda i: step("read", i), lambda i, x: step("process", i), lambda i, x: step("write", i)
        ):
            done.append(item)
    assert done == list(range(len(done))) and len(done) <= 3
    assert max(begun) <= 3 + WRITE_BEHIND


def test_a_caller_who_stops_asking_stops_the_threads() -> None:
    stream = overlapped(range(1000), lambda i: i, lambda i, x: x, lambda i, x: x)
    assert next(stream) == (0, 0)
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("read_", "write_"))]
