"""What every request passes first: names that are ours, nothing oversized, and headers that keep a browser from being used against us."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vfx_deepfake.web.asking import is_known_host, wants_json
from vfx_deepfake.web.errors import bug
from vfx_deepfake.web.options import Options

LARGEST_BODY = 2 * 1024 * 1024  # bytes; the largest drawing that the store takes is about half of it
LONGEST_URL = 4096
CSP = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Door:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self._app = app
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(send, scope["path"])
        refused = self._refused(Request(scope))
        if refused:
            await refused(scope, receive, answer)
            return
        try:
            await self._app(scope, _limited(receive), answer)
        except Exception as error:
            if answer.has_begun:
                raise
            await bug(Request(scope), error)(scope, receive, answer)

    def _refused(self, request: Request) -> Response | None:
        if not is_known_host(request, self._options):
            return _plain(
                request,
                421,
                "this page does not answer to that name; 'review serve --name NAME' makes it one of its own",
            )
        whole = request.scope.get("raw_path", b"") + request.scope.get("query_string", b"")
        if len(whole) > LONGEST_URL:
            return _plain(request, 414, f"the address is longer than {LONGEST_URL} bytes")
        if b"%00" in whole or "\x00" in request.url.path:
            return _plain(request, 400, "the address holds a NUL")
        said = request.headers.get("content-length", "0")
        if not (said.isascii() and said.isdigit()) or int(said[:20]) > LARGEST_BODY:
            return _plain(request, 413, _too_large())
        return None


def _too_large() -> str:
    return f"more than {LARGEST_BODY // 1024} KiB were sent; send less at a time"


def _plain(request: Request, status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status) if wants_json(request) else PlainTextResponse(text, status)


def _limited(receive: Receive) -> Receive:
    """Count what arrives: a body may have said nothing of its length."""
    arrived = 0

    async def counting() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > LARGEST_BODY:
            raise HTTPException(413, _too_large())
        return message

    return counting


class Answer:
    """Sends on, with our headers, and knows whether anything was sent."""

    def __init__(self, send: Send, path: str) -> None:
        self._send = send
        self._path = path
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        """Send one message of ASGI."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-cache" if self._path.startswith("/static/") else "no-store")
        await self._send(message)
