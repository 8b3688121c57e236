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
        self._poller: asyncio.Task[None] | None = None
        self._began = asyncio.Event()
        self._stopped = False

    def stop(self) -> None:
        """End every stream, so that the server can go; from the loop's own thread."""
        self._stopped = True
        if self._poller:
            self._poller.cancel()

    async def follow(self, after: int | None) -> AsyncIterator[list[Event]]:
        """Events after a number (None: from now on) as they come; an empty list is a heartbeat. Ends when the server stops."""
        queue: asyncio.Queue[list[Event] | None] = asyncio.Queue(MOST_WAITING)
        self._listeners.add(queue)
        try:
            await (
                self._polling()
            )  # first, so that nothing falls between what is asked for here and what the poller tells
            last = await run_in_threadpool(self.last) if after is None else after
            yield []
            while found := await run_in_threadpool(self.after, last, BATCH):
                last = found[-1]["seq"]
                yield found
            while queue in self._listeners:
                try:
                    heard = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    heard = []
                if heard is None:
                    return
                new = [event for event in heard if event["seq"] > last]
                last = new[-1]["seq"] if new else last
                if new or not heard:
                    yield new
        finally:
            self._listeners.discard(queue)

    async def _polling(self) -> None:
        """See that there is one poller and that it knows where it began."""
        if self._poller is None and not self._stopped:
            self._began.clear()
            self._poller = asyncio.create_task(self._poll())
        await self._began.wait()

    def last(self) -> int:
        """The number of the last event."""
        with self._store.reading() as session:
            return last_seq(session)

    def after(self, seq: int, limit: int) -> list[Event]:
        """Events after a number as pages are told of them."""
        with self._store.reading() as session:
            return [shown(event) for event in events_after(session, seq, limit)]

    async def _poll(self) -> None:
        try:
            last = await run_in_threadpool(self.last)
            self._began.set()
            while self._listeners:
                await asyncio.sleep(EVERY_S)
                if await run_in_threadpool(self.last) != last:
                    found = await run_in_threadpool(self.after, last, BATCH)
                    last = found[-1]["seq"] if found else last
                    self._tell(found)
        except ReviewError as error:  # the database is away: browsers come again until it is back
            LOG.warning("%s", error)
        finally:
            self._poller = None
            self._began.set()
            for listener in list(self._listeners):
                self._end(listener)

    def _tell(self, events: list[Event]) -> None:
        for listener in list(self._listeners):
            if listener.full():
                self._end(listener)
            else:
                listener.put_nowait(events)

    def _end(self, listener: asyncio.Queue[list[Event] | None]) -> None:
        """Let a listener go, also one that is behind: what it has not read yet, its browser asks for when it comes again."""
        self._listeners.discard(listener)
        if listener.full():
            listener.get_nowait()
        listener.put_nowait(None)
