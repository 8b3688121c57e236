"""A connection to ShotGrid (Flow Production Tracking), and its refusals in one line."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import shotgun_api3
from shotgun_api3.lib.httplib2 import HttpLib2Error

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.credentials import Credentials
from vfx_deepfake.exchange.tracker import TrackerUnreachable

TIMEOUT_S = 120.0  # between two signs of life; assumed: a movie takes longer to send, but never to go on


def connect(site: str, credentials: Credentials) -> Any:
    """A client of shotgun_api3, as a script: ``login`` is its name and ``password`` its key. Nothing is asked yet.

    Raises: ReviewError for credentials that no script has.
    """
    if not credentials.login or not credentials.password:
        raise ReviewError(
            f"{site}: ShotGrid wants a script's name and key; give them as login and password, not as a token"
        )
    # the library logs whole requests, the key among them, where somebody has switched debugging on
    logging.getLogger("shotgun_api3").setLevel(logging.INFO)
    with asking(site):
        client = shotgun_api3.Shotgun(site, script_name=credentials.login, api_key=credentials.password, connect=False)
    client.config.timeout_secs = TIMEOUT_S
    return client


@contextmanager
def asking(site: str) -> Iterator[None]:
    """Say in one line what ShotGrid or the network refuses; the key is in none of these messages."""
    try:
        yield
    except shotgun_api3.AuthenticationFault as error:
        raise ReviewError(f"{site}: refuses the login; check the script's name and key") from error
    except shotgun_api3.ProtocolError as error:
        code = getattr(error, "errcode", 0)
        if code and code < 500:
            raise ReviewError(
                f"{site}: refuses ({code}); set [tracker].site to the address of its start page"
            ) from error
        raise TrackerUnreachable(f"{site}: failed on its side ({code}); run this again later") from error
    except (OSError, http.client.HTTPException, HttpLib2Error) as error:
        raise TrackerUnreachable(
            f"{site}: does not answer; check the address and the network, and run this again later"
        ) from error
    except shotgun_api3.ShotgunError as error:
        raise ReviewError(f"{site}: refuses: {' '.join(str(error).split())[:200]}") from error
