"""Who asks: by a login, by what our reverse proxy says, or the one user of a server on loopback."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from vfx_deepfake.errors import NoRightError
from vfx_deepfake.review.logins import session_user
from vfx_deepfake.review.people import find_user, this_account
from vfx_deepfake.review.store import Store
from vfx_deepfake.web.asking import is_at_home, is_from_proxy
from vfx_deepfake.web.csrf import cookie_name
from vfx_deepfake.web.options import Options


def identify(request: Request) -> dict[str, Any] | None:
    """The user who asks, as plain data; None for nobody.

    Raises: NoRightError for a name that the proxy or the account gives and the store does not know; HTTPException 403 for single-user mode
    from elsewhere.
    """
    options: Options = request.app.state.options
    store: Store = request.app.state.store
    if options.single_user:
        if not is_at_home(request):
            raise HTTPException(
                403, "this page is for one person at the computer that serves it; start it without --single-user"
            )
        return _known(store, this_account())
    if options.proxy_header and is_from_proxy(request, options):
        named = request.headers.getlist(options.proxy_header)
        if len(named) == 1 and named[0]:
            return _known(store, named[0])
    token = request.cookies.get(cookie_name(request, options))
    return session_user(store, token) if token else None


def _known(store: Store, name: str) -> dict[str, Any]:
    user = find_user(store, name)
    if user is None or not user["active"]:
        state = "is not known to the review database" if user is None else "is switched off"
        raise NoRightError(
            f"{ascii(name)[1:-1][:64]}: {state}; an admin changes that with 'vfx-deepfake review user NAME --role artist'"
        )
    return user
