"""Changes come from our own pages: a token bound to the visitor's cookie, and the browser's word on where a request began."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from vfx_deepfake.web.asking import is_secure
from vfx_deepfake.web.options import Options

HEADER, FIELD = "x-csrf-token", "csrf"
READS = ("GET", "HEAD", "OPTIONS")
COOKIE, SECURE_COOKIE = "review", "__Host-review"  # browsers let nobody but this host set the second one
TOKEN_BYTES = 32
COOKIE_SECONDS = 7 * 24 * 3600
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
FOREIGN = "this change was not asked for by the review page itself; open the page and do it there"
STALE = "the page is older than your login; reload it and do it again"


def new_token() -> str:
    """What a visitor's cookie holds: nobody guesses it."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def cookie_name(request: Request, options: Options) -> str:
    """The cookie's name; over TLS the one that plain HTTP and other hosts can't set.

    It carries the port: browsers keep one jar for all ports of a host, and two servers would log each other's people out.
    """
    name = SECURE_COOKIE if is_secure(request, options) else COOKIE
    return f"{name}_{request.url.port}" if request.url.port else name


def visitor_token(request: Request) -> str:
    """The token in the visitor's cookie; a new one, which the next page gives them, where there is none."""
    given: str = request.cookies.get(cookie_name(request, request.app.state.options), "")
    if len(given) == len(new_token()) and given.isascii():
        return given
    if not hasattr(request.state, "new_token"):
        request.state.new_token = new_token()
    return str(request.state.new_token)


def give_cookie(request: Request, response: Response, token: str) -> None:
    """Have the browser keep a token, out of reach of scripts and of other sites' requests."""
    options: Options = request.app.state.options
    response.set_cookie(
        cookie_name(request, options), token, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", path="/",
        secure=is_secure(request, options),
    )  # fmt: skip


def csrf_of(token: str) -> str:
    """The token that pages carry: it follows from the cookie's, and the cookie's does not follow from it."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


async def guard(request: Request) -> None:
    """Refuse a change that did not come from a page of this visitor; runs before every route.

    Raises: HTTPException 403.
    """
    if request.method in READS:
        return
    if not _is_ours(request):
        raise HTTPException(403, FOREIGN)
    given = request.headers.get(HEADER)
    if given is None and request.headers.get("content-type", "").split(";")[0].strip().lower() in FORMS:
        field = (await request.form()).get(FIELD)
        given = None if isinstance(field, UploadFile) else field
    if given is None:
        raise HTTPException(403, FOREIGN)
    if not hmac.compare_digest(given.encode(), csrf_of(visitor_token(request)).encode()):
        raise HTTPException(403, STALE)


def _is_ours(request: Request) -> bool:
    """What the browser says about the page that asked; programs that are no browser say nothing."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
