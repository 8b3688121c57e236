"""People: one's own password, and for admins everybody's role, whether they may come in, and their password."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from vfx_deepfake.errors import NoRightError, ReviewError
from vfx_deepfake.review.logins import open_session
from vfx_deepfake.review.models import ROLES
from vfx_deepfake.review.people import (
    LONGEST_PASSWORD,
    NEEDS,
    SHORTEST_PASSWORD,
    check_password,
    find_user,
    list_users,
    set_password,
    set_user,
)
from vfx_deepfake.web.asking import address
from vfx_deepfake.web.csrf import give_cookie
from vfx_deepfake.web.visit import Visit, Visitor, render

router = APIRouter(include_in_schema=False)
Name = Annotated[str, Form(max_length=64)]
Secret = Annotated[str, Form(max_length=2 * LONGEST_PASSWORD)]
LIMITS = {"shortest": SHORTEST_PASSWORD, "longest": LONGEST_PASSWORD}


@router.get("/me")
def me_page(request: Request, visit: Visitor, done: str = "") -> HTMLResponse:
    """Who one is here, and a form for a new password."""
    user = find_user(visit.store, visit.user)
    return render(
        request,
        visit,
        "me.html",
        has_password=bool(user and user["has_password"]),
        done=done == "yes",
        **LIMITS,
    )


@router.post("/me/password")
def change_own(request: Request, visit: Visitor, present: Secret, new: Secret, again: Secret) -> Response:
    """Change one's own password. Every other browser that was logged in with the old one is out.

    Raises: ReviewError for a wrong present password, or two that are not the same.
    """
    state, whence = request.app.state, address(request, request.app.state.options)
    wait = state.limiter.attempt(visit.user, whence)
    if wait:
        raise ReviewError(f"password: too many attempts; wait {wait} seconds")
    with state.limiter.hashing():
        if check_password(visit.store, visit.user, present) is None:
            raise NoRightError("password: the present one is not right; nothing has changed")
        state.limiter.succeeded(visit.user, whence)
        _require_same(new, again)
        set_password(visit.store, visit.user, visit.user, new)
    response = RedirectResponse("/me?done=yes", 303)
    give_cookie(request, response, open_session(visit.store, visit.user))
    return response


@router.get("/people")
def people_page(request: Request, visit: Visitor) -> HTMLResponse:
    """Everybody, with forms."""
    _require_admin(visit)
    return render(request, visit, "people.html", users=list_users(visit.store), roles=ROLES, **LIMITS)


@router.post("/people")
def change_person(visit: Visitor, name: Name, role: Name, active: Name = "yes") -> Response:
    """Add somebody, or change what they may do; whoever is changed logs in again.

    Raises: ReviewError for an unknown role, for the last admin, or without the right to.
    """
    set_user(visit.store, visit.user, name, role=role, active=active == "yes")
    return RedirectResponse("/people", 303)


@router.post("/people/password")
def give_password(request: Request, visit: Visitor, name: Name, new: Secret, again: Secret) -> Response:
    """Give somebody a password; whoever is logged in as them is out.

    Raises: ReviewError for one too short or too long, or without the right to.
    """
    _require_admin(visit)
    _require_same(new, again)
    with request.app.state.limiter.hashing():
        set_password(visit.store, visit.user, name, new)
    return RedirectResponse("/people", 303)


def _require_admin(visit: Visit) -> None:
    if not visit.may("people"):
        raise NoRightError(f"{visit.user}: is {visit.role}; people are for an {NEEDS['people']} to change")


def _require_same(new: str, again: str) -> None:
    if new != again:
        raise ReviewError("password: the two are not the same; nothing has changed")
