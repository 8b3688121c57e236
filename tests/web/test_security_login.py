"""Logging in: sessions, fixation, forged requests, guessing, and ways around the login."""

from __future__ import annotations

import pytest

from tests.web.conftest import BASE, BOTH, PASSWORD, browser, csrf_in, log_in
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.review import logins, people
from vfx_deepfake.review.logins import list_logins
from vfx_deepfake.review.people import set_password, set_user
from vfx_deepfake.web import limiter
from vfx_deepfake.web.limiter import Limiter
from vfx_deepfake.web.options import Options

DECISION = "/api/versions/demo/sh0010/v001/decision"
APPROVE = {"state": "approved", "why": "yes"}


def cookie_of(client) -> str:
    return client.cookies.get("review")


# --- sessions ---


def test_without_a_login_there_is_only_the_door(page):
    nobody = page()
    assert nobody.get("/people?x=1").headers["location"] == "/login?next=%2Fpeople%3Fx%3D1"
    assert nobody.get("/api/versions").status_code == 401
    assert nobody.get("/api/events/stream").status_code == 401
    assert nobody.get("/api/openapi.json").json() == {"error": "log in first"}


@pytest.mark.parametrize("engine_name", BOTH)
def test_a_login_gives_a_new_token_and_a_planted_one_is_worth_nothing(app, versions):
    victim, planted = browser(app), "A" * 43
    victim.cookies.set("review", planted, domain="127.0.0.1", path="/")
    assert log_in(victim, "ana").status_code == 303
    given = [cookie.value for cookie in victim.cookies.jar]
    assert planted not in given
    assert victim.get("/api/me").json()["user"] == "ana"
    attacker = browser(app)
    attacker.cookies.set("review", planted, domain="127.0.0.1", path="/")
    assert attacker.get("/api/me").status_code == 401


def test_two_servers_of_one_host_keep_their_logins_apart(app):
    said = log_in(browser(app, base="http://127.0.0.1:8421"), "ana").headers["set-cookie"]
    assert said.startswith("review_8421=")


def test_the_cookie_is_out_of_reach(app, app_with):
    plain = log_in(browser(app), "ana").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(plain.split("; "))
    assert "Secure" not in plain
    behind_tls = browser(
        app_with(proxy_address="10.0.0.5", hosts=("review.studio",)), base="http://review.studio", address="10.0.0.5"
    )
    behind_tls.headers["X-Forwarded-Proto"] = "https"
    said = behind_tls.get("/login").headers["set-cookie"]
    assert said.startswith("__Host-review=")
    assert "Secure" in said.split("; ")


def test_logging_out_ends_the_session_at_the_server(page):
    ana = page("ana")
    token = cookie_of(ana)
    assert ana.post("/logout").status_code == 303
    ana.cookies.set("review", token, domain="127.0.0.1", path="/")
    assert ana.get("/api/me").status_code == 401


@pytest.mark.parametrize("engine_name", BOTH)
@pytest.mark.parametrize("change", [{"role": "artist"}, {"active": False}])
def test_a_change_of_role_ends_the_sessions(page, store, versions, change):
    ana = page("ana")
    set_user(store, "boss", "ana", **change)
    assert ana.post(DECISION, json=APPROVE).status_code == 401
    set_user(store, "boss", "ana", role="supervisor", active=True)
    assert ana.get("/api/me").status_code == 401  # switching on again brings no session back


def test_a_new_password_ends_the_other_sessions(page, store):
    here, there = page("ana"), page("ana")
    form = {"present": PASSWORD, "new": "another horse", "again": "another horse"}
    assert here.post("/me/password", data={**form, "present": "wrong"}).status_code == 403
    assert here.post("/me/password", data={**form, "again": "x"}).status_code == 400
    assert there.get("/api/me").status_code == 200
    assert here.post("/me/password", data=form).headers["location"] == "/me?done=yes"
    assert (here.get("/api/me").status_code, there.get("/api/me").status_code) == (200, 401)
    set_password(store, "boss", "ana", "a third horse")
    assert here.get("/api/me").status_code == 401


@pytest.mark.parametrize("limit", ["IDLE", "LIFETIME"])
def test_sessions_end_by_themselves(page, monkeypatch, limit):
    ana = page("ana")
    assert ana.get("/api/me").status_code == 200
    monkeypatch.setattr(logins, limit, -logins.SEEN_EVERY)
    assert ana.get("/api/me").status_code == 401


def test_a_session_outlives_the_server(page, app_with):
    ana = page("ana")
    restarted = browser(app_with())
    restarted.cookies.set("review", cookie_of(ana), domain="127.0.0.1", path="/")
    assert restarted.get("/api/me").json() == ana.get("/api/me").json()


