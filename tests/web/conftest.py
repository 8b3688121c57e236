"""The page over a real store: ``page("ana")`` is a logged-in browser of hers, without the browser.

SQLite unless a test says ``@pytest.mark.parametrize("engine_name", BOTH)``.
"""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed (extra: dailies)")
pytest.importorskip("httpx", reason="httpx is not installed (extra: dev)")

from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from tests.review.conftest import place, root, server, store  # noqa: F401 - fixtures
from tests.review.versions import evidence, make_version
from vfx_deepfake.review import people
from vfx_deepfake.review.people import set_password
from vfx_deepfake.review.registering import register
from vfx_deepfake.web.app import create_app
from vfx_deepfake.web.options import Options

BOTH = ("sqlite", "postgresql")
BASE = "http://127.0.0.1"
PASSWORD = "correct horse"
PEOPLE = ("boss", "ana", "sam", "art")  # admin, two supervisors, artist: as tests/review/conftest.py makes them


@pytest.fixture
def engine_name():
    return "sqlite"


@pytest.fixture
def with_passwords(store, monkeypatch):  # noqa: F811
    """Everybody has PASSWORD; hashed at the least cost, since what it costs is not what is tested."""
    monkeypatch.setattr(people, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for name in PEOPLE:
        set_password(store, "boss", name, PASSWORD)
    return store


@pytest.fixture
def versions(store):  # noqa: F811
    """sh0010 v001 and v002, sh0020 v001, of show demo; records without frames."""
    for number, shot in ((1, "sh0010"), (2, "sh0010"), (1, "sh0020")):
        register(store, "boss", evidence(make_version(store.place.root, number, shot=shot), store.place.root))


@pytest.fixture
def app(with_passwords):
    made = create_app(with_passwords.place)
    yield made
    made.state.store.close()


@pytest.fixture
def app_with(with_passwords):
    """``app_with(single_user=True)``: the page with other options."""
    made = []

    def make(**options):
        made.append(create_app(with_passwords.place, Options(**options)))
        return made[-1]

    yield make
    for each in made:
        each.state.store.close()


def browser(app, *, base=BASE, address="127.0.0.1") -> TestClient:
    """Somebody who has not logged in; redirects are shown, not followed."""
    return TestClient(
        app, base_url=base, client=(address, 50_000), follow_redirects=False, raise_server_exceptions=False
    )


def csrf_in(page) -> str:
    """The token in a page's form."""
    return page.text.split('name="csrf" value="')[1].split('"')[0]


def log_in(client: TestClient, name: str, password: str = PASSWORD):
    """Log in by the form; every later request of this client carries the token that its pages carry."""
    client.headers.pop("X-CSRF-Token", None)
    answer = client.post("/login", data={"name": name, "password": password, "csrf": csrf_in(client.get("/login"))})
    if answer.status_code == 303:
        client.headers["X-CSRF-Token"] = client.get("/api/me").json()["csrf"]
    return answer


@pytest.fixture
def page(app):
    """``page("ana")``: her browser, logged in; ``page()``: somebody's who is not."""

    def open_page(name: str = "") -> TestClient:
        client = browser(app)
        if name:
            assert log_in(client, name).status_code == 303
        return client

    return open_page
