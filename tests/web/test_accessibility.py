"""axe on every page that people work on: nothing serious, nothing critical."""

from __future__ import annotations

import pytest

from tests.web.served import chromium, logged_in, served, shows  # noqa: F401 - fixtures
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.notes import add_note
from vfx_deepfake.review.playlists import set_playlist

PAGES = (
    "/", "/shots/demo/sh0010", "/versions/demo/sh0010/v001", "/versions/demo/sh0010/v001/made", "/versions/demo/sh0010/v001/sheet",
    "/versions/demo/sh0010/v001/qc", "/playlists", "/playlists/demo/monday", "/dailies", "/history",
)  # fmt: skip


@pytest.fixture(scope="module")
def axe():
    found = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed (extra: dev)"
    )
    return found.Axe()


@pytest.fixture(scope="module")
def ana(served, logged_in):  # noqa: F811
    with served.store() as store:
        add_note(store, "sam", VersionName("demo", "sh0010", "v001"), "ear pops", frames="1003")
        set_playlist(store, "ana", "demo", "monday", [("sh0010", "v001")])
    with logged_in("ana", reduced_motion="reduce") as context:
        yield context


def serious(axe, page) -> list[str]:
    """What axe finds, one line a place."""
    found = axe.run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def test_the_login_has_no_serious_finding(axe, chromium, served):  # noqa: F811
    page = chromium.new_page()
    page.goto(f"{served.url}/login")
    assert serious(axe, page) == []
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_finding(axe, ana, served, path):  # noqa: F811
    page = ana.new_page()
    page.goto(served.url + path)
    if path.endswith("/v001"):
        shows(page, 1001)
        page.keyboard.press("w")  # the wipe's handle is a control too
    assert serious(axe, page) == []
    page.close()


def test_the_help_and_the_other_tabs_have_no_serious_finding(axe, ana, served):  # noqa: F811
    page = ana.new_page()
    page.goto(served.version("v001"))
    shows(page, 1001)
    for tab in ("What made it", "QC"):
        page.click(f"[role=tab]:has-text('{tab}')")
        assert serious(axe, page) == []
    page.keyboard.press("?")
    assert serious(axe, page) == []
    page.close()