def test_the_database_holds_no_token(page, store):
    token = cookie_of(page("ana"))
    assert token.encode() not in store.place.file.read_bytes()
    assert token.encode() not in store.place.journal.read_bytes()


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/\\evil.example", "https://evil.example", "/\tx", "javascript:x"]
)
def test_a_login_leads_to_our_own_pages_only(app, wanted):
    client = browser(app)
    form = {"name": "ana", "password": PASSWORD, "csrf": csrf_in(client.get("/login")), "next": wanted}
    assert client.post("/login", data=form).headers["location"] == "/"
    assert client.get("/login", params={"next": wanted}).headers["location"] == "/"


# --- forged requests ---


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-CSRF-Token": ""}, "older than your login"),
        ({"X-CSRF-Token": "0" * 64}, "older than your login"),
        ({"X-CSRF-Token": "\u00e9".encode("latin-1")}, "older than your login"),
        ({"Origin": "https://evil.example"}, "not asked for by the review page"),
        ({"Origin": "null"}, "not asked for by the review page"),
        ({"Origin": "http://127.0.0.1:9999"}, "not asked for by the review page"),
        ({"Sec-Fetch-Site": "cross-site"}, "not asked for by the review page"),
        ({"Sec-Fetch-Site": "same-site"}, "not asked for by the review page"),
    ],
)
def test_a_forged_change_is_refused(still, headers, said):
    ana = still("ana")
    answer = ana.post(DECISION, json=APPROVE, headers=headers)
    assert answer.status_code == 403
    assert said in answer.json()["error"]
    assert ana.get(DECISION.removesuffix("/decision")).json()["state"] == "pending_review"


def test_a_token_of_somebody_else_is_refused(still):
    ana, sam = still("ana"), still("sam")
    answer = ana.post(DECISION, json=APPROVE, headers={"X-CSRF-Token": sam.headers["X-CSRF-Token"]})
    assert answer.status_code == 403


def test_a_change_without_a_token_is_refused(page, versions):
    ana = page("ana")
    token = ana.headers.pop("X-CSRF-Token")
    assert ana.post(DECISION, json=APPROVE).status_code == 403
    assert ana.post("/logout").status_code == 403
    assert ana.post(DECISION, json=APPROVE, headers={"X-CSRF-Token": token, "Origin": BASE}).status_code == 200


# --- guessing ---


def guess(client, name="ana", password="wrong wrong"):
    return client.post("/login", data={"name": name, "password": password, "csrf": csrf_in(client.get("/login"))})


def test_guessing_gets_slow_and_says_how_long(app, store):
    now = [1000.0]
    app.state.limiter = Limiter(clock=lambda: now[0])
    client = browser(app)
    assert [guess(client).status_code for _ in range(limiter.FREE + 1)] == [401] * (limiter.FREE + 1)
    refused = guess(client, password=PASSWORD)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "2"
    assert "wait 2 seconds" in refused.text
    now[0] += 2
    assert guess(client).status_code == 401
    assert guess(client).headers["retry-after"] == "4"
    now[0] += 4
    assert guess(client, password=PASSWORD).status_code == 303
    outcomes = [row["outcome"] for row in list_logins(store, limit=20)]
    assert outcomes == ["login", "too_many", "refused", "too_many", *["refused"] * (limiter.FREE + 1)]


def test_one_address_that_tries_many_names_waits_too(app):
    app.state.limiter = Limiter(clock=lambda: 1000.0)
    client = browser(app, address="10.1.1.1")
    client.headers["host"] = "127.0.0.1"
    answers = [guess(client, name=f"user{n}").status_code for n in range(limiter.FREE + 2)]
    assert answers == [401] * (limiter.FREE + 1) + [429]
    assert guess(browser(app, address="10.1.1.2"), password=PASSWORD).status_code == 303


def test_waits_grow_up_to_a_limit_and_are_forgotten():
    now = [0.0]
    limits = Limiter(clock=lambda: now[0])
    waits = []
    for _ in range(20):
        while wait := limits.attempt("ana", "10.0.0.1"):
            waits.append(wait)
            now[0] += wait
    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == limiter.LONGEST_ADDRESS_S
    now[0] += limiter.LONGEST_ADDRESS_S + limiter.FORGET_AFTER_S + 1
    assert [limits.attempt("ana", "10.0.0.1") for _ in range(3)] == [0, 0, 0]


def test_an_account_can_not_be_kept_out_for_long_and_a_network_counts_as_one_address():
    limits = Limiter(clock=lambda: 0.0)
    for host in range(60):
        limits.attempt("ana", f"10.0.0.{host}")
    assert 0 < limits.attempt("ana", "10.0.1.1") <= limiter.LONGEST_ACCOUNT_S
    for host in range(limiter.FREE + 1):
        limits.attempt(f"user{host}", f"2001:db8::{host:x}")
    assert limits.attempt("sam", "2001:db8::ffff") > 0
    assert limits.attempt("sam", "2001:db8:0:1::1") == 0


def test_memory_of_guesses_has_an_end(monkeypatch):
    monkeypatch.setattr(limiter, "MOST_KEPT", 50)
    limits = Limiter(clock=lambda: 0.0)
    for number in range(200):
        limits.attempt(f"user{number}", f"10.0.{number}.1")
    assert all(len(known) == 50 for known in limits._known.values())


