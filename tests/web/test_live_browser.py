"""Events in a real browser."""

from __future__ import annotations

from tests.review.versions import name
from tests.web.conftest import PASSWORD
from tests.web.running import in_a_thread
from tests.web.served import chromium  # noqa: F401 - fixture
from vfx_deepfake.review.decisions import decide

LISTEN = """
const heard = [];
document.addEventListener("review:event", (event) => {
    heard.push(event.detail.kind + " " + event.detail.version);
    document.documentElement.dataset.heard = heard.join(", ");
});
"""


def test_a_page_hears_of_everything_since_it_was_made(app, store, versions, chromium):  # noqa: F811
    """The page says at which event it was made, so nothing falls between its making and the first line of the stream."""

    def late(route):
        decide(store, "sam", name(1), "changes_requested", "lip")
        route.continue_()

    with in_a_thread(app) as url, chromium.new_context(base_url=url) as context:
        page = context.new_page()
        page.add_init_script(LISTEN)
        page.goto("/login?next=/me")
        page.fill("#name", "ana")
        page.fill("#password", PASSWORD)
        page.route("**/static/live.js", late)
        page.click("main button")
        page.wait_for_selector("html[data-heard='changes_requested v001']")
        decide(store, "sam", name(2), "approved", "lovely")
        page.wait_for_selector(
            "html[data-heard='changes_requested v001, approved v002, superseded v001'][data-live=on]"
        )
