"""A real server with real pictures and a real browser; for tests to import.

``served`` is the page of a show's folder whose ``sh0010`` has v001 on record and v002 published, not yet registered.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from argon2 import PasswordHasher
from PIL import Image

from tests.web.running import in_a_thread
from vfx_deepfake.review import people
from vfx_deepfake.review.people import set_password, set_user
from vfx_deepfake.review.place import VARIABLE, Place, find_place
from vfx_deepfake.review.registering import make_store, register_shot
from vfx_deepfake.review.store import Store, open_store
from vfx_deepfake.shot import load_shot
from vfx_deepfake.web.app import create_app

PASSWORD = "correct horse"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip


@dataclass(frozen=True)
class Served:
    """A running page. ``url`` has no slash at its end."""

    url: str
    place: Place
    shot_file: Path

    def store(self) -> Store:
        """The database, opened anew."""
        return open_store(self.place)

    def version(self, name: str, query: str = "") -> str:
        """Address of a version's player."""
        return f"{self.url}/versions/demo/sh0010/{name}{query}"


@pytest.fixture(scope="module")
def served(dailies_shot, tmp_path_factory) -> Iterator[Served]:
    root = Path(shutil.copytree(dailies_shot.root, tmp_path_factory.mktemp("served") / "show"))
    shot_file = root / dailies_shot.shot.folder.name / "shot.toml"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE, raising=False)
        patch.setenv("VFX_DEEPFAKE_REVIEW_CACHE", str(root.parent / "cache"))
        patch.setattr(people, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        place = find_place(root)
        with make_store(place, "boss") as store:
            for name, role in (("ana", "supervisor"), ("sam", "supervisor"), ("art", "artist")):
                set_user(store, "boss", name, role=role)
                set_password(store, "boss", name, PASSWORD)
            register_shot(store, "art", load_shot(shot_file), [1])
        with in_a_thread(create_app(place)) as url:
            yield Served(url, place, shot_file)


@pytest.fixture(scope="module")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (extra: dev)")
    if not CHROMIUM:
        pytest.skip("no chromium in PATH: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def logged_in(chromium, served):
    """``logged_in("ana")``: a browser of hers after the login form; other options as Playwright's ``new_context`` has them."""
    cookies = {}

    def context(name: str, **options):
        if name not in cookies:
            with chromium.new_context() as first:
                log_in(first.new_page(), served.url, name)
                cookies[name] = first.storage_state()
        options.setdefault("viewport", {"width": 1280, "height": 720})
        return chromium.new_context(storage_state=cookies[name], **options)

    return context


def log_in(page, url: str, name: str) -> None:
    """Through the form, as people do."""
    page.goto(f"{url}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda address: "/login" not in address)


def shows(page, frame: int) -> None:
    """Wait until the picture of this frame is drawn."""
    page.wait_for_selector(f".stage[data-shown='{frame}']", timeout=20_000)


def on_screen(page) -> np.ndarray:
    """The plate's pixels as they are on the screen at one to one; (H, W, 3) integers."""
    scale, left, top = map(float, page.get_attribute(".stage", "data-camera").split())
    assert scale == 1, "press z first"
    whole = picture(page.locator(".glass").screenshot())
    width, height = page.evaluate(
        "fetch(location.pathname.replace('/versions', '/media') + '/info.json').then((a) => a.json()).then((i) => [i.width, i.height])"
    )
    return whole[int(top) : int(top) + height, int(left) : int(left) + width]


def picture(data: bytes) -> np.ndarray:
    """An encoded picture as (H, W, 3) integers that can be subtracted."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
