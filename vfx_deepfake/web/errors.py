"""What people see when something can't be had: a page, or one line of JSON for programs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from vfx_deepfake.errors import ArtistError, ConflictError, NoRightError, NotThereError, UnavailableError
from vfx_deepfake.web.asking import wants_json
from vfx_deepfake.web.visit import LoginNeeded, render

STATUS: dict[type[Exception], int] = {NotThereError: 404, NoRightError: 403, ConflictError: 409, UnavailableError: 503}
LOG = logging.getLogger("vfx_deepfake.review.page")
WORDS = {404: "there is nothing here", 405: "this can't be done here"}


def refusal(request: Request, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """One line of what is wrong, as a page or as JSON."""
    if wants_json(request):
        return JSONResponse({"error": text}, status, dict(headers or {}))
    response = render(request, None, "error.html", status=status, text=text)
    response.status_code = status
    response.headers.update(headers or {})
    return response


def status_of(error: Exception) -> int:
    """The HTTP status of an error of ours."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400)


def add_handlers(app: FastAPI) -> None:
    """Have the app answer errors with one line; a traceback goes to the log alone."""

    @app.exception_handler(LoginNeeded)
    def login(request: Request, _error: LoginNeeded) -> Response:
        if wants_json(request):
            return JSONResponse({"error": "log in first"}, 401)
        if request.method != "GET":
            return RedirectResponse("/login", 303)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(wanted, safe='')}", 303)

    @app.exception_handler(ArtistError)
    def ours(request: Request, error: ArtistError) -> Response:
        return refusal(request, status_of(error), str(error))

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        text = WORDS.get(error.status_code, "") if error.status_code in WORDS else str(error.detail)
        return refusal(request, error.status_code, text, error.headers)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return refusal(request, 422, "; ".join(_problem(each) for each in error.errors()[:5]))


def bug(request: Request, error: Exception) -> Response:
    """What escapes everything else: our mistake, with its traceback in the log."""
    LOG.error("%s %s", request.method, request.url.path, exc_info=error)
    return refusal(
        request, 500, "this is a mistake of the page, not yours; the server's log has it; tell whoever runs it"
    )


def _problem(found: Mapping[str, Any]) -> str:
    """One line without what was sent: that may be long, or no text at all."""
    where = ".".join(str(part) for part in found["loc"] if part not in ("body", "query", "path"))
    return f"{where or 'the request'}: {found['msg']}".encode("ascii", "backslashreplace").decode()[:200]
