"""How pictures leave the server: from the cache or made now, a few at a time, with an ETag, and never twice what the browser has.

Making a picture takes all of a core, so no more are made at once than there are cores, and thumbnails of a wall wait behind each other
while the player's frames go past them. Who waits holds no thread, and who has gone meanwhile gets nothing made.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response

from vfx_deepfake.errors import ArtistError, ConflictError, ReviewError
from vfx_deepfake.files import hash_data
from vfx_deepfake.viewing.cache import Cache, Entry, cache_folder, cache_limit

Result = TypeVar("Result")
_making = threading.Lock()
FOR_GOOD = "private, max-age=86400, immutable"  # a registered version never changes; a day, in case the packing does
ASK_AGAIN = "private, no-cache"
GONE = 499  # nginx's number for a client that hung up; nobody sees it


@dataclass
class Studio:
    """What one server makes pictures with."""

    cache: Cache = field(default_factory=lambda: Cache(cache_folder(), cache_limit()))
    frames: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(cores()))
    thumbs: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(max(cores() // 2, 1)))


@dataclass(frozen=True)
class Wanted:
    """A picture that somebody asks for. ``key``: plain data that decides all of it; ``make``: makes it, body and headers."""

    key: Any
    make: Callable[[], Entry]
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: str = FOR_GOOD
    small: bool = False  # a thumbnail: made behind the others


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def studio(app: FastAPI) -> Studio:
    """The server's own; made when it is first needed."""
    with _making:
        if not hasattr(app.state, "studio"):
            app.state.studio = Studio()
    found: Studio = app.state.studio
    return found


async def send(request: Request, find: Callable[[], Wanted]) -> Response:
    """Answer with a picture; ``find`` says which, in a thread.

    Raises: ReviewError for what is not there or not what was registered.
    """
    with_what = studio(request.app)
    wanted = await run_in_threadpool(_translated, find)
    headers = {"ETag": etag(wanted.key), "Cache-Control": wanted.keep, "Vary": "Cookie", **wanted.headers}
    if has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    entry = await run_in_threadpool(with_what.cache.get, wanted.key) or await _made(request, with_what, wanted)
    if entry is None:
        return Response(status_code=GONE)
    return Response(entry.body, headers={**headers, **entry.facts}, media_type=wanted.media_type)


async def _made(request: Request, with_what: Studio, wanted: Wanted) -> Entry | None:
    """Make it when its turn has come; None where nobody waits for it any more."""
    async with _turn(with_what, wanted):
        if await request.is_disconnected():
            return None
        return await run_in_threadpool(_translated, lambda: with_what.cache.get_or_make(wanted.key, wanted.make))


@asynccontextmanager
async def _turn(with_what: Studio, wanted: Wanted) -> AsyncIterator[None]:
    """Wait without a thread until a core is free; thumbnails before that until their share is."""
    if wanted.small:
        async with with_what.thumbs, with_what.frames:
            yield
    else:
        async with with_what.frames:
            yield


async def send_file(request: Request, find: Callable[[], Path], media_type: str, keep: str = FOR_GOOD) -> Response:
    """Answer with a file, or with the ranges of it that were asked for.

    Raises: as :func:`send`.
    """
    path = await run_in_threadpool(_translated, find)
    state = await run_in_threadpool(path.stat)
    headers = {"ETag": etag([str(path), state.st_size, state.st_mtime_ns]), "Cache-Control": keep, "Vary": "Cookie"}
    if has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, headers=headers, media_type=media_type, stat_result=state)


async def send_data(request: Request, find: Callable[[], Mapping[str, Any]]) -> Response:
    """Answer with JSON that may say something else tomorrow."""
    data = await run_in_threadpool(_translated, find)
    headers = {"ETag": etag(data), "Cache-Control": ASK_AGAIN, "Vary": "Cookie"}
    if has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return JSONResponse(data, headers=headers)


def etag(key: Any) -> str:
    """The entity tag of what ``key`` decides."""
    return f'"{hash_data(key)[:32]}"'


def has_it(request: Request, tag: str) -> bool:
    """Whether the browser says that it has the picture of this tag already."""
    said = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in said or said == ["*"]


def _translated(work: Callable[[], Result]) -> Result:
    """Do the work. What is wrong with files on the server's disk is no fault of the request.

    Raises: ReviewError.
    """
    try:
        return work()
    except ReviewError:
        raise
    except ArtistError as error:
        raise ConflictError(str(error)) from error
