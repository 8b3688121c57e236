"""The lists in a real browser: their keys, and changes of others that appear without reload."""

from __future__ import annotations

from tests.review.versions import name
from tests.web.running import in_a_thread
from tests.web.served import chromium, log_in  # noqa: F401 - fixture
from vfx_deepfake.review.decisions import decide

FOCUSED = "document.activeElement.getAttribute('href') ?? document.activeElement.id"


def test_keys_and_changes_of_others_on_the_wall(app, store, versions, chromium):  # noqa: F811
    with in_a_thread(app) as url, chromium.new_context(base_url=url) as context:
        page, errors = context.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        log_in(page, url, "ana")
        page.goto("/")
        first, second = "/versions/demo/sh0010/v002", "/versions/demo/sh0020/v001"
        moves = (
            ("ArrowRight", first),
            ("ArrowRight", second),
            ("ArrowRight", second),
            ("ArrowLeft", first),
            ("End", second),
            ("Home", first),
        )
        for key, focused in (*moves, ("ArrowDown", first), ("/", "find-search"), ("End", "find-search")):
            page.keyboard.press(key)
            assert page.evaluate(FOCUSED) == focused, key

        page.locator(f"a.cover[href='{second}']").focus()
        page.wait_for_selector("html[data-live=on]")
        decide(store, "sam", name(2), "approved", "final")
        page.wait_for_selector(".card[data-version='demo/sh0010/v002'] .state.approved")
        assert page.evaluate(FOCUSED) == second  # where the reader was
        assert "approved 1" in " ".join(page.inner_text("nav.tabs").split())
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{second}")
        assert errors == []
