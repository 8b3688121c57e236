"""Where a request comes from and which name it asks for."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from vfx_deepfake.web.options import LOOPBACK_NAMES, Options, is_address, is_loopback

API = ("/api/", "/media/")  # answered as JSON, errors too


def wants_json(request: HTTPConnection) -> bool:
    """Whether a program asks, which gets errors as JSON and no page."""
    return request.url.path.startswith(API)


def peer(request: HTTPConnection) -> str:
    """The address at the other end of the connection; a proxy's where there is one."""
    return request.client.host if request.client else ""


def is_from_proxy(request: HTTPConnection, options: Options) -> bool:
    """Whether the reverse proxy that the options name sent this."""
    return bool(options.proxy_address) and peer(request) == options.proxy_address


def address(request: HTTPConnection, options: Options) -> str:
    """The address of whoever asks: the one that our proxy adds last, else the other end of the connection."""
    if is_from_proxy(request, options):
        last = request.headers.get("x-forwarded-for", "").split(",")[-1].strip()
        if is_address(last):
            return last
    return peer(request)


def is_secure(request: HTTPConnection, options: Options) -> bool:
    """Whether the browser talks TLS, to us or to the proxy."""
    forwarded = request.headers.get("x-forwarded-proto", "") if is_from_proxy(request, options) else ""
    return options.secure_cookies or request.url.scheme == "https" or forwarded == "https"


def host_name(request: HTTPConnection) -> str:
    """The name in the Host header, lower case, without the port; empty where it is none, or said twice."""
    given = request.headers.getlist("host")
    try:
        return (urlsplit(f"//{given[0]}").hostname or "") if len(given) == 1 else ""
    except ValueError:
        return ""


def is_known_host(request: HTTPConnection, options: Options) -> bool:
    """Whether the page is reached by a name of its own: another name that leads here is somebody's trick (DNS rebinding).

    The address that the connection was made to is fine: no name leads anywhere by being an address.
    """
    name = host_name(request)
    here = str((request.scope.get("server") or ("",))[0])
    return name in (*LOOPBACK_NAMES, *options.hosts) or (is_address(here) and name == here)


def is_at_home(request: HTTPConnection) -> bool:
    """Whether this computer talks to itself: by address, by name, and with nobody in between."""
    forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip"))
    return is_loopback(peer(request)) and host_name(request) in LOOPBACK_NAMES and not forwarded