def test_logins_are_on_record_without_what_was_typed_for_a_name(app, page, store):
    guess(browser(app), name="my-secret-password")
    guess(browser(app), name="sam")
    page("ana").post("/logout")
    rows = list_logins(store, limit=10)
    assert [(row["who"], row["outcome"], row["address"]) for row in rows] == [
        ("ana", "logout", "127.0.0.1"),
        ("ana", "login", "127.0.0.1"),
        ("sam", "refused", "127.0.0.1"),
        ("", "refused", "127.0.0.1"),
    ]
    boss = page("boss").get("/history/logins")
    assert "wrong name or password" in boss.text
    assert "my-secret-password" not in boss.text
    assert page("ana").get("/history/logins").status_code == 403


def test_the_record_of_logins_is_only_added_to(page, store):
    import sqlalchemy as sa

    page("ana")
    for statement in ("UPDATE logins SET who = 'x'", "DELETE FROM logins"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.aside() as session:
            session.execute(sa.text(statement))


# --- other ways in ---


@pytest.mark.parametrize(
    ("address", "base", "headers"),
    [
        ("10.0.0.9", BASE, {}),
        ("127.0.0.1", "http://192.168.1.5", {}),
        ("127.0.0.1", BASE, {"X-Forwarded-For": "10.0.0.9"}),
        ("127.0.0.1", BASE, {"Forwarded": "for=10.0.0.9"}),
        ("not an address", BASE, {}),
    ],
)
def test_single_user_mode_is_for_this_computer_alone(app_with, store, monkeypatch, address, base, headers):
    monkeypatch.setattr("vfx_deepfake.web.sessions.this_account", lambda: "ana")
    app = app_with(single_user=True, hosts=("192.168.1.5",))
    assert browser(app).get("/api/me").json()["user"] == "ana"
    assert browser(app, address="::ffff:127.0.0.1", base="http://localhost").get("/api/me").status_code == 200
    answer = browser(app, address=address, base=base).get("/api/me", headers=headers)
    assert (answer.status_code, "for one person at the computer" in answer.text) == (403, True)


def test_single_user_mode_asks_for_tokens_and_for_somebody_known(app_with, versions, monkeypatch):
    monkeypatch.setattr("vfx_deepfake.web.sessions.this_account", lambda: "ana")
    client = browser(app_with(single_user=True))
    token = client.get("/api/me").json()["csrf"]
    assert client.post(DECISION, json=APPROVE).status_code == 403
    assert client.post(DECISION, json=APPROVE, headers={"X-CSRF-Token": token}).status_code == 200
    monkeypatch.setattr("vfx_deepfake.web.sessions.this_account", lambda: "stranger")
    assert "stranger: is not known to the review database" in client.get("/api/me").json()["error"]


def test_a_proxy_is_believed_from_its_address_alone(app_with, store):
    app = app_with(proxy_header="X-Remote-User", proxy_address="10.0.0.5")
    proxy, other = browser(app, address="10.0.0.5"), browser(app, address="10.0.0.6")
    ana = {"X-Remote-User": "ana"}
    assert proxy.get("/api/me", headers=ana).json()["user"] == "ana"
    assert proxy.get("/api/me").status_code == 401
    assert other.get("/api/me", headers=ana).status_code == 401
    assert other.get("/api/me", headers={**ana, "X-Forwarded-For": "10.0.0.5"}).status_code == 401
    assert "eve: is not known" in proxy.get("/api/me", headers={"X-Remote-User": "eve"}).json()["error"]
    twice = proxy.get("/api/me", headers=[("X-Remote-User", "ana"), ("X-Remote-User", "boss")])
    assert twice.status_code == 401
    set_user(store, "boss", "ana", active=False)
    assert proxy.get("/api/me", headers=ana).status_code == 403


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"single_user": True, "proxy_header": "X-U", "proxy_address": "10.0.0.5"}, "one or the other"),
        ({"proxy_header": "X-U"}, "would believe anybody"),
        ({"proxy_header": "X U", "proxy_address": "10.0.0.5"}, "want a name such as X-Remote-User"),
        ({"proxy_address": "proxy.studio"}, "want the address the proxy calls from"),
    ],
)
def test_options_that_open_the_door_are_refused(options, said):
    with pytest.raises(ReviewError, match=said):
        Options(**options)


def test_a_login_costs_the_same_for_a_name_that_nobody_has(app, monkeypatch):
    checked, hasher = [], people.HASHER

    class Counting:
        hash = staticmethod(hasher.hash)

        def verify(self, hashed, given):
            checked.append(hashed)
            return hasher.verify(hashed, given)

    monkeypatch.setattr(people, "HASHER", Counting())
    people._nobody.cache_clear()
    guess(browser(app), name="nobody")
    guess(browser(app), name="ana")
    assert len(checked) == 2
