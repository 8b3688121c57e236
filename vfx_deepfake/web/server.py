"""The server of the page: one process, a socket of its own, and an end that waits for nobody."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review.people import find_user, list_users, this_account
from vfx_deepfake.review.place import Place
from vfx_deepfake.web.app import create_app
from vfx_deepfake.web.options import Options, is_loopback
from vfx_deepfake.web.warm import warm

SECONDS_TO_END = 10  # requests under way get this long; streams of events end at once
ANY = ("0.0.0.0", "::", "")


class PageServer(uvicorn.Server):
    """Ends the streams of events first: they would go on as long as somebody looks."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of everybody, then of the sockets."""
        app: FastAPI = self.config.app  # type: ignore[assignment]  # what serve() gave it
        app.state.live.stop()
        await super().shutdown(sockets)


def serve(place: Place, host: str, port: int, options: Options, tell: Callable[[str, list[str]], None]) -> None:
    """Serve the page until SIGINT or SIGTERM. ``tell`` gets its URL, and what whoever started it should know.

    port: 0 takes any that is free. Raises: ReviewError where there is no database, the address can't be had, or single-user mode would be
    open to others.
    """
    if options.single_user and not is_loopback(_resolved(host)):
        raise ReviewError(
            f"serve: --single-user on {host} would make everybody who reaches it {this_account()}; want 127.0.0.1; leave out --host, or "
            "leave out --single-user and give people passwords"
        )
    app = create_app(place, options)
    remarks = _remarks(app, host, options)
    listening = listen(host, port)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, proxy_headers=False, server_header=False, timeout_graceful_shutdown=SECONDS_TO_END,
    )  # fmt: skip
    config.load()  # what uvicorn imports; whoever is told the URL should not wait for it
    threading.Thread(target=warm, args=(app,), name="warm", daemon=True).start()
    name = f"[{host}]" if ":" in host else host
    if host in ANY:
        name = options.hosts[0] if options.hosts else socket.gethostname()
    tell(f"http://{name}:{listening.getsockname()[1]}/", remarks)
    try:
        PageServer(config).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn hands the signal on when it has ended
        signal.setitimer(signal.ITIMER_REAL, 0)  # that the command line sets on a signal


def _remarks(app: FastAPI, host: str, options: Options) -> list[str]:
    """Raises: ReviewError when the one user of single-user mode is nobody."""
    users = list_users(app.state.store)
    if options.single_user:
        user = find_user(app.state.store, this_account())
        if user is None or not user["active"]:
            raise ReviewError(
                f"{this_account()}: is not known to the review database, or switched off; an admin changes that with "
                f"'vfx-deepfake review user {this_account()} --role artist'"
            )
        return [f"everybody at this computer is {user['name']} ({user['role']}) here"]
    found = []
    if not options.proxy_header and not any(user["has_password"] for user in users):
        found.append(
            "nobody has a password yet; 'vfx-deepfake review user NAME --password-file FILE' gives one, or take --single-user"
        )
    if not is_loopback(_resolved(host)):
        found.append(
            f"{host}: others reach this page; without TLS in front of it passwords travel in the open (docs/review.md)"
        )
    return found


def _resolved(host: str) -> str:
    """The address of a name; the name itself where there is none."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]) if host else "0.0.0.0"
    except OSError:
        return host


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits for browsers; port 0 takes any that is free.

    Raises: ReviewError when the address can't be had.
    """
    family = socket.AF_INET6 if ":" in _resolved(host) else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ReviewError(
            f"{host}:{port}: can't be listened on ({reason}); another server may have it; choose another with --port or --host"
        ) from error
    listening.setblocking(False)
    return listening
