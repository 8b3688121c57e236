"""HEAD over every route that answers GET: the same status and headers, and no body."""

from __future__ import annotations

import httpx
import pytest

from tests.web.running import in_a_thread
from tests.web.test_media import ME, V2, site  # noqa: F401 - fixture
from vfx_deepfake.review.playlists import set_playlist
from vfx_deepfake.web.app import ROUTERS, create_app
from vfx_deepfake.web.options import Options

NAMED = {
    "show": "demo", "shot": "sh0010", "version": "v002", "frame": "1003", "view:path": "default", "file": "qc.json", "name": "monday",
    "kind": "otio",
}  # fmt: skip
STREAM = "/api/events/stream"
PATHS = sorted({route.path for router in ROUTERS for route in router.routes if "GET" in route.methods})


@pytest.fixture(scope="module")
def filled(site):  # noqa: F811
    """The site with a playlist, so that there is something behind every address."""
    set_playlist(site.app.state.store, ME, "demo", "monday", [("sh0010", "v002")])
    site.get("/")  # takes its cookie
    return site


def address(path: str) -> str:
    """A route's address with what is on record in it."""
    for part, value in NAMED.items():
        path = path.replace(f"{{{part}}}", value)
    if path.startswith("/export/"):
        return f"{path}?show=demo&playlist=monday"
    return f"{path}?frame=1003" if path.endswith("still.png") else path


@pytest.mark.parametrize("path", [*PATHS, "/static/style.css", "/nothing/here"])
def test_head_says_what_get_says(filled, path):
    head = filled.head(address(path))
    assert head.content == b""
    if path == STREAM:  # GET has no end
        assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        return
    get = filled.get(address(path))
    assert (head.status_code, head.headers) == (get.status_code, get.headers)
    assert get.status_code == {"/nothing/here": 404, "/login": 303}.get(path, 200)  # who is in has no need of the form


def test_an_address_for_changes_alone_has_no_head(filled):
    assert filled.head("/logout").status_code == 405


def test_over_a_socket_one_connection_goes_on_after_it(filled):
    app = create_app(filled.app.state.store.place, Options(single_user=True))  # whose streams belong to no other loop
    with in_a_thread(app) as url, httpx.Client(base_url=url, timeout=10) as client:
        size = len(client.get(f"{V2}/movie.mp4").content)
        for path in (f"{V2}/movie.mp4", STREAM, "/"):
            answer = client.head(path)
            assert (answer.status_code, answer.content) == (200, b"")
            if path.endswith("mp4"):
                assert int(answer.headers["content-length"]) == size
        assert client.get("/api/me").json()["user"] == ME
