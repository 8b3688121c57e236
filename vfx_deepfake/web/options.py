"""How the page is served: who is let in, by which names, behind what."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from vfx_deepfake.errors import ReviewError

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of whoever starts the server; the default asks everybody for a password and answers to loopback names.

    single_user: the account that runs the server is the user; loopback only. proxy_header: the header in which a reverse proxy names the
    person it let in; believed from ``proxy_address`` alone. hosts: names by which people reach the page, besides the loopback ones.
    secure_cookies: TLS ends in front of a server that is not ``proxy_address``.
    """

    single_user: bool = False
    proxy_header: str = ""
    proxy_address: str = ""
    hosts: tuple[str, ...] = ()
    secure_cookies: bool = False

    def __post_init__(self) -> None:
        """Raises: ReviewError for choices that contradict each other."""
        if self.single_user and (self.proxy_header or self.proxy_address):
            raise ReviewError(
                "serve: --single-user makes everybody behind a proxy the account that runs the server; want one or the other; "
                "leave out --single-user or the proxy"
            )
        if self.proxy_header and not self.proxy_address:
            raise ReviewError(
                "serve: --proxy-header without --proxy-address would believe anybody; say which address the proxy calls from"
            )
        if self.proxy_header and not _HEADER.fullmatch(self.proxy_header):
            raise ReviewError(
                f"serve: --proxy-header is {ascii(self.proxy_header)[:80]}; want a name such as X-Remote-User"
            )
        if self.proxy_address and not is_address(self.proxy_address):
            raise ReviewError(
                f"serve: --proxy-address is {ascii(self.proxy_address)[:80]}; want the address the proxy calls from, e.g. 10.0.0.5"
            )


def is_address(text: str) -> bool:
    """Whether it is an IP address and not a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Whether an address is this computer talking to itself; IPv4 inside IPv6 too."""
    if not is_address(text):
        return False
    address = ipaddress.ip_address(text)
    inside = getattr(address, "ipv4_mapped", None)
    return (inside or address).is_loopback
