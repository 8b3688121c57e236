"""A supervisor's afternoon in Chromium, from the login to an approved version, and what the database holds afterwards."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.web.served import chromium, log_in, served, shows  # noqa: F401 - fixtures
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.ledger import events_after
from vfx_deepfake.review.listing import about

SHOT = ("demo", "sh0010")
V001, V002 = (VersionName(*SHOT, version) for version in ("v001", "v002"))


def register_in_another_process(served) -> None:  # noqa: F811
    """As an artist's farm job does it while the page is open; the account that runs it has to be known."""
    code = (
        "import sys; from pathlib import Path; from vfx_deepfake.review.place import find_place; "
        "from vfx_deepfake.review.registering import register_shot; from vfx_deepfake.review.store import open_store; "
        "from vfx_deepfake.shot import load_shot; "
        "register_shot(open_store(find_place(Path(sys.argv[1]))), 'art', load_shot(Path(sys.argv[2])), [2])"
    )
    arguments = [sys.executable, "-c", code, str(served.place.root), str(served.shot_file)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ))
    assert done.returncode == 0, done.stderr


def draw_a_curl(page) -> None:
    """A stroke of the mouse round the middle of the picture."""
    glass = page.locator(".glass").bounding_box()
    x, y = glass["x"] + glass["width"] / 2, glass["y"] + glass["height"] / 2
    page.mouse.move(x - 30, y)
    page.mouse.down()
    for dx, dy in ((0, -30), (30, 0), (0, 30), (-30, 0)):
        page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()


def test_from_login_to_an_approved_version(chromium, served):  # noqa: F811
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    # log in, and open dailies: v001 waits
    log_in(page, served.url, "ana")
    page.goto(f"{served.url}/dailies")
    page.locator("main a[href*='/v001']").first.click()
    shows(page, 1001)
    assert "1 of 1" in page.inner_text("nav.dailies")

    # wipe against the plate, and step to the frame that matters
    page.keyboard.press("w")
    page.wait_for_selector(".wipe:visible")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    shows(page, 1012)
    assert "wipe" in page.inner_text(".mode")
    assert "plate" in page.inner_text(".mode")

    # a note with a drawing on 1012
    page.keyboard.press("p")
    draw_a_curl(page)
    page.keyboard.press("n")
    page.keyboard.type("the jaw line swims here")
    page.click("text=Save note")
    page.wait_for_selector(".notelist .note[data-first='1012']")

    # request changes
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+C")
    page.keyboard.type("see the note on 1012")
    page.click("text=Request changes")
    page.wait_for_selector(".strip .state.changes_requested")

    # v002 comes while the page is open; against v001, in the same player
    page.wait_for_selector("html[data-live=on]", state="attached")
    register_in_another_process(served)
    page.wait_for_selector(".news:has-text('v002 has come')")
    page.click(".news >> text=open it")
    shows(page, 1001)
    assert page.url.endswith("/v002")
    page.select_option("[data-field=against]", "v001")
    page.keyboard.press("b")
    page.wait_for_selector(".stage[data-drawn=yes]")
    assert "B: v001" in page.inner_text(".mode")
    page.keyboard.press("d")
    page.wait_for_selector(".mode:has-text('difference')")

    # approve it
    page.keyboard.press("Shift+A")
    page.keyboard.type("the jaw holds")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".strip .state.approved")
    page.goto(served.version("v001"))
    assert page.inner_text(".strip .state") == "superseded"
    page.close()
    assert not errors

    with served.store() as store:
        first, second = about(store, V001), about(store, V002)
        with store.reading() as session:
            kinds = [event["kind"] for event in events_after(session, 0) if event["shot"] == "sh0010"]
    assert (first["state"], second["state"]) == ("superseded", "approved")
    assert (second["decided_by"], second["reason"]) == ("ana", "the jaw holds")
    [note] = first["notes"]
    assert (note["author"], note["first_frame"], note["last_frame"], note["text"]) == (
        "ana",
        1012,
        1012,
        "the jaw line swims here",
    )
    [stroke] = note["drawing"]
    middle = [sum(values) / len(values) for values in zip(*stroke["points"], strict=True)]
    assert middle == pytest.approx([160, 90], abs=12)  # plate pixels: the curl was round the middle of 320 x 180
    assert kinds == [
        "version_registered",
        "note_added",
        "changes_requested",
        "version_registered",
        "approved",
        "superseded",
    ]
