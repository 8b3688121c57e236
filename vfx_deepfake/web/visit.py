"""One visitor's request: who they are, which version they mean, and the page they get."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import jinja2
from fastapi import Depends, Request
from starlette.responses import HTMLResponse

from vfx_deepfake.review.find import VersionName, folder_of
from vfx_deepfake.review.ledger import last_seq
from vfx_deepfake.review.people import may
from vfx_deepfake.review.store import Store
from vfx_deepfake.web.asking import wants_json
from vfx_deepfake.web.csrf import csrf_of, give_cookie, visitor_token
from vfx_deepfake.web.sessions import identify

NO_SHOW = "-"  # how a URL writes the name of a show that has none


class LoginNeeded(Exception):
    """Nobody is logged in."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks. ``csrf`` goes with every change: as header ``X-CSRF-Token`` or as field ``csrf`` of a form.

    seq: the last event when a page was asked for; what happens after it is news to that page. 0 for what is no page.
    """

    store: Store
    user: str
    role: str
    csrf: str
    seq: int = 0

    def may(self, action: str) -> bool:
        """Whether the role allows an action, one of ``people.NEEDS``; for what a page offers, the store asks again."""
        return may(self.role, action)


def visitor(request: Request) -> Visit:
    """The visit of a request.

    Raises: LoginNeeded when nobody is logged in; ReviewError for somebody whom the store does not know.
    """
    user = identify(request)
    if user is None:
        raise LoginNeeded
    store: Store = request.app.state.store
    seq = 0 if wants_json(request) else _last(store)
    return Visit(store, user["name"], user["role"], csrf_of(visitor_token(request)), seq)


def _last(store: Store) -> int:
    with store.reading() as session:
        return last_seq(session)


Visitor = Annotated[Visit, Depends(visitor)]


def version_name(show: str, shot: str, version: str) -> VersionName:
    """The version that the parts of a URL name; "-" stands for no show.

    Raises: ReviewError for a version that is not like ``v003``.
    """
    name = VersionName("" if show == NO_SHOW else show, shot, version)
    _ = name.number  # refuses what is no version before anybody asks the store
    return name


def version_url(show: str, shot: str, version: str, tail: str = "") -> str:
    """Where a version's page is, or what lies under it (``tail``: ``made``, ``sheet``, ``qc``)."""
    return "/".join(["/versions", _part(show), _part(shot), _part(version), *([tail] if tail else [])])


def shot_url(show: str, shot: str) -> str:
    """Where all versions of a shot are listed."""
    return f"/shots/{_part(show)}/{_part(shot)}"


def media_url(show: str, shot: str, version: str, tail: str) -> str:
    """Where a picture or other file of a version is (``tail``: ``thumb.jpg``)."""
    return f"/media/{_part(show)}/{_part(shot)}/{_part(version)}/{tail}"


def _part(name: str) -> str:
    return quote(name, safe="") or NO_SHOW


def inside(wanted: str) -> str:
    """An address on this page to go on to, never another site's: ``//evil`` and ``/\\evil`` are such."""
    fine = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if fine else "/"


def version_folder(visit: Visit, name: VersionName) -> Path:
    """The folder of a registered version: the database says where, a URL never does.

    Raises: ReviewError where it is not registered.
    """
    with visit.store.reading() as session:
        return folder_of(session, visit.store.place.root, name)


@functools.cache
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    found = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.globals.update(version_url=version_url, shot_url=shot_url, media_url=media_url)
    return found


def compile_templates() -> None:
    """Have all pages ready: compiling the player's takes a tenth of a second."""
    for name in _templates().list_templates(extensions=["html"]):
        _templates().get_template(name)


def render(request: Request, visit: Visit | None, template: str, **context: Any) -> HTMLResponse:
    """A page from ``templates/``; it always has ``visit`` (None before login), ``csrf`` and ``path``."""
    token = visitor_token(request)
    text = (
        _templates().get_template(template).render(visit=visit, csrf=csrf_of(token), path=request.url.path, **context)
    )
    response = HTMLResponse(text)
    if hasattr(request.state, "new_token"):
        give_cookie(request, response, token)
    return response
