"""The player in Chromium against a real server: what is on the screen is measured against the server's own stills and mattes."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pytest

from tests.web.served import chromium, logged_in, on_screen, picture, served, shows  # noqa: F401 - fixtures
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.notes import add_note, notes_of
from vfx_deepfake.review.playlists import set_playlist
from vfx_deepfake.review.registering import register_shot
from vfx_deepfake.shot import load_shot

V001 = VersionName("demo", "sh0010", "v001")
MEDIA = "/media/demo/sh0010/v001"


@pytest.fixture(scope="module")
def ana(served, logged_in):  # noqa: F811
    """Ana's browser, one for the module; pages are opened and closed by tests."""
    small = {"width": 960, "height": 600}  # few pixels: they are drawn without a graphics card
    with logged_in("ana", viewport=small) as context:
        yield context


@pytest.fixture
def player(ana, served):  # noqa: F811
    """``player("?frame=1012")``: the player of v001 with that frame on the screen, at one to one; no script may fail in it."""
    opened, errors = [], []

    def open_player(query: str = "?frame=1012", frame: int = 1012, one_to_one: bool = True, live: bool = True):
        page = ana.new_page()
        if not live:
            page.route("**/api/events/stream*", lambda route: route.abort())
        opened.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(served.version("v001", query))
        shows(page, frame)
        page.wait_for_selector(f"html[data-live={'on' if live else 'off'}]", state="attached")
        if one_to_one:
            page.keyboard.press("z")
            settled(page, lambda: page.get_attribute(".stage", "data-camera").startswith("1 "))
        return page

    yield open_player
    for page in opened:
        page.close()
    assert not errors


def settled(page, holds) -> None:
    """Wait until a condition holds and what was asked for has been drawn."""
    for _ in range(800):
        if holds():
            break
        page.wait_for_timeout(25)
    else:
        pytest.fail(f"waited in vain; the player says {page.inner_text('.trouble')!r}")
    page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))"
    )


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    settled(page, lambda: page.get_attribute(".stage", "data-drawn") == "yes")


def still(context, served, frame: int, query: str = "") -> np.ndarray:  # noqa: F811
    answer = context.request.get(f"{served.url}{MEDIA}/still.png?frame={frame}{query}")
    assert answer.ok, answer.text()
    return picture(answer.body())


def require_same(shown: np.ndarray, wanted: np.ndarray) -> None:
    """Within 2 codes of 8 bits, and hardly any beyond 1.

    Half a 10-bit log code is 0.6 % of the light, less than half a code where a view gives 50 codes a stop; the view's table is up to
    1.4 codes off on such a picture (docs/review.md), and both sides round.
    """
    off = np.abs(shown - wanted)
    assert off.max() <= 2
    assert (off > 1).mean() < 0.005
    assert off.mean() < 0.35


def test_the_show_s_view_and_exposure_are_ocio_s(player, ana, served):  # noqa: F811
    page = player()
    require_same(on_screen(page), still(ana, served, 1012))
    press(page, "e", "e", "e", "e")
    brighter = on_screen(page)
    require_same(brighter, still(ana, served, 1012, "&exposure=1"))  # the still doubles scene-linear light
    assert page.inner_text(".view-name").endswith("+1.00 stops")
    press(page, "0", "v")
    name = page.inner_text(".view-name")
    assert name == page.locator("[data-field=view] option").nth(1).inner_text()
    require_same(on_screen(page), still(ana, served, 1012, "&view=1"))


def test_a_step_shows_the_next_frame_s_own_picture(player, ana, served):  # noqa: F811
    page = player()
    before = on_screen(page)
    page.keyboard.press("ArrowRight")
    shows(page, 1013)
    after = on_screen(page)
    require_same(after, still(ana, served, 1013))
    assert np.abs(after - before).max() > 20  # another picture, not 1012 again
    assert page.inner_text(".big.frame") == "1013"
    assert page.inner_text(".timecode") == "01:00:00:12"


