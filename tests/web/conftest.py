"""The page over a real store: ``page("ana")`` is a logged-in browser of hers, without the browser.

SQLite unless a test says ``@pytest.mark.parametrize("engine_name", BOTH)``.
"""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed (extra: dailies)")
pytest.importorskip("httpx", reason="httpx is not installed (extra: dev)")

from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from tests.review.conftest import place, server  # noqa: F401 - fixtures
from tests.review.versions import evidence, make_version
from vfx_deepfake.review import people
from vfx_deepfake.review.people import set_password, set_user
from vfx_deepfake.review.place import VARIABLE, find_place
from vfx_deepfake.review.registering import make_store, register
from vfx_deepfake.review.store import open_store
from vfx_deepfake.web.app import create_app
from vfx_deepfake.web.options import Options

BOTH = ("sqlite", "postgresql")
BASE = "http://127.0.0.1"
PASSWORD = "correct horse"
PEOPLE = ("boss", "ana", "sam", "art")  # admin, two supervisors, artist: as tests/review/conftest.py makes them


@pytest.fixture
def engine_name():
    return "sqlite"


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes():
    """Passwords at the least cost, since what they cost is not what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


def settle(where) -> None:
    """A database whose people have PASSWORD."""
    with make_store(where, "boss") as opened:
        for name, role in zip(PEOPLE, ("admin", "supervisor", "supervisor", "artist"), strict=True):
            set_user(opened, "boss", name, role=role)
            set_password(opened, "boss", name, PASSWORD)


@pytest.fixture(scope="session")
def settled(tmp_path_factory, cheap_hashes):
    """A show's folder with such a database in one file; tests copy it."""
    root = tmp_path_factory.mktemp("settled") / "show"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE, raising=False)
        settle(find_place(root))
    return root


@pytest.fixture
def store(place, engine_name, settled):  # noqa: F811
    if engine_name == "sqlite":
        shutil.copytree(settled, place.root, dirs_exist_ok=True)
    else:
        settle(place)
    with open_store(place) as opened:
        yield opened


def register_three(store) -> None:
    """sh0010 v001 and v002, sh0020 v001, of show demo; records without frames."""
    for number, shot in ((1, "sh0010"), (2, "sh0010"), (1, "sh0020")):
        register(store, "boss", evidence(make_version(store.place.root, number, shot=shot), store.place.root))


@pytest.fixture
def versions(store):
    register_three(store)


@pytest.fixture(scope="module")
def still(settled, tmp_path_factory):
    """``still("ana")``: her browser, logged in, of a page with versions that no test of the module changes; ``still()``: nobody's."""
    root = tmp_path_factory.mktemp("still") / "show"
    shutil.copytree(settled, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE, raising=False)
        app = create_app(find_place(root))
    register_three(app.state.store)
    clients = {"": browser(app)}

    def client(name: str = "") -> TestClient:
        if name not in clients:
            clients[name] = browser(app)
            assert log_in(clients[name], name).status_code == 303
        return clients[name]

    yield client
    app.state.store.close()


@pytest.fixture
def app(store):
    made = create_app(store.place)
    yield made
    made.state.store.close()


@pytest.fixture
def app_with(store):
    """``app_with(single_user=True)``: the page with other options."""
    made = []

    def make(**options):
        made.append(create_app(store.place, Options(**options)))
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
