"""Logging in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from vfx_deepfake.review.logins import close_session, note_login, open_session
from vfx_deepfake.review.people import check_password
from vfx_deepfake.web.asking import address
from vfx_deepfake.web.csrf import cookie_name, give_cookie
from vfx_deepfake.web.sessions import identify
from vfx_deepfake.web.visit import Visitor, inside, render

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:
    """The form; whoever is logged in goes on."""
    if identify(request):
        return RedirectResponse(inside(next), 303)
    return render(request, None, "login.html", next=inside(next), name="", said="")


@router.post("/login")
def login(request: Request, name: Annotated[str, Form(max_length=200)], password: Annotated[str, Form(max_length=2000)],
          next: Annotated[str, Form(max_length=2000)] = "/") -> Response:  # fmt: skip
    """Check name and password. A login gets a token of its own: one that somebody planted before is worth nothing."""
    state, whence = request.app.state, address(request, request.app.state.options)
    wait = state.limiter.attempt(name, whence)
    if wait:
        note_login(state.store, name, whence, "too_many")
        said = f"Too many attempts; wait {wait} seconds, then try again."
        return _again(request, 429, said, name, next, {"Retry-After": str(wait)})
    with state.limiter.hashing():
        user = check_password(state.store, name, password)
    if user is None:
        note_login(state.store, name, whence, "refused")
        return _again(request, 401, "Name and password do not belong together.", name, next, {})
    state.limiter.succeeded(name, whence)
    note_login(state.store, name, whence, "login")
    response = RedirectResponse(inside(next), 303)
    give_cookie(request, response, open_session(state.store, name))
    return response


@router.post("/logout")
def logout(request: Request, visit: Visitor) -> Response:
    """End the session, here and in the database."""
    options = request.app.state.options
    close_session(visit.store, request.cookies.get(cookie_name(request, options), ""))
    note_login(visit.store, visit.user, address(request, options), "logout")
    response = RedirectResponse("/login", 303)
    response.delete_cookie(
        cookie_name(request, options), path="/", secure=cookie_name(request, options).startswith("__Host")
    )
    return response


def _again(request: Request, status: int, said: str, name: str, wanted: str, headers: dict[str, str]) -> Response:
    response = render(request, None, "login.html", next=inside(wanted), name=name[:64], said=said)
    response.status_code = status
    response.headers.update(headers)
    return response