def test_single_channels_are_that_channel(player):
    page = player()
    press(page, "2")
    red = on_screen(page)
    assert (red == red[..., :1]).all()
    press(page, "4")
    assert np.abs(on_screen(page) - red).max() > 20
    press(page, "4")
    assert np.ptp(on_screen(page), axis=2).max() > 20  # colour again


def test_wipes_show_this_version_and_the_other_on_their_sides(player, ana, served):  # noqa: F811
    page = player()
    press(page, "a")
    version = on_screen(page)
    press(page, "b")
    plate = on_screen(page)
    require_same(plate, still(ana, served, 1012, "&of=plate"))
    assert np.abs(version - plate).max() > 20
    press(page, "w")
    upright, (height, width) = on_screen(page), version.shape[:2]
    left, right = slice(0, width // 2 - 2), slice(width // 2 + 2, None)  # the line is 3 px wide
    assert (upright[:, left] == version[:, left]).all()
    assert (upright[:, right] == plate[:, right]).all()
    press(page, "h")
    level = on_screen(page)
    assert (level[: height // 2 - 2] == version[: height // 2 - 2]).all()
    assert (level[height // 2 + 2 :] == plate[height // 2 + 2 :]).all()


def test_the_wipe_is_dragged(player):
    page = player("?frame=1012&mode=wipe-v")
    line = page.locator(".wipe").bounding_box()
    page.mouse.move(line["x"] + line["width"] / 2, 300)
    page.mouse.down()
    page.mouse.move(line["x"] + line["width"] / 2 - 80, 300)
    page.mouse.up()
    settled(page, lambda: page.get_attribute(".wipe", "aria-valuenow") == "25")  # 160 of 320 px, less 80


def test_the_difference_is_black_outside_the_matte_and_not_inside(player, ana, served):  # noqa: F811
    page = player()
    press(page, "d", *["]"] * 3)
    apart = on_screen(page)
    assert page.inner_text(".mode").startswith("difference of log codes x 64")
    answer = ana.request.get(f"{served.url}{MEDIA}/mattes/1012?layer=matte.applied&width=0")
    data = answer.body()
    plane = np.frombuffer(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data, np.uint8).reshape(apart.shape[:2])
    assert (apart[plane == 0] == 0).all()
    assert (apart[plane == 255].max(axis=1) > 0).mean() > 0.5


def test_side_by_side_shows_the_same_spot_twice(player, ana, served):  # noqa: F811
    page = player("?frame=1012&mode=side", one_to_one=True)
    require_same(on_screen(page), still(ana, served, 1012))
    whole = picture(page.locator(".glass").screenshot())
    _, left, top = map(float, page.get_attribute(".stage", "data-camera").split())
    second = int(left) + whole.shape[1] // 2
    require_same(whole[int(top) : int(top) + 180, second : second + 320], still(ana, served, 1012, "&of=plate"))


def test_the_matte_reddens_what_it_covers_alone(player):
    page = player()
    plain = on_screen(page)
    press(page, "m")
    assert page.input_value("[data-field=layer]") == "matte.applied"
    tinted = on_screen(page)
    changed = np.abs(tinted - plain).max(axis=2) > 2
    assert 0.01 < changed.mean() < 0.6
    assert (tinted[changed][:, 0] - plain[changed][:, 0]).mean() > 20


def test_the_locked_face_stays_in_the_middle(player, ana, served):  # noqa: F811
    page = player(one_to_one=False)
    boxes = ana.request.get(f"{served.url}{MEDIA}/info.json").json()["face"]
    page.keyboard.press("t")
    pane = page.locator(".glass").bounding_box()
    for frame in (1012, 1013, 1014):
        shows(page, frame)
        x, y, width, height = boxes[str(frame)]
        settled(page, lambda: True)
        scale, left, top = map(float, page.get_attribute(".stage", "data-camera").split())
        assert left + (x + width / 2) * scale == pytest.approx(pane["width"] / 2, abs=0.01)
        assert top + (y + height / 2) * scale == pytest.approx(pane["height"] / 2, abs=0.01)
        page.keyboard.press("ArrowRight")
    assert "on the face" in page.inner_text(".scale")


def test_the_wheel_zooms_where_the_cursor_is(player):
    page = player()
    _, left, top = map(float, page.get_attribute(".stage", "data-camera").split())
    glass = page.locator(".glass").bounding_box()
    at = (left + 100, top + 50)
    page.mouse.move(glass["x"] + at[0], glass["y"] + at[1])
    page.mouse.wheel(0, -500)
    settled(page, lambda: not page.get_attribute(".stage", "data-camera").startswith("1 "))
    scale, left, top = map(float, page.get_attribute(".stage", "data-camera").split())
    assert scale > 1.5
    assert ((at[0] - left) / scale, (at[1] - top) / scale) == pytest.approx((100, 50), abs=0.01)


def test_playing_keeps_the_show_s_rate_by_the_clock_and_drops_nothing(logged_in, served):  # noqa: F811
    context = logged_in("ana")  # of its own: the clock is the context's
    page = context.new_page()
    page.clock.install()
    page.goto(served.version("v001", "?frame=1001"))
    shows(page, 1001)
    buffered = "document.querySelector('.timeline .buffered')?.getAttribute('width') === '14'"
    settled(page, lambda: page.evaluate(buffered))
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    frame = lambda: int(page.inner_text(".big.frame"))  # noqa: E731
    page.keyboard.press("l")
    page.clock.run_for(16 + 250 + 16)  # until the first tick, six frames of 41.7 ms, and until the tick that sees them
    assert frame() == 1007
    page.keyboard.press("l")
    assert "2x" in page.inner_text(".rate")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.clock.run_for(16 + 125 + 16)
    assert frame() == 1004
    assert "0 dropped" in page.inner_text(".rate")
    for key in ("k", "i", "ArrowRight", "o", "l"):  # the range 1004-1005, round and round
        page.keyboard.press(key)
    seen = []
    for _ in range(5):
        page.clock.run_for(42)
        seen.append(frame())
    assert set(seen) == {1004, 1005}
    context.close()


def test_a_second_decision_is_told_who_was_first_and_its_words_stay(player, served):  # noqa: F811
    hears, deaf = player(one_to_one=False), player(one_to_one=False, live=False)
    for page in (hears, deaf):
        page.keyboard.press("Shift+C")
        page.keyboard.type("the jaw swims")
    with served.store() as store:
        decide(store, "sam", V001, "changes_requested", "the mouth slips")
    deaf.click(".decision [value=changes_requested]")  # for the other page there is nothing left to press
    for page in (hears, deaf):
        settled(page, lambda: page.inner_text(".strip .state") == "changes requested")  # noqa: B023
        said = page.inner_text(".decision .answer")
        assert re.search(r"sam was first: changes requested.* because 'the mouth slips'.* the jaw swims", said)
        assert page.is_hidden(".decision .choices")
    with served.store() as store:
        assert about(store, V001)["decided_by"] == "sam"


def test_a_note_of_somebody_else_comes_without_reload_and_its_drawing_on_its_frame(player, served):  # noqa: F811
    page = player(one_to_one=False)
    stroke = {"colour": "#00ff00", "width_px": 6, "points": [[20.0, 20.0], [300.0, 20.0]]}
    with served.store() as store:
        add_note(store, "sam", V001, "<b>ear</b> pops", frames="1005-1006", drawing=[stroke])
    page.wait_for_selector(".notelist .text")
    assert page.inner_text(".notelist .text") == "<b>ear</b> pops"  # text, never markup
    assert "sam" in page.inner_text(".news")
    assert page.locator(".timeline .mark").get_attribute("width") == "2"
    page.keyboard.press(".")
    shows(page, 1005)
    page.keyboard.press("z")
    press(page)
    assert on_screen(page)[20, 160].tolist() == [0, 255, 0]
    page.click("text=Resolve")
    page.wait_for_selector(".notelist .done")
    with served.store() as store:
        assert notes_of(store, V001)[0]["resolved_by"] == "ana"


def test_the_help_has_every_key(player):
    page = player(one_to_one=False)
    page.keyboard.press("?")
    words = page.inner_text("dialog.help")
    for said in (
        "Play, stop",
        "Difference",
        "Follow the face",
        "Next note",
        "Request changes",
        "Next version",
        "Larger",
    ):
        assert said in words
    page.keyboard.press("Escape")
    assert not page.locator("dialog.help").is_visible()


def test_without_scripts_there_is_a_still_and_forms_that_work(logged_in, served):  # noqa: F811
    with logged_in("sam", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(served.version("v001", "?frame=1013"))
        image = page.locator("img.still")
        assert image.is_visible()
        assert picture(context.request.get(served.url + image.get_attribute("src")).body()).shape == (180, 320, 3)
        assert not page.locator(".tools").is_visible()
        page.fill("[name=text]", "written without scripts")
        page.fill("[name=frames]", "1003-1004")
        page.click("text=Save note")
        assert "written without scripts" in page.inner_text(".notelist")
    with served.store() as store:
        note = next(note for note in notes_of(store, V001) if note["author"] == "sam" and note["first_frame"] == 1003)
        assert (note["last_frame"], note["text"]) == (1004, "written without scripts")


def test_without_webgl_there_is_the_still_and_the_reason(logged_in, served):  # noqa: F811
    with logged_in("ana") as context:
        page = context.new_page()
        page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
        page.goto(served.version("v001", "?frame=1013"))
        page.wait_for_selector("img.still")
        assert "frame=1013" in page.get_attribute("img.still", "src")
        assert "no WebGL2" in page.inner_text(".without")


def test_the_frame_before_as_b_shows_what_flickers(player):
    page = player("?frame=1001&against=before&mode=difference", 1001)
    assert not on_screen(page).any()  # the first frame has none before it
    page.keyboard.press("ArrowRight")
    shows(page, 1002)
    press(page)
    assert on_screen(page).max() > 20


def test_letterbox_and_track_lie_over_the_picture(player, ana, served):  # noqa: F811
    page = player()
    page.select_option("[data-field=letterbox]", "2.39")
    press(page, "q")
    page.wait_for_selector(".landmarks[d^=M]", state="attached")
    masked = on_screen(page)
    top = (180 - 320 / 2.39) / 2  # plate pixels of a bar
    plain = still(ana, served, 1012)
    assert (masked[: int(top)] <= plain[: int(top)] * 0.1 + 2).all()
    require_same(masked[int(top) + 2 : int(top) + 12], plain[int(top) + 2 : int(top) + 12])  # above the face
    points = ana.request.get(f"{served.url}{MEDIA}/landmarks.json").json()["1012"]
    assert page.get_attribute(".landmarks", "d").count("M") == len(points)


def test_dailies_are_walked_by_keyboard(player, served):  # noqa: F811
    with served.store() as store:
        register_shot(store, "art", load_shot(served.shot_file), [2])
        set_playlist(store, "ana", "demo", "monday", [("sh0010", "v001"), ("sh0010", "v002")])
    page = player("?dailies=demo%2Fmonday", 1001, one_to_one=False)
    assert "1 of 2" in page.inner_text("nav.dailies")
    page.keyboard.press("PageDown")
    page.wait_for_url("**/v002?dailies=demo%2Fmonday")
    shows(page, 1001)
    assert "monday" in page.inner_text("nav.dailies")


def test_news_of_one_s_own_decision_before_its_answer_is_nobody_else_s(player, served):  # noqa: F811
    with served.store() as store:
        register_shot(store, "art", load_shot(served.shot_file), [2])
    page, held = player(one_to_one=False), []
    page.goto(served.version("v002"))
    page.wait_for_selector("html[data-live=on]", state="attached")
    page.route("**/decision", lambda route: held.append((route, route.fetch())))
    page.keyboard.press("Shift+A")
    page.keyboard.type("the jaw holds")
    page.keyboard.press("Control+Enter")
    settled(page, lambda: held and page.inner_text(".strip .state") == "approved")
    [(route, answer)] = held
    route.fulfill(response=answer)
    settled(page, lambda: page.is_hidden(".decision .choices"))
    assert page.inner_text(".decision .answer") == ""
