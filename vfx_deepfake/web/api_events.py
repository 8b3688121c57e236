"""JSON: the events of the store, as a list and as a stream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.web.api_common import LARGEST_NUMBER, REFUSALS, Count
from vfx_deepfake.web.live import BATCH, Live
from vfx_deepfake.web.sessions import identify
from vfx_deepfake.web.visit import Visitor

router = APIRouter(prefix="/api", responses=REFUSALS, tags=["events"])
RETRY_MS = 2000  # how soon a browser comes back after the stream broke


@router.get("/events")
def events(
    request: Request, visit: Visitor, after: Count = 0, limit: Annotated[int, Query(ge=1, le=BATCH)] = BATCH
) -> list[dict[str, Any]]:
    """Events after number ``after``, in order."""
    live: Live = request.app.state.live
    return live.after(after, limit)


@router.get("/events/stream", include_in_schema=False)
async def stream(
    request: Request, visit: Visitor, after: Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)] = None
) -> StreamingResponse:
    """Every event after number ``after`` (else from now on) as it comes, by server-sent events. It ends with the login."""
    said = request.headers.get("last-event-id", "")
    if said.isascii() and said.isdigit():
        after = min(int(said[:10]), LARGEST_NUMBER)
    return StreamingResponse(
        _lines(request, after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(request: Request, after: int | None) -> AsyncIterator[str]:
    live: Live = request.app.state.live
    yield f"retry: {RETRY_MS}\n\n"
    async for found in live.follow(after):
        if not await run_in_threadpool(_is_still_in, request):
            return
        yield "".join(f"id: {event['seq']}\ndata: {json.dumps(event)}\n\n" for event in found) or ": alive\n\n"


def _is_still_in(request: Request) -> bool:
    try:
        return identify(request) is not None
    except (ReviewError, HTTPException):
        return False
