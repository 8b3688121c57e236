"""A connection to a Kitsu, and its refusals in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gazu
import requests
from gazu import exception
from requests.adapters import HTTPAdapter

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.credentials import Credentials
from vfx_deepfake.exchange.tracker import TrackerUnreachable

TIMEOUT_S = (
    10.0,
    300.0,
)  # to connect; between two signs of life, because the server works on a movie before it answers (assumed)

TOO_BUSY = (429, 502, 503, 504)  # HTTP: too many requests; and what a proxy says when the server behind it is away


class _Patience(HTTPAdapter):
    """gazu asks without a time limit, and takes 'too busy' for an answer; a server that hangs must not hang us."""

    def send(self, request: Any, *args: Any, **more: Any) -> Any:
        answer = super().send(request, *args, **{**more, "timeout": more.get("timeout") or TIMEOUT_S})
        if answer.status_code in TOO_BUSY:
            raise requests.ConnectionError(f"status {answer.status_code}", response=answer)
        return answer


def connect(site: str, credentials: Credentials) -> Any:
    """A logged-in client of gazu. The API is below ``/api`` of the site, unless the site is zou itself.

    Raises: ReviewError for a wrong login, TrackerUnreachable when nobody answers.
    """
    for base in (f"{site.rstrip('/')}/api", site.rstrip("/")):
        client = gazu.client.create_client(base)
        for scheme in ("http://", "https://"):
            client.session.mount(scheme, _Patience())
        if _is_zou(client, site):
            break
    else:
        raise ReviewError(f"{site}: answers, but is no Kitsu; set [tracker].site to the address of its start page")
    with asking(site):
        if credentials.token:
            gazu.set_token(credentials.token, client=client)
            gazu.client.get_current_user(client=client)
        else:
            gazu.log_in(credentials.login, credentials.password, client=client)
    return client


def _is_zou(client: Any, site: str) -> bool:
    """Whether the API's front door is here; gazu's own check takes a silent server for a wrong one."""
    with asking(site):
        answer = client.session.get(f"{client.host}/")
    try:
        return bool(answer.json()["api"] == "Zou")
    except (ValueError, TypeError, KeyError):
        return False


@contextmanager
def asking(site: str) -> Iterator[None]:
    """Say in one line what Kitsu or the network refuses; the credentials are in none of these messages."""
    try:
        yield
    except (exception.AuthFailedException, exception.NotAuthenticatedException) as error:
        raise ReviewError(
            f"{site}: refuses the login; check the credentials, and that the account is active"
        ) from error
    except exception.NotAllowedException as error:
        raise ReviewError(
            f"{site}: the account may not do this ({error}); add it to the project's team, as manager or supervisor for drawings"
        ) from error
    except exception.TooBigFileException as error:
        raise ReviewError(
            f"{site}: the movie is too big for it; ask its administrator to allow bigger uploads"
        ) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise TrackerUnreachable(
            f"{site}: does not answer; check the address and the network, and run this again later"
        ) from error
    except (
        exception.ServerErrorException,
        requests.JSONDecodeError,
        requests.exceptions.ChunkedEncodingError,
    ) as error:
        raise TrackerUnreachable(
            f"{site}: failed on its side ({type(error).__name__}); run this again later, or see its log"
        ) from error
    except (exception.GazuException, requests.RequestException) as error:
        raise ReviewError(f"{site}: refuses: {' '.join(str(error).split())[:200]}") from error
