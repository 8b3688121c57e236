"""What happens in the store reaches the open pages: one poller a server, however many look on.

Other processes change the database too, so asking it for its last event's number is the one way that sees everything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.ledger import events_after, last_seq
from vfx_deepfake.review.store import Store

EVERY_S = 1.0
HEARTBEAT_S = 15.0  # proxies cut what is silent for a minute
MOST_WAITING = 1000  # events that a slow reader may be behind; then it is let go and asks for the rest
BATCH = 200
SHOWN = ("seq", "kind", "show", "shot", "version", "who", "at", "why")
LOG = logging.getLogger("vfx_deepfake.review.page")
Event = dict[str, Any]


def shown(event: Event) -> Event:
    """What pages are told of an event; they ask for the rest."""
    return {name: event[name] for name in SHOWN}


class Live:
    """The poller, and who listens to it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[asyncio.Queue[list[Event] | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End every stream, so that the server can go; from the loop's own thread."""
        self._stopped = True
        if self._task:
            self._task.cancel()
        for listener in self._listeners:
            listener.put_nowait(None)

    async def follow(self, after: int | None) -> AsyncIterator[list[Event]]:
        """Events after a number (None: from now on) as they come; an empty list is a heartbeat. Ends when the server stops."""
        queue: asyncio.Queue[list[Event] | None] = asyncio.Queue(MOST_WAITING)
        self._listeners.add(queue)
        try:
            last = await run_in_threadpool(self.last) if after is None else after
            if self._task is None and not self._stopped:
                self._task = asyncio.create_task(self._poll(await run_in_threadpool(self.last)))
            yield []
            while found := await run_in_threadpool(self.after, last, BATCH):
                last = found[-1]["seq"]
                yield found
            while not self._stopped and queue in self._listeners:
                try:
                    heard = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    heard = []
                if heard is None:
                    return
                new = [event for event in heard if event["seq"] > last]
                last = new[-1]["seq"] if new else last
                yield new
        finally:
            self._listeners.discard(queue)

    def last(self) -> int:
        """The number of the last event."""
        with self._store.reading() as session:
            return last_seq(session)

    def after(self, seq: int, limit: int) -> list[Event]:
        """Events after a number as pages are told of them."""
        with self._store.reading() as session:
            return [shown(event) for event in events_after(session, seq, limit)]

    async def _poll(self, last: int) -> None:
        while self._listeners:
            await asyncio.sleep(EVERY_S)
            try:
                if await run_in_threadpool(self.last) != last:
                    found = await run_in_threadpool(self.after, last, BATCH)
                    last = found[-1]["seq"] if found else last
                    self._tell(found)
            except ReviewError as error:  # a database that is away comes back
                LOG.warning("%s", error)
        self._task = None

    def _tell(self, events: list[Event]) -> None:
        for listener in list(self._listeners):
            try:
                listener.put_nowait(events)
            except asyncio.QueueFull:
                self._listeners.discard(listener)
