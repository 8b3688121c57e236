"""Reading, processing and writing at the same time, with bounded queues: memory does not grow with the length of a
shot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Raw = TypeVar("Raw")
Made = TypeVar("Made")
Kept = TypeVar("Kept")

READ_AHEAD = 2  # items read before they are asked for
WRITE_BEHIND = 1  # items on their way to the disk while the next one is made; one thread writes, a second would wait


def overlapped(
    items: Iterable[Item],
    read: Callable[[Item], Raw],
    process: Callable[[Item, Raw], Made],
    write: Callable[[Item, Made], Kept],
) -> Iterator[tuple[Item, Kept]]:
    """Yield each item with what ``write`` returned for it, in order, once it is written.

    ``read`` runs in one thread, ``write`` in another, ``process`` in the caller's; at most READ_AHEAD +
    WRITE_BEHIND + 2 items are alive. The first error of any of them (or an interrupt, or a caller that stops
    asking) ends the work: what was being written is finished or cleaned up by ``write`` itself, nothing further is
    begun, and the error is raised.
    """
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        coming: deque[tuple[Item, Future[Raw]]] = deque()
        going: deque[tuple[Item, Future[Kept]]] = deque()
        rest = iter(items)
        try:
            for item in islice(rest, READ_AHEAD):
                coming.append((item, reader.submit(read, item)))
            while coming:
                item, raw = coming.popleft()
                value = raw.result()
                coming.extend((ahead, reader.submit(read, ahead)) for ahead in islice(rest, 1))
                made = process(item, value)
                del raw, value
                while len(going) >= WRITE_BEHIND:
                    yield _finished(going)
                going.append((item, writer.submit(write, item, made)))
                del made
            while going:
                yield _finished(going)
        finally:
            for _, unread in coming:
                unread.cancel()
            for _, unwritten in going:
                unwritten.cancel()


def _finished(going: deque[tuple[Item, Future[Kept]]]) -> tuple[Item, Kept]:
    item, future = going.popleft()
    return item, future.result()
