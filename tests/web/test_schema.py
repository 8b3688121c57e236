"""What the description of the JSON says is tried with what it allows and what it does not: never a 5xx."""

from __future__ import annotations

from contextlib import suppress

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed (extra: dev)")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.web.conftest import PASSWORD
from tests.web.running import in_a_thread, logged_in

EXAMPLES = 3  # of each operation, of what is allowed and of what is not; a longer run is made by hand: docs/review.md
UNDESCRIBED = {"/api/events/stream", "/api/openapi.json"}


def test_nothing_that_is_sent_breaks_the_server(app, versions):
    with in_a_thread(app) as url, logged_in(url, "boss", PASSWORD) as boss:
        description = boss.get("/api/openapi.json").json()
        assert {"/api/versions", "/api/playlists", "/api/dailies", "/api/events"} <= description["paths"].keys()
        assert not description["paths"].keys() & UNDESCRIBED
        schema = schemathesis.openapi.from_dict(description)
        headers = {
            "X-CSRF-Token": boss.headers["X-CSRF-Token"],
            "Cookie": "; ".join(f"{each.name}={each.value}" for each in boss.cookies.jar),
        }
        operations = [found.ok() for found in schema.get_all_operations()]
        cases = [each.as_strategy(generation_mode=mode) for each in operations for mode in GenerationMode]
        answers = [status for case in cases for status in tried(case, url, headers)]
    assert len(answers) > 100
    assert max(answers) < 500
    assert {200, 422} <= set(answers)


def tried(cases, url, headers):
    """The statuses that some cases are answered with."""
    found = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case):
        answer = case.call(base_url=url, headers=headers)
        assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text[:300]}"
        found.append(answer.status_code)

    with suppress(Unsatisfiable):  # where nothing can be given, nothing can be given wrong
        send()
    return found
